//! Stopping a deployment: what was begun is finished, what was not is left out.

use axum::extract::Path;
use axum::http::StatusCode;
use entrance_model::access::Action;
use serde_json::json;

use super::fault::Fault;
use super::{At, allowed, existing};
use crate::arm::ctx::Ctx;

/// `POST …/deployments/{name}/cancel`: 204; 409 when it has ended.
pub(super) async fn cancel(ctx: Ctx, Path(at): At) -> Result<StatusCode, Fault> {
    let (address, allowed) = allowed(&ctx, &at, Action::DeploymentsCancel).await?;
    let found = existing(&ctx, &address).await?;
    let mut tx = ctx.app.store.write().await?;
    if !tx.arm().stop_deployment(found.id).await? {
        let message = format!("Deployment '{}' has ended as {} and cannot be stopped.", address.name, found.progress.as_str());
        return Err(Fault::conflict("DeploymentCannotBeCancelled", &message));
    }
    tx.audit(ctx.app.now(), &ctx.event("deployment.canceled", &allowed, json!({ "deployment": found.id }))).await?;
    tx.commit().await?;
    ctx.app.deployments.notify_one();
    Ok(StatusCode::NO_CONTENT)
}
