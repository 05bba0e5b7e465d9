//! DELETE of a deployment: it is forgotten, what it made stays.

use axum::extract::Path;
use axum::http::StatusCode;
use entrance_model::access::Action;
use serde_json::json;

use super::fault::Fault;
use super::{At, allowed, existing};
use crate::arm::ctx::Ctx;

/// `DELETE …/deployments/{name}`: 204; 409 while it goes on.
pub(super) async fn delete(ctx: Ctx, Path(at): At) -> Result<StatusCode, Fault> {
    let (address, allowed) = allowed(&ctx, &at, Action::DeploymentsDelete).await?;
    let found = existing(&ctx, &address).await?;
    let mut tx = ctx.app.store.write().await?;
    // Another run may have begun meanwhile.
    let Some(found) = tx.arm().deployment(found.id).await? else { return Ok(StatusCode::NO_CONTENT) };
    if !found.progress.has_ended() {
        let message = format!("Deployment '{}' is still going on. Cancel it, or wait until it has ended.", address.name);
        return Err(Fault::conflict("DeploymentActive", &message));
    }
    tx.arm().delete_deployment(found.id).await?;
    tx.audit(ctx.app.now(), &ctx.event("deployment.deleted", &allowed, json!({ "deployment": found.id }))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
