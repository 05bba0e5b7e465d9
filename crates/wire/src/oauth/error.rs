//! A refusal as the token endpoint says it (S-500).

use serde::Serialize;

/// The JSON of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorAnswer {
    /// The OAuth error.
    pub error: String,
    /// `AADSTS<n>: <text> Trace ID: … Correlation ID: … Timestamp: …`, printed as it is by the tools.
    pub error_description: String,
    /// The number in the text, as a number.
    pub error_codes: [u32; 1],
    /// `yyyy-MM-dd HH:mm:ssZ`.
    pub timestamp: String,
    /// Our id of the request.
    pub trace_id: String,
    /// The caller's id of it.
    pub correlation_id: String,
    /// Where the number is explained.
    pub error_uri: String,
    /// What client libraries decide by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suberror: Option<String>,
    /// What to ask for, as JSON text, to get further.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<String>,
}

/// The text of a refusal with its ids.
pub fn description(number: u32, says: &str, trace: &str, correlation: &str, timestamp: &str) -> String {
    format!("AADSTS{number}: {says} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}")
}

/// Text of a client, made fit for an error text (S-503): at most 64 characters, no control characters.
pub fn quoted(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_500_the_description_begins_with_the_number() {
        assert_eq!(
            description(50126, "They do not match.", "t", "c", "2026-01-01 00:00:00Z"),
            "AADSTS50126: They do not match. Trace ID: t Correlation ID: c Timestamp: 2026-01-01 00:00:00Z"
        );
    }

    #[test]
    fn s_503_text_of_a_client_is_cut_and_has_no_control_characters() {
        assert_eq!(quoted("a\r\nb"), "ab");
        assert_eq!(quoted(&"x".repeat(80)).len(), 64);
    }
}
