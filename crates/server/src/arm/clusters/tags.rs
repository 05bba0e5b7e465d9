//! PATCH of a cluster: its tags, and nothing else.

use axum::Json;
use axum::extract::Path;
use axum::http::HeaderMap;
use entrance_model::access::Action;
use entrance_model::cluster::{self, Busy, Cluster, State};
use serde_json::{Value, json};

use super::{At, allowed, existing, preconditions, shown};
use crate::arm::body::Body;
use crate::arm::ctx::Ctx;
use crate::arm::error::ArmError;

/// `PATCH …/managedClusters/{name}`.
pub(super) async fn patch(ctx: Ctx, Path(at): At, headers: HeaderMap, Body(body): Body) -> Result<Json<Value>, ArmError> {
    let (address, allowed) = allowed(&ctx, &at, Action::ClusterWrite).await?;
    let mut cluster = existing(&ctx, &address).await?;
    preconditions(&headers, None, Some(&cluster))?;
    retag(&ctx, &mut cluster, body)?;
    let mut tx = ctx.app.store.write().await?;
    tx.arm().update_cluster(&mut cluster).await?;
    tx.audit(ctx.app.now(), &ctx.event("cluster.tagged", &allowed, json!({}))).await?;
    tx.commit().await?;
    Ok(Json(shown(&ctx.app, &cluster)))
}

/// other tags, when nothing else is being done to the cluster.
pub(in crate::arm) fn retag(ctx: &Ctx, cluster: &mut Cluster, body: Value) -> Result<(), ArmError> {
    if let State::Working { work, since, .. } = cluster.state {
        return Err(Busy { work, what: cluster.address.name.to_string(), since }.into());
    }
    let document = cluster::retag(cluster, body)?;
    // Tags have no consequences: what was in force stays so.
    if cluster.applied.as_ref() == Some(&cluster.document) {
        cluster.applied = Some(document.clone());
    }
    cluster.document = document;
    cluster.modified = ctx.app.now();
    cluster.modified_by = Some(ctx.oid());
    Ok(())
}
