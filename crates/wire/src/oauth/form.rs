//! Parameters of a request: a form body or a query, with a budget, and each known name at most once (S-016, S-200).

use std::borrow::Cow;

/// The longest body of a token request.
pub const LONGEST_BODY: usize = 64 * 1024;
/// The longest query of an authorization request.
pub const LONGEST_QUERY: usize = 8 * 1024;
const MOST: usize = 100;

/// Parameters by name.
pub struct Form(Vec<(String, String)>);

/// Why a form is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// Longer than allowed, or too many parameters.
    #[error("the request is too long")]
    TooLong,
    /// A known name came twice.
    #[error("the parameter `{0}` came twice")]
    Duplicate(&'static str),
    /// Not UTF-8 behind the percent signs, or control characters.
    #[error("the request has characters that no parameter has")]
    Characters,
}

impl Form {
    /// Reads a form. Unknown names may repeat; they are ignored anyway.
    pub fn parse(text: &[u8], longest: usize, known: &[&'static str]) -> Result<Self, FormError> {
        if text.len() > longest {
            return Err(FormError::TooLong);
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (n, (name, value)) in url::form_urlencoded::parse(text).enumerate() {
            if n >= MOST {
                return Err(FormError::TooLong);
            }
            let Some(known) = known.iter().find(|known| **known == name) else { continue };
            if value.contains(['\u{FFFD}', '\0']) {
                return Err(FormError::Characters);
            }
            if pairs.iter().any(|(before, _)| *before == name) {
                return Err(FormError::Duplicate(known));
            }
            pairs.push((name.into_owned(), Cow::into_owned(value)));
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter. An empty one counts as missing (RFC 6749 §3.1).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Form, FormError> {
        Form::parse(text.as_bytes(), 1024, &["scope", "state"])
    }

    #[test]
    fn s_016_a_known_parameter_comes_once_and_unknown_ones_are_ignored() {
        let form = parse("x=1&x=2&scope=a+b%2Fc&state=").expect("a form");
        assert_eq!(form.get("scope"), Some("a b/c"));
        assert_eq!(form.get("state"), None);
        assert_eq!(form.get("x"), None);
        assert_eq!(parse("scope=a&scope=a").err(), Some(FormError::Duplicate("scope")));
    }

    #[test]
    fn s_200_a_form_has_a_budget() {
        assert_eq!(parse(&"a".repeat(1025)).err(), Some(FormError::TooLong));
        assert_eq!(parse(&"a&".repeat(101)).err(), Some(FormError::TooLong));
        assert_eq!(parse("scope=%ff").err(), Some(FormError::Characters));
        assert_eq!(parse("scope=%00").err(), Some(FormError::Characters));
    }
}
