//! Names of resource groups, clusters and locations.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use super::rule::Ruled;

/// A name that breaks its pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    ///
    #[error(
        "Cluster name '{0}' is not valid: 1 to 63 letters, digits, hyphens or underscores, beginning and ending with a letter or digit."
    )]
    Cluster(String),
    /// The same for groups.
    #[error("Resource group name '{0}' is not valid: 1 to 90 letters, digits, '-', '_', '.', '(' or ')', not ending with '.'.")]
    Group(String),
    /// No location is written like this.
    #[error("'{0}' cannot be a location: letters, digits and blanks.")]
    Location(String),
}

impl Ruled for BadName {
    fn rule(&self) -> &'static str {
        match self {
            Self::Cluster(_) => "R-017",
            Self::Group(_) => "R-009",
            Self::Location(_) => "R-015",
        }
    }
    fn status(&self) -> u16 {
        400
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Cluster(_) => "InvalidParameter",
            Self::Group(_) => "InvalidResourceGroup",
            Self::Location(_) => "LocationNotAvailableForResourceType",
        }
    }
    fn target(&self) -> Option<String> {
        Some(if matches!(self, Self::Location(_)) { "location" } else { "name" }.to_owned())
    }
}

macro_rules! folded {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(String);

        impl $name {
            /// The name as it was written at creation.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The name in lower case: what it is looked up by.
            pub fn key(&self) -> String {
                self.0.to_lowercase()
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.key() == other.key()
            }
        }
        impl Eq for $name {}
        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.key().hash(state);
            }
        }
        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                self.key().cmp(&other.key())
            }
        }
        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

folded! {
    /// A resource group's name.
    GroupName;
    /// A managed cluster's name.
    ClusterName;
}

impl FromStr for GroupName {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let ok = (1..=90).contains(&text.chars().count())
            && text.chars().all(|c| c.is_alphanumeric() || "-_.()".contains(c))
            && !text.ends_with('.');
        if ok { Ok(Self(text.to_owned())) } else { Err(BadName::Group(cut(text))) }
    }
}

impl FromStr for ClusterName {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
        let ok = text.len() <= 63
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && edge(text.bytes().next())
            && edge(text.bytes().last());
        if ok { Ok(Self(text.to_owned())) } else { Err(BadName::Cluster(cut(text))) }
    }
}

/// A location in its canonical form: lower case, no blanks (`West US 2` is `westus2`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location(String);

impl Location {
    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Location {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let folded: String = text.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_lowercase()).collect();
        let ok = (1..=40).contains(&folded.len()) && folded.bytes().all(|b| b.is_ascii_alphanumeric());
        if ok { Ok(Self(folded)) } else { Err(BadName::Location(cut(text))) }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// What came from outside is repeated in an error only as far as it helps.
fn cut(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_017_a_cluster_name_begins_and_ends_with_a_letter_or_digit() {
        for text in ["c", "prod-1", "a_b", "9", &"x".repeat(63)] {
            assert!(text.parse::<ClusterName>().is_ok(), "{text}");
        }
        for text in ["", "-a", "a-", "_a", "a.b", "ä", "a b", &"x".repeat(64)] {
            assert!(text.parse::<ClusterName>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_compare_without_case_and_keep_it() {
        let (a, b) = ("RG-Prod".parse::<GroupName>().expect("a name"), "rg-prod".parse::<GroupName>().expect("a name"));
        assert_eq!(a, b);
        assert_eq!(a.as_str(), "RG-Prod");
        assert!("ends.".parse::<GroupName>().is_err());
    }

    #[test]
    fn a_display_name_is_the_same_location() {
        assert_eq!("West US 2".parse::<Location>().expect("a location").as_str(), "westus2");
    }
}
