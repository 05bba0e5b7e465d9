//! The people and groups of a demo tenant, as a file can bring them (`entrance demo --seed FILE.yaml`).

use std::collections::{BTreeMap, BTreeSet};

use entrance_model::id::{GroupId, UserId};
use entrance_model::name::{Upn, is_domain};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A seed file: who is in the tenant, and which groups they are in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Seed {
    /// Name of the organisation.
    #[serde(default = "default_name")]
    pub display_name: String,
    /// Its verified domain.
    #[serde(default = "default_domain")]
    pub domain: String,
    /// The people.
    pub people: Vec<Person>,
    /// The groups. The one marked `clusterAdmins` is the admin group of the demo's cluster.
    pub groups: Vec<SeedGroup>,
}

/// A person of the seed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Person {
    /// The name they sign in with; without `@` the seed's domain is added.
    pub upn: String,
    /// Object id; made when missing.
    #[serde(default)]
    pub id: Option<UserId>,
    /// Name as others read it.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Password; made when missing.
    #[serde(default)]
    pub password: Option<String>,
    /// The part this person plays in the journey.
    #[serde(default)]
    pub plays: Option<Part>,
}

/// A part in the journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    /// Administers directory and subscription.
    Administrator,
    /// May enter the cluster, as a member of its admin group.
    Member,
    /// May not.
    Outsider,
    /// Is there to be locked out.
    LockedOut,
}

/// A group of the seed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SeedGroup {
    /// Its name, unique in the file.
    pub name: String,
    /// Object id; made when missing.
    #[serde(default)]
    pub id: Option<GroupId>,
    /// Whether it is the admin group of the demo's cluster.
    #[serde(default)]
    pub cluster_admins: bool,
    /// Sign-in names of people, or names of groups of this file.
    #[serde(default)]
    pub members: Vec<String>,
}

/// What is wrong with a seed.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// A name or domain that cannot be one.
    #[error("`{0}` is not a valid {1}")]
    Invalid(String, &'static str),
    /// Two objects with one name or id.
    #[error("`{0}` stands in the seed twice")]
    Twice(String),
    /// A member that is not in the file.
    #[error("group `{group}` has the member `{member}`, which is no person and no group of the seed")]
    UnknownMember {
        /// The group.
        group: String,
        /// The member.
        member: String,
    },
    /// Nobody plays a part of the journey.
    #[error("nobody plays `{0}`; give one person of the seed `plays: {0}`")]
    NobodyPlays(&'static str),
    /// No admin group, or several.
    #[error("exactly one group of the seed needs `clusterAdmins: true`")]
    AdminGroup,
}

fn default_name() -> String {
    "Contoso".to_owned()
}

fn default_domain() -> String {
    "contoso.example".to_owned()
}

impl Default for Seed {
    fn default() -> Self {
        let person = |upn: &str, name: &str, plays| Person {
            upn: upn.to_owned(),
            id: None,
            display_name: Some(name.to_owned()),
            password: None,
            plays: Some(plays),
        };
        let group = |name: &str, cluster_admins, members: &[&str]| SeedGroup {
            name: name.to_owned(),
            id: None,
            cluster_admins,
            members: members.iter().map(|member| (*member).to_owned()).collect(),
        };
        Self {
            display_name: default_name(),
            domain: default_domain(),
            people: vec![
                person("ada", "Ada Marsh", Part::Administrator),
                person("mia", "Mia Osei", Part::Member),
                person("oscar", "Oscar Lind", Part::Outsider),
                person("lou", "Lou Park", Part::LockedOut),
            ],
            groups: vec![group("Cluster administrators", true, &["Platform team"]), group("Platform team", false, &["mia"])],
        }
    }
}

impl Seed {
    /// Checks the seed and fills in what is missing: ids, domains, passwords (from `password`).
    pub fn complete(mut self, mut password: impl FnMut() -> String) -> Result<Self, SeedError> {
        if !is_domain(&self.domain) {
            return Err(SeedError::Invalid(self.domain, "domain"));
        }
        let mut names = BTreeSet::new();
        for person in &mut self.people {
            if !person.upn.contains('@') {
                person.upn = format!("{}@{}", person.upn, self.domain);
            }
            let upn: Upn = person.upn.parse().map_err(|_| SeedError::Invalid(person.upn.clone(), "sign-in name"))?;
            if upn.domain() != self.domain {
                return Err(SeedError::Invalid(person.upn.clone(), "sign-in name of the seed's domain"));
            }
            person.upn = upn.to_string();
            person.display_name.get_or_insert_with(|| upn.local_part().to_owned());
            person.id.get_or_insert_with(|| UserId::from_uuid(Uuid::new_v4()));
            person.password.get_or_insert_with(&mut password);
            if !names.insert(person.upn.clone()) {
                return Err(SeedError::Twice(person.upn.clone()));
            }
        }
        for group in &mut self.groups {
            group.id.get_or_insert_with(|| GroupId::from_uuid(Uuid::new_v4()));
            if !names.insert(group.name.clone()) {
                return Err(SeedError::Twice(group.name.clone()));
            }
        }
        let domain = self.domain.clone();
        for group in &mut self.groups {
            for member in &mut group.members {
                let upn = format!("{member}@{domain}").to_ascii_lowercase();
                if !names.contains(member) {
                    if !names.contains(&upn) {
                        return Err(SeedError::UnknownMember { group: group.name.clone(), member: member.clone() });
                    }
                    *member = upn;
                }
            }
        }
        if self.groups.iter().filter(|group| group.cluster_admins).count() != 1 {
            return Err(SeedError::AdminGroup);
        }
        for (part, name) in [
            (Part::Administrator, "administrator"),
            (Part::Member, "member"),
            (Part::Outsider, "outsider"),
            (Part::LockedOut, "lockedOut"),
        ] {
            if !self.people.iter().any(|person| person.plays == Some(part)) {
                return Err(SeedError::NobodyPlays(name));
            }
        }
        Ok(self)
    }

    /// The person who plays a part; a completed seed has one for each.
    pub fn plays(&self, part: Part) -> Option<&Person> {
        self.people.iter().find(|person| person.plays == Some(part))
    }

    /// Object ids of people and groups by their names.
    pub fn ids(&self) -> BTreeMap<&str, Uuid> {
        let people = self.people.iter().filter_map(|person| Some((person.upn.as_str(), person.id?.uuid())));
        let groups = self.groups.iter().filter_map(|group| Some((group.name.as_str(), group.id?.uuid())));
        people.chain(groups).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_seed_is_complete_and_its_member_is_nested() {
        let seed = Seed::default().complete(|| "secret".into()).expect("complete");
        assert_eq!(seed.plays(Part::Member).expect("somebody").upn, "mia@contoso.example");
        let admins = seed.groups.iter().find(|group| group.cluster_admins).expect("one");
        assert_eq!(admins.members, ["Platform team"]);
        assert_eq!(seed.groups[1].members, ["mia@contoso.example"]);
    }

    #[test]
    fn a_seed_with_a_mistake_names_it() {
        let mut seed = Seed::default();
        seed.groups[1].members.push("nobody".into());
        assert!(matches!(seed.complete(|| "x".into()), Err(SeedError::UnknownMember { .. })));
        let mut seed = Seed::default();
        seed.people.remove(0);
        assert!(matches!(seed.complete(|| "x".into()), Err(SeedError::NobodyPlays("administrator"))));
    }
}
