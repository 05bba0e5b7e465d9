//! Deployments as clients read them.

use entrance_model::arm::Scope;
use entrance_model::template::{Deployment, Made, MadeState};
use jiff::{Timestamp, Unit};
use serde_json::{Value, json};
use uuid::Uuid;

/// `DeploymentExtended`.
pub(super) fn deployment(deployment: &Deployment) -> Value {
    let touched = deployment.ended.unwrap_or(deployment.started);
    let mut properties = json!({
        "templateHash": deployment.hash,
        "parameters": deployment.parameters,
        "mode": "Incremental",
        "provisioningState": deployment.progress.as_str(),
        "timestamp": touched.to_string(),
        "duration": duration(deployment.started, touched),
        "correlationId": deployment.correlation,
        "providers": providers(&deployment.resources),
        "dependencies": []
    });
    if let Some(outputs) = &deployment.outputs {
        properties["outputs"] = outputs.clone();
        let made = deployment.resources.iter().filter(|made| made.state == MadeState::Done);
        properties["outputResources"] = made.map(|made| json!({ "id": made.id })).collect();
    }
    if let Some(error) = &deployment.error {
        properties["error"] = error.clone();
    }
    json!({
        "id": deployment.address.id(),
        "name": deployment.address.name.as_str(),
        "type": "Microsoft.Resources/deployments",
        "properties": properties
    })
}

fn duration(from: Timestamp, to: Timestamp) -> String {
    let passed = from.until(to).and_then(|span| span.total(Unit::Second)).unwrap_or(0.0);
    format!("PT{:.3}S", passed.max(0.0))
}

/// The providers and types that a deployment names.
pub(super) fn providers(resources: &[Made]) -> Value {
    let mut out: Vec<Value> = Vec::new();
    for made in resources {
        let Some((namespace, kind)) = made.kind.split_once('/') else { continue };
        let kind = json!({ "resourceType": kind, "locations": [null] });
        match out.iter_mut().find(|known| known["namespace"] == namespace) {
            Some(known) => {
                if let Some(kinds) = known["resourceTypes"].as_array_mut()
                    && !kinds.contains(&kind)
                {
                    kinds.push(kind);
                }
            }
            None => out.push(json!({ "namespace": namespace, "resourceTypes": [kind] })),
        }
    }
    out.into()
}

/// `DeploymentOperation`: what was done for one resource.
pub(super) fn operation(deployment: &Deployment, made: &Made) -> Option<Value> {
    let (state, status, error) = match &made.state {
        MadeState::Waiting | MadeState::LeftOut => return None,
        MadeState::Working(_) => ("Running", "Accepted", None),
        MadeState::Done => ("Succeeded", "OK", None),
        MadeState::Failed(error) => ("Failed", "Conflict", Some(error)),
    };
    let moment = |at: Option<i64>| at.and_then(|at| Timestamp::from_microsecond(at).ok());
    let begun = moment(made.begun).unwrap_or(deployment.started);
    let ended = moment(made.ended).unwrap_or(begun);
    let id = operation_id(deployment, made);
    let mut properties = json!({
        "provisioningOperation": "Create",
        "provisioningState": state,
        "timestamp": ended.to_string(),
        "duration": duration(begun, ended),
        "trackingId": id,
        "statusCode": status,
        "targetResource": { "id": made.id, "resourceType": made.kind, "resourceName": made.name }
    });
    if let Some(error) = error {
        properties["statusMessage"] = json!({ "status": "Failed", "error": error });
    }
    Some(json!({ "id": format!("{}/operations/{id}", deployment.address.id()), "operationId": id, "properties": properties }))
}

/// The id of what was done for one resource.
pub(super) fn operation_id(deployment: &Deployment, made: &Made) -> String {
    Uuid::new_v5(&deployment.id.uuid(), made.id.to_lowercase().as_bytes()).as_simple().to_string().to_uppercase()
}

/// Where clients ask how it goes.
pub(super) fn status_url(base: &str, deployment: &Deployment) -> String {
    let group = Scope::group(deployment.address.subscription, &deployment.address.group);
    let (name, id) = (&deployment.address.name, deployment.id);
    format!("{base}{group}/providers/Microsoft.Resources/deployments/{name}/operationStatuses/{id}?api-version=2022-09-01")
}
