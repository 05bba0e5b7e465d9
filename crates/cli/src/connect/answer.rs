//! What a server says when it does not do it.

use anyhow::anyhow;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// The server refused, in the words of its wire (the resource manager's and the directory's errors have one shape).
#[derive(Debug, thiserror::Error)]
#[error("{message} ({code}{})", .request.as_deref().map(|id| format!(", request {id}")).unwrap_or_default())]
pub(crate) struct Refused {
    /// The status of the answer.
    pub(crate) status: StatusCode,
    /// The word for programs.
    pub(crate) code: String,
    /// What is wrong where, when it is wrong in several places.
    pub(crate) details: Vec<(String, String)>,
    message: String,
    request: Option<String>,
}

impl Refused {
    pub(super) fn of(status: StatusCode, headers: &HeaderMap, text: &str) -> Self {
        let body: Value = serde_json::from_str(text).unwrap_or_default();
        let part = |name: &str| body["error"][name].as_str().map(str::to_owned);
        let request = ["x-ms-request-id", "request-id"].iter().find_map(|name| headers.get(*name)?.to_str().ok());
        let text = |value: &Value| entrance_client::printable(value.as_str().unwrap_or_default()).into_owned();
        let details = body["error"]["details"].as_array().into_iter().flatten();
        let reason = || format!("the server answered {status} and gave no reason");
        Self {
            status,
            code: part("code").unwrap_or_else(|| status.as_u16().to_string()),
            details: details.map(|one| (text(&one["target"]), text(&one["message"]))).collect(),
            message: part("message").map_or_else(reason, |message| entrance_client::printable(message.trim()).into_owned()),
            request: request.map(str::to_owned),
        }
    }
}

/// The server could not be reached at all.
pub(super) fn unreachable(base: &str, error: reqwest::Error) -> anyhow::Error {
    let hint = if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_connect() {
        "is it running, and does `--ca` name the authority of its certificate?"
    } else {
        "the connection broke"
    };
    anyhow!(error).context(format!("{base} cannot be reached: {hint}"))
}
