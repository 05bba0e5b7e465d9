//! What all operations on a cluster have in common that a POST begins: one commit, and 202 with where to ask.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use entrance_model::arm::{Operation, Taken, Target};
use entrance_model::cluster::{Cluster, Step, Work};
use entrance_model::id::OperationId;
use entrance_store::Tx;
use serde_json::json;
use uuid::Uuid;

use crate::arm::ctx::{Allowed, Ctx};
use crate::arm::error::ArmError;
use crate::arm::operations::{CONTAINER_SERVICE, Headers, Urls};

/// An operation that is about to begin.
pub(super) struct Begun<'a> {
    pub(super) cluster: Cluster,
    pub(super) work: Work,
    pub(super) steps: Vec<Step>,
    /// Its audit event.
    pub(super) kind: &'static str,
    pub(super) allowed: &'a Allowed,
}

impl Begun<'_> {
    /// Begins it, if nothing else is under way.
    pub(super) async fn commit(self, ctx: &Ctx, mut tx: Tx) -> Result<Response, ArmError> {
        let Self { mut cluster, work, steps, kind, allowed } = self;
        let (id, now) = (OperationId::from_uuid(Uuid::new_v4()), ctx.app.now());
        cluster.begin(work, id, now)?;
        cluster.modified = now;
        cluster.modified_by = Some(ctx.oid());
        tx.arm().update_cluster(&mut cluster).await?;
        tx.operations().insert(&operation(ctx, &cluster, work, id, steps)).await?;
        tx.audit(now, &ctx.event(kind, allowed, json!({ "operation": id }))).await?;
        tx.commit().await?;
        ctx.app.jobs.wake();
        Ok(accepted(ctx, &cluster, id))
    }
}

/// The operation's record.
pub(super) fn operation(ctx: &Ctx, cluster: &Cluster, work: Work, id: OperationId, steps: Vec<Step>) -> Operation {
    Operation {
        id,
        tenant: ctx.tenant(),
        subscription: cluster.address.subscription,
        location: cluster.location(),
        target: Target::Cluster(cluster.uid),
        scope: cluster.address.scope(),
        work,
        steps: steps.into_iter().map(|step| Taken { step, undoing: false, done: None }).collect(),
        started: ctx.app.now(),
        started_by: Some(ctx.oid()),
        ended: None,
    }
}

/// 202, with both addresses of an operation.
pub(super) fn accepted(ctx: &Ctx, cluster: &Cluster, id: OperationId) -> Response {
    let urls = Urls::new(ctx.app.base(), cluster.address.subscription, CONTAINER_SERVICE, &cluster.location(), id);
    (StatusCode::ACCEPTED, urls.headers(Headers::Both)).into_response()
}
