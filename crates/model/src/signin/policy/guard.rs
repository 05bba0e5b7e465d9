//! The guard against a policy that leaves no administrator a way in.

use super::decide::holds;
use super::{Control, Policy, State, Subject, Who};
use crate::id::{GroupId, UserId};
use crate::well_known::GRAPH;

/// Somebody who administers the directory and is enabled.
#[derive(Debug, Clone)]
pub struct Administrator {
    /// Their object id.
    pub id: UserId,
    /// Every group they are in.
    pub groups: Vec<GroupId>,
    /// They were invited.
    pub is_guest: bool,
}

/// No administrator would be left who can change the policies again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "The enabled policies would block every administrator, and nobody could change them again. Exclude at least one \
     administrator (conditions.users.excludeUsers), or try the policy with state 'enabledForReportingButNotEnforced' first."
)]
pub struct LocksEverybodyOut;

/// Whether some administrator can still reach the directory under these policies, wherever they are.
///
/// Networks do not count as a way out: an address can be lost. Policies that leave the browser open do not count as a
/// lock, and neither do demands, which an administrator can meet.
pub fn guard(policies: &[Policy], administrators: &[Administrator]) -> Result<(), LocksEverybodyOut> {
    let locks: Vec<&Policy> = policies.iter().filter(|policy| locks_browsers(policy)).collect();
    let is_locked = |administrator: &Administrator| {
        let subject = administrator.subject();
        locks.iter().any(|policy| match &policy.who {
            Who::People { include, exclude } => holds(include, &subject) && !holds(exclude, &subject),
            Who::Applications { .. } => false,
        })
    };
    // Where nobody administers there is nobody to lock out.
    if !administrators.is_empty() && administrators.iter().all(is_locked) { Err(LocksEverybodyOut) } else { Ok(()) }
}

/// Whether a policy that counts meets every administrator: then one mistake in it is everybody's.
pub fn spares_nobody(policy: &Policy, administrators: &[Administrator]) -> bool {
    let Who::People { include, exclude } = &policy.who else { return false };
    policy.state != State::Disabled
        && !administrators.is_empty()
        && administrators.iter().all(|administrator| {
            let subject = administrator.subject();
            holds(include, &subject) && !holds(exclude, &subject)
        })
}

impl Administrator {
    fn subject(&self) -> Subject<'_> {
        Subject::Person { id: self.id, groups: &self.groups, is_administrator: true, is_guest: self.is_guest }
    }
}

/// Whether whom it means cannot get at the directory any more with a browser.
fn locks_browsers(policy: &Policy) -> bool {
    let reaches_directory = (policy.applications.all || policy.applications.include.contains(&GRAPH))
        && !policy.applications.exclude.contains(&GRAPH);
    let reaches_browsers = policy.device_code.is_none()
        && (policy.clients.is_empty()
            || policy.clients.iter().any(|kind| matches!(kind, super::ClientKind::Browser | super::ClientKind::Native)));
    policy.state == State::Enabled && policy.control == Control::Block && reaches_directory && reaches_browsers
}
