//! Who is kept out and why: policies, pauses after wrong tries, the log of it all, and tenants that know nothing of each other.

mod isolation;
mod lines;
mod lockout;
mod log;
mod memory;
mod policies;
mod rules;
mod strangers;

use aws_lc_rs::digest;
use entrance_model::directory::{Credential, Proof, User};
use entrance_model::id::CredentialId;
use entrance_testkit::{Answer, Entrance, PASSWORD};
use serde_json::{Value, json};
use uuid::Uuid;

/// Azure CLI.
const AZ: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
/// The clusters.
const AKS: &str = "6dae42f8-4368-4678-94ff-3960e28e3630";
/// The directory.
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
/// The resource manager.
const ARM: &str = "797f4846-ba00-4fd7-ba43-dac1f8f63013";
const SECRET: &str = "Xy~8Q_a-secret-with-plenty-of-random-characters";

const POLICIES: &str = "/v1.0/identity/conditionalAccess/policies";
const LOCATIONS: &str = "/v1.0/identity/conditionalAccess/namedLocations";
const RULES: &str = "/v1.0/entrance/signInRules";

/// A world with an administrator, and their directory token.
async fn world() -> (Entrance, String) {
    let world = Entrance::start().await;
    let token = administrator(&world).await;
    (world, token)
}

async fn administrator(world: &Entrance) -> String {
    let admin = world.directory_admin("root").await;
    world.graph_token(&admin)
}

/// A policy about these people that does this, for everything they ask for.
fn policy(name: &str, users: &Value, grant: &Value) -> Value {
    json!({
        "displayName": name, "state": "enabled",
        "conditions": {"clientAppTypes": ["all"], "applications": {"includeApplications": ["All"]}, "users": users},
        "grantControls": grant,
    })
}

fn only(user: &User) -> Value {
    json!({"includeUsers": [user.id]})
}

fn block() -> Value {
    json!({"operator": "OR", "builtInControls": ["block"]})
}

fn mfa() -> Value {
    json!({"operator": "OR", "builtInControls": ["mfa"]})
}

/// Makes a policy, and gives its id.
async fn made(world: &Entrance, token: &str, policy: Value) -> String {
    let answer = world.graph(token, "POST", POLICIES, policy).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.text("id")
}

async fn patched(world: &Entrance, token: &str, path: &str, body: Value) -> Answer {
    let answer = world.graph(token, "PATCH", path, body).await;
    assert!(answer.status < 300, "{}", answer.body);
    answer
}

async fn token_request(world: &Entrance, form: &[(&str, &str)]) -> (u16, Value) {
    let answer = world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), form).await;
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

/// The number of a refusal, 0 for tokens.
fn number(answer: &(u16, Value)) -> u64 {
    if answer.0 == 200 { 0 } else { answer.1["error_codes"][0].as_u64().unwrap_or_else(|| panic!("{}", answer.1)) }
}

async fn by_password(world: &Entrance, name: &str, password: &str, scope: &str) -> (u16, Value) {
    let name = format!("{name}@contoso.example");
    let form = [("grant_type", "password"), ("client_id", AZ), ("username", &name), ("password", password), ("scope", scope)];
    token_request(world, &form).await
}

/// The refresh token of a person who signed in.
async fn refresh_token(world: &Entrance, name: &str) -> String {
    let answer = by_password(world, name, PASSWORD, "openid offline_access").await;
    answer.1["refresh_token"].as_str().unwrap_or_else(|| panic!("{}", answer.1)).to_owned()
}

async fn refresh(world: &Entrance, token: &str) -> (u16, Value) {
    let form = [("grant_type", "refresh_token"), ("client_id", AZ), ("refresh_token", token), ("scope", "openid offline_access")];
    token_request(world, &form).await
}

async fn by_secret(world: &Entrance, app: &str, secret: &str) -> (u16, Value) {
    let scope = format!("{AKS}/.default");
    let form = [("grant_type", "client_credentials"), ("client_id", app), ("client_secret", secret), ("scope", scope.as_str())];
    token_request(world, &form).await
}

/// The secret of an application.
fn credential() -> Credential {
    let sha256 = digest::digest(&digest::SHA256, SECRET.as_bytes());
    let sha256 = sha256.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    Credential {
        id: CredentialId::from_uuid(Uuid::new_v4()),
        display_name: None,
        start: "2025-01-01T00:00:00Z".parse().expect("a time"),
        end: "2027-01-01T00:00:00Z".parse().expect("a time"),
        proof: Proof::Secret { sha256, hint: SECRET[..3].into() },
    }
}

/// An authorization request of az for the directory.
fn authorize(world: &Entrance, more: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("client_id", AZ)
        .append_pair("response_type", "code")
        .append_pair("redirect_uri", "http://localhost:41234")
        .append_pair("scope", "openid offline_access")
        .append_pair("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
        .append_pair("code_challenge_method", "S256")
        .extend_pairs(more);
    format!("/{}/oauth2/v2.0/authorize?{}", world.tenant, query.finish())
}

async fn redeem(world: &Entrance, code: &str) -> (u16, Value) {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", AZ),
        ("code", code),
        ("redirect_uri", "http://localhost:41234"),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    ];
    token_request(world, &form).await
}

/// The parameters that an application was sent.
fn sent(address: Option<&str>) -> std::collections::BTreeMap<String, String> {
    let (_, query) = address.and_then(|address| address.split_once('?')).expect("parameters");
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
