//! What somebody finds who looks a cluster over.

use serde::Serialize;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Health {
    /// As it should be.
    Ok,
    /// Works, and somebody should look.
    Warn,
    /// Does not work.
    Failed,
}

/// One line of a diagnosis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub result: Health,
    /// What was seen.
    pub message: String,
    /// What helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<&'static str>,
}

impl Finding {
    /// As it should be.
    pub fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, result: Health::Ok, message: message.into(), next_step: None }
    }

    /// Works, and somebody should look.
    pub fn warn(check: &'static str, message: impl Into<String>, next_step: &'static str) -> Self {
        Self { check, result: Health::Warn, message: message.into(), next_step: Some(next_step) }
    }

    /// Does not work.
    pub fn failed(check: &'static str, message: impl Into<String>, next_step: &'static str) -> Self {
        Self { check, result: Health::Failed, message: message.into(), next_step: Some(next_step) }
    }
}
