//! What a sealed door needs inside the cluster, and what its opening leaves there (DESIGN 5.2).
//!
//! A permanent role lets the door's group create bindings and bind `cluster-admin`. RBAC cannot say *which* binding, so an
//! admission rule of the API server does: from somebody who is not in yet it takes the door's own binding, with a record of
//! who opens it and why, and nothing else. The rule runs inside the API server and needs nobody to be alive.

use std::collections::BTreeMap;

use entrance_model::cluster::Door;
use entrance_model::id::DoorId;
use k8s_openapi::api::admissionregistration::v1::{
    AuditAnnotation, MatchCondition, MatchResources, NamedRuleWithOperations, ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding, ValidatingAdmissionPolicyBindingSpec, ValidatingAdmissionPolicySpec, Validation,
};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client, ResourceExt as _};

use super::bindings::{binding, door_binding, door_of, is_as_wanted};
use crate::sealed::Record;

/// The role, its binding, and the admission rule.
pub const SEALED_DOOR: &str = "entrance:sealed-door";
/// Where a binding says who opened it.
const OPENINGS: &str = "sealed-door.entrance/openings";

/// The binding that opens a sealed door, with the record of those who did.
pub fn sealed_binding(door: DoorId, openings: &[Record]) -> ClusterRoleBinding {
    let mut binding = door_binding(door);
    let record = serde_json::to_string(openings).expect("records are texts");
    binding.metadata.annotations = Some(BTreeMap::from([(OPENINGS.to_owned(), record)]));
    binding
}

/// Who opened the door that this is the binding of; empty for doors that Entrance opened.
pub fn openings(binding: &ClusterRoleBinding) -> Vec<Record> {
    let text = binding.metadata.annotations.as_ref().and_then(|all| all.get(OPENINGS));
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// Whether this binding was made by somebody who opened a sealed door.
pub(crate) fn is_offline(binding: &ClusterRoleBinding) -> bool {
    binding.metadata.annotations.as_ref().is_some_and(|all| all.contains_key(OPENINGS))
}

/// Lets one sealed door be opened; it exists as long as there is one.
pub(super) fn standing_binding(door: DoorId) -> ClusterRoleBinding {
    let mut standing = binding(SEALED_DOOR, &[("app.kubernetes.io/managed-by", "entrance")], [Door::group(door)]);
    SEALED_DOOR.clone_into(&mut standing.role_ref.name);
    standing
}

/// Whether this is such a binding, of whichever door.
pub(super) fn is_standing(found: &ClusterRoleBinding) -> bool {
    let [subject] = found.subjects.as_deref().unwrap_or_default() else { return false };
    found.name_any() == SEALED_DOOR && door_of(&subject.name).is_some_and(|door| is_as_wanted(found, &standing_binding(door)))
}

/// What a sealed door's holder may do while it is shut, and the rule that says how it is opened.
pub(crate) struct SealedRights;

impl SealedRights {
    /// Whether both are as they shall be. Whoever went through a door may have changed them.
    pub(crate) async fn look(client: &Client) -> Result<bool, kube::Error> {
        let (policy, in_force) = policy();
        let found = Api::<ClusterRole>::all(client.clone()).get_opt(SEALED_DOOR).await?;
        let role_fits = found.is_some_and(|found| found.aggregation_rule.is_none() && found.rules == role().rules);
        let found = Api::<ValidatingAdmissionPolicy>::all(client.clone()).get_opt(POLICY).await?;
        let policy_fits = found.and_then(|found| found.spec).zip(policy.spec).is_some_and(|(found, wanted)| {
            // The API server fills in the rest.
            found.failure_policy == wanted.failure_policy
                && found.match_conditions == wanted.match_conditions
                && found.validations == wanted.validations
                && reaches(&found) == reaches(&wanted)
        });
        let found = Api::<ValidatingAdmissionPolicyBinding>::all(client.clone()).get_opt(POLICY).await?;
        let is_in_force = found.and_then(|found| found.spec).zip(in_force.spec).is_some_and(|(found, wanted)| {
            found.policy_name == wanted.policy_name
                && found.validation_actions == wanted.validation_actions
                && found.match_resources.is_none()
        });
        Ok(role_fits && policy_fits && is_in_force)
    }

    /// Makes both as they shall be. `client` may do anything; the result is the same however often this runs.
    pub(crate) async fn set(client: &Client) -> Result<(), kube::Error> {
        let (policy, in_force) = policy();
        put(client, role(), |found, wanted| found.rules == wanted.rules && found.aggregation_rule.is_none()).await?;
        put(client, policy, |_, _| false).await?;
        put(client, in_force, |_, _| false).await
    }
}

/// Makes or replaces an object as a whole: what others added goes.
async fn put<K>(client: &Client, mut wanted: K, is_same: impl Fn(&K, &K) -> bool) -> Result<(), kube::Error>
where
    K: kube::Resource<Scope = k8s_openapi::ClusterResourceScope, DynamicType = ()>,
    K: Clone + std::fmt::Debug + serde::Serialize + serde::de::DeserializeOwned,
{
    let api = Api::<K>::all(client.clone());
    let name = wanted.name_any();
    let by_us = PostParams { field_manager: Some("entrance".to_owned()), ..PostParams::default() };
    match api.get_opt(&name).await? {
        Some(found) if is_same(&found, &wanted) => {}
        Some(found) => {
            wanted.meta_mut().resource_version = found.resource_version();
            api.replace(&name, &by_us, &wanted).await?;
        }
        None => drop(api.create(&by_us, &wanted).await?),
    }
    Ok(())
}

/// Which requests a rule looks at.
fn reaches(spec: &ValidatingAdmissionPolicySpec) -> Vec<[Option<Vec<String>>; 3]> {
    let rules = spec.match_constraints.iter().flat_map(|all| all.resource_rules.iter().flatten());
    let reach = |rule: &NamedRuleWithOperations| [rule.api_groups.clone(), rule.operations.clone(), rule.resources.clone()];
    let narrowed = spec.match_constraints.as_ref().is_some_and(|all| {
        all.exclude_resource_rules.as_ref().is_some_and(|rules| !rules.is_empty())
            || all.object_selector.as_ref().is_some_and(|selector| *selector != LabelSelector::default())
    });
    rules.map(reach).chain(narrowed.then_some([None, None, None])).collect()
}

/// What the holder of a sealed door may do while it is shut.
fn role() -> ClusterRole {
    let on = |verbs: &[&str], resource: &str, names: Option<&str>| PolicyRule {
        verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
        api_groups: Some(vec![RBAC.to_owned()]),
        resources: Some(vec![resource.to_owned()]),
        resource_names: names.map(|name| vec![name.to_owned()]),
        non_resource_urls: None,
    };
    ClusterRole {
        metadata: named(),
        rules: Some(vec![
            on(&["create", "get"], "clusterrolebindings", None),
            on(&["bind"], "clusterroles", Some("cluster-admin")),
        ]),
        aggregation_rule: None,
    }
}

/// The admission rule and what puts it in force.
fn policy() -> (ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding) {
    let rule = NamedRuleWithOperations {
        api_groups: Some(vec![RBAC.to_owned()]),
        api_versions: Some(vec!["*".to_owned()]),
        operations: Some(vec!["CREATE".to_owned()]),
        resources: Some(vec!["clusterrolebindings".to_owned()]),
        ..NamedRuleWithOperations::default()
    };
    let condition = |name: &str, expression: String| MatchCondition { name: name.to_owned(), expression };
    let demand =
        |expression: String, message: &str| Validation { expression, message: Some(message.to_owned()), ..Validation::default() };
    let spec = ValidatingAdmissionPolicySpec {
        failure_policy: Some("Fail".to_owned()),
        match_constraints: Some(MatchResources { resource_rules: Some(vec![rule]), ..MatchResources::default() }),
        match_conditions: Some(vec![
            condition("holds-a-sealed-door", format!("request.userInfo.username.startsWith('{USER}')")),
            // Whoever is in already is an administrator like others.
            condition(
                "is-not-in-yet",
                format!("!authorizer.group('{RBAC}').resource('clusterrolebindings').check('delete').allowed()"),
            ),
        ]),
        validations: Some(vec![
            demand(
                format!("object.metadata.name == request.userInfo.username.replace('{USER}', '{DOOR}')"),
                "a sealed door opens with the binding of its own name, and with no other",
            ),
            demand(
                "object.roleRef.kind == 'ClusterRole' && object.roleRef.name == 'cluster-admin'".to_owned(),
                "a sealed door's binding is to cluster-admin",
            ),
            demand(
                "has(object.subjects) && object.subjects.size() == 1 && object.subjects[0].kind == 'Group' && \
                 object.subjects[0].name == object.metadata.name"
                    .to_owned(),
                "a sealed door's binding lets in the door's own group, and nobody else",
            ),
            demand(
                format!(
                    "has(object.metadata.annotations) && '{OPENINGS}' in object.metadata.annotations && \
                     object.metadata.annotations['{OPENINGS}'].matches('\"who\":\"[^\"]+\"') && \
                     object.metadata.annotations['{OPENINGS}'].matches('\"why\":\"[^\"]+\"')"
                ),
                "a sealed door opens with a record of who opens it and why; use `entrance break-glass open --offline`",
            ),
        ]),
        // So that the API server's own audit log tells it too, whatever becomes of the binding.
        audit_annotations: Some(vec![AuditAnnotation {
            key: "openings".to_owned(),
            value_expression: format!("object.metadata.?annotations['{OPENINGS}'].orValue('')"),
        }]),
        ..ValidatingAdmissionPolicySpec::default()
    };
    let policy = ValidatingAdmissionPolicy { metadata: dashed(), spec: Some(spec), status: None };
    let in_force = ValidatingAdmissionPolicyBindingSpec {
        policy_name: Some(POLICY.to_owned()),
        validation_actions: Some(vec!["Deny".to_owned()]),
        ..ValidatingAdmissionPolicyBindingSpec::default()
    };
    (policy, ValidatingAdmissionPolicyBinding { metadata: dashed(), spec: Some(in_force) })
}

fn named() -> ObjectMeta {
    ObjectMeta { name: Some(SEALED_DOOR.to_owned()), ..ObjectMeta::default() }
}

fn dashed() -> ObjectMeta {
    ObjectMeta { name: Some(POLICY.to_owned()), ..ObjectMeta::default() }
}

const DOOR: &str = "entrance:break-glass:";
const USER: &str = Door::OFFLINE_USER;
/// Names of admission rules have no colon.
const POLICY: &str = "entrance-sealed-door";
const RBAC: &str = "rbac.authorization.k8s.io";
