//! Who may do what: roles, assignments, scopes, and the decision with its reason (contract R, 3.4).

mod action;
mod assignment;
mod condition;
mod custom;
mod data_action;
mod decide;
mod denial;
mod hierarchy;
#[cfg(test)]
mod matrix_tests;
mod pattern;
mod role;
#[cfg(test)]
mod rules;

pub use action::Action;
pub use assignment::{Assignment, PrincipalType};
pub use condition::{Attributes, BadCondition, Condition, Source};
pub use custom::{BadRole, UnknownDataAction};
pub use data_action::{DATA_ACTION_PREFIX, DataActions};
pub use decide::{Because, Caller, Decision, Denied, Plane, Question, Rights, Via, decide};
pub use denial::{BadDenial, Denial};
pub use hierarchy::Hierarchy;
pub use pattern::Pattern;
pub use role::{BadRoles, Permission, RoleDefinition, RoleKind, Roles};

/// Ids of the built-in roles that code gives to people by itself.
pub mod built_in {
    use crate::id::RoleId;
    use uuid::uuid;

    /// Everything, including who else may do what.
    pub const OWNER: RoleId = RoleId::from_uuid(uuid!("8e3af657-a8ff-443c-a75c-2fe8c4bcb635"));
    /// Everything except giving rights to others.
    pub const CONTRIBUTOR: RoleId = RoleId::from_uuid(uuid!("b24988ac-6180-42a0-ab88-20f7382dd24c"));
    /// See everything, change nothing.
    pub const READER: RoleId = RoleId::from_uuid(uuid!("acdd72a7-3385-48ef-bd42-f606fba81ae7"));
    /// Fetch the break-glass kubeconfig.
    pub const CLUSTER_ADMIN: RoleId = RoleId::from_uuid(uuid!("0ab0b1a8-8aac-4efd-b8c2-3ee1fb270be8"));
    /// Fetch the kubeconfig that people sign in with.
    pub const CLUSTER_USER: RoleId = RoleId::from_uuid(uuid!("4abbcc35-e782-43d8-92c5-2d3f1bd2253f"));
}
