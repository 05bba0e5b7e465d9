//! An error as Kubernetes writes it (`meta/v1` `Status`).

use serde::Serialize;

/// Why a request was not answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status<'a> {
    kind: &'static str,
    api_version: &'static str,
    #[serde(rename = "status")]
    outcome: &'static str,
    message: &'a str,
    reason: &'static str,
    code: u16,
}

impl<'a> Status<'a> {
    /// An error with its HTTP status, the reason as one word, and a sentence.
    pub const fn new(code: u16, reason: &'static str, message: &'a str) -> Self {
        Self { kind: "Status", api_version: "v1", outcome: "Failure", message, reason, code }
    }

    /// The JSON text.
    pub fn to_json(&self) -> Vec<u8> {
        // Text and numbers can always be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
