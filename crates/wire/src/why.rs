//! `GET /me/why`: why a cluster does not let a token in, asked by whoever holds it.

use serde::{Deserialize, Serialize};

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Why {
    /// Whether a review would let the token in now.
    pub allowed: bool,
    /// The check that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// One word for the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The reason in words; never a part of the token.
    pub message: String,
    /// What helps, as a word for programs: `signIn` means that this token is of no use any more and another one may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// What helps, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// When it was looked at, RFC 3339.
    pub at: String,
}

impl Why {
    /// Whether only another token helps.
    pub fn asks_for_another_token(&self) -> bool {
        !self.allowed && self.action.as_deref() == Some(SIGN_IN)
    }
}

/// The word of [`Why::action`] for a token that is of no use any more.
pub const SIGN_IN: &str = "signIn";
