//! The `groups` claim (S-420…S-422): which groups a token names, and what it says when these are too many.

use std::str::FromStr;

use crate::id::GroupId;

/// Which groups a token for a cluster names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Those that the cluster refers to; of the shared audience, those that any cluster of the tenant refers to.
    #[default]
    Referenced,
    /// All security groups, as the original does, with its limit of 200.
    Entra,
    /// All security groups, as many as the longest token holds.
    All,
}

/// The mode is none of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`referenced`, `entra` or `all` is needed")]
pub struct UnknownMode;

impl FromStr for Mode {
    type Err = UnknownMode;
    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        match text {
            "referenced" => Ok(Self::Referenced),
            "entra" => Ok(Self::Entra),
            "all" => Ok(Self::All),
            _ => Err(UnknownMode),
        }
    }
}

impl Mode {
    /// How many groups a token names at most.
    pub const fn limit(self) -> usize {
        match self {
            Self::Referenced | Self::Entra => 200,
            // A GUID takes 39 bytes and a third more as base64url; a token has 16 KiB.
            Self::All => 250,
        }
    }
}

/// What `groupMembershipClaims` of an application asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the property, and any of them may stand there")]
pub struct Memberships {
    /// Security groups.
    pub security: bool,
    /// Groups of every kind.
    pub all: bool,
    /// Groups that are assigned to the application.
    pub assigned: bool,
    /// Directory roles, as `wids`.
    pub roles: bool,
}

impl Memberships {
    /// Security groups only.
    pub const SECURITY: Self = Self { security: true, all: false, assigned: false, roles: false };

    /// Reads the property; unknown words ask for nothing.
    pub fn parse(text: &str) -> Self {
        let mut asked = Self::default();
        for word in text.split([',', ' ']) {
            match word.trim() {
                "SecurityGroup" => asked.security = true,
                "All" => (asked.all, asked.roles) = (true, true),
                "ApplicationGroup" => asked.assigned = true,
                "DirectoryRole" => asked.roles = true,
                _ => {}
            }
        }
        asked
    }

    /// Whether any groups are asked for.
    pub const fn any(self) -> bool {
        self.security || self.all || self.assigned
    }
}

/// What a token says about groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Groups {
    /// Nothing: none was asked for, or there are none.
    #[default]
    None,
    /// These, sorted.
    Named(Vec<GroupId>),
    /// Too many; they have to be asked for.
    TooMany,
}

impl Groups {
    /// These groups, in a token that names at most so many.
    pub fn within(mut groups: Vec<GroupId>, limit: usize) -> Self {
        groups.sort_unstable();
        groups.dedup();
        if groups.is_empty() {
            Self::None
        } else if groups.len() > limit {
            Self::TooMany
        } else {
            Self::Named(groups)
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn group(n: u128) -> GroupId {
        GroupId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn s_420_the_manifest_says_which_groups_a_token_names() {
        assert_eq!(Memberships::parse("SecurityGroup"), Memberships::SECURITY);
        assert_eq!(Memberships::parse("All"), Memberships { all: true, roles: true, ..Memberships::default() });
        let both = Memberships { assigned: true, roles: true, ..Memberships::default() };
        assert_eq!(Memberships::parse("ApplicationGroup, DirectoryRole"), both);
        assert!(!Memberships::parse("None").any() && !Memberships::parse("DirectoryRole").any());
    }

    #[test]
    fn s_420_groups_are_sorted_and_named_once() {
        assert_eq!(Groups::within(vec![group(2), group(1), group(2)], 200), Groups::Named(vec![group(1), group(2)]));
        assert_eq!(Groups::within(Vec::new(), 200), Groups::None);
    }

    #[test]
    fn s_421_two_hundred_groups_are_named_and_one_more_is_too_many() {
        let groups = |n: u128| (0..n).map(group).collect();
        assert!(matches!(Groups::within(groups(200), Mode::Entra.limit()), Groups::Named(all) if all.len() == 200));
        assert_eq!(Groups::within(groups(201), Mode::Entra.limit()), Groups::TooMany);
        assert!(matches!(Groups::within(groups(201), Mode::All.limit()), Groups::Named(_)));
    }

    #[test]
    fn s_422_the_mode_is_one_of_three() {
        assert_eq!(["referenced", "entra", "all"].map(str::parse), [Ok(Mode::Referenced), Ok(Mode::Entra), Ok(Mode::All)]);
        assert_eq!("All".parse::<Mode>(), Err(UnknownMode));
        assert_eq!(Mode::default(), Mode::Referenced);
    }
}
