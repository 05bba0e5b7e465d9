//! The bindings as they shall be.

use std::collections::BTreeSet;

use entrance_model::cluster::Door;
use entrance_model::id::{DoorId, GroupId};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleRef, Subject};
use kube::api::ObjectMeta;

/// the name of the admin groups' binding, which scripts know.
pub const ADMIN_BINDING: &str = "aks-cluster-admin-binding-aad";

/// one subject for each group; without groups the binding stays, with nobody in it.
pub fn admin_binding(groups: &[GroupId]) -> ClusterRoleBinding {
    let labels = [("addonmanager.kubernetes.io/mode", "Reconcile"), ("kubernetes.io/cluster-service", "true")];
    let names: BTreeSet<String> = groups.iter().map(ToString::to_string).collect();
    binding(ADMIN_BINDING, &labels, names)
}

/// The binding of a door's group. It exists only while the door is open.
pub fn door_binding(door: DoorId) -> ClusterRoleBinding {
    binding(&Door::group(door), &[("app.kubernetes.io/managed-by", "entrance")], [Door::group(door)])
}

/// The door that a binding is of, by its name.
pub(super) fn door_of(name: &str) -> Option<DoorId> {
    // The prefix is what `Door::group` writes before the id.
    name.strip_prefix("entrance:break-glass:")?.parse().ok()
}

pub(super) fn binding(name: &str, labels: &[(&str, &str)], groups: impl IntoIterator<Item = String>) -> ClusterRoleBinding {
    let subject = |name| Subject { api_group: Some(RBAC.to_owned()), kind: "Group".to_owned(), name, namespace: None };
    ClusterRoleBinding {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()),
            ..ObjectMeta::default()
        },
        role_ref: RoleRef { api_group: RBAC.to_owned(), kind: "ClusterRole".to_owned(), name: "cluster-admin".to_owned() },
        subjects: Some(groups.into_iter().map(subject).collect()),
    }
}

/// Whether what is there gives exactly the wanted rights, and carries the wanted labels.
pub(super) fn is_as_wanted(found: &ClusterRoleBinding, wanted: &ClusterRoleBinding) -> bool {
    let labels = found.metadata.labels.as_ref();
    let has = |(name, value): (&String, &String)| labels.and_then(|labels| labels.get(name)) == Some(value);
    found.role_ref == wanted.role_ref
        && subjects(found) == subjects(wanted)
        && wanted.metadata.labels.iter().flatten().all(has)
        && found.metadata.deletion_timestamp.is_none()
}

/// What is there, with the wanted rights and labels; what others wrote beside them stays.
pub(super) fn corrected(found: ClusterRoleBinding, wanted: &ClusterRoleBinding) -> ClusterRoleBinding {
    let mut metadata = found.metadata;
    metadata.labels.get_or_insert_default().extend(wanted.metadata.labels.clone().unwrap_or_default());
    metadata.managed_fields = None;
    ClusterRoleBinding { metadata, role_ref: wanted.role_ref.clone(), subjects: wanted.subjects.clone() }
}

/// Without regard to order and repetition, which change nothing.
fn subjects(binding: &ClusterRoleBinding) -> BTreeSet<(String, String, Option<String>)> {
    let all = binding.subjects.iter().flatten();
    all.map(|subject| (subject.kind.clone(), subject.name.clone(), subject.namespace.clone())).collect()
}

const RBAC: &str = "rbac.authorization.k8s.io";
