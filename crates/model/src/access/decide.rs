//! The decision, with its reason.

use std::fmt;

use super::assignment::Assignment;
use super::condition::Attributes;
use super::denial::Denial;
use super::hierarchy::Hierarchy;
use super::role::Roles;
use crate::arm::Scope;
use crate::id::{AssignmentId, DenialId, GroupId, PrincipalId};

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
        /// The assignment.
        id: AssignmentId,
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
            Self::Assignment { role, via, scope, .. } => write!(f, "role `{role}` through {via} at `{scope}`"),
        }
    }
}

/// Why something is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// No role that the caller holds here grants it.
    NoAssignment,
    /// A role would grant it, but for the condition of its assignment.
    Condition {
        /// The role's name.
        role: String,
        /// Where it was given.
        scope: Scope,
    },
    /// A deny assignment stands before every role.
    Blocked {
        /// The deny assignment.
        id: DenialId,
        /// What people call it.
        name: String,
        /// Where it stands.
        scope: Scope,
    },
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAssignment => f.write_str("no role assignment gives this right here"),
            Self::Condition { role, scope } => write!(f, "the condition on role `{role}` at `{scope}` does not hold"),
            Self::Blocked { name, scope, .. } => write!(f, "deny assignment `{name}` at `{scope}` forbids it"),
        }
    }
}

/// Yes or no, with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may be done.
    Allow(Because),
    /// It may not.
    Deny(Denied),
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
            Self::Deny(denied) => write!(f, "refused: {denied}"),
        }
    }
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who.
    pub caller: Caller<'a>,
    /// On which side.
    pub plane: Plane,
    /// What.
    pub action: &'a str,
    /// Where.
    pub scope: &'a Scope,
    /// What conditions may look at.
    pub attributes: &'a Attributes,
}

/// Everything that counts for a decision. Assignments and denials of others may be among them, and change nothing.
#[derive(Debug, Clone, Copy)]
pub struct Rights<'a> {
    /// The roles, at least those that are assigned.
    pub roles: &'a Roles,
    /// Who holds which role where, at least the caller's.
    pub assignments: &'a [Assignment],
    /// What is denied.
    pub denials: &'a [Denial],
    /// What lies above subscriptions.
    pub hierarchy: &'a Hierarchy,
}

/// Decides whether the caller may do the action at the scope.
///
/// A deny assignment beats every role. Then the first assignment that grants it is the reason: assignments add up
/// and one whose condition does not hold is passed over.
pub fn decide(question: &Question<'_>, rights: &Rights<'_>) -> Decision {
    let Question { caller, plane, action, scope, attributes } = *question;
    if let Some(Denial { id, name, scope, .. }) =
        rights.denials.iter().find(|denial| denial.denies(caller, plane, action, scope, rights.hierarchy))
    {
        return Decision::Deny(Denied::Blocked { id: *id, name: name.clone(), scope: scope.clone() });
    }
    let mut denied = Denied::NoAssignment;
    for assignment in rights.assignments {
        let Some(via) = held_by(assignment, caller) else { continue };
        if !rights.hierarchy.covers(&assignment.scope, scope) {
            continue;
        }
        let Some(role) = rights.roles.get(assignment.role).filter(|role| role.grants(plane, action)) else { continue };
        let (role, scope) = (role.name.clone(), assignment.scope.clone());
        if assignment.condition.as_ref().is_some_and(|condition| !condition.holds(action, attributes)) {
            denied = Denied::Condition { role, scope };
            continue;
        }
        return Decision::Allow(Because::Assignment { id: assignment.id, role, via, scope });
    }
    Decision::Deny(denied)
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
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::super::Action;
    use super::super::condition::{Condition, Source};
    use super::super::role::{Permission, RoleKind};
    use super::*;
    use crate::id::{RoleId, TenantId};

    #[derive(Deserialize)]
    struct Cases {
        #[serde(default, rename = "managementGroups")]
        groups: BTreeMap<String, Vec<String>>,
        roles: serde_json::Value,
        #[serde(rename = "cases")]
        all: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        id: String,
        oid: PrincipalId,
        #[serde(default)]
        groups: Vec<GroupId>,
        #[serde(default)]
        assignments: Vec<Given>,
        #[serde(default)]
        denials: Vec<Taken>,
        #[serde(default)]
        action: Option<String>,
        #[serde(default)]
        actions: Vec<String>,
        #[serde(default)]
        attributes: BTreeMap<String, String>,
        scope: String,
        #[serde(default)]
        allow: bool,
    }

    #[derive(Deserialize)]
    struct Given {
        principal: PrincipalId,
        role: RoleId,
        scope: String,
        #[serde(default)]
        condition: Option<String>,
    }

    #[derive(Deserialize)]
    struct Taken {
        name: String,
        scope: String,
        principals: Vec<PrincipalId>,
        excluded: Vec<PrincipalId>,
        here: bool,
        #[serde(flatten)]
        permission: Permission,
    }

    fn denial(taken: &Taken) -> Denial {
        Denial {
            id: DenialId::from_uuid(uuid::Uuid::nil()),
            tenant: TenantId::from_uuid(uuid::Uuid::nil()),
            scope: taken.scope.parse().expect("a scope"),
            name: taken.name.clone(),
            description: String::new(),
            permission: taken.permission.clone(),
            principals: taken.principals.clone(),
            excluded: taken.excluded.clone(),
            only_here: taken.here,
            created: jiff::Timestamp::UNIX_EPOCH,
            created_by: None,
        }
    }

    fn run(json: &str, plane: Plane) -> usize {
        let known: Cases = serde_json::from_str(json).expect("the cases are JSON");
        let mut roles = Roles::built_in();
        for role in Roles::read(&known.roles.to_string(), RoleKind::Custom).expect("custom roles").iter() {
            roles.add(role.clone());
        }
        let mut hierarchy = Hierarchy::default();
        for (group, children) in &known.groups {
            let group: Scope = format!("/providers/Microsoft.Management/managementGroups/{group}").parse().expect("a scope");
            for child in children {
                hierarchy.put(&child.parse().expect("a scope"), group.clone());
            }
        }
        for case in &known.all {
            let given = |g: &Given| Assignment {
                condition: g.condition.as_deref().map(|text| Condition::read(text).expect("a condition")),
                ..Assignment::sample(g.principal, g.role, &g.scope)
            };
            let assignments: Vec<_> = case.assignments.iter().map(given).collect();
            let denials: Vec<_> = case.denials.iter().map(denial).collect();
            let rights = Rights { roles: &roles, assignments: &assignments, denials: &denials, hierarchy: &hierarchy };
            let scope = case.scope.parse().expect("a scope");
            let mut attributes = Attributes::default();
            for (name, value) in &case.attributes {
                attributes = attributes.with(Source::Request, name, value);
            }
            let caller = Caller { oid: case.oid, groups: &case.groups };
            let ask = |action| decide(&Question { caller, plane, action, scope: &scope, attributes: &attributes }, &rights);
            // all of them have to be allowed.
            let decisions: Vec<_> = case.action.iter().chain(&case.actions).map(|action| ask(action)).collect();
            assert!(!decisions.is_empty(), "{}", case.id);
            assert_eq!(decisions.iter().all(Decision::is_allowed), case.allow, "{}: {decisions:?}", case.id);
        }
        known.all.len()
    }

    #[test]
    fn r_301_to_r_346_the_contracts_control_plane_cases() {
        assert_eq!(run(include_str!("../../data/arm-cases.json"), Plane::Control), 29);
    }

    #[test]
    fn r_340_to_r_348_the_contracts_cases_inside_clusters() {
        assert_eq!(run(include_str!("../../data/check-cases.json"), Plane::Data), 153);
    }

    #[test]
    fn a_decision_tells_its_reason() {
        let (oid, group) = (PrincipalId::from_uuid(uuid::Uuid::from_u128(1)), GroupId::from_uuid(uuid::Uuid::from_u128(2)));
        let s = "/subscriptions/22222222-bbbb-4bbb-8bbb-00000000000a";
        let mut given = [Assignment::sample(group.into(), super::super::built_in::CLUSTER_ADMIN, s)];
        let scope = format!("{s}/resourceGroups/rg").parse().expect("a scope");
        let ask = |groups: &[GroupId], given: &[Assignment], denials: &[Denial]| {
            let question = Question {
                caller: Caller { oid, groups },
                plane: Plane::Control,
                action: Action::ListAdminCredential.as_str(),
                scope: &scope,
                attributes: &Attributes::default(),
            };
            let (roles, hierarchy) = (Roles::built_in(), Hierarchy::default());
            decide(&question, &Rights { roles: &roles, assignments: given, denials, hierarchy: &hierarchy }).to_string()
        };
        assert_eq!(
            ask(&[group], &given, &[]),
            format!("allowed: role `Azure Kubernetes Service Cluster Admin Role` through group `{group}` at `{s}`")
        );
        assert_eq!(ask(&[], &given, &[]), "refused: no role assignment gives this right here");
        let freeze = denial(&Taken {
            name: "freeze".to_owned(),
            scope: s.to_owned(),
            principals: vec![super::super::denial::EVERYONE],
            excluded: Vec::new(),
            here: false,
            permission: Permission { actions: vec![super::super::Pattern::new("*/action")], ..Permission::default() },
        });
        assert_eq!(ask(&[group], &given, &[freeze]), format!("refused: deny assignment `freeze` at `{s}` forbids it"));
        given[0].condition = Some(Condition::kept("Exists @Principal[x]".to_owned()));
        assert_eq!(
            ask(&[group], &given, &[]),
            format!("refused: the condition on role `Azure Kubernetes Service Cluster Admin Role` at `{s}` does not hold")
        );
    }

    #[test]
    fn r_347_a_condition_that_fails_leaves_other_assignments_alone() {
        let oid = PrincipalId::from_uuid(uuid::Uuid::from_u128(1));
        let owner = |condition: Option<&str>| Assignment {
            condition: condition.map(|text| Condition::kept(text.to_owned())),
            ..Assignment::sample(oid, super::super::built_in::OWNER, "/")
        };
        let (roles, hierarchy) = (Roles::built_in(), Hierarchy::default());
        let ask = |assignments: &[Assignment]| {
            let caller = Caller { oid, groups: &[] };
            let (scope, attributes) = (Scope::root(), Attributes::default());
            let question = Question { caller, plane: Plane::Control, action: "a/read", scope: &scope, attributes: &attributes };
            decide(&question, &Rights { roles: &roles, assignments, denials: &[], hierarchy: &hierarchy }).is_allowed()
        };
        assert!(!ask(&[owner(Some("not read by anybody"))]));
        assert!(!ask(&[owner(Some("@Resource[x] StringEquals 'y'"))]));
        assert!(ask(&[owner(Some("@Resource[x] StringEquals 'y'")), owner(None)]));
        assert!(ask(&[owner(Some("ActionMatches{'a/*'}"))]));
    }
}
