//! Role definitions: built in, and made by people.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::decide::Plane;
use super::hierarchy::Hierarchy;
use super::pattern::Pattern;
use crate::arm::Scope;
use crate::id::RoleId;

/// What a role allows. `not…` takes away from the same role only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Permission {
    /// Management plane: allowed.
    pub actions: Vec<Pattern>,
    /// Management plane: taken out again.
    pub not_actions: Vec<Pattern>,
    /// Inside clusters: allowed.
    pub data_actions: Vec<Pattern>,
    /// Inside clusters: taken out again.
    pub not_data_actions: Vec<Pattern>,
}

impl Permission {
    /// whether this permission grants the action on its own plane.
    pub fn grants(&self, plane: Plane, action: &str) -> bool {
        let (yes, no) = match plane {
            Plane::Control => (&self.actions, &self.not_actions),
            Plane::Data => (&self.data_actions, &self.not_data_actions),
        };
        yes.iter().any(|p| p.matches(action)) && !no.iter().any(|p| p.matches(action))
    }
}

/// Who made a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleKind {
    /// It exists everywhere and never changes.
    BuiltIn,
    /// Someone made it.
    Custom,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleDefinition {
    /// Its id.
    pub id: RoleId,
    /// Its name, unique without case.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Built in or custom.
    pub kind: RoleKind,
    /// What it allows.
    pub permissions: Vec<Permission>,
    /// Where it may be assigned.
    pub assignable: Vec<Scope>,
}

impl RoleDefinition {
    /// Whether the role grants the action.
    pub fn grants(&self, plane: Plane, action: &str) -> bool {
        self.permissions.iter().any(|p| p.grants(plane, action))
    }

    /// whether it may be assigned at the scope.
    pub fn is_assignable_at(&self, scope: &Scope, hierarchy: &Hierarchy) -> bool {
        self.assignable.iter().any(|place| hierarchy.covers(place, scope))
    }

    /// Whether it may be assigned at the scope or somewhere below it.
    pub fn is_assignable_below(&self, scope: &Scope, hierarchy: &Hierarchy) -> bool {
        self.assignable.iter().any(|place| hierarchy.covers(place, scope) || hierarchy.covers(scope, place))
    }
}

/// The table of built-in roles could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the table of roles is damaged")]
pub struct BadRoles(#[from] serde_json::Error);

/// All roles that exist, by id.
#[derive(Debug, Clone)]
pub struct Roles {
    by_id: HashMap<RoleId, RoleDefinition>,
    // Lists come in this order: built-in ones as in the table, then the others as they were added.
    order: Vec<RoleId>,
}

impl Roles {
    /// The built-in roles.
    ///
    /// # Panics
    /// When the table inside the program is damaged, which a test rules out.
    pub fn built_in() -> Self {
        Self::read(include_str!("../../data/built-in-roles.json"), RoleKind::BuiltIn)
            .expect("the built-in table is read by a test")
    }

    /// Reads a table of roles, assignable everywhere.
    pub fn read(json: &str, kind: RoleKind) -> Result<Self, BadRoles> {
        #[derive(Deserialize)]
        struct Row {
            id: RoleId,
            name: String,
            #[serde(default)]
            description: String,
            #[serde(flatten)]
            permission: Permission,
        }
        let rows: Vec<Row> = serde_json::from_str(json)?;
        let mut roles = Self { by_id: HashMap::new(), order: Vec::new() };
        for Row { id, name, description, permission } in rows {
            roles.add(RoleDefinition {
                id,
                name,
                description,
                kind,
                permissions: vec![permission],
                assignable: vec![Scope::root()],
            });
        }
        Ok(roles)
    }

    /// Adds or replaces a role.
    pub fn add(&mut self, role: RoleDefinition) {
        let id = role.id;
        if self.by_id.insert(id, role).is_none() {
            self.order.push(id);
        }
    }

    /// The role with this id.
    pub fn get(&self, id: RoleId) -> Option<&RoleDefinition> {
        self.by_id.get(&id)
    }

    /// The role with this name, without case.
    pub fn named(&self, name: &str) -> Option<&RoleDefinition> {
        self.iter().find(|role| role.name.eq_ignore_ascii_case(name))
    }

    /// All roles, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &RoleDefinition> {
        self.order.iter().filter_map(|id| self.by_id.get(id))
    }
}

#[cfg(test)]
mod tests {
    use super::super::built_in;
    use super::*;

    #[test]
    fn the_built_in_table_is_read() {
        let roles = Roles::built_in();
        assert_eq!(roles.iter().count(), 13);
        assert_eq!(roles.named("owner").map(|r| r.id), Some(built_in::OWNER));
        for id in [built_in::CONTRIBUTOR, built_in::READER, built_in::CLUSTER_ADMIN, built_in::CLUSTER_USER] {
            assert!(roles.get(id).is_some_and(|r| r.is_assignable_at(&Scope::root(), &Hierarchy::default())));
        }
    }

    #[test]
    fn r_305_owners_have_no_rights_inside_clusters() {
        let roles = Roles::built_in();
        let owner = roles.get(built_in::OWNER).expect("built in");
        assert!(owner.grants(Plane::Control, "Microsoft.ContainerService/managedClusters/write"));
        assert!(!owner.grants(Plane::Data, "Microsoft.ContainerService/managedClusters/pods/read"));
    }
}
