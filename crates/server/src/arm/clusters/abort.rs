//! `POST …/abort`: the operation that is under way ends as canceled at once, and another one undoes what it did.

use axum::extract::Path;
use axum::response::Response;
use entrance_model::access::Action;
use entrance_model::arm::{ClusterAddress, Ended};
use entrance_model::cluster::{Failure, NotNow, Work};
use entrance_model::id::OperationId;
use entrance_store::StoreError;
use serde_json::json;
use uuid::Uuid;

use super::begin::{accepted, operation};
use super::{At, allowed, missing};
use crate::arm::ctx::{Allowed, Ctx};
use crate::arm::error::ArmError;

/// `POST …/abort`.
pub(super) async fn post(ctx: Ctx, Path(at): At) -> Result<Response, ArmError> {
    let (address, allowed) = allowed(&ctx, &at, Action::ClusterAbort).await?;
    give_up(&ctx, &address, &allowed).await
}

/// Gives up what is under way, and begins to undo it.
pub(super) async fn give_up(ctx: &Ctx, address: &ClusterAddress, allowed: &Allowed) -> Result<Response, ArmError> {
    let mut tx = ctx.app.store.write().await?;
    let Some(mut cluster) = tx.arm().cluster_at(address).await? else { return Err(missing(ctx, address).await) };
    if let Some(operation) = cluster.is_already(Work::Abort) {
        return Ok(accepted(ctx, &cluster, operation));
    }
    let (id, now) = (OperationId::from_uuid(Uuid::new_v4()), ctx.app.now());
    let given_up = cluster.abort(id, now)?;
    match tx.operations().give_up(given_up, &Ended { at: now, why: Some(Failure::aborted()) }).await {
        Err(StoreError::Conflict) => return Err(NotNow::NothingToAbort("the operation has just ended").into()),
        done => done?,
    }
    cluster.modified = now;
    cluster.modified_by = Some(ctx.oid());
    tx.arm().update_cluster(&mut cluster).await?;
    tx.operations().insert(&operation(ctx, &cluster, Work::Abort, id, Vec::new())).await?;
    tx.audit(now, &ctx.event("cluster.aborted", allowed, json!({ "operation": id, "aborted": given_up }))).await?;
    tx.commit().await?;
    ctx.app.jobs.give_up(given_up);
    Ok(accepted(ctx, &cluster, id))
}
