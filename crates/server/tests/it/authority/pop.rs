//! S-430: tokens that are bound to a key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entrance_testkit::{Entrance, PASSWORD};
use serde_json::{Value, json};

use super::{AKS, AKS_CLIENT, refusal, secret, text, verified};

const SECRET: &str = "Xy~8Q_a-secret-with-plenty-of-random-characters";
const KID: &str = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";

pub(super) fn confirmation(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

async fn ask(world: &Entrance, form: &[(&str, &str)]) -> reqwest::Response {
    world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), form).await
}

#[tokio::test]
async fn s_430_people_and_applications_get_tokens_bound_to_their_key_and_keep_it_at_a_refresh() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (app, _) = world.application("pipeline", |app| app.credentials.push(secret(SECRET, "2027-01-01T00:00:00Z"))).await;
    let (id, bound) = (app.app_id.to_string(), confirmation(&json!({"kid": KID, "xms_ksl": "sw"})));
    let (scope, offline) = (format!("{AKS}/.default"), format!("{AKS}/.default openid offline_access"));
    let key = [("token_type", "pop"), ("req_cnf", bound.as_str())];
    let application = [("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", SECRET), ("scope", &scope)];
    let person = [
        ("grant_type", "password"),
        ("client_id", AKS_CLIENT),
        ("username", "alice@contoso.example"),
        ("password", PASSWORD),
        ("scope", &offline),
    ];
    let mut refresh = String::new();
    for form in [&application[..], &person[..]] {
        let answer: Value = ask(&world, &[form, &key].concat()).await.json().await.expect("JSON");
        assert_eq!(text(&answer, "token_type"), "pop", "{answer}");
        let claims = verified(&world, text(&answer, "access_token")).await;
        assert_eq!(claims["cnf"], json!({"kid": KID}));
        refresh = answer["refresh_token"].as_str().unwrap_or_default().to_owned();
    }
    let again = [("grant_type", "refresh_token"), ("client_id", AKS_CLIENT), ("refresh_token", &refresh), ("scope", &scope)];
    let answer: Value = ask(&world, &[&again[..], &key].concat()).await.json().await.expect("JSON");
    assert_eq!(verified(&world, text(&answer, "access_token")).await["cnf"]["kid"], KID);
    // Without the request for it a token is a plain one.
    let answer: Value = ask(&world, &application).await.json().await.expect("JSON");
    assert_eq!(text(&answer, "token_type"), "Bearer");
    assert!(verified(&world, text(&answer, "access_token")).await.get("cnf").is_none());
}

#[tokio::test]
async fn s_430_a_key_that_could_never_be_proved_is_refused() {
    let world = Entrance::start().await;
    let (app, _) = world.application("pipeline", |app| app.credentials.push(secret(SECRET, "2027-01-01T00:00:00Z"))).await;
    let (id, scope) = (app.app_id.to_string(), format!("{AKS}/.default"));
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", SECRET),
        ("scope", &scope),
        ("token_type", "pop"),
    ];
    assert_eq!(refusal(ask(&world, &form).await).await, (400, "invalid_request".into(), 135_010), "no `req_cnf`");
    for (bad, why) in [
        ("%%%".to_owned(), "no base64url"),
        (URL_SAFE_NO_PAD.encode("no JSON"), "no JSON"),
        (confirmation(&json!({"kid": 7})), "no text"),
        (confirmation(&json!({"kid": ""})), "empty"),
        (confirmation(&json!({"kid": "short"})), "no thumbprint"),
        (confirmation(&json!({"kid": format!("{KID}A")})), "too long"),
        (confirmation(&json!({"jwk": {"kty": "RSA"}})), "no key id"),
        ("A".repeat(9000), "a book"),
    ] {
        let form = [&form[..], &[("req_cnf", bad.as_str())]].concat();
        assert_eq!(refusal(ask(&world, &form).await).await, (400, "invalid_request".into(), 135_010), "{why}");
    }
}

#[tokio::test]
async fn s_431_a_bound_token_opens_no_api_of_ours_without_its_proof() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let form = [
        ("grant_type", "password"),
        ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"),
        ("username", "alice@contoso.example"),
        ("password", PASSWORD),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let bound = confirmation(&json!({"kid": KID}));
    for (key, status) in [(&[][..], 200), (&[("token_type", "pop"), ("req_cnf", bound.as_str())][..], 401)] {
        let answer: Value = ask(&world, &[&form[..], key].concat()).await.json().await.expect("JSON");
        let me = world.client.get(world.url("/v1.0/me")).bearer_auth(text(&answer, "access_token")).send().await;
        assert_eq!(me.expect("answers").status(), status);
    }
}
