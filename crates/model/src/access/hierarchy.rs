//! Management groups: what lies above subscriptions (R-343).
//!
//! Addresses do not tell it, so it is told here: which group a subscription or a group is in.

use std::collections::HashMap;

use crate::arm::Scope;
use crate::id::TenantId;

/// Which management groups cover what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hierarchy {
    // The group above a subscription or a group, by key.
    parent: HashMap<String, Scope>,
    root: Option<Scope>,
}

impl Hierarchy {
    /// The hierarchy every directory begins with: one root group that is named after it, and everything is in it.
    pub fn of(tenant: TenantId) -> Self {
        let root = format!("/providers/Microsoft.Management/managementGroups/{tenant}").parse();
        Self { parent: HashMap::new(), root: root.ok() }
    }

    /// Puts a subscription or a group into a group.
    pub fn put(&mut self, child: &Scope, group: Scope) {
        self.parent.insert(child.key().to_owned(), group);
    }

    /// R-343: whether what is given here holds there.
    ///
    /// ```
    /// use entrance_model::access::Hierarchy;
    /// let [group, subscription, inside] = [
    ///     "/providers/Microsoft.Management/managementGroups/corp",
    ///     "/subscriptions/22222222-bbbb-4bbb-8bbb-00000000000a",
    ///     "/subscriptions/22222222-bbbb-4bbb-8bbb-00000000000a/resourceGroups/prod",
    /// ].map(|text| text.parse().expect("a scope"));
    /// let mut hierarchy = Hierarchy::default();
    /// assert!(!hierarchy.covers(&group, &inside));
    /// hierarchy.put(&subscription, group.clone());
    /// assert!(hierarchy.covers(&group, &inside) && hierarchy.covers(&subscription, &inside));
    /// ```
    pub fn covers(&self, given: &Scope, at: &Scope) -> bool {
        if given.covers(at) {
            return true;
        }
        // `/` is above every group.
        if self.root.as_ref() == Some(given) {
            return !at.is_root();
        }
        let mut place = match at.subscription_id() {
            Some(id) => Scope::subscription(id),
            None => at.clone(),
        };
        // No hierarchy is deeper, and one that turns in a circle ends.
        for _ in 0..MAX_DEPTH {
            match self.parent.get(place.key()) {
                Some(group) if group == given => return true,
                Some(group) => place = group.clone(),
                None => return false,
            }
        }
        false
    }
}

const MAX_DEPTH: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_343_the_root_group_covers_the_directory_and_not_the_root() {
        let tenant = TenantId::from_uuid(uuid::Uuid::from_u128(7));
        let hierarchy = Hierarchy::of(tenant);
        let group = |name: &str| -> Scope {
            format!("/providers/Microsoft.Management/managementGroups/{name}").parse().expect("a scope")
        };
        let subscription = "/subscriptions/22222222-bbbb-4bbb-8bbb-00000000000a".parse().expect("a scope");
        assert!(hierarchy.covers(&group(&tenant.to_string()), &subscription));
        assert!(!hierarchy.covers(&group(&tenant.to_string()), &Scope::root()));
        assert!(!hierarchy.covers(&group("other"), &subscription));
    }

    #[test]
    fn r_343_a_circle_ends() {
        let [a, b, c] = ["a", "b", "c"]
            .map(|name| format!("/providers/Microsoft.Management/managementGroups/{name}").parse::<Scope>().expect("a scope"));
        let mut hierarchy = Hierarchy::default();
        hierarchy.put(&a, b.clone());
        hierarchy.put(&b, a.clone());
        assert!(hierarchy.covers(&b, &a) && !hierarchy.covers(&c, &a));
    }
}
