//! Asking without doing: whether a template could be deployed, and what it would change.

use axum::Json;
use axum::extract::Path;
use entrance_model::access::Action;
use entrance_model::template::{Change, Changed, Made, Planned, changes};
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::kinds::{Kind, look};
use super::prepare::{Prepared, prepare};
use super::sent::Sent;
use super::{At, allowed, show};
use crate::arm::ctx::Ctx;

/// `POST …/deployments/{name}/validate`: 200 with what would be deployed.
pub(super) async fn validate(ctx: Ctx, Path(at): At, sent: Result<Sent, Fault>) -> Result<Json<Value>, Fault> {
    let (address, _) = allowed(&ctx, &at, Action::DeploymentsValidate).await?;
    let sent = sent?;
    let Prepared { address, program, plan, .. } = prepare(&ctx, address, sent.text, sent.template, sent.parameters, 1).await?;
    let wanted: Vec<&Planned> = plan.resources.iter().filter(|resource| !resource.is_existing).collect();
    let made: Vec<Made> = wanted.iter().map(|resource| Made::waiting(resource)).collect();
    Ok(Json(json!({
        "id": address.id(),
        "name": address.name.as_str(),
        "type": "Microsoft.Resources/deployments",
        "properties": {
            "templateHash": program.template().hash(),
            "parameters": program.shown_parameters(),
            "mode": "Incremental",
            "provisioningState": "Succeeded",
            "timestamp": ctx.app.now().to_string(),
            "duration": "PT0S",
            "correlationId": ctx.info.id,
            "providers": show::providers(&made),
            "dependencies": dependencies(&plan.resources),
            "validatedResources": wanted.iter().map(|resource| json!({ "id": resource.id })).collect::<Vec<_>>()
        }
    })))
}

fn dependencies(resources: &[Planned]) -> Value {
    let named = |resource: &Planned| json!({ "id": resource.id, "resourceType": resource.kind, "resourceName": resource.name });
    let waiting = resources.iter().filter(|resource| !resource.after.is_empty() && !resource.is_existing);
    waiting
        .map(|resource| {
            let mut shown = named(resource);
            shown["dependsOn"] = resource.after.iter().filter_map(|at| resources.get(*at)).map(named).collect();
            shown
        })
        .collect()
}

/// `POST …/deployments/{name}/whatIf`: 200 with the changes; a template that is wrong is told in the same way.
pub(super) async fn what_if(ctx: Ctx, Path(at): At, sent: Result<Sent, Fault>) -> Result<Json<Value>, Fault> {
    let (address, _) = allowed(&ctx, &at, Action::DeploymentsWhatIf).await?;
    let sent = sent?;
    let ids_only = sent.ids_only;
    let prepared = match prepare(&ctx, address, sent.text, sent.template, sent.parameters, 1).await {
        Ok(prepared) => prepared,
        // Clients expect what is wrong with the template in an answer that is right.
        Err(fault) if fault.error["code"] == "InvalidTemplate" || fault.error["code"] == "InvalidTemplateDeployment" => {
            return Ok(Json(json!({ "status": "Failed", "error": fault.error })));
        }
        Err(fault) => return Err(fault),
    };
    let mut shown = Vec::new();
    for resource in prepared.plan.resources.iter().filter(|resource| !resource.is_existing) {
        shown.push(prepared.program.hide(change(&ctx, resource, ids_only).await?));
    }
    Ok(Json(json!({ "status": "Succeeded", "properties": { "correlationId": ctx.info.id, "changes": shown } })))
}

async fn change(ctx: &Ctx, resource: &Planned, ids_only: bool) -> Result<Value, Fault> {
    if Kind::of(resource)? == Kind::Deployment {
        let why = "The resources of nested deployments are not compared; they are validated when it is deployed.";
        return Ok(json!({ "resourceId": resource.id, "changeType": "Unsupported", "unsupportedReason": why }));
    }
    let Some(body) = &resource.body else {
        let why = "It depends on values that are known only while deploying.";
        return Ok(json!({ "resourceId": resource.id, "changeType": "Unsupported", "unsupportedReason": why }));
    };
    let after = with_head(resource, body);
    let before = match look(ctx, &resource.id).await {
        Ok(before) => before,
        Err(fault) if fault.status == axum::http::StatusCode::NOT_FOUND => {
            let mut shown = json!({ "resourceId": resource.id, "changeType": "Create" });
            if !ids_only {
                shown["after"] = after;
            }
            return Ok(shown);
        }
        Err(fault) => return Err(fault),
    };
    let delta: Vec<Value> = changes(&before, body).into_iter().map(property).collect();
    let kind = match (delta.is_empty(), ids_only) {
        (_, true) => "Deploy",
        (true, false) => "NoChange",
        (false, false) => "Modify",
    };
    let mut shown = json!({ "resourceId": resource.id, "changeType": kind });
    if !ids_only {
        shown["before"] = before;
        shown["after"] = after;
        shown["delta"] = delta.into();
    }
    Ok(shown)
}

fn with_head(resource: &Planned, body: &Value) -> Value {
    let mut out = Map::new();
    out.insert("id".into(), json!(resource.id));
    out.insert("type".into(), json!(resource.kind));
    out.insert("name".into(), json!(resource.name));
    out.insert("apiVersion".into(), json!(resource.api_version));
    for (name, value) in body.as_object().into_iter().flatten() {
        out.insert(name.clone(), value.clone());
    }
    out.into()
}

fn property(Change { path, changed }: Change) -> Value {
    match changed {
        Changed::Create(after) => json!({ "path": path, "propertyChangeType": "Create", "before": null, "after": after }),
        Changed::Modify(before, after) => {
            json!({ "path": path, "propertyChangeType": "Modify", "before": before, "after": after })
        }
    }
}
