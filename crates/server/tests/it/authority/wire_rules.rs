//! S-010, S-013, S-022, S-027, S-501, S-502, S-903, S-906: what clients rely on without saying so.

use entrance_testkit::{Entrance, PASSWORD};
use serde_json::Value;

use super::{AKS, AZ, refusal, text, verified};

fn by_name<'f>(scope: &'f str, password: &'f str) -> [(&'f str, &'f str); 5] {
    [
        ("grant_type", "password"),
        ("client_id", AZ),
        ("username", "alice@contoso.example"),
        ("password", password),
        ("scope", scope),
    ]
}

#[tokio::test]
async fn s_010_paths_compare_in_any_case_and_parameters_do_not() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let tenant = world.tenant.to_string().to_uppercase();
    for path in ["/Common/V2.0/.Well-Known/OpenID-Configuration".to_owned(), format!("/{tenant}/Discovery/V2.0/Keys")] {
        assert_eq!(world.get(&path).await.status(), 200, "{path}");
    }
    let answer = world.post(&format!("/{tenant}/OAuth2/v2.0/Token"), &by_name("openid", PASSWORD)).await;
    assert_eq!(answer.status(), 200);
    let answer = world.post("/common/oauth2/v2.0/token", &[("Grant_Type", "password")]).await;
    assert_eq!(refusal(answer).await.2, 900_144, "`Grant_Type` is another parameter");
}

#[tokio::test]
async fn s_013_there_is_no_door_without_tls() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let world = Entrance::start().await;
    let address = world.app().base().trim_start_matches("https://").to_owned();
    let mut plain = tokio::net::TcpStream::connect(address.replace("localhost", "127.0.0.1")).await.expect("connects");
    plain.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("writes");
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn s_022_the_issuer_has_the_origin_that_was_asked() {
    let world = Entrance::start().await;
    let base = world.app().base();
    for segment in [world.tenant.to_string(), "contoso.example".into(), "common".into()] {
        for version in ["v2.0/", ""] {
            let path = format!("/{segment}/{version}.well-known/openid-configuration");
            let document: Value = world.get(&path).await.json().await.expect("JSON");
            assert!(text(&document, "issuer").starts_with(&format!("{base}/")), "{path}");
            for member in ["authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint", "userinfo_endpoint"] {
                assert!(text(&document, member).starts_with(&format!("{base}/")), "{path} {member}");
            }
        }
    }
}

#[tokio::test]
async fn s_027_every_token_is_signed_with_rs256_by_a_key_that_is_published() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let body = by_name("https://graph.microsoft.com/.default openid", PASSWORD);
    let answer: Value = world.post("/organizations/oauth2/v2.0/token", &body).await.json().await.expect("JSON");
    for token in ["access_token", "id_token"] {
        verified(&world, text(&answer, token)).await;
        let header = jsonwebtoken::decode_header(text(&answer, token)).expect("a header");
        assert!(header.typ.as_deref() == Some("JWT") && header.jku.is_none() && header.jwk.is_none());
    }
}

#[tokio::test]
async fn s_501_and_s_502_a_refusal_can_be_kept_and_says_what_helps() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let refused: Value =
        world.post("/organizations/oauth2/v2.0/token", &by_name("openid", "wrong")).await.json().await.expect("JSON");
    let mut members: Vec<&str> = refused.as_object().expect("an object").keys().map(String::as_str).collect();
    members.sort_unstable();
    let known = ["correlation_id", "error", "error_codes", "error_description", "error_uri", "suberror", "timestamp", "trace_id"];
    assert!(members.iter().all(|member| known.contains(member)), "nothing in it is good once: {members:?}");
    assert!(!refused.to_string().contains("alice"), "S-503: and nobody is named");
    // Each refusal of a grant that a person can heal tells a library so.
    for number in [50_034, 50_076, 50_079, 50_173, 65_001, 70_043] {
        let entry = entrance_model::signin::Aadsts::lookup(number).expect("it is in the catalogue");
        let interacts = ["interaction_required", "consent_required", "login_required"].contains(&entry.error.as_str());
        assert!(interacts || entry.suberror.is_some() || entry.error == "invalid_grant", "{number}");
    }
}

#[tokio::test]
async fn s_903_graph_is_known_with_any_number_of_slashes() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let base = world.app().base().to_owned();
    for graph in [base.clone(), format!("{base}/"), format!("{base}//"), "https://graph.microsoft.com/".into()] {
        let answer = world.post("/organizations/oauth2/v2.0/token", &by_name(&format!("{graph}/.default"), PASSWORD)).await;
        let body: Value = answer.json().await.expect("JSON");
        let token = text(&body, "access_token");
        let me = world.client.get(world.url("/v1.0/me")).bearer_auth(token).send().await.expect("answers");
        assert_eq!(me.status(), 200, "{graph}");
    }
}

#[tokio::test]
async fn s_906_and_s_907_a_verifier_of_v1_tokens_finds_its_keys_and_names_where_it_looks() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let scope = format!("{AKS}/.default");
    let body = by_name(&scope, PASSWORD);
    let answer: Value = world.post("/organizations/oauth2/v2.0/token", &body).await.json().await.expect("JSON");
    let claims = verified(&world, text(&answer, "access_token")).await;
    let issuer = text(&claims, "iss");
    let found = world.client.get(format!("{issuer}.well-known/openid-configuration")).send().await.expect("answers");
    let document: Value = found.json().await.expect("JSON");
    assert_eq!((text(&document, "issuer"), text(&claims, "aud")), (issuer, AKS));
    assert!(!text(&document, "msgraph_host").is_empty());
    let keys: Value = world.client.get(text(&document, "jwks_uri")).send().await.expect("answers").json().await.expect("JSON");
    let kid = jsonwebtoken::decode_header(text(&answer, "access_token")).expect("a header").kid;
    assert!(keys["keys"].as_array().is_some_and(|keys| keys.iter().any(|key| key["kid"].as_str() == kid.as_deref())));
    assert_eq!(text(&claims, "upn"), "alice@contoso.example");
}
