//! PUT of a deployment: one commit makes its record and the audit event; a runner does the rest.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use entrance_model::access::Action;
use entrance_model::id::OperationId;
use entrance_model::template::{Deployment, Made, Progress};
use serde_json::json;
use uuid::Uuid;

use super::fault::Fault;
use super::prepare::{Prepared, prepare};
use super::sent::Sent;
use super::{At, allowed, show};
use crate::arm::ctx::{Allowed, Ctx};
use crate::arm::error::Refusal;

/// How many deployments that have ended a group keeps (the original's limit).
const KEPT: u32 = 800;

/// `PUT …/deployments/{name}`.
pub(super) async fn put(ctx: Ctx, Path(at): At, sent: Result<Sent, Fault>) -> Result<Response, Fault> {
    let (address, allowed) = allowed(&ctx, &at, Action::DeploymentsWrite).await?;
    let sent = sent?;
    let prepared = prepare(&ctx, address, sent.text, sent.template, sent.parameters, 1).await?;
    let (is_new, deployment) = begin(&ctx, &allowed, &prepared, OperationId::from_uuid(Uuid::new_v4()), None).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let mut headers = HeaderMap::new();
    if let Ok(url) = HeaderValue::from_str(&show::status_url(ctx.app.base(), &deployment)) {
        headers.insert(HeaderName::from_static("azure-asyncoperation"), url);
    }
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    Ok((status, headers, Json(show::deployment(&deployment))).into_response())
}

/// Begins a deployment under this id, in the place of the one that had its name. `true`: the name is new.
pub(super) async fn begin(
    ctx: &Ctx,
    allowed: &Allowed,
    prepared: &Prepared,
    id: OperationId,
    parent: Option<OperationId>,
) -> Result<(bool, Deployment), Fault> {
    let Prepared { address, program, plan, .. } = prepared;
    let wanted = plan.resources.iter().filter(|resource| !resource.is_existing);
    let mut tx = ctx.app.store.write().await?;
    let group = tx.arm().group(address.subscription, &address.group).await?;
    if group.ok_or_else(|| Refusal::NoGroup(address.group.to_string()))?.deleting.is_some() {
        return Err(Refusal::GroupDeleting(address.group.to_string()).into());
    }
    let before = tx.arm().deployment_at(address).await?;
    if let Some(before) = &before {
        if !before.progress.has_ended() {
            let message = format!("Deployment '{}' is still going on. Wait until it has ended, or cancel it.", address.name);
            return Err(Fault::conflict("DeploymentActive", &message));
        }
        tx.arm().delete_deployment(before.id).await?;
    }
    let correlation = match parent {
        Some(parent) => tx.arm().deployment(parent).await?.map_or(id.uuid(), |parent| parent.correlation),
        None => ctx.info.id.uuid(),
    };
    let deployment = Deployment {
        id,
        tenant: ctx.tenant(),
        address: address.clone(),
        progress: Progress::Accepted,
        hash: program.template().hash().to_owned(),
        parameters: program.shown_parameters(),
        outputs: None,
        error: None,
        resources: wanted.map(Made::waiting).collect(),
        correlation,
        started: ctx.app.now(),
        started_by: ctx.oid(),
        started_as: ctx.name(),
        ended: None,
        parent,
        is_stopping: false,
        revision: 1,
    };
    tx.arm().insert_deployment(&deployment, &prepared.text, &prepared.input).await?;
    tx.arm().forget_old_deployments(address.subscription, &address.group, KEPT).await?;
    let detail = json!({ "deployment": id, "templateHash": deployment.hash, "resources": deployment.resources.len() });
    tx.audit(ctx.app.now(), &ctx.event("deployment.created", allowed, detail)).await?;
    tx.commit().await?;
    ctx.app.deployments.notify_one();
    Ok((before.is_none(), deployment))
}
