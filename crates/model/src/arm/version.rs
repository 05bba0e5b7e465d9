//! The `api-version` parameter.

use std::fmt;
use std::str::FromStr;

/// The text is no API version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no API version; one looks like `2026-06-01` or `2026-06-01-preview`")]
pub struct BadApiVersion(String);

/// A well-formed API version: a day, perhaps with `-preview`.
///
/// The shape of answers does not depend on it, and clients are years apart, so any day is accepted.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiVersion(String);

impl ApiVersion {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ApiVersion {
    type Err = BadApiVersion;

    fn from_str(text: &str) -> Result<Self, BadApiVersion> {
        let bad = || BadApiVersion(text.chars().take(40).collect());
        let (day, rest) = text.split_at_checked(10).ok_or_else(bad)?;
        let word = rest.strip_prefix('-').unwrap_or(rest);
        let rest_ok = rest.is_empty()
            || (word.len() < rest.len() && (1..=20).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphanumeric()));
        let is_written = day.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
        let day_ok = is_written && day.parse::<jiff::civil::Date>().is_ok();
        if day_ok && rest_ok { Ok(Self(text.to_ascii_lowercase())) } else { Err(bad()) }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_007_any_day_is_a_version_and_anything_else_is_none() {
        for text in ["2016-03-30", "2026-06-01", "2026-04-02-preview", "2099-01-01-PREVIEW"] {
            assert!(text.parse::<ApiVersion>().is_ok(), "{text}");
        }
        for text in [
            "",
            "latest",
            "2026-6-1",
            "2026-13-01",
            "2026-02-30",
            "2026-06-01-",
            "2026-06-01preview",
            "2026-06-01-pre view",
            "ééééé",
        ] {
            assert!(text.parse::<ApiVersion>().is_err(), "{text}");
        }
    }
}
