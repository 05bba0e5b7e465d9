//! The decision, with its reason.

use std::fmt;

use super::assignment::Assignment;
use super::role::Roles;
use crate::arm::Scope;
use crate::id::{GroupId, PrincipalId};

/// Which of a role's two lists counts: they never mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Plane {
    /// The resource manager.
    Control,
    /// Inside clusters.
    Data,
}

/// Who asks: an object id and the groups it is in, nested ones included.
///
/// Names play no part.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// Object id of the person or service principal.
    pub oid: PrincipalId,
    /// Ids of their groups, transitive.
    pub groups: &'a [GroupId],
}

/// How a role reached the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// Assigned to them.
    Own,
    /// Assigned to a group they are in.
    Group(GroupId),
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => f.write_str("own assignment"),
            Self::Group(id) => write!(f, "group `{id}`"),
        }
    }
}

/// Why something is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// A role says so.
    Assignment {
        /// The role's name.
        role: String,
        /// How the caller came by it.
        via: Via,
        /// Where it was given.
        scope: Scope,
    },
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Assignment { role, via, scope } => write!(f, "role `{role}` through {via} at `{scope}`"),
        }
    }
}

/// Yes with its reason, or no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may be done.
    Allow(Because),
    /// No role that the caller holds here grants it.
    Deny,
}

impl Decision {
    /// Whether it may be done.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow(_))
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow(because) => write!(f, "allowed: {because}"),
            Self::Deny => f.write_str("refused: no role assignment gives this right here"),
        }
    }
}

/// Decides whether the caller may do the action at the scope.
///
/// The first assignment that grants it is the reason. Assignments add up; one with a condition counts only once
/// conditions are understood, so until then it grants nothing (R-347: what cannot be evaluated does not count).
pub fn decide<'a>(
    caller: Caller<'_>,
    plane: Plane,
    action: &str,
    scope: &Scope,
    roles: &Roles,
    assignments: impl IntoIterator<Item = &'a Assignment>,
) -> Decision {
    for assignment in assignments {
        if !assignment.scope.covers(scope) || assignment.condition.is_some() {
            continue;
        }
        let Some(via) = held_by(assignment, caller) else { continue };
        let Some(role) = roles.get(assignment.role) else { continue };
        if role.grants(plane, action) {
            return Decision::Allow(Because::Assignment { role: role.name.clone(), via, scope: assignment.scope.clone() });
        }
    }
    Decision::Deny
}

// the caller's own object id, or a group they carry.
fn held_by(assignment: &Assignment, caller: Caller<'_>) -> Option<Via> {
    if assignment.principal == caller.oid {
        return Some(Via::Own);
    }
    let group = assignment.principal.as_group();
    caller.groups.contains(&group).then_some(Via::Group(group))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::role::RoleKind;
    use super::super::{Action, PrincipalType};
    use super::*;
    use crate::id::{AssignmentId, RoleId, TenantId};

    #[derive(Deserialize)]
    struct Cases {
        roles: serde_json::Value,
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        id: String,
        oid: PrincipalId,
        groups: Vec<GroupId>,
        assignments: Vec<Given>,
        action: String,
        scope: String,
        allow: bool,
    }

    #[derive(Deserialize)]
    struct Given {
        principal: PrincipalId,
        role: RoleId,
        scope: String,
    }

    fn assignment(principal: PrincipalId, role: RoleId, scope: &str) -> Assignment {
        let nil = uuid::Uuid::nil();
        Assignment {
            id: AssignmentId::from_uuid(nil),
            tenant: TenantId::from_uuid(nil),
            scope: scope.parse().expect("a scope"),
            role,
            principal,
            principal_type: PrincipalType::User,
            description: None,
            condition: None,
            created: jiff::Timestamp::UNIX_EPOCH,
            created_by: None,
            updated: jiff::Timestamp::UNIX_EPOCH,
            updated_by: None,
        }
    }

    #[test]
    fn r_301_to_r_346_the_contracts_control_plane_cases() {
        let all: Cases = serde_json::from_str(include_str!("../../data/arm-cases.json")).expect("the cases are JSON");
        let mut roles = Roles::built_in();
        for role in Roles::read(&all.roles.to_string(), RoleKind::Custom).expect("custom roles").iter() {
            roles.add(role.clone());
        }
        for case in &all.cases {
            let given: Vec<_> = case.assignments.iter().map(|g| assignment(g.principal, g.role, &g.scope)).collect();
            let caller = Caller { oid: case.oid, groups: &case.groups };
            let scope = case.scope.parse().expect("a scope");
            let decision = decide(caller, Plane::Control, &case.action, &scope, &roles, &given);
            assert_eq!(decision.is_allowed(), case.allow, "{}: {decision}", case.id);
        }
        assert_eq!(all.cases.len(), 29);
    }

    #[test]
    fn a_decision_tells_its_reason() {
        let (oid, group) = (PrincipalId::from_uuid(uuid::Uuid::from_u128(1)), GroupId::from_uuid(uuid::Uuid::from_u128(2)));
        let s = "/subscriptions/22222222-bbbb-4bbb-8bbb-00000000000a";
        let given = [assignment(group.into(), super::super::built_in::CLUSTER_ADMIN, s)];
        let scope = format!("{s}/resourceGroups/rg").parse().expect("a scope");
        let ask = |groups: &[GroupId]| {
            decide(
                Caller { oid, groups },
                Plane::Control,
                Action::ListAdminCredential.as_str(),
                &scope,
                &Roles::built_in(),
                &given,
            )
            .to_string()
        };
        assert_eq!(
            ask(&[group]),
            format!("allowed: role `Azure Kubernetes Service Cluster Admin Role` through group `{group}` at `{s}`")
        );
        assert_eq!(ask(&[]), "refused: no role assignment gives this right here");
    }

    #[test]
    fn r_347_a_condition_that_is_not_understood_grants_nothing() {
        let oid = PrincipalId::from_uuid(uuid::Uuid::from_u128(1));
        let mut given = assignment(oid, super::super::built_in::OWNER, "/");
        given.condition = Some("@Resource[x] StringEquals 'y'".to_owned());
        let decision =
            decide(Caller { oid, groups: &[] }, Plane::Control, "a/read", &Scope::root(), &Roles::built_in(), [&given]);
        assert_eq!(decision, Decision::Deny);
    }
}
