//! Locks: what protects a place from being deleted or changed, whoever asks.

use std::str::FromStr;

use jiff::Timestamp;

use super::rule::Ruled;
use super::scope::Scope;
use crate::access::Action;
use crate::id::{PrincipalId, TenantId};

/// How much a lock forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockLevel {
    /// Nothing is deleted.
    CanNotDelete,
    /// Nothing is changed either, and no action is taken: fetching a kubeconfig is one.
    ReadOnly,
}

impl LockLevel {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CanNotDelete => "CanNotDelete",
            Self::ReadOnly => "ReadOnly",
        }
    }
}

impl FromStr for LockLevel {
    type Err = BadLock;

    fn from_str(text: &str) -> Result<Self, BadLock> {
        let known = [Self::CanNotDelete, Self::ReadOnly].into_iter().find(|level| level.as_str().eq_ignore_ascii_case(text));
        known.ok_or_else(|| BadLock::Level(text.chars().take(40).collect()))
    }
}

/// The name of a lock, unique at its place without case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockName(String);

impl LockName {
    /// As it was written at creation.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In lower case: what it is looked up by.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for LockName {
    type Err = BadLock;

    fn from_str(text: &str) -> Result<Self, BadLock> {
        let is_good =
            (1..=260).contains(&text.chars().count()) && !text.chars().any(|c| c.is_control() || "<>%&:\\?/#".contains(c));
        if is_good { Ok(Self(text.to_owned())) } else { Err(BadLock::Name(text.chars().take(40).collect())) }
    }
}

/// What is wrong with a lock that somebody wants to make.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLock {
    /// The level is none.
    #[error("'{0}' is no level of a lock; use CanNotDelete or ReadOnly.")]
    Level(String),
    /// The name breaks its pattern.
    #[error("Lock name '{0}' is not valid: 1 to 260 characters, none of < > % & : \\ ? / #.")]
    Name(String),
    /// The notes are too long.
    #[error("Notes of a lock have at most {MAX_NOTES} characters.")]
    Notes,
}

impl Ruled for BadLock {
    fn rule(&self) -> &'static str {
        "R-013"
    }
    fn status(&self) -> u16 {
        400
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Level(_) => "InvalidLockLevel",
            Self::Name(_) => "InvalidLockName",
            Self::Notes => "InvalidLockNotes",
        }
    }
    fn target(&self) -> Option<String> {
        Some(
            match self {
                Self::Level(_) => "level",
                Self::Name(_) => "name",
                Self::Notes => "notes",
            }
            .to_owned(),
        )
    }
}

/// A lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The tenant of its subscription.
    pub tenant: TenantId,
    /// The place it protects, with everything below.
    pub scope: Scope,
    /// Its name.
    pub name: LockName,
    /// What it forbids.
    pub level: LockLevel,
    /// Why it is there.
    pub notes: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it.
    pub created_by: Option<PrincipalId>,
}

impl Lock {
    /// Notes as they may be kept.
    ///
    /// # Errors
    /// When they are too long.
    pub fn notes(text: Option<&str>) -> Result<Option<String>, BadLock> {
        match text {
            Some(text) if text.chars().count() > MAX_NOTES => Err(BadLock::Notes),
            text => Ok(text.filter(|text| !text.is_empty()).map(str::to_owned)),
        }
    }

    /// Its resource id.
    pub fn id(&self) -> String {
        format!("{}/providers/Microsoft.Authorization/locks/{}", self.scope, self.name.as_str())
    }

    /// Whether it forbids the action at the place.
    ///
    /// It holds at its own place and below. Whoever deletes a place takes everything in it along, so a lock further down
    /// forbids that, too. Locks never forbid changing locks: the right to do that is another, and there has to be a way out.
    pub fn forbids(&self, action: Action, place: &Scope) -> bool {
        let deed = Deed::of(action);
        let is_above = self.scope.covers(place);
        match (deed, self.level) {
            (Deed::Look, _) | (Deed::Change, LockLevel::CanNotDelete) => false,
            (Deed::Change, LockLevel::ReadOnly) | (Deed::Delete, _) => is_above,
            (Deed::DeletePlace, _) => is_above || place.covers(&self.scope),
        }
    }
}

/// What an action does, as locks see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Look,
    Change,
    Delete,
    DeletePlace,
}

impl Deed {
    fn of(action: Action) -> Self {
        let text = action.as_str().to_ascii_lowercase();
        if matches!(action, Action::GroupDelete | Action::ClusterDelete) {
            Self::DeletePlace
        } else if text.ends_with("/read") || text.starts_with("microsoft.authorization/locks/") {
            Self::Look
        } else if text.starts_with("microsoft.resources/tags/") {
            // Taking a tag away deletes nothing.
            Self::Change
        } else if text.ends_with("/delete") {
            Self::Delete
        } else {
            Self::Change
        }
    }
}

/// A lock forbids it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place} is locked: '{action}' is forbidden by a {level} lock. Remove it first: az lock delete --ids {id}")]
pub struct Locked {
    place: String,
    action: &'static str,
    level: &'static str,
    id: String,
}

impl Locked {
    /// The refusal, if one of the locks forbids the action at the place.
    ///
    /// # Errors
    /// When one does.
    pub fn check<'l>(locks: impl IntoIterator<Item = &'l Lock>, action: Action, place: &Scope) -> Result<(), Self> {
        match locks.into_iter().find(|lock| lock.forbids(action, place)) {
            None => Ok(()),
            Some(lock) => {
                Err(Self { place: place.to_string(), action: action.as_str(), level: lock.level.as_str(), id: lock.id() })
            }
        }
    }
}

impl Ruled for Locked {
    // The contract has no number for it; this one is ours.
    fn rule(&self) -> &'static str {
        "L-001"
    }
    fn status(&self) -> u16 {
        409
    }
    fn code(&self) -> &'static str {
        "ScopeLocked"
    }
}

const MAX_NOTES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    const S: &str = "/subscriptions/22222222-bbbb-4bbb-8bbb-00000000000a";

    fn scope(below: &str) -> Scope {
        format!("{S}{below}").parse().expect("a scope")
    }

    fn lock(below: &str, level: LockLevel) -> Lock {
        Lock {
            tenant: TenantId::from_uuid(uuid::Uuid::nil()),
            scope: scope(below),
            name: "keep".parse().expect("a name"),
            level,
            notes: None,
            created: Timestamp::UNIX_EPOCH,
            created_by: None,
        }
    }

    const GROUP: &str = "/resourceGroups/rg";
    const CLUSTER: &str = "/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/c";

    #[test]
    fn a_lock_holds_below_its_place_and_against_the_deletion_of_what_is_around_it() {
        let keep = lock(CLUSTER, LockLevel::CanNotDelete);
        assert!(
            keep.forbids(Action::ClusterDelete, &scope(&CLUSTER.to_uppercase().replace("/RESOURCEGROUPS", "/resourceGroups")))
        );
        assert!(keep.forbids(Action::GroupDelete, &scope(GROUP)), "the cluster would go along");
        assert!(!keep.forbids(Action::GroupDelete, &scope("/resourceGroups/other")));
        assert!(!keep.forbids(Action::ClusterWrite, &scope(CLUSTER)) && !keep.forbids(Action::GroupWrite, &scope(GROUP)));
        let above = lock("", LockLevel::CanNotDelete);
        assert!(
            above.forbids(Action::ClusterDelete, &scope(CLUSTER)) && above.forbids(Action::RoleAssignmentsDelete, &scope(GROUP))
        );
        assert!(!above.forbids(Action::ListAdminCredential, &scope(CLUSTER)));
    }

    #[test]
    fn a_read_only_place_can_be_looked_at_and_unlocked_and_nothing_else() {
        let stone = lock(GROUP, LockLevel::ReadOnly);
        for action in Action::ALL {
            let may = action.as_str().ends_with("/read") || action.as_str().contains("/locks/");
            assert_eq!(stone.forbids(*action, &scope(CLUSTER)), !may, "{action}");
            assert!(!stone.forbids(*action, &scope("/resourceGroups/other")), "{action}");
        }
        assert!(!stone.forbids(Action::GroupWrite, &scope("")), "what is above is not below");
    }

    #[test]
    fn the_refusal_says_which_lock_it_is_and_how_to_remove_it() {
        let error =
            Locked::check(&[lock(GROUP, LockLevel::ReadOnly)], Action::ClusterWrite, &scope(CLUSTER)).expect_err("locked");
        assert_eq!((error.status(), error.code()), (409, "ScopeLocked"));
        let id = format!("{S}/resourceGroups/rg/providers/Microsoft.Authorization/locks/keep");
        assert!(error.to_string().ends_with(&format!("az lock delete --ids {id}")), "{error}");
        assert_eq!(Locked::check(&[], Action::ClusterWrite, &scope(CLUSTER)), Ok(()));
    }

    #[test]
    fn names_levels_and_notes_are_read_strictly() {
        assert!("Keep this (2026)".parse::<LockName>().is_ok());
        for bad in ["", "a/b", "a?b", "a\nb", &"x".repeat(261)] {
            assert!(bad.parse::<LockName>().is_err(), "{bad}");
        }
        assert_eq!("readonly".parse(), Ok(LockLevel::ReadOnly));
        assert!("Never".parse::<LockLevel>().is_err());
        assert_eq!(Lock::notes(Some("")), Ok(None));
        assert_eq!(Lock::notes(Some(&"x".repeat(513))), Err(BadLock::Notes));
    }
}
