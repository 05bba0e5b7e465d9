//! Entrance as a client of a local control plane: its credential, the first rights, and the question whether it is ready.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, RoleRef, Subject};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};

use super::LocalError;
use super::home::{ClusterHome, Record};
use super::pki::{Identity, NODES, OPERATOR};

/// A client that speaks to the cluster as `who`.
pub(super) fn client(home: &ClusterHome, record: &Record, who: &Identity) -> Result<Client, LocalError> {
    let damaged = |why: String| LocalError::Damaged { path: home.path("pki/ca.crt"), why };
    let uri = record.url().parse::<http::Uri>().map_err(|e| damaged(e.to_string()))?;
    let mut config = kube::Config::new(uri);
    let ca = home.ca_pem()?;
    let (_, ca) = x509_parser::pem::parse_x509_pem(ca.as_bytes()).map_err(|e| damaged(e.to_string()))?;
    config.root_cert = Some(vec![ca.contents]);
    config.connect_timeout = Some(Duration::from_secs(5));
    config.auth_info.client_certificate_data = Some(STANDARD.encode(&who.cert_pem));
    config.auth_info.client_key_data = Some(STANDARD.encode(who.key_pem.as_bytes()).into());
    Ok(Client::try_from(config)?)
}

/// Whether `/readyz` says ok. Everything else means not yet: before the first roles exist the answer is 403.
pub(super) async fn is_ready(client: &Client) -> bool {
    let Ok(ask) = http::Request::get("/readyz").body(Vec::new()) else { return false };
    matches!(tokio::time::timeout(PROBE, client.request_text(ask)).await, Ok(Ok(_)))
}

/// What an API server says to a credential that may do everything or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// It is known and may.
    Allowed,
    /// It is known and may not.
    Forbidden,
    /// It is not known.
    Unknown,
}

/// Asks for something that only an administrator may read, so that the answer tells what the credential is worth now.
pub async fn probe(client: &Client) -> Result<Probe, LocalError> {
    let ask = http::Request::get("/api/v1/namespaces?limit=1").body(Vec::new()).map_err(kube::Error::HttpError)?;
    match tokio::time::timeout(PROBE, client.request_text(ask)).await {
        Err(_) => Err(LocalError::TooSlow { what: "answering", after: PROBE }),
        Ok(Ok(_)) => Ok(Probe::Allowed),
        Ok(Err(kube::Error::Api(status))) if status.code == 401 => Ok(Probe::Unknown),
        Ok(Err(kube::Error::Api(status))) if status.code == 403 => Ok(Probe::Forbidden),
        Ok(Err(error)) => Err(error.into()),
    }
}

/// Whether the API server says that an authorization configuration with this hash is the last one that it took into force.
pub(super) async fn authorizes_with(client: &Client, hash: &str) -> Result<bool, LocalError> {
    let ask = http::Request::get("/metrics").body(Vec::new()).map_err(kube::Error::HttpError)?;
    let metrics = client.request_text(ask).await?;
    Ok(metrics.lines().any(|line| line.starts_with(AUTHORIZATION_INFO) && line.contains(hash)))
}

/// Gives Entrance and the node simulator their rights. `client` may do anything; the result is the same however often this runs.
pub(super) async fn bootstrap(client: &Client) -> Result<(), LocalError> {
    for (role, binding) in [operator_role(), rights(NODES, NODES_RULES)] {
        let by_us = PatchParams::apply("entrance").force();
        let name = role.metadata.name.as_deref().unwrap_or_default();
        Api::<ClusterRole>::all(client.clone()).patch(name, &by_us, &Patch::Apply(&role)).await?;
        Api::<ClusterRoleBinding>::all(client.clone()).patch(name, &by_us, &Patch::Apply(&binding)).await?;
    }
    Ok(())
}

/// The role and the binding that give Entrance exactly what it needs inside a cluster.
pub fn operator_role() -> (ClusterRole, ClusterRoleBinding) {
    rights(OPERATOR, OPERATOR_RULES)
}

fn rights(user: &str, rules: &[Rule]) -> (ClusterRole, ClusterRoleBinding) {
    let role =
        ClusterRole { metadata: named(user), rules: Some(rules.iter().map(Rule::to_policy).collect()), ..ClusterRole::default() };
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
    (role, binding)
}

fn named(name: &str) -> kube::api::ObjectMeta {
    kube::api::ObjectMeta { name: Some(name.to_owned()), ..kube::api::ObjectMeta::default() }
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

/// Everything that `entrance:operator` may do. It may bind `cluster-admin` and nothing else, and it cannot widen a role.
const OPERATOR_RULES: &[Rule] = &[
    // The admin binding of the integration, and the bindings of open doors.
    Rule::on(&["get", "list", "watch", "create", "update", "patch", "delete"], RBAC, &["clusterrolebindings"]),
    Rule::on(&["bind"], RBAC, &["clusterroles"]).only(&["cluster-admin"]),
    // Which groups the cluster refers to.
    Rule::on(READ, RBAC, &["roles", "clusterroles", "rolebindings"]),
    Rule::on(READ, "admissionregistration.k8s.io", &["validatingadmissionpolicies", "validatingadmissionpolicybindings"]),
    Rule::on(READ, "flowcontrol.apiserver.k8s.io", &["flowschemas"]),
    // What the holder of a break-glass certificate left behind, and who else could enter.
    Rule::on(READ, "certificates.k8s.io", &["certificatesigningrequests"]),
    Rule::on(&["create"], "authorization.k8s.io", &["subjectaccessreviews"]),
    // A break-glass signer that was dropped leaves this list only when the list is written anew.
    Rule::on(&["get", "delete"], "", &["configmaps"]).only(&["extension-apiserver-authentication"]),
    // The state of the resource, and the proof that a configuration is in force.
    Rule::on(READ, "", &["nodes"]),
    Rule::at(&["/metrics"]),
];

const NODES_RULES: &[Rule] = &[
    Rule::on(&["get", "list", "create", "delete"], "", &["nodes"]),
    Rule::on(&["update"], "", &["nodes/status", "pods/status"]),
    Rule::on(&["get", "list", "watch", "delete"], "", &["pods"]),
    Rule::on(&["get", "create", "update"], "coordination.k8s.io", &["leases"]),
];

const READ: &[&str] = &["get", "list", "watch"];
const RBAC: &str = "rbac.authorization.k8s.io";
const AUTHORIZATION_INFO: &str = "apiserver_authorization_config_controller_last_config_info{";
const PROBE: Duration = Duration::from_secs(3);
