//! The points of the OAuth security checklist that belong to no single grant, and rules that hold for every answer.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use entrance_model::signin::Aadsts;
use entrance_testkit::{Entrance, PASSWORD};
use serde_json::Value;
use uuid::Uuid;

use super::{AZ, parameters, refusal, text};

const STATE: &str = "\"><script>alert(1)</script>&'";

fn authorize(change: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("client_id", AZ),
            ("response_type", "code"),
            ("redirect_uri", "http://localhost:41234"),
            ("scope", "openid"),
            ("state", STATE),
            ("nonce", "a-nonce-of-the-application"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
        ])
        .extend_pairs(change)
        .finish();
    format!("/organizations/oauth2/v2.0/authorize?{query}")
}

/// What a server answers to bytes on its port, until it closes the connection.
fn answered(at: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(at).expect("somebody listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
    stream.write_all(bytes).expect("the bytes are taken");
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("the connection stays open: {error}"),
        _ => answer,
    }
}

/// A `ClientHello` that offers nothing newer than the version (RFC 5246 7.4.1.2), with suites that TLS 1.0 knew.
fn hello(version: [u8; 2]) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend([7; 32]); // random
    body.extend([0]); // no session
    body.extend([0, 4, 0xC0, 0x14, 0x00, 0x2F]);
    body.extend([1, 0]); // no compression
    let length = |n: usize| u16::try_from(n).expect("a short message").to_be_bytes();
    let mut message = vec![1, 0];
    message.extend(length(body.len()));
    message.extend(body);
    let mut record = vec![22, 3, 1];
    record.extend(length(message.len()));
    record.extend(message);
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn s_013_and_o_17_plain_http_and_old_tls_get_no_answer() {
    let world = Entrance::start().await;
    let port = url::Url::parse(world.app().base()).expect("an address").port().expect("a port");
    let at = SocketAddr::from(([127, 0, 0, 1], port));
    let asked = b"GET /common/discovery/v2.0/keys HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let plain = tokio::task::spawn_blocking(move || answered(at, asked)).await.expect("it ends");
    assert!(!plain.windows(5).any(|part| part == b"HTTP/" || part == b"\"keys"), "{plain:?}");
    for version in [[3, 0], [3, 1], [3, 2]] {
        let old = tokio::task::spawn_blocking(move || answered(at, &hello(version))).await.expect("it ends");
        assert!(old.first().is_none_or(|kind| *kind == 21), "TLS {version:?} is answered with an alert: {old:?}");
    }
    let new = world.get("/common/discovery/v2.0/keys").await;
    assert_eq!(new.headers()["strict-transport-security"], "max-age=31536000");
}

#[tokio::test]
async fn s_010_paths_compare_without_regard_to_case_and_names_of_parameters_do_not() {
    let world = Entrance::start().await;
    let realm: Value = world.get("/Common/UserRealm/alice@contoso.example?api-version=1.0").await.json().await.expect("JSON");
    assert_eq!(text(&realm, "account_type"), "Managed");
    let post = async |name: &str| refusal(world.post("/COMMON/OAuth2/V2.0/TOKEN", &[(name, "urn:nothing")]).await).await.2;
    assert_eq!(post("Grant_Type").await, 900_144, "another name");
    assert_ne!(post("grant_type").await, 900_144, "the grant is read; something else is missing");
}

#[tokio::test]
async fn s_017_every_answer_carries_its_ids() {
    let world = Entrance::start().await;
    let mine = Uuid::new_v4();
    for path in ["/common/discovery/v2.0/keys", "/devicelogin", "/nothere.example/discovery/keys", "/v1.0/me", "/nothing"] {
        let ask =
            async |id: &str| world.client.get(world.url(path)).header("client-request-id", id).send().await.expect("answers");
        let answer = ask(&mine.to_string()).await;
        assert!(answer.headers()["x-ms-request-id"].to_str().is_ok_and(|id| id.parse::<Uuid>().is_ok()), "{path}");
        assert_eq!(answer.headers()["client-request-id"], mine.to_string(), "{path}");
        let odd = ask("not-a-guid").await;
        // Graph repeats whatever it was sent (G-005).
        assert!(path.starts_with("/v1.0") || !odd.headers().contains_key("client-request-id"), "{path}");
    }
    let refused: Value = {
        let request = world.client.post(world.url("/common/oauth2/v2.0/token")).header("client-request-id", mine.to_string());
        request.send().await.expect("answers").json().await.expect("JSON")
    };
    assert_eq!(text(&refused, "correlation_id"), mine.to_string());
    assert!(text(&refused, "trace_id").parse::<Uuid>().is_ok());
}

#[tokio::test]
async fn s_018_and_o_19_no_header_of_a_request_changes_an_address_of_ours() {
    let world = Entrance::start().await;
    let path = "/common/v2.0/.well-known/openid-configuration";
    let plain: Value = world.get(path).await.json().await.expect("JSON");
    let mut told = world.client.get(world.url(path));
    for name in ["x-forwarded-host", "x-forwarded-proto", "x-forwarded-prefix", "forwarded", "x-original-url", "x-host"] {
        told = told.header(name, "evil.example");
    }
    assert_eq!(told.send().await.expect("answers").json::<Value>().await.expect("JSON"), plain);
    for host in ["evil.example", "localhost.evil.example", "evil.example:443"] {
        let answer = world.client.get(world.url(path)).header("host", host).send().await.expect("answers");
        assert_eq!(answer.status(), 421, "{host}");
        assert!(!answer.text().await.expect("a body").contains("evil.example"));
    }
}

#[tokio::test]
async fn s_022_the_issuer_has_the_origin_of_the_authority() {
    let world = Entrance::start().await;
    for path in ["/common/v2.0/.well-known/openid-configuration", "/common/.well-known/openid-configuration"] {
        let document: Value = world.get(path).await.json().await.expect("JSON");
        for (name, value) in document.as_object().expect("an object") {
            if name == "issuer" || name.ends_with("_endpoint") || name == "jwks_uri" {
                let address =
                    url::Url::parse(&value.as_str().expect("an address").replace("{tenantid}", "x")).expect("an address");
                assert_eq!(address.origin().ascii_serialization(), world.app().base(), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn s_112_the_native_clients_page_is_blank() {
    let world = Entrance::start().await;
    let answer = world.get("/common/oauth2/nativeclient").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text().await.expect("a body"), "");
}

#[tokio::test]
async fn o_10_after_a_password_a_browser_is_sent_on_with_303_only() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let page = browser.get(&authorize(&[])).await;
    let (flow, csrf) = (page.field("flow").expect("a flow"), page.field("csrf").expect("a proof"));
    let form = [("flow", flow.as_str()), ("csrf", &csrf), ("login", "alice@contoso.example"), ("passwd", PASSWORD)];
    let cookie = format!("__Host-entrance-flow={}", browser.cookie("__Host-entrance-flow").expect("a cookie"));
    let answer = world.client.post(world.url("/signin")).header("cookie", cookie).form(&form).send().await.expect("answers");
    assert_eq!(answer.status(), 303);
    let to = answer.headers()["location"].to_str().expect("an address");
    assert!(to.starts_with('/') && !to.starts_with("//"), "{to}");
}

#[tokio::test]
async fn o_13_no_secret_and_nothing_of_the_application_stands_in_an_address_of_ours() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let page = browser.get(&authorize(&[("login_hint", "alice@contoso.example"), ("response_mode", "form_post")])).await;
    for told in ["alice", "a-nonce", "script", AZ, "E9Melhoa", "localhost"] {
        assert!(!page.path.contains(told), "{told} in {}", page.path);
    }
    let done = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    let code = done.field("code").expect("a code");
    assert!(!done.path.contains(&code) && !done.path.contains("alice"), "{}", done.path);
    assert_eq!(done.headers["referrer-policy"], "no-referrer");
    assert_eq!(done.headers["cache-control"], "no-store");
    let log = world.app().store.read().await.expect("reads").authority().decisions(world.tenant, 50).await.expect("the log");
    assert!(!log.is_empty());
    let told = format!("{log:?}");
    assert!(!told.contains(&code) && !told.contains(PASSWORD), "{told}");
}

#[tokio::test]
async fn o_14_a_form_post_answer_escapes_what_the_application_sent() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let page = browser.get(&authorize(&[("response_mode", "form_post")])).await;
    let done = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    assert!(!done.html.contains("<script>alert"), "{}", done.html);
    assert_eq!(done.field("state").as_deref(), Some(STATE), "verbatim for the application (S-104)");
}

#[tokio::test]
async fn o_04_the_answer_names_its_issuer_against_mix_up() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let page = browser.get(&authorize(&[])).await;
    let done = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    let answer = parameters(done.left_to.as_deref().expect("an answer"));
    assert_eq!(answer["iss"], format!("{}/{}/v2.0", world.app().base(), world.tenant));
    let wrong = browser.get(&authorize(&[("scope", "\"x")]).replacen("scope=openid&", "", 1)).await;
    let refused = parameters(wrong.left_to.as_deref().expect("an answer"));
    assert_eq!(refused["iss"], answer["iss"], "refusals, too: {refused:?}");
    let document: Value = world.get("/common/v2.0/.well-known/openid-configuration").await.json().await.expect("JSON");
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
}

#[tokio::test]
async fn s_501_the_same_refusal_again_differs_in_nothing_but_its_ids_and_time() {
    let world = Entrance::start().await;
    let ask = async || {
        let form = [("grant_type", "refresh_token"), ("client_id", AZ), ("refresh_token", "1.nothing")];
        let mut refused: Value = world.post("/organizations/oauth2/v2.0/token", &form).await.json().await.expect("JSON");
        let members = refused.as_object_mut().expect("an object");
        for once in ["trace_id", "correlation_id", "timestamp"] {
            members.remove(once).expect(once);
        }
        let description = members["error_description"].as_str().expect("words").to_owned();
        members.insert("error_description".into(), description.split(" Trace ID").next().expect("words").into());
        refused
    };
    assert_eq!(ask().await, ask().await);
}

#[tokio::test]
async fn s_502_a_refusal_that_a_person_can_answer_tells_the_client_so() {
    // MSAL for Node takes a plain `invalid_grant` for a hard failure.
    for (number, word) in [
        (Aadsts::InvalidPasswordExpiredPassword, "user_password_expired"),
        (Aadsts::UserStrongAuthClientAuthNRequired, "basic_action"),
        (Aadsts::UserStrongAuthEnrollmentRequired, "basic_action"),
        (Aadsts::FreshTokenNeeded, "bad_token"),
        (Aadsts::BadTokenDueToSignInFrequency, "bad_token"),
        (Aadsts::DelegationDoesNotExist, "consent_required"),
        (Aadsts::BlockedByConditionalAccess, "message_only"),
    ] {
        assert_eq!(number.entry().suberror.as_deref(), Some(word), "{}", number.entry().code);
    }
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let form = [
        ("grant_type", "password"),
        ("client_id", AZ),
        ("username", alice.upn.as_str()),
        ("password", PASSWORD),
        ("scope", "https://management.azure.com/.default offline_access"),
    ];
    let tokens: Value = world.post("/organizations/oauth2/v2.0/token", &form).await.json().await.expect("JSON");
    world.sleep(entrance_testkit::minutes(1));
    let revoked = world.graph(&world.graph_token(&alice), "POST", "/v1.0/me/revokeSignInSessions", Value::Null).await;
    assert_eq!(revoked.status, 200);
    let form = [("grant_type", "refresh_token"), ("client_id", AZ), ("refresh_token", text(&tokens, "refresh_token"))];
    let refused: Value = world.post("/organizations/oauth2/v2.0/token", &form).await.json().await.expect("JSON");
    assert_eq!((&refused["error_codes"][0], &refused["suberror"]), (&50_173.into(), &"bad_token".into()), "{refused}");
}
