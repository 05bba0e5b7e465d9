//! The resource manager in tables: subscriptions, resource groups, clusters, role assignments, doors.

pub(crate) mod access;
mod clusters;
mod denials;
mod deployments;
mod doors;
mod groups;
mod locks;
mod roles;
mod sealed;

pub use doors::KeptDoor;
pub use roles::CustomRole;

use crate::session::Scope;

/// Statements of the resource manager, for the test that prepares all.
#[cfg(test)]
pub(crate) fn all_statements() -> Vec<(&'static str, &'static str)> {
    [groups::ALL, clusters::ALL, deployments::ALL, access::ALL, denials::ALL, roles::ALL, doors::ALL, locks::ALL, sealed::ALL]
        .concat()
}

/// The resource manager.
pub struct Arm<'s, M>(pub(crate) Scope<'s, M>);
