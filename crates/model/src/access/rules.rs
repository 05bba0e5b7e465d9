//! The rules of adding up, each by its number.

use super::*;
use crate::arm::Scope;
use crate::id::{GroupId, PrincipalId, RoleId};

const S: &str = "/subscriptions/22222222-bbbb-4bbb-8bbb-00000000000a";
const WRITE: &str = "Microsoft.ContainerService/managedClusters/write";
const DELETE: &str = "Microsoft.ContainerService/managedClusters/delete";

fn person(n: u128) -> PrincipalId {
    PrincipalId::from_uuid(uuid::Uuid::from_u128(n))
}

/// A role named by its number, with what it allows and what it takes out again.
fn role(n: u128, actions: &[&str], not_actions: &[&str]) -> RoleDefinition {
    let patterns = |texts: &[&str]| texts.iter().map(|text| Pattern::new(*text)).collect();
    RoleDefinition {
        id: RoleId::from_uuid(uuid::Uuid::from_u128(n)),
        name: format!("role {n}"),
        description: String::new(),
        kind: RoleKind::Custom,
        permissions: vec![Permission { actions: patterns(actions), not_actions: patterns(not_actions), ..Permission::default() }],
        assignable: vec![Scope::root()],
    }
}

fn given(principal: PrincipalId, role: &RoleDefinition) -> Assignment {
    Assignment::sample(principal, role.id, S)
}

fn may(oid: PrincipalId, groups: &[GroupId], action: &str, known: &[&RoleDefinition], assignments: &[Assignment]) -> bool {
    let mut roles = Roles::built_in();
    for role in known {
        roles.add((*role).clone());
    }
    let scope = format!("{S}/resourceGroups/rg").parse().expect("a scope");
    let (caller, attributes, hierarchy) = (Caller { oid, groups }, Attributes::default(), Hierarchy::default());
    let question = Question { caller, plane: Plane::Control, action, scope: &scope, attributes: &attributes };
    decide(&question, &Rights { roles: &roles, assignments, denials: &[], hierarchy: &hierarchy }).is_allowed()
}

#[test]
fn r_341_what_a_role_takes_out_it_does_not_give() {
    let all_but_delete = role(1, &["Microsoft.ContainerService/*"], &["*/DELETE"]);
    let held = [given(person(7), &all_but_delete)];
    assert!(may(person(7), &[], WRITE, &[&all_but_delete], &held));
    assert!(!may(person(7), &[], DELETE, &[&all_but_delete], &held));
}

#[test]
fn r_342_a_role_takes_nothing_out_of_another() {
    let (all_but_delete, deleting) = (role(1, &["Microsoft.ContainerService/*"], &["*/delete"]), role(2, &["*/delete"], &[]));
    let held = [given(person(7), &all_but_delete), given(person(7), &deleting)];
    assert!(may(person(7), &[], DELETE, &[&all_but_delete, &deleting], &held));
    assert!(may(person(7), &[], WRITE, &[&all_but_delete, &deleting], &held));
}

#[test]
fn r_344_a_right_belongs_to_an_object_id_or_to_a_group_the_caller_carries() {
    let writing = role(1, &[WRITE], &[]);
    let group = GroupId::from_uuid(uuid::Uuid::from_u128(9));
    assert!(!may(person(8), &[], WRITE, &[&writing], &[given(person(7), &writing)]));
    assert!(may(person(8), &[group], WRITE, &[&writing], &[given(group.into(), &writing)]));
    assert!(!may(person(8), &[], WRITE, &[&writing], &[given(group.into(), &writing)]));
}
