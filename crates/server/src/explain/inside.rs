//! What a cluster itself gives somebody: the bindings that name them or one of their groups, and its own answer to "may they?".

use std::collections::{BTreeMap, HashSet};

use entrance_model::id::PrincipalId;
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding, RoleRef, Subject};
use kube::api::{ListParams, PostParams};
use kube::{Api, Client, Resource};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::webhook::Entered;

/// What somebody would do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Can {
    /// `get`, `list`, …
    verb: String,
    /// `pods`, `deployments.apps`, or a path such as `/metrics`.
    resource: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    subresource: Option<String>,
}

/// The bindings that give somebody something, those that everybody has left out.
pub(crate) async fn bindings(client: &Client, who: &Entered) -> Result<Vec<Value>, kube::Error> {
    let groups: HashSet<String> = who.groups.iter().map(ToString::to_string).collect();
    let is_theirs = |subject: &&Subject| match subject.kind.as_str() {
        "User" => subject.name == who.name,
        "Group" => groups.contains(&subject.name),
        _ => false,
    };
    let mut found = Vec::new();
    let everywhere: Vec<ClusterRoleBinding> = all(&Api::all(client.clone())).await?;
    for binding in &everywhere {
        let subjects = binding.subjects.iter().flatten().filter(is_theirs);
        found.extend(subjects.map(|subject| shown("ClusterRoleBinding", &binding.metadata, &binding.role_ref, subject)));
    }
    let inside: Vec<RoleBinding> = all(&Api::all(client.clone())).await?;
    for binding in &inside {
        let subjects = binding.subjects.iter().flatten().filter(is_theirs);
        found.extend(subjects.map(|subject| shown("RoleBinding", &binding.metadata, &binding.role_ref, subject)));
    }
    Ok(found)
}

fn shown(kind: &str, metadata: &kube::api::ObjectMeta, role: &RoleRef, subject: &Subject) -> Value {
    json!({
        "kind": kind, "name": metadata.name, "namespace": metadata.namespace,
        "role": role.name, "roleKind": role.kind, "subject": subject.name, "subjectKind": subject.kind,
    })
}

async fn all<K>(api: &Api<K>) -> Result<Vec<K>, kube::Error>
where
    K: Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    let (mut items, mut next) = (Vec::new(), None);
    loop {
        let page = api.list(&ListParams { limit: Some(PAGE), continue_token: next, ..ListParams::default() }).await?;
        items.extend(page.items);
        next = page.metadata.continue_.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(items);
        }
    }
}

/// The cluster's own answer.
pub(crate) async fn can(client: &Client, oid: PrincipalId, who: &Entered, asked: &Can) -> Result<Value, kube::Error> {
    let mut spec = SubjectAccessReviewSpec {
        user: Some(who.name.clone()),
        uid: Some(oid.to_string()),
        groups: Some(who.groups.iter().map(ToString::to_string).chain([EVERYBODY.to_owned()]).collect()),
        extra: Some(BTreeMap::from([("oid".to_owned(), vec![oid.to_string()])])),
        ..SubjectAccessReviewSpec::default()
    };
    if asked.resource.starts_with('/') {
        spec.non_resource_attributes =
            Some(NonResourceAttributes { path: Some(asked.resource.clone()), verb: Some(asked.verb.clone()) });
    } else {
        let (resource, group) = resolved(client, &asked.resource).await?;
        spec.resource_attributes = Some(ResourceAttributes {
            verb: Some(asked.verb.clone()),
            group: Some(group),
            resource: Some(resource),
            name: asked.name.clone(),
            namespace: asked.namespace.clone(),
            subresource: asked.subresource.clone(),
            ..ResourceAttributes::default()
        });
    }
    let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
    let answered = Api::<SubjectAccessReview>::all(client.clone()).create(&PostParams::default(), &review).await?;
    let status = answered.status.unwrap_or_default();
    Ok(json!({
        "verb": asked.verb, "resource": asked.resource, "name": asked.name, "namespace": asked.namespace,
        "allowed": status.allowed, "reason": status.reason, "error": status.evaluation_error,
    }))
}

/// `deployments.apps` is written out; a bare word is looked up as kubectl does it. What the cluster does not know stays as it is.
async fn resolved(client: &Client, written: &str) -> Result<(String, String), kube::Error> {
    if let Some((resource, group)) = written.split_once('.') {
        return Ok((resource.to_lowercase(), group.to_lowercase()));
    }
    let word = written.to_lowercase();
    let find = |list: &k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList| {
        let is_meant = |known: &&k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResource| {
            known.name == word
                || known.singular_name == word
                || known.kind.to_lowercase() == word
                || known.short_names.iter().flatten().any(|short| *short == word)
        };
        list.resources.iter().filter(|known| !known.name.contains('/')).find(is_meant).map(|known| known.name.clone())
    };
    if let Some(name) = find(&client.list_core_api_resources("v1").await?) {
        return Ok((name, String::new()));
    }
    for group in client.list_api_groups().await?.groups {
        let Some(version) = group.preferred_version.as_ref().or(group.versions.first()) else { continue };
        // A group whose server is away has nothing to say.
        let Ok(list) = client.list_api_group_resources(&version.group_version).await else { continue };
        if let Some(name) = find(&list) {
            return Ok((name, group.name));
        }
    }
    Ok((word, String::new()))
}

const EVERYBODY: &str = "system:authenticated";
const PAGE: u32 = 500;
