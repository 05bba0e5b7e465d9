//! How and when a person signed in, as a token carries it that an application may exchange (S-260).
//!
//! Version 2 tokens tell neither, and a session may have begun or been strengthened at another time than what is exchanged.
//! So the token itself keeps it for us, in a claim that the contract calls opaque and leaves to its maker.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entrance_model::Timestamp;
use entrance_model::directory::User;
use entrance_model::signin::{Method, SignIn, micros};
use serde::{Deserialize, Serialize};

/// The claim.
pub(crate) const CLAIM: &str = "rh";

/// The sign-in behind a token.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Behind {
    /// How the person proved who they are.
    pub(crate) how: Vec<Method>,
    /// When.
    #[serde(with = "micros")]
    pub(crate) at: Timestamp,
}

impl Behind {
    /// The value of the claim for a sign-in.
    pub(crate) fn claim(by: &SignIn) -> String {
        let behind = Self { how: by.how.clone(), at: by.at };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&behind).expect("its keys are texts"))
    }

    /// Reads the claim of a token of ours. One that has none tells the least that is possible.
    pub(crate) fn of(claim: Option<&str>, user: &User) -> Self {
        let bytes = claim.and_then(|claim| URL_SAFE_NO_PAD.decode(claim).ok());
        let read = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        read.unwrap_or_else(|| Self { how: vec![Method::Pwd], at: user.sessions_valid_from })
    }
}
