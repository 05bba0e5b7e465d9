//! Second factors, over TLS, by forms: the authenticator app and the passkeys here are made from the standards, not from our
//! own code.

mod authenticator;
mod behalf;
mod breached;
mod demanded;
mod enroll;
mod keep;
mod me;
mod passkey;
mod password;
mod reset;
mod second;
mod totp_app;

use entrance_model::directory::User;
use entrance_testkit::{Browser, Entrance, PASSWORD, Page};
use serde_json::Value;

use totp_app::TotpApp;

/// Azure CLI.
const AZ: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const REDIRECT: &str = "http://localhost:1";
/// RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The name that a person of the test signs in with.
fn upn(name: &str) -> String {
    format!("{name}@contoso.example")
}

/// An authorization request for a resource, with more parameters.
fn authorize(scope: &str, more: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("client_id", AZ),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", scope),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ])
        .extend_pairs(more)
        .finish();
    format!("/organizations/oauth2/v2.0/authorize?{query}")
}

/// Alice, as far as her password takes her.
async fn with_password(world: &Entrance, browser: &mut Browser<'_>) -> Page {
    let page = browser.get(&arm(world)).await;
    browser.sign_in(&page, &upn("alice"), PASSWORD).await
}

/// An authorization request for the resource manager.
fn arm(world: &Entrance) -> String {
    authorize(&format!("{}/arm/.default offline_access openid", world.app().base()), &[])
}

/// What the application got.
fn answer(page: &Page) -> std::collections::BTreeMap<String, String> {
    let to = page.left_to.as_deref().unwrap_or_else(|| panic!("still at {}: {}", page.path, page.html));
    let (_, query) = to.split_once('?').expect("parameters");
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// Redeems the code of an answer.
async fn redeem(world: &Entrance, page: &Page) -> Value {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", AZ),
        ("code", answer(page)["code"].as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = world.post("/organizations/oauth2/v2.0/token", &form).await;
    let body: Value = answer.json().await.expect("JSON");
    assert!(body.get("access_token").is_some(), "{body}");
    body
}

/// The claims of a token, unverified: what they are worth is tested elsewhere.
fn claims(token: &Value) -> Value {
    use base64::Engine as _;
    let part = token.as_str().expect("a token").split('.').nth(1).expect("claims");
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

/// A refresh token by name and password; `None` where a program alone is not let in.
async fn by_password(world: &Entrance, name: &str) -> Value {
    let form = [
        ("grant_type", "password"),
        ("client_id", AZ),
        ("username", &upn(name)),
        ("password", PASSWORD),
        ("scope", "openid offline_access"),
    ];
    world.post("/organizations/oauth2/v2.0/token", &form).await.json().await.expect("JSON")
}

async fn refresh(world: &Entrance, token: &str) -> Value {
    let form = [("grant_type", "refresh_token"), ("client_id", AZ), ("refresh_token", token), ("scope", "openid")];
    world.post("/organizations/oauth2/v2.0/token", &form).await.json().await.expect("JSON")
}

/// The first number of a refusal.
fn number(body: &Value) -> u64 {
    body["error_codes"][0].as_u64().unwrap_or_else(|| panic!("no refusal: {body}"))
}

/// Opens a person's own page in a new browser; signs in with name and password.
async fn at_home<'w>(world: &'w Entrance, name: &str) -> (Browser<'w>, Page) {
    let mut browser = world.browser();
    let page = browser.get("/me").await;
    assert!(page.has("signin-form"), "{}", page.html);
    let page = browser.sign_in(&page, &upn(name), PASSWORD).await;
    (browser, page)
}

/// Sets up an authenticator app on a person's own page; answers it with the recovery codes.
async fn with_app(world: &Entrance, browser: &mut Browser<'_>) -> (TotpApp, Vec<String>) {
    let page = browser.get("/me/add").await;
    let app = TotpApp::scan(&page.text("enroll-secret"));
    let code = app.code(world.app().now());
    let page = browser.submit_to(&page, "name=\"secret\"", &[("totp", &code), ("step", "totp")]).await;
    let codes = codes(&page);
    let page = browser.submit_to(&page, "name=\"codes\"", &[("kept", "1"), ("step", "codes")]).await;
    assert_eq!(page.path, "/me?done=codes");
    (app, codes)
}

/// The recovery codes on a page.
fn codes(page: &Page) -> Vec<String> {
    let list = page.html.split("data-testid=\"recovery-codes\"").nth(1).unwrap_or_else(|| panic!("no codes: {}", page.html));
    let list = &list[..list.find("</ol>").expect("a list ends")];
    list.split("<li>").skip(1).map(|item| item[..item.find('<').expect("an item ends")].to_owned()).collect()
}

/// The kinds of audit events, the newest first.
async fn told(world: &Entrance) -> Vec<String> {
    let trail = world.app().store.read().await.expect("reads").audit_trail(world.tenant, 200).await.expect("reads");
    trail.into_iter().map(|row| row.kind).collect()
}

/// The numbers of sign-in decisions, the newest first.
async fn decided(world: &Entrance) -> Vec<u32> {
    let mut reader = world.app().store.read().await.expect("reads");
    reader.authority().decisions(world.tenant, 50).await.expect("reads").into_iter().map(|row| row.code).collect()
}

/// Changes a person's entry.
async fn change(world: &Entrance, mut user: User, change: impl FnOnce(&mut User)) {
    change(&mut user);
    let mut tx = world.app().store.write().await.expect("the store writes");
    tx.directory().update_user(world.tenant, &user).await.expect("the person is there");
    tx.commit().await.expect("the store commits");
}

/// A day and more: nothing that is signed in now is signed in then.
const A_DAY: std::time::Duration = entrance_testkit::minutes(24 * 60 + 1);
