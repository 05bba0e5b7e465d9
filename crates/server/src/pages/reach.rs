//! Which clusters a device could reach with what it asks for (W-3.4 c).

use entrance_model::directory::User;
use entrance_model::id::TenantId;
use entrance_model::signin::resource::{Kind, Resource};

use super::page::shown;
use super::texts::Texts;
use crate::authority::ctx::Ctx;
use crate::directory::Snapshot;

/// The clusters of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// Their names; those that the person administers stand first.
    names: Vec<String>,
    /// How many of them the person administers.
    administers: usize,
}

/// So many are named.
const FIRST: usize = 3;

impl Reach {
    /// What a token for a resource reaches in the name of a person.
    pub(super) fn of(ctx: &Ctx, tenant: TenantId, resource: &Resource, user: &User) -> Self {
        // Without the directory nothing is admitted anywhere, either.
        let Ok(snapshot) = ctx.app.people.snapshot(ctx.now()) else { return Self::default() };
        Self::in_snapshot(&snapshot, tenant, resource, user)
    }

    fn in_snapshot(snapshot: &Snapshot, tenant: TenantId, resource: &Resource, user: &User) -> Self {
        let groups = snapshot.groups_of(tenant, user.id.into());
        let mut found: Vec<(bool, String)> = Vec::new();
        for (_, facts) in snapshot.clusters() {
            let Some(gate) = facts.gate.as_ref().filter(|gate| gate.tenant == tenant) else { continue };
            // The resource manager hands out a way into each of them; a token for clusters opens those of its audience.
            let opens = match resource.kind {
                Kind::Cluster => gate.audience == resource.app,
                Kind::Arm => true,
                Kind::Graph | Kind::Own | Kind::OtherBuiltIn => false,
            };
            if opens {
                let administers = facts.admins.iter().flatten().any(|group| groups.binary_search(group).is_ok());
                let address = gate.resource.to_string();
                found.push((!administers, shown(address.rsplit('/').next().unwrap_or_default())));
            }
        }
        found.sort();
        let administers = found.iter().filter(|(plain, _)| !plain).count();
        Self { names: found.into_iter().map(|(_, name)| name).collect(), administers }
    }

    /// Whether the person administers one of them.
    pub(super) fn has_administrator_rights(&self) -> bool {
        self.administers > 0
    }

    /// In words.
    pub(super) fn words(&self, t: Texts) -> String {
        if self.names.is_empty() {
            return t.say("reach-nothing");
        }
        let named = self.names[..self.names.len().min(FIRST)].join(", ");
        let more = self.names.len().saturating_sub(FIRST);
        if more == 0 { named } else { format!("{named}, {}", t.with("reach-more", &[("count", more)])) }
    }

    /// The administrator rights among them, in words.
    pub(super) fn rights(&self, t: Texts) -> Option<String> {
        let named = self.names[..self.administers.min(FIRST)].join(", ");
        self.has_administrator_rights().then(|| t.with("reach-administers", &[("clusters", named)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w_3_4_three_clusters_are_named_and_the_others_counted() {
        let names = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        let reach = Reach { names, administers: 1 };
        assert_eq!(reach.words(Texts::En), "a, b, c, and 2 more");
        assert_eq!(reach.rights(Texts::En).as_deref(), Some("including administrator rights on a"));
        assert_eq!(Reach::default().words(Texts::En), "no cluster");
        assert_eq!(Reach::default().rights(Texts::En), None);
    }
}
