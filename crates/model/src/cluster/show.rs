//! The resource as clients read it: the document, with what only the server knows.

use serde_json::{Value, json};

use super::record::Cluster;
use super::shape::Object;
use super::state::State;

/// Facts for the answer that are not in the record.
#[derive(Debug, Clone, Copy)]
pub struct Showing<'a> {
    /// The name that public addresses end with.
    pub dns_suffix: &'a str,
    /// Base of the public origin, without a slash at its end, for the issuer.
    pub base: &'a str,
}

/// `{dnsPrefix}-{8 letters or digits}.hcp.{location}.{suffix}`: made of what never changes.
pub fn fqdn(cluster: &Cluster, showing: Showing<'_>, kind: &str) -> String {
    let prefix =
        cluster.document.text("properties.dnsPrefix").or(cluster.document.text("properties.fqdnSubdomain")).unwrap_or_default();
    let location = cluster.document.text("location").unwrap_or_default();
    let unique = uuid::Uuid::new_v5(&cluster.uid.uuid(), b"fqdn").as_simple().to_string();
    format!("{}-{}.{kind}.{location}.{}", prefix.to_lowercase(), &unique[..8], showing.dns_suffix)
}

/// The resource's JSON.
pub fn show(cluster: &Cluster, showing: Showing<'_>) -> Value {
    let mut rest = cluster.document.object().clone();
    let properties =
        rest.shift_remove("properties").and_then(|p| if let Value::Object(p) = p { Some(p) } else { None }).unwrap_or_default();
    let mut out = Object::new();
    out.insert("id".into(), json!(cluster.address.to_string()));
    out.insert("name".into(), json!(cluster.address.name.as_str()));
    out.insert("type".into(), json!("Microsoft.ContainerService/managedClusters"));
    out.append(&mut rest);
    if let Some(identity) = out.get_mut("identity").and_then(Value::as_object_mut)
        && identity.get("type").and_then(Value::as_str).is_some_and(|kind| kind.contains("SystemAssigned"))
    {
        identity.insert("principalId".into(), json!(uuid::Uuid::new_v5(&cluster.uid.uuid(), b"identity/object")));
        identity.insert("tenantId".into(), json!(cluster.tenant));
    }
    out.insert("properties".into(), Value::Object(show_properties(cluster, properties, showing)));
    out.insert("eTag".into(), json!(cluster.etag().to_string()));
    out.insert("systemData".into(), system_data(cluster));
    Value::Object(out)
}

fn show_properties(cluster: &Cluster, mut known: Object, showing: Showing<'_>) -> Object {
    let mut out = Object::new();
    out.insert("provisioningState".into(), json!(cluster.state.provisioning()));
    out.insert("powerState".into(), json!({"code": cluster.power.as_str()}));
    out.insert("currentKubernetesVersion".into(), json!(cluster.version.to_string()));
    out.append(&mut known);
    out.insert("fqdn".into(), json!(fqdn(cluster, showing, "hcp")));
    out.insert("azurePortalFQDN".into(), json!(fqdn(cluster, showing, "portal.hcp")));
    out.insert("maxAgentPools".into(), json!(100));
    out.insert("resourceUID".into(), json!(cluster.uid));
    if let State::Failed { why, .. } = &cluster.state {
        out.insert("status".into(), json!({"provisioningError": {"code": why.code, "message": why.message}}));
    }
    if cluster.document.flag("properties.oidcIssuerProfile.enabled") == Some(true)
        && let Some(issuer) = out.get_mut("oidcIssuerProfile").and_then(Value::as_object_mut)
    {
        issuer.insert("issuerURL".into(), json!(format!("{}/clusters/{}/", showing.base, cluster.uid)));
    }
    for pool in
        out.get_mut("agentPoolProfiles").and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
    {
        pool.insert("provisioningState".into(), json!(cluster.state.provisioning()));
        pool.insert("powerState".into(), json!({"code": cluster.power.as_str()}));
        pool.insert("currentOrchestratorVersion".into(), json!(cluster.version.to_string()));
        pool.insert("nodeImageVersion".into(), json!(format!("Simulated-{}", cluster.version)));
        let state = Value::Object(pool.clone()).to_string();
        pool.insert("eTag".into(), json!(uuid::Uuid::new_v5(&cluster.uid.uuid(), format!("pool/{state}").as_bytes())));
    }
    if let (Some(app), Some(profile)) = (cluster.server_app(), out.get_mut("entranceProfile").and_then(Value::as_object_mut)) {
        profile.insert("serverAppId".into(), json!(app));
    }
    out
}

fn system_data(cluster: &Cluster) -> Value {
    let mut data = Object::new();
    let mut say = |by: &str, kind: &str, at: &str, who: Option<String>, when: String| {
        if let Some(who) = who {
            data.insert(by.into(), json!(who));
            data.insert(kind.into(), json!("User"));
        }
        data.insert(at.into(), json!(when));
    };
    say("createdBy", "createdByType", "createdAt", cluster.created_by.map(|id| id.to_string()), cluster.created.to_string());
    say(
        "lastModifiedBy",
        "lastModifiedByType",
        "lastModifiedAt",
        cluster.modified_by.map(|id| id.to_string()),
        cluster.modified.to_string(),
    );
    Value::Object(data)
}
