//! Everything that Entrance and the node simulator may do inside a cluster, in one place.
//!
//! Both are set with a certificate that may do anything, made for that one call: when an API server comes up, and when
//! somebody changed the roles. Entrance's everyday credential could not do it: nobody may give what they do not have.

use std::collections::BTreeSet;

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, RoleRef, Subject};
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client, ResourceExt as _};

use super::LocalError;
use super::pki::{NODES, OPERATOR};
use crate::clusters::incluster::{SEALED_DOOR, SealedRights};

/// A role with the one binding that gives it to the user of the same name.
#[derive(Debug, Clone)]
pub struct Rights {
    /// The role.
    pub role: ClusterRole,
    /// Who has it.
    pub binding: ClusterRoleBinding,
}

impl Rights {
    /// What Entrance itself may do.
    pub fn of_operator() -> Self {
        Self::new(OPERATOR, OPERATOR_RULES)
    }

    /// All rights that are ours to keep.
    pub fn all() -> [Self; 2] {
        [Self::of_operator(), Self::new(NODES, NODES_RULES)]
    }

    fn new(user: &str, rules: &[Rule]) -> Self {
        let role = ClusterRole {
            metadata: named(user),
            rules: Some(rules.iter().map(Rule::to_policy).collect()),
            ..ClusterRole::default()
        };
        let binding = ClusterRoleBinding {
            metadata: named(user),
            role_ref: RoleRef { api_group: RBAC.to_owned(), kind: "ClusterRole".to_owned(), name: user.to_owned() },
            subjects: Some(vec![Subject {
                api_group: Some(RBAC.to_owned()),
                kind: "User".to_owned(),
                name: user.to_owned(),
                namespace: None,
            }]),
        };
        Self { role, binding }
    }

    /// The name of the user, the role and the binding.
    pub fn name(&self) -> &str {
        self.role.metadata.name.as_deref().unwrap_or_default()
    }

    /// Whether the role gives exactly these rights, to nobody by way of another role.
    pub fn is_role(&self, found: &ClusterRole) -> bool {
        let rules = |role: &ClusterRole| role.rules.iter().flatten().map(comparable).collect::<BTreeSet<_>>();
        let is_lent = found.labels().keys().any(|label| label.starts_with(AGGREGATES));
        found.aggregation_rule.is_none() && !is_lent && rules(found) == rules(&self.role)
    }

    /// Whether the binding gives the role to exactly this user.
    pub fn is_binding(&self, found: &ClusterRoleBinding) -> bool {
        let subjects = |binding: &ClusterRoleBinding| {
            let all = binding.subjects.iter().flatten();
            all.map(|one| (one.kind.clone(), one.name.clone(), one.namespace.clone())).collect::<BTreeSet<_>>()
        };
        found.role_ref == self.binding.role_ref && subjects(found) == subjects(&self.binding)
    }

    /// Makes both as they shall be. `client` may do anything; the result is the same however often this runs.
    pub(super) async fn set(&self, client: &Client) -> Result<(), LocalError> {
        let (roles, bindings) = (Api::<ClusterRole>::all(client.clone()), Api::<ClusterRoleBinding>::all(client.clone()));
        let by_us = PostParams { field_manager: Some("entrance".to_owned()), ..PostParams::default() };
        match roles.get_opt(self.name()).await? {
            Some(found) if self.is_role(&found) => {}
            // Replaced as a whole: what others added, labels that lend it on included, goes.
            Some(found) => {
                let mut role = self.role.clone();
                role.metadata.resource_version = found.metadata.resource_version;
                roles.replace(self.name(), &by_us, &role).await?;
            }
            None => drop(roles.create(&by_us, &self.role).await?),
        }
        match bindings.get_opt(self.name()).await? {
            Some(found) if self.is_binding(&found) => return Ok(()),
            Some(_) => drop(bindings.delete(self.name(), &DeleteParams::default()).await?),
            None => {}
        }
        bindings.create(&by_us, &self.binding).await?;
        Ok(())
    }
}

/// Gives Entrance and the node simulator their rights.
pub(super) async fn bootstrap(client: &Client) -> Result<(), LocalError> {
    for rights in Rights::all() {
        rights.set(client).await?;
    }
    // What a sealed door may do, and the rule that it is opened by; without a door both are idle.
    Ok(SealedRights::set(client).await?)
}

fn named(name: &str) -> kube::api::ObjectMeta {
    kube::api::ObjectMeta { name: Some(name.to_owned()), ..kube::api::ObjectMeta::default() }
}

/// A rule without regard to order, which changes nothing.
fn comparable(rule: &PolicyRule) -> [BTreeSet<String>; 5] {
    let set = |all: Option<&Vec<String>>| all.into_iter().flatten().cloned().collect();
    [
        rule.verbs.iter().cloned().collect(),
        set(rule.api_groups.as_ref()),
        set(rule.resources.as_ref()),
        set(rule.resource_names.as_ref()),
        set(rule.non_resource_urls.as_ref()),
    ]
}

/// One rule of a role, in the order in which people read it.
struct Rule {
    verbs: &'static [&'static str],
    group: &'static str,
    resources: &'static [&'static str],
    names: &'static [&'static str],
    urls: &'static [&'static str],
}

impl Rule {
    const fn on(verbs: &'static [&'static str], group: &'static str, resources: &'static [&'static str]) -> Self {
        Self { verbs, group, resources, names: &[], urls: &[] }
    }

    const fn only(self, names: &'static [&'static str]) -> Self {
        Self { names, ..self }
    }

    const fn at(urls: &'static [&'static str]) -> Self {
        Self { verbs: &["get"], group: "", resources: &[], names: &[], urls }
    }

    fn to_policy(&self) -> PolicyRule {
        let own = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let some = |all: &[&str]| (!all.is_empty()).then(|| own(all));
        PolicyRule {
            verbs: own(self.verbs),
            api_groups: (!self.resources.is_empty()).then(|| vec![self.group.to_owned()]),
            resources: some(self.resources),
            resource_names: some(self.names),
            non_resource_urls: some(self.urls),
        }
    }
}

/// Everything that `entrance:operator` may do. It may bind `cluster-admin` and what lets a sealed door be opened, nothing else, and it cannot widen a role.
const OPERATOR_RULES: &[Rule] = &[
    // The admin binding of the integration, and the bindings of open doors. The doors' names are not known beforehand.
    Rule::on(&["get", "list", "watch", "create", "update", "patch", "delete"], RBAC, &["clusterrolebindings"]),
    Rule::on(&["bind"], RBAC, &["clusterroles"]).only(&["cluster-admin", SEALED_DOOR]),
    // Which groups the cluster refers to, and whether our own roles are as they shall be.
    Rule::on(READ, RBAC, &["roles", "clusterroles", "rolebindings"]),
    Rule::on(
        READ,
        "admissionregistration.k8s.io",
        &[
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicybindings",
            "validatingwebhookconfigurations",
            "mutatingwebhookconfigurations",
        ],
    ),
    Rule::on(READ, "flowcontrol.apiserver.k8s.io", &["flowschemas"]),
    // What the holder of a break-glass certificate left behind, and who else could enter.
    Rule::on(READ, "certificates.k8s.io", &["certificatesigningrequests"]),
    Rule::on(&["create"], "authorization.k8s.io", &["subjectaccessreviews"]),
    // A break-glass signer that was dropped leaves this list only when the list is written anew.
    Rule::on(&["get", "delete"], "", &["configmaps"]).only(&["extension-apiserver-authentication"]),
    // The state of the resource, and the proof that a configuration is in force.
    Rule::on(READ, "", &["nodes"]),
    Rule::at(&["/metrics"]),
    // With which keys the cluster signs its service accounts' tokens, for applications that prove themselves with one.
    Rule::at(&["/.well-known/openid-configuration", "/openid/v1/jwks"]),
];

const NODES_RULES: &[Rule] = &[
    Rule::on(&["get", "list", "create", "delete"], "", &["nodes"]),
    Rule::on(&["update"], "", &["nodes/status", "pods/status"]),
    Rule::on(&["get", "list", "watch", "delete"], "", &["pods"]),
    Rule::on(&["get", "create", "update"], "coordination.k8s.io", &["leases"]),
];

const READ: &[&str] = &["get", "list", "watch"];
const RBAC: &str = "rbac.authorization.k8s.io";
/// A role with such a label lends its rights to another one.
const AGGREGATES: &str = "rbac.authorization.k8s.io/aggregate-to-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_of_our_rights_is_seen() {
        let rights = Rights::of_operator();
        assert!(rights.is_role(&rights.role) && rights.is_binding(&rights.binding));
        let mut turned = rights.role.clone();
        turned.rules.as_mut().expect("rules").reverse();
        turned.metadata.labels = Some([("team".to_owned(), "web".to_owned())].into());
        assert!(rights.is_role(&turned), "neither order nor a label gives rights");

        let mut wider = rights.role.clone();
        wider.rules.as_mut().expect("rules")[0].verbs.push("escalate".to_owned());
        let mut narrower = rights.role.clone();
        narrower.rules.as_mut().expect("rules").pop();
        let mut lent = rights.role.clone();
        lent.metadata.labels = Some([(format!("{AGGREGATES}view"), "true".to_owned())].into());
        let mut taken_over = rights.role.clone();
        taken_over.aggregation_rule = Some(k8s_openapi::api::rbac::v1::AggregationRule::default());
        for other in [wider, narrower, lent, taken_over] {
            assert!(!rights.is_role(&other), "{other:?}");
        }
        let mut shared = rights.binding.clone();
        shared.subjects.as_mut().expect("subjects")[0].name = "system:anonymous".to_owned();
        assert!(!rights.is_binding(&shared));
    }

    #[test]
    fn the_operator_can_neither_widen_a_role_nor_become_somebody_else() {
        for rule in OPERATOR_RULES {
            assert!(!rule.verbs.iter().any(|verb| ["*", "escalate", "impersonate"].contains(verb)), "{:?}", rule.resources);
            assert!(!rule.resources.contains(&"*") && !rule.resources.contains(&"secrets"));
            assert!(!rule.verbs.contains(&"bind") || rule.names == ["cluster-admin", SEALED_DOOR]);
        }
    }
}
