//! DELETE of a cluster: 202 and an operation that leaves no process and no file; 204 where there is nothing.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use entrance_model::access::Action;
use entrance_model::arm::{Operation, Taken, Target};
use entrance_model::cluster::{State, Step, Work};
use entrance_model::id::OperationId;
use serde_json::json;
use uuid::Uuid;

use super::{At, allowed, preconditions};
use crate::arm::ctx::Ctx;
use crate::arm::error::ArmError;
use crate::arm::operations::{CONTAINER_SERVICE, Headers, Urls};

/// `DELETE …/managedClusters/{name}`.
pub(super) async fn delete(ctx: Ctx, Path(at): At, headers: HeaderMap) -> Result<Response, ArmError> {
    let (address, allowed) = allowed(&ctx, &at, Action::ClusterDelete).await?;
    let now = ctx.app.now();
    let mut tx = ctx.app.store.write().await?;
    let Some(mut cluster) = tx.arm().cluster_at(&address).await? else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    preconditions(&headers, None, Some(&cluster))?;
    let accepted = |id| {
        let urls = Urls::new(ctx.app.base(), address.subscription, CONTAINER_SERVICE, &cluster.location(), id);
        (StatusCode::ACCEPTED, urls.headers(Headers::Both)).into_response()
    };
    // Clients repeat a DELETE whose answer they did not get.
    if let State::Working { work: Work::Delete, operation, .. } = cluster.state {
        return Ok(accepted(operation));
    }
    let id = OperationId::from_uuid(Uuid::new_v4());
    let answer = accepted(id);
    let operation = Operation {
        id,
        tenant: ctx.tenant(),
        subscription: address.subscription,
        location: cluster.location(),
        target: Target::Cluster(cluster.uid),
        scope: cluster.address.scope(),
        work: Work::Delete,
        steps: vec![Taken { step: Step::Erase, undoing: false, done: None }],
        started: now,
        started_by: Some(ctx.oid()),
        ended: None,
    };
    cluster.state = cluster.state.begin(Work::Delete, id, address.name.as_str(), now)?;
    cluster.modified = now;
    cluster.modified_by = Some(ctx.oid());
    tx.arm().update_cluster(&mut cluster).await?;
    tx.operations().insert(&operation).await?;
    tx.audit(now, &ctx.event("cluster.deleted", &allowed, json!({ "operation": id }))).await?;
    tx.commit().await?;
    ctx.app.jobs.wake();
    Ok(answer)
}
