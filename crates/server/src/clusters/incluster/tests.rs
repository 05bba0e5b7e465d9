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

#[test]
fn a_sealed_door_opens_with_one_object_that_tells_who_and_why() {
    let door = DoorId::from_uuid(Uuid::from_u128(7));
    let now = "2026-11-24T03:00:00Z".parse().expect("a time");
    let record = crate::sealed::Record::new("carol", "INC-7: \"everything\" is gone\n", "laptop-3", now);
    let binding = sealed_binding(door, std::slice::from_ref(&record));
    assert!(is_as_wanted(&binding, &door_binding(door)), "with its record it is a door's binding like others");
    assert_eq!(openings(&binding), [record]);
    assert_eq!(openings(&door_binding(door)), []);
    let mut scribbled = binding;
    scribbled.metadata.annotations.as_mut().expect("a record").values_mut().for_each(|text| text.insert(0, 'x'));
    assert_eq!(openings(&scribbled), [], "what cannot be read tells nothing");
    assert!(sealed::is_offline(&scribbled), "but that it was written there does");
}

#[test]
fn a_standing_binding_is_told_from_one_that_somebody_edited() {
    let standing = sealed::standing_binding(DoorId::from_uuid(Uuid::from_u128(7)));
    assert!(sealed::is_standing(&standing));
    let mut edits: Vec<ClusterRoleBinding> = (0..4).map(|_| standing.clone()).collect();
    edits[0].subjects.as_mut().expect("subjects")[0].name = "system:authenticated".into();
    edits[1].subjects.as_mut().expect("subjects")[0].kind = "User".into();
    edits[2].role_ref.name = "cluster-admin".into();
    let twice = edits[3].subjects.as_ref().expect("subjects")[0].clone();
    edits[3].subjects.as_mut().expect("subjects").push(twice);
    for edit in edits {
        assert!(!sealed::is_standing(&edit), "{edit:?}");
    }
}
