//! Names people sign in with, and the domains they belong to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text is no user principal name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a user principal name (one like `alice@contoso.example` is needed)")]
pub struct BadUpn;

/// A user principal name such as `alice@contoso.example`.
///
/// Folded to lower case when it is read, so that two spellings are never two people (DESIGN 5.1), and limited to
/// characters that cannot be mistaken in a binding, a header or a log.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Upn(String);

impl Upn {
    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.split_once('@').map_or("", |(local, _)| local)
    }

    /// What stands behind the `@`.
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, domain)| domain)
    }
}

impl FromStr for Upn {
    type Err = BadUpn;

    fn from_str(typed: &str) -> Result<Self, BadUpn> {
        let (local, domain) = typed.split_once('@').ok_or(BadUpn)?;
        let local_ok = (1..=64).contains(&local.len())
            && local.chars().all(|c| c.is_ascii_alphanumeric() || "!#'^_~.-".contains(c))
            && !local.starts_with('.')
            && !local.ends_with('.');
        if local_ok && is_domain(domain) { Ok(Self(typed.to_ascii_lowercase())) } else { Err(BadUpn) }
    }
}

/// Whether the text is a DNS domain: two labels or more, letters, digits and inner hyphens.
pub fn is_domain(text: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

impl TryFrom<String> for Upn {
    type Error = BadUpn;
    fn try_from(text: String) -> Result<Self, BadUpn> {
        text.parse()
    }
}

impl From<Upn> for String {
    fn from(upn: Upn) -> Self {
        upn.0
    }
}

impl fmt::Display for Upn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Upn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_upn_is_folded_to_lower_case() {
        assert_eq!("Alice.Smith@Contoso.EXAMPLE".parse::<Upn>().expect("a UPN").as_str(), "alice.smith@contoso.example");
    }

    #[test]
    fn what_could_be_taken_for_something_else_is_no_upn() {
        for text in [
            "alice",
            "@contoso.example",
            "a@b",
            "system:masters@x.example",
            "a b@x.example",
            "ä@x.example",
            "a@-x.example",
            "a@@x.example",
        ] {
            assert_eq!(text.parse::<Upn>(), Err(BadUpn), "{text}");
        }
    }
}
