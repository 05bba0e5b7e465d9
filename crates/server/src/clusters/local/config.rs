//! The configuration files of one cluster, and nothing that needs a running process.
//!
//! They are JSON, which is YAML, too. Paths in them are absolute: the authorization configuration accepts no others.

use entrance_model::Timestamp;
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use super::home::{Authorizer, ClusterHome, Record};
use super::{LocalError, files};

/// How the API server reaches Entrance's webhooks: an address that lives as long as the cluster, and a certificate that is
/// renewed.
pub struct WebhookAccess {
    /// `https://127.0.0.1:8444/clusters/{uid}`; `/tokenreview` and `/subjectaccessreview` are added.
    pub base: Url,
    /// The CA of the webhook listener.
    pub ca_pem: String,
    /// The client certificate that says which cluster asks.
    pub client_cert_pem: String,
    /// Its private key.
    pub client_key_pem: Zeroizing<String>,
}

/// Writes the webhook's certificates. A renewed certificate takes effect without a restart: the API server reads the files again.
pub(super) fn write_webhook(home: &ClusterHome, webhook: &WebhookAccess) -> Result<(), LocalError> {
    let identity = Zeroizing::new(format!("{}\n{}", webhook.client_cert_pem.trim_end(), webhook.client_key_pem.as_str()));
    files::write(&home.path("webhook/client.pem"), identity.as_bytes())?;
    files::write(&home.path("webhook/ca.crt"), webhook.ca_pem.as_bytes())
}

/// Whether the certificate for the webhooks is past half of its time, or not there.
pub(super) fn is_webhook_due(home: &ClusterHome, now: Timestamp) -> Result<bool, LocalError> {
    let Some(pem) = files::read(&home.path("webhook/client.pem"))?.map(Zeroizing::new) else { return Ok(true) };
    Ok(super::pki::is_past_half(&pem, now))
}

/// Writes every configuration file that the processes are started with.
pub(super) fn write(home: &ClusterHome, record: &Record) -> Result<(), LocalError> {
    write_json(home, TOKEN_WEBHOOK, &webhook_kubeconfig(home, record, "tokenreview"))?;
    write_json(home, AUDIT_POLICY, &audit_policy())?;
    for who in ["controller-manager", "scheduler", "nodes"] {
        write_json(home, &kubeconfig_of(who), &component_kubeconfig(home, record, who))?;
    }
    write_authorization(home, record)
}

/// Writes who authorizes. The API server takes a changed file into force by itself, within seconds.
pub(super) fn write_authorization(home: &ClusterHome, record: &Record) -> Result<(), LocalError> {
    // First what the configuration points to, then the configuration.
    if record.authorizer == Authorizer::RbacThenWebhook {
        write_json(home, AUTHORIZER_WEBHOOK, &webhook_kubeconfig(home, record, "subjectaccessreview"))?;
    }
    files::write(&home.path(AUTHORIZATION), &authorization_text(home, record))
}

/// The text of the authorization configuration; its SHA-256 is what the API server's metric shows once it is in force.
pub(super) fn authorization_text(home: &ClusterHome, record: &Record) -> Vec<u8> {
    to_text(&authorization(home, record.authorizer))
}

/// The file of a component's kubeconfig, inside the cluster's folder.
pub(super) fn kubeconfig_of(component: &str) -> String {
    format!("config/{component}.kubeconfig")
}

fn authorization(home: &ClusterHome, authorizer: Authorizer) -> Value {
    let mut authorizers = vec![json!({ "type": "Node", "name": "node" }), json!({ "type": "RBAC", "name": "rbac" })];
    if authorizer == Authorizer::RbacThenWebhook {
        authorizers.push(json!({
            "type": "Webhook",
            "name": "entrance",
            "webhook": {
                // The defaults remember an allowed answer for five minutes; a TTL of zero means the default, so the memory is switched off.
                "cacheAuthorizedRequests": false,
                "cacheUnauthorizedRequests": false,
                "timeout": "3s",
                "failurePolicy": "NoOpinion",
                "subjectAccessReviewVersion": "v1",
                "matchConditionSubjectAccessReviewVersion": "v1",
                "connectionInfo": { "type": "KubeConfigFile", "kubeConfigFile": home.path(AUTHORIZER_WEBHOOK) },
                // What runs inside the cluster is never ours to decide, and would cost a call each time.
                "matchConditions": [
                    { "expression": "!request.user.startsWith('system:')" },
                    { "expression": "!request.user.startsWith('entrance:')" },
                ],
            },
        }));
    }
    json!({ "apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthorizationConfiguration", "authorizers": authorizers })
}

fn webhook_kubeconfig(home: &ClusterHome, record: &Record, review: &str) -> Value {
    let server = format!("{}/{review}", record.webhook.trim_end_matches('/'));
    kubeconfig(home, &server, "webhook/ca.crt", "webhook/client.pem")
}

fn component_kubeconfig(home: &ClusterHome, record: &Record, component: &str) -> Value {
    kubeconfig(home, &record.url(), "pki/ca.crt", &format!("pki/{component}.pem"))
}

fn kubeconfig(home: &ClusterHome, server: &str, ca: &str, identity: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "it", "cluster": { "server": server, "certificate-authority": home.path(ca) } }],
        "users": [{ "name": "me", "user": { "client-certificate": home.path(identity), "client-key": home.path(identity) } }],
        "contexts": [{ "name": "it", "context": { "cluster": "it", "user": "me" } }],
        "current-context": "it",
    })
}

/// Who did what, without bodies. What the cluster's own programs read, and their heartbeats, would drown the rest.
fn audit_policy() -> Value {
    let own = json!(["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler", super::pki::NODES]);
    let heartbeats = json!([
        { "group": "coordination.k8s.io", "resources": ["leases"] },
        { "group": "", "resources": ["events", "nodes/status"] },
        { "group": "events.k8s.io", "resources": ["events"] },
    ]);
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            { "level": "None", "nonResourceURLs": ["/readyz*", "/livez*", "/healthz*", "/version", "/metrics"] },
            // Our watches begin anew every few seconds.
            { "level": "None", "users": [super::pki::OPERATOR], "verbs": ["get", "list", "watch"] },
            { "level": "None", "users": own, "resources": heartbeats },
            { "level": "None", "users": own, "verbs": ["get", "list", "watch"] },
            { "level": "None", "userGroups": ["system:serviceaccounts:kube-system"], "verbs": ["get", "list", "watch"] },
            { "level": "Metadata" },
        ],
    })
}

fn write_json(home: &ClusterHome, inside: &str, value: &Value) -> Result<(), LocalError> {
    files::write(&home.path(inside), &to_text(value))
}

fn to_text(value: &Value) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).expect("a `Value` can always be written");
    text.push(b'\n');
    text
}

pub(super) const TOKEN_WEBHOOK: &str = "config/token-webhook.kubeconfig";
pub(super) const AUTHORIZER_WEBHOOK: &str = "config/authorizer-webhook.kubeconfig";
pub(super) const AUTHORIZATION: &str = "config/authorization.yaml";
pub(super) const AUDIT_POLICY: &str = "config/audit-policy.yaml";

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
