//! The two calls that give a cluster other applications: `resetAADProfile` and `resetServicePrincipalProfile`.

use serde_json::{Value, json};

use super::put::{Accepted, House, is_automatic};
use super::record::Cluster;
use super::shape::{self, Aside, Object};
use super::sign_in::{self, Around};
use super::spec::Spec;
use super::unacceptable::Unacceptable;
use crate::id::AppId;

/// `resetAADProfile`: other applications for a cluster with the retired integration.
pub fn reset_sign_in(cluster: &Cluster, body: Value, house: &House<'_>) -> Result<Accepted, Unacceptable> {
    let (sent, aside) = read("aadProfile", body)?;
    let current = cluster.spec()?;
    let mut document = cluster.document.clone();
    let around = Around {
        address: &cluster.address,
        house,
        current: Some(&current.sign_in),
        kubernetes_rbac: document.flag("properties.enableRBAC") != Some(false),
        automatic: is_automatic(&document),
    };
    sign_in::reset(Some(&sent), &aside, &around)?.write(document.properties_mut(), None);
    let spec = Spec::read(&document)?;
    Ok(Accepted { document, spec, warnings: Vec::new() })
}

/// `resetServicePrincipalProfile`: another service principal for a cluster that has one instead of a managed identity. Nothing here acts as
/// it, so its secret is looked for and forgotten.
pub fn reset_service_principal(cluster: &Cluster, body: Value) -> Result<Accepted, Unacceptable> {
    let (sent, aside) = read("servicePrincipalProfile", body)?;
    let current = cluster.document.text("properties.servicePrincipalProfile.clientId").unwrap_or("msi");
    if current.eq_ignore_ascii_case("msi") {
        return Err(Unacceptable::NoServicePrincipal);
    }
    let client = sent.get("clientId").and_then(Value::as_str).filter(|text| !text.is_empty());
    let (Some(client), true) = (client, aside.secrets.contains(&"secret")) else {
        return Err(Unacceptable::ServicePrincipalIncomplete);
    };
    let client: AppId = client.parse().map_err(|_| Unacceptable::ServicePrincipalIncomplete)?;
    let mut document = cluster.document.clone();
    document.properties_mut().insert("servicePrincipalProfile".to_owned(), json!({ "clientId": client }));
    let spec = Spec::read(&document)?;
    Ok(Accepted { document, spec, warnings: Vec::new() })
}

// The body of such a call is one member of the cluster's properties.
fn read(member: &str, body: Value) -> Result<(Value, Aside), Unacceptable> {
    let mut aside = Aside::default();
    let mut sent = shape::read(Object::from_iter([(member.to_owned(), body)]), shape::PROPERTIES, "properties", &mut aside)?;
    Ok((sent.shift_remove(member).unwrap_or(Value::Null), aside))
}
