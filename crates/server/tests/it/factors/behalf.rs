use aws_lc_rs::digest;
use entrance_model::directory::{Application, Credential, Proof};
use entrance_model::id::CredentialId;
use entrance_model::signin::policy::Control;
use entrance_testkit::{Entrance, PASSWORD, minutes};
use serde_json::{Value, json};
use uuid::Uuid;

use super::enroll::demand;
use super::{CHALLENGE, REDIRECT, VERIFIER, answer, at_home, claims, number, upn, with_app};

const SECRET: &str = "Xy~8Q_a-secret-with-plenty-of-random-characters";

/// An API that takes version 2 tokens and asks for the directory in the name of who calls it.
async fn api(world: &Entrance) -> Application {
    let settle = |app: &mut Application| {
        app.is_public_client = true;
        app.token_version = 2;
        app.identifier_uris = vec!["api://shop".into()];
        app.redirects.public_client = vec!["http://localhost".into()];
        let sha256 = digest::digest(&digest::SHA256, SECRET.as_bytes());
        let sha256 = sha256.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        app.credentials.push(Credential {
            id: CredentialId::from_uuid(Uuid::new_v4()),
            display_name: None,
            start: "2025-01-01T00:00:00Z".parse().expect("a time"),
            end: "2027-01-01T00:00:00Z".parse().expect("a time"),
            proof: Proof::Secret { sha256, hint: SECRET[..3].into() },
        });
        let scope = json!({"id": Uuid::new_v4(), "isEnabled": true, "value": "use", "type": "User"});
        app.other.insert("api".into(), json!({"oauth2PermissionScopes": [scope]}));
    };
    world.application("shop", settle).await.0
}

async fn token(world: &Entrance, app: &Application, form: &[(&str, &str)]) -> Value {
    let id = app.app_id.to_string();
    let form = [&[("client_id", id.as_str())], form].concat();
    world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await.json().await.expect("JSON")
}

async fn exchange(world: &Entrance, app: &Application, called: &Value) -> Value {
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("client_secret", SECRET),
        ("assertion", called["access_token"].as_str().unwrap_or_else(|| panic!("{called}"))),
        ("requested_token_use", "on_behalf_of"),
        ("scope", "https://graph.microsoft.com/User.Read offline_access"),
    ];
    token(world, app, &form).await
}

async fn refresh(world: &Entrance, app: &Application, tokens: &Value) -> Value {
    let old = tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("{tokens}"));
    token(world, app, &[("grant_type", "refresh_token"), ("client_secret", SECRET), ("refresh_token", old)]).await
}

#[tokio::test]
async fn s_260_a_second_factor_that_was_shown_counts_for_the_middle_tier_although_its_own_token_does_not_tell() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let app = api(&world).await;
    let (mut home, _) = at_home(&world, "alice").await;
    let (totp, _) = with_app(&world, &mut home).await;
    demand(&world, Control::SecondFactor).await;
    world.sleep(minutes(1));
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("client_id", app.app_id.to_string().as_str()),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", "api://shop/use"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ])
        .finish();
    let mut browser = world.browser();
    let page = browser.get(&format!("/organizations/oauth2/v2.0/authorize?{query}")).await;
    let page = browser.sign_in(&page, &upn("alice"), PASSWORD).await;
    let page = browser.submit(&page, &[("totp", &totp.code(world.app().now()))]).await;
    let code = answer(&page)["code"].clone();
    let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)];
    let called = token(&world, &app, &form).await;
    let first = claims(&called["access_token"]);
    assert_eq!((first["ver"].as_str(), first.get("amr")), (Some("2.0"), None), "the contract's version 2 tokens tell no way");
    let tokens = exchange(&world, &app, &called).await;
    assert!(tokens.get("access_token").is_some(), "{tokens}");
    assert_eq!(claims(&tokens["access_token"])["amr"], json!(["pwd", "otp", "mfa"]));
    assert!(refresh(&world, &app, &tokens).await.get("access_token").is_some(), "and for what it keeps");
}

#[tokio::test]
async fn s_802_no_middle_tier_keeps_a_refresh_token_from_before_the_second_factor() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let app = api(&world).await;
    let name = upn("alice");
    let form = [("grant_type", "password"), ("username", &*name), ("password", PASSWORD), ("scope", "api://shop/use")];
    let called = token(&world, &app, &form).await;
    let kept = exchange(&world, &app, &called).await;
    assert!(refresh(&world, &app, &kept).await.get("access_token").is_some(), "before");
    let (mut home, _) = at_home(&world, "alice").await;
    with_app(&world, &mut home).await;
    assert_eq!(number(&refresh(&world, &app, &kept).await), 50076);
}
