//! OAuth 2.0 and OIDC as a client of Entra-shaped token services reads them.
//!
//! The v1 endpoints write numbers as text, so every number is accepted in both spellings. Types that hold tokens have no `Debug`.

use serde::{Deserialize, Deserializer};

/// The parts of `/.well-known/openid-configuration` that a client follows.
#[derive(Debug, Clone, Deserialize)]
pub struct Discovery {
    /// Where a browser signs in.
    pub authorization_endpoint: String,
    /// Where grants become tokens.
    pub token_endpoint: String,
    /// Who the tokens will say they are from.
    pub issuer: String,
    /// Where a refresh token is given back (RFC 7009); not every service has it.
    #[serde(default)]
    pub revocation_endpoint: Option<String>,
}

/// The answer of instance discovery: where a host that is not one of Microsoft's own has its discovery document.
#[derive(Debug, Clone, Deserialize)]
pub struct Instance {
    /// The document's address.
    pub tenant_discovery_endpoint: String,
}

/// The answer of the device authorization endpoint.
#[derive(Deserialize)]
pub struct DeviceAuthorization {
    /// What the client polls with.
    pub device_code: String,
    /// What the person types.
    #[serde(default)]
    pub user_code: String,
    /// Where the person types it.
    #[serde(default, alias = "verification_url")]
    pub verification_uri: String,
    /// The sentence to show, in the service's words.
    #[serde(default)]
    pub message: String,
    /// Seconds until the code is worthless.
    #[serde(deserialize_with = "number")]
    pub expires_in: u64,
    /// Seconds between polls.
    #[serde(default = "five", deserialize_with = "number")]
    pub interval: u64,
}

/// A successful answer of the token endpoint.
#[derive(Deserialize)]
pub struct Tokens {
    /// The token for the resource.
    pub access_token: String,
    /// Its life in seconds.
    #[serde(deserialize_with = "number")]
    pub expires_in: u64,
    /// What gets the next one.
    pub refresh_token: Option<String>,
    /// Who signed in.
    pub id_token: Option<String>,
    /// What was granted, when the service says so.
    pub scope: Option<String>,
}

/// A refusal of the token or the device authorization endpoint.
#[derive(Debug, Clone, Deserialize)]
pub struct Refusal {
    /// The code of the standard, such as `invalid_grant`.
    pub error: String,
    /// The service's words; the first line begins with `AADSTS…:`.
    #[serde(default)]
    pub error_description: String,
    /// The numbers after `AADSTS`.
    #[serde(default)]
    pub error_codes: Vec<u64>,
    /// Finds the request in the service's logs.
    #[serde(default)]
    pub correlation_id: String,
    /// By how many seconds the service's clock is ahead, where that is too much: noted by whoever got the refusal.
    #[serde(skip)]
    pub clock_is_off: Option<i64>,
}

/// The realm of a user name: does the service check passwords of this person itself?
#[derive(Debug, Clone, Deserialize)]
pub struct UserRealm {
    /// `Managed`, `Federated` or `Unknown`.
    #[serde(default)]
    pub account_type: String,
}

/// What a managed identity endpoint answers. Expiry comes as text or number, absolute or relative.
#[derive(Deserialize)]
pub struct ManagedIdentityToken {
    /// The token for the resource.
    pub access_token: String,
    /// Seconds since 1970.
    #[serde(default, deserialize_with = "maybe_number")]
    pub expires_on: Option<u64>,
    /// Seconds from now.
    #[serde(default, deserialize_with = "maybe_number")]
    pub expires_in: Option<u64>,
}

/// The claims of an id token that say who signed in, read without checking it: for showing only.
#[derive(Debug, Clone, Default, Deserialize, PartialEq, Eq)]
pub struct Who {
    /// The user name as the person knows it.
    #[serde(default, alias = "upn")]
    pub preferred_username: String,
    /// The object id.
    #[serde(default)]
    pub oid: String,
    /// The tenant.
    #[serde(default)]
    pub tid: String,
}

impl Who {
    /// Reads the middle part of a JWT.
    pub fn of(jwt: &str) -> Option<Self> {
        use base64::Engine as _;
        let payload = jwt.split('.').nth(1)?;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}

fn five() -> u64 {
    5
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(u64),
    Float(f64),
    Text(String),
}

fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    maybe_number(from)?.ok_or_else(|| serde::de::Error::custom("expected a number of seconds"))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value was checked to be a small positive number"
)]
fn maybe_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Ok(match Option::<Number>::deserialize(from)? {
        Some(Number::Whole(number)) => Some(number),
        Some(Number::Float(number)) if (0.0..1e15).contains(&number) => Some(number as u64),
        None | Some(Number::Float(_)) => None,
        Some(Number::Text(text)) => text.trim().parse().ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_both_spellings() {
        let new: Tokens = serde_json::from_str(r#"{"access_token":"a","expires_in":3599}"#).expect("a number");
        let old: Tokens = serde_json::from_str(r#"{"access_token":"a","expires_in":"3599"}"#).expect("text");
        assert_eq!((new.expires_in, old.expires_in), (3599, 3599));
        assert!(serde_json::from_str::<Tokens>(r#"{"access_token":"a","expires_in":"soon"}"#).is_err());
        assert!(serde_json::from_str::<Tokens>(r#"{"access_token":"a"}"#).is_err());
    }

    #[test]
    fn an_id_token_says_who_it_is_about() {
        let who = Who::of("x.eyJvaWQiOiJvIiwicHJlZmVycmVkX3VzZXJuYW1lIjoiYW5uQGNvcnAudGVzdCJ9.x").expect("readable");
        assert_eq!((who.oid.as_str(), who.preferred_username.as_str()), ("o", "ann@corp.test"));
        assert_eq!(Who::of("no token"), None);
    }
}
