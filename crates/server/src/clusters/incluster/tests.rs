use entrance_model::id::{DoorId, GroupId};
use uuid::Uuid;

use super::bindings::{corrected, door_of, is_as_wanted};
use super::*;

fn group(n: u128) -> GroupId {
    GroupId::from_uuid(Uuid::from_u128(n))
}

#[test]
fn r_502_the_admin_binding_is_the_one_that_scripts_know() {
    insta::assert_snapshot!(
        serde_json::to_string(&admin_binding(&[group(2), group(1), group(2)])).expect("it is written"),
        @r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"labels":{"addonmanager.kubernetes.io/mode":"Reconcile","kubernetes.io/cluster-service":"true"},"name":"aks-cluster-admin-binding-aad"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"Group","name":"00000000-0000-0000-0000-000000000001"},{"apiGroup":"rbac.authorization.k8s.io","kind":"Group","name":"00000000-0000-0000-0000-000000000002"}]}"#
    );
}

#[test]
fn r_503_without_groups_the_binding_stays_with_nobody_in_it() {
    assert_eq!(admin_binding(&[]).subjects, Some(vec![]));
    let mut shown = admin_binding(&[]);
    shown.subjects = None; // as an API server shows it
    assert!(is_as_wanted(&shown, &admin_binding(&[])));
}

#[test]
fn r_502_every_edit_by_hand_is_seen_and_undone_and_nothing_else_is_touched() {
    let wanted = admin_binding(&[group(1)]);
    let mut edits: Vec<ClusterRoleBinding> = (0..5).map(|_| wanted.clone()).collect();
    edits[0].subjects.as_mut().expect("subjects").clear();
    edits[1].subjects.as_mut().expect("subjects")[0].kind = "User".into();
    let stranger = admin_binding(&[group(9)]).subjects.expect("subjects").remove(0);
    edits[2].subjects.as_mut().expect("subjects").push(stranger);
    edits[3].metadata.labels = None;
    edits[4].role_ref.name = "view".into();
    for edit in edits {
        assert!(!is_as_wanted(&edit, &wanted), "{edit:?}");
        assert!(is_as_wanted(&corrected(edit, &wanted), &wanted));
    }
    let mut noted = wanted.clone();
    noted.metadata.annotations = Some([("note".to_owned(), "by a person".to_owned())].into());
    assert!(is_as_wanted(&noted, &wanted));
    assert_eq!(corrected(noted.clone(), &wanted).metadata.annotations, noted.metadata.annotations);
}

#[test]
fn r_541_a_doors_binding_is_named_by_its_group_and_binds_nothing_else() {
    let door = DoorId::from_uuid(Uuid::from_u128(7));
    let binding = door_binding(door);
    let name = binding.metadata.name.clone().expect("a name");
    assert_eq!(door_of(&name), Some(door));
    assert_eq!(binding.subjects.iter().flatten().map(|subject| subject.name.as_str()).collect::<Vec<_>>(), [name.as_str()]);
    assert_eq!(door_of(ADMIN_BINDING), None);
    assert_eq!(door_of("entrance:break-glass:"), None);
}
