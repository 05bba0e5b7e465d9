//! The token service, over TLS, as its clients use it. Tokens are verified by an independent library.

mod answers;
mod audience;
mod authorization_code;
mod checklist;
mod claims;
mod client_credentials;
mod device_code;
mod discovery;
mod give_back;
mod group_claims;
mod numbers;
mod on_behalf_of;
mod pages;
mod password;
mod pop;
mod refresh_ends;
mod refresh_token;
mod revocation;
mod signing_keys;
mod wire_rules;

use aws_lc_rs::digest;
use entrance_model::directory::{Credential, Proof};
use entrance_model::id::CredentialId;
use entrance_testkit::{Entrance, PASSWORD};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;
use uuid::Uuid;

/// Azure CLI.
pub(crate) const AZ: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
/// kubelogin.
const AKS_CLIENT: &str = "80faf920-1908-4b52-b5ef-a8e7bedfc67a";
/// The clusters.
pub(crate) const AKS: &str = "6dae42f8-4368-4678-94ff-3960e28e3630";

/// Verifies a token with the published keys and gives its claims.
pub(crate) async fn verified(world: &Entrance, token: &str) -> Value {
    let keys: JwkSet = world.get("/common/discovery/v2.0/keys").await.json().await.expect("keys");
    let header = decode_header(token).expect("a header");
    assert_eq!(header.alg, Algorithm::RS256);
    let kid = header.kid.expect("a key id");
    let key = keys.find(&kid).expect("the key is published");
    let mut validation = Validation::new(Algorithm::RS256);
    // The clock of the world stands still; its times are compared by each story.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    decode(token, &DecodingKey::from_jwk(key).expect("a key"), &validation).expect("the signature fits").claims
}

/// A secret of an application.
pub(crate) fn secret(value: &str, end: &str) -> Credential {
    let sha256 = hex(digest::digest(&digest::SHA256, value.as_bytes()).as_ref());
    credential(Proof::Secret { sha256, hint: value[..3].into() }, end)
}

pub(crate) fn credential(proof: Proof, end: &str) -> Credential {
    Credential {
        id: CredentialId::from_uuid(Uuid::new_v4()),
        display_name: None,
        start: "2025-01-01T00:00:00Z".parse().expect("a time"),
        end: end.parse().expect("a time"),
        proof,
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a text takes everything");
        hex
    })
}

/// The text of a member.
pub(crate) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("`{name}` is no text in {value}"))
}

/// Alice signs in by her password at a client.
pub(crate) async fn signs_in(world: &Entrance, client: &str, scope: &str) -> reqwest::Response {
    let form = [
        ("grant_type", "password"),
        ("client_id", client),
        ("username", "alice@contoso.example"),
        ("password", PASSWORD),
        ("scope", scope),
    ];
    world.post("/organizations/oauth2/v2.0/token", &form).await
}

/// What a refresh with nothing but the token says: 200, or the refusal.
pub(crate) async fn refreshed(world: &Entrance, client: &str, token: &str) -> (u16, String, u64) {
    let form = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)];
    let answer = world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await;
    if answer.status() == 200 { (200, String::new(), 0) } else { refusal(answer).await }
}

/// What a refused request says: status, error, first number.
pub(crate) async fn refusal(answer: reqwest::Response) -> (u16, String, u64) {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.expect("JSON");
    let number = body["error_codes"][0].as_u64().expect("a number");
    assert!(text(&body, "error_description").starts_with(&format!("AADSTS{number}: ")), "{body}");
    (status, text(&body, "error").to_owned(), number)
}

/// The parts of an address behind `?` or `#`.
fn parameters(address: &str) -> std::collections::BTreeMap<String, String> {
    let (_, query) = address.split_once(['?', '#']).expect("parameters");
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
