//! Consent (S-304): which delegated permissions somebody allowed an application to use, and what is missing.
//!
//! Built-in clients never need it and never get it. An application of the tenant needs it for everything but itself and the
//! profile of who signs in.

use std::collections::BTreeSet;

use super::permission::Permission;
use super::{Aadsts, scope::ForResource};
use crate::id::{GrantId, ServicePrincipalId, UserId};

/// For whom an application was allowed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Everybody in the organisation (`AllPrincipals`); only an administrator can say so.
    Everybody,
    /// One person (`Principal`).
    Person(UserId),
}

impl For {
    /// `consentType`.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Everybody => "AllPrincipals",
            Self::Person(_) => "Principal",
        }
    }

    /// The person, where it is one.
    pub const fn person(self) -> Option<UserId> {
        match self {
            Self::Everybody => None,
            Self::Person(id) => Some(id),
        }
    }

    /// Whether it counts for this person.
    pub fn counts(self, user: UserId) -> bool {
        self.person().is_none_or(|person| person == user)
    }
}

/// What one application may do with one resource in somebody's name (`oauth2PermissionGrant`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionGrant {
    /// Its id.
    pub id: GrantId,
    /// The application that acts.
    pub client: ServicePrincipalId,
    /// What it acts on.
    pub resource: ServicePrincipalId,
    /// For whom.
    pub who: For,
    /// The names of the permissions, in the order they were allowed.
    pub scopes: Vec<String>,
}

impl PermissionGrant {
    /// Reads `scope`: names separated by blanks, each once.
    pub fn names(scope: &str) -> Vec<String> {
        let mut seen = BTreeSet::new();
        scope.split_ascii_whitespace().filter(|name| seen.insert(name.to_ascii_lowercase())).map(str::to_owned).collect()
    }

    /// Adds what was not allowed before; tells whether there was any.
    pub fn add<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) -> bool {
        let before = self.scopes.len();
        for name in names {
            if !self.scopes.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                self.scopes.push(name.to_owned());
            }
        }
        self.scopes.len() > before
    }
}

/// What a request asks of one resource, and all that is known about it.
#[derive(Debug, Clone, Copy)]
pub struct Need<'a> {
    /// What is asked; `None` where only `OpenID` scopes are.
    pub asked: Option<&'a ForResource>,
    /// What the resource offers.
    pub offered: &'a [Permission],
    /// What needs no question: a built-in pair, the application itself, the profile.
    pub free: &'a [String],
    /// What was allowed, by anybody, for this person.
    pub allowed: &'a [String],
    /// What the registration lists for this resource: the meaning of `.default`.
    pub listed: &'a [String],
}

/// A request, compared with what was allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weighed {
    /// What a token may carry.
    pub granted: Vec<String>,
    /// What somebody has to allow first.
    pub missing: Vec<Permission>,
    /// Everything that was asked, for a page that asks again although nothing is missing.
    pub asked: Vec<Permission>,
}

/// Why a request cannot even be allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// The resource does not offer it.
    #[error("the resource offers no permission `{0}`")]
    Scope(String),
    /// The registration lists nothing of this resource, and nobody allowed anything.
    #[error("the registration of the application lists no permission of this resource")]
    NotListed,
}

impl Unknown {
    /// Its number.
    pub const fn number(&self) -> Aadsts {
        match self {
            Self::Scope(_) => Aadsts::InvalidScopeForResource,
            Self::NotListed => Aadsts::InvalidResourceForClient,
        }
    }
}

fn has(names: &[String], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

impl Need<'_> {
    /// Compares.
    pub fn weigh(&self) -> Result<Weighed, Unknown> {
        let Some(part) = self.asked else { return Ok(Weighed { granted: Vec::new(), missing: Vec::new(), asked: Vec::new() }) };
        let may = |name: &str| has(self.free, name) || has(self.allowed, name);
        if !part.default {
            let mut asked = Vec::new();
            for name in &part.named {
                let known = self.offered.iter().find(|one| one.value.eq_ignore_ascii_case(name));
                asked.push(known.ok_or_else(|| Unknown::Scope(name.clone()))?.clone());
            }
            let (granted, missing): (Vec<_>, Vec<_>) = asked.iter().cloned().partition(|one| may(&one.value));
            return Ok(Weighed { granted: granted.into_iter().map(|one| one.value).collect(), missing, asked });
        }
        let granted: Vec<String> = self.offered.iter().filter(|one| may(&one.value)).map(|one| one.value.clone()).collect();
        let listed: Vec<Permission> = self.offered.iter().filter(|one| has(self.listed, &one.value)).cloned().collect();
        // `.default` means what was allowed. Only where that is nothing, it asks for what the registration lists.
        let missing: Vec<_> = match self.allowed {
            [] => listed.iter().filter(|one| !has(self.free, &one.value)).cloned().collect(),
            _ => Vec::new(),
        };
        if granted.is_empty() && missing.is_empty() {
            return Err(Unknown::NotListed);
        }
        let asked = if listed.is_empty() {
            self.offered.iter().filter(|one| has(&granted, &one.value)).cloned().collect()
        } else {
            listed
        };
        Ok(Weighed { granted, missing, asked })
    }
}

/// Whether people may allow applications something by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UserConsent {
    /// What is not reserved to administrators.
    #[default]
    Allowed,
    /// Nothing: administrators decide.
    Forbidden,
}

/// Whether an administrator has to allow these permissions.
pub fn needs_administrator<'a>(policy: UserConsent, asked: impl IntoIterator<Item = &'a Permission>) -> bool {
    let mut asked = asked.into_iter().peekable();
    asked.peek().is_some() && (policy == UserConsent::Forbidden || asked.any(|one| one.admin_only))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn offered() -> Vec<Permission> {
        [("Orders.Read", false), ("Orders.Write", false), ("Orders.Delete", true)]
            .into_iter()
            .zip(1_u128..)
            .map(|((value, admin_only), n)| Permission { id: Uuid::from_u128(n), value: value.into(), admin_only, title: None })
            .collect()
    }

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(|&one| one.to_owned()).collect()
    }

    fn part(default: bool, named: &[&str]) -> ForResource {
        ForResource { identifier: Some("api://shop".into()), default, named: texts(named) }
    }

    fn weigh(part: &ForResource, allowed: &[&str], listed: &[&str]) -> Result<(Vec<String>, Vec<String>), Unknown> {
        let (offered, allowed, listed) = (offered(), texts(allowed), texts(listed));
        let need = Need { asked: Some(part), offered: &offered, free: &[], allowed: &allowed, listed: &listed };
        let weighed = need.weigh()?;
        Ok((weighed.granted, weighed.missing.into_iter().map(|one| one.value).collect()))
    }

    #[test]
    fn s_304_what_is_asked_by_name_is_granted_where_it_was_allowed_and_missing_where_not() {
        let asked = part(false, &["orders.read", "Orders.Write"]);
        assert_eq!(weigh(&asked, &["Orders.Read"], &[]), Ok((texts(&["Orders.Read"]), texts(&["Orders.Write"]))));
        assert_eq!(weigh(&part(false, &["Orders.Burn"]), &[], &[]), Err(Unknown::Scope("Orders.Burn".into())));
    }

    #[test]
    fn s_301_default_is_what_was_allowed_and_at_first_what_the_registration_lists() {
        let all = part(true, &[]);
        assert_eq!(weigh(&all, &[], &["Orders.Read", "Orders.Delete"]), Ok((vec![], texts(&["Orders.Read", "Orders.Delete"]))));
        assert_eq!(weigh(&all, &["Orders.Read"], &["Orders.Read", "Orders.Delete"]), Ok((texts(&["Orders.Read"]), vec![])));
        assert_eq!(weigh(&all, &[], &[]), Err(Unknown::NotListed));
        assert_eq!(Unknown::NotListed.number(), Aadsts::InvalidResourceForClient, "aadsts_650057");
        // What is not offered any more is not granted any more.
        assert_eq!(weigh(&all, &["Orders.Read", "Orders.Gone"], &[]), Ok((texts(&["Orders.Read"]), vec![])));
    }

    #[test]
    fn s_304_administrators_decide_what_is_theirs_and_everything_where_people_may_not() {
        let all = offered();
        assert!(!needs_administrator(UserConsent::Allowed, &all[..2]));
        assert!(needs_administrator(UserConsent::Allowed, &all));
        assert!(needs_administrator(UserConsent::Forbidden, &all[..1]));
        assert!(!needs_administrator(UserConsent::Forbidden, &[]));
    }

    #[test]
    fn s_304_a_grant_counts_for_its_person_or_for_everybody_and_holds_each_name_once() {
        let (alice, bob) = (UserId::from_uuid(Uuid::from_u128(1)), UserId::from_uuid(Uuid::from_u128(2)));
        assert!(For::Everybody.counts(alice) && For::Person(alice).counts(alice) && !For::Person(alice).counts(bob));
        let mut grant = PermissionGrant {
            id: GrantId::from_uuid(Uuid::nil()),
            client: ServicePrincipalId::from_uuid(Uuid::nil()),
            resource: ServicePrincipalId::from_uuid(Uuid::nil()),
            who: For::Everybody,
            scopes: PermissionGrant::names(" Orders.Read  orders.read Orders.Write "),
        };
        assert_eq!(grant.scopes, ["Orders.Read", "Orders.Write"]);
        assert!(!grant.add(["ORDERS.READ"]));
        assert!(grant.add(["Orders.Delete"]));
    }
}
