//! Reading deployments: one, all of a group, their operations, their template, how they go.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use entrance_model::access::Action;
use entrance_model::arm::Scope;
use entrance_wire::jsonc::{Budget, parse};
use serde_json::{Value, json};

use super::fault::Fault;
use super::{At, allowed, existing, show};
use crate::arm::ctx::Ctx;
use crate::arm::error::Refusal;
use crate::arm::groups::place;

/// `GET …/deployments/{name}`.
pub(super) async fn get(ctx: Ctx, Path(at): At) -> Result<Json<Value>, Fault> {
    let (address, _) = allowed(&ctx, &at, Action::DeploymentsRead).await?;
    Ok(Json(show::deployment(&existing(&ctx, &address).await?)))
}

/// `HEAD …/deployments/{name}`: 204 when it exists.
pub(super) async fn exists(ctx: Ctx, Path(at): At) -> Result<StatusCode, Fault> {
    let (address, _) = allowed(&ctx, &at, Action::DeploymentsRead).await?;
    existing(&ctx, &address).await.map(|_| StatusCode::NO_CONTENT)
}

/// `GET …/deployments`: those of a group, the newest first.
pub(super) async fn list(ctx: Ctx, Path((subscription, group)): Path<(String, String)>) -> Result<Json<Value>, Fault> {
    let (subscription, name) = place(&ctx, &subscription, &group).await?;
    ctx.allow(Action::DeploymentsRead, &Scope::group(subscription, &name))?;
    let mut reader = ctx.app.store.read().await?;
    if reader.arm().group(subscription, &name).await?.is_none() {
        return Err(Refusal::NoGroup(name.to_string()).into());
    }
    let all = reader.arm().deployments_in(subscription, &name).await?;
    Ok(Json(json!({ "value": all.iter().map(show::deployment).collect::<Vec<_>>() })))
}

/// `POST …/deployments/{name}/exportTemplate`.
pub(super) async fn export(ctx: Ctx, Path(at): At) -> Result<Json<Value>, Fault> {
    let (address, _) = allowed(&ctx, &at, Action::DeploymentsExport).await?;
    let found = existing(&ctx, &address).await?;
    let text = ctx.app.store.read().await?.arm().deployment_template(found.id).await?.unwrap_or_default();
    let template = parse(&text, Budget::default()).map_err(|bad| Fault::json(&bad))?;
    Ok(Json(json!({ "template": template.value() })))
}

/// `GET …/deployments/{name}/operations`: what was done for each resource.
pub(super) async fn operations(ctx: Ctx, Path(at): At) -> Result<Json<Value>, Fault> {
    let (address, _) = allowed(&ctx, &at, Action::DeploymentOperationsRead).await?;
    let found = existing(&ctx, &address).await?;
    let value: Vec<Value> = found.resources.iter().filter_map(|made| show::operation(&found, made)).collect();
    Ok(Json(json!({ "value": value })))
}

/// `GET …/deployments/{name}/operations/{id}`.
pub(super) async fn operation(
    ctx: Ctx,
    Path((subscription, group, name, id)): Path<(String, String, String, String)>,
) -> Result<Json<Value>, Fault> {
    let (address, _) = allowed(&ctx, &(subscription, group, name), Action::DeploymentOperationsRead).await?;
    let found = existing(&ctx, &address).await?;
    let made = found.resources.iter().find(|made| show::operation_id(&found, made).eq_ignore_ascii_case(&id));
    let shown = made.and_then(|made| show::operation(&found, made));
    Ok(Json(shown.ok_or_else(|| Refusal::NotFound(format!("operation {}", id.chars().take(64).collect::<String>())))?))
}

/// `GET …/deployments/{name}/operationStatuses/{id}`: how it goes; 200 also for a failed one. Whoever began it may watch it.
pub(super) async fn status(
    ctx: Ctx,
    Path((subscription, group, name, id)): Path<(String, String, String, String)>,
) -> Result<Response, Fault> {
    let (subscription, group) = place(&ctx, &subscription, &group).await?;
    let unknown = || Refusal::NotFound(format!("operation {}", id.chars().take(64).collect::<String>()));
    let run = id.parse().map_err(|_| unknown())?;
    let found = ctx.app.store.read().await?.arm().deployment(run).await?.filter(|found| {
        found.address.subscription == subscription
            && found.address.group == group
            && found.address.name.key() == name.to_lowercase()
    });
    let found = match found {
        Some(found) if found.started_by == ctx.oid() => found,
        found => {
            let scope = found.as_ref().map_or_else(|| Scope::group(subscription, &group), |found| found.address.scope());
            ctx.allow(Action::DeploymentsRead, &scope)?;
            found.ok_or_else(unknown)?
        }
    };
    let mut shown = json!({ "status": found.progress.as_str() });
    let mut headers = HeaderMap::new();
    if !found.progress.has_ended() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if let Some(error) = &found.error {
        shown["error"] = error.clone();
    }
    Ok((headers, Json(shown)).into_response())
}
