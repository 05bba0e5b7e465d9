//! Signing in: codes, device codes, refresh tokens, sessions, lock-outs, and who may ask for what.
//!
//! Every state here moves by consuming itself and is kept by the store with a compare-and-swap, so that nothing is
//! redeemed twice. Hashing, signing and randomness happen outside; their results come in as arguments.

pub mod aadsts;
pub mod agent;
pub mod authorize;
pub mod claims_request;
pub mod client;
pub mod code;
pub mod consent;
pub mod device;
pub mod factors;
pub mod federation;
pub mod groups;
pub mod keys;
pub mod lockout;
pub mod managed_identity;
pub mod manifest;
pub mod network;
pub mod one_time_code;
pub mod permission;
pub mod pkce;
pub mod policy;
pub mod redirect;
pub mod refresh;
pub mod resource;
pub mod revocation;
pub mod scope;
pub mod session;
pub mod steps;
pub mod temporary_pass;

pub use aadsts::Aadsts;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{SessionId, UserId};

/// How a person proved who they are (`amr`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Password.
    Pwd,
    /// Passkey.
    Fido,
    /// One-time password.
    Otp,
    /// More than one factor.
    Mfa,
}

/// A finished sign-in of a person: who, when and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// The person.
    pub user: UserId,
    /// When they proved who they are.
    #[serde(with = "micros")]
    pub at: Timestamp,
    /// How.
    pub how: Vec<Method>,
    /// The session it belongs to; ending that ends what came from it.
    pub session: SessionId,
}

/// Which generation of endpoint was asked; answers differ in shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Endpoint {
    /// `/oauth2/…`: `resource`, numbers as text.
    V1,
    /// `/oauth2/v2.0/…`: `scope`.
    V2,
}

/// Times as microseconds, in stored states.
pub mod micros {
    use jiff::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    /// Writes a time.
    pub fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(at.as_microsecond())
    }

    /// Reads a time.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        Timestamp::from_microsecond(i64::deserialize(from)?).map_err(D::Error::custom)
    }
}
