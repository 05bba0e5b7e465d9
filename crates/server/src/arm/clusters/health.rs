//! `POST …/managedClusters/{name}/diagnose` and `…/verifyFreshness`: what only the server can look at. Both act in the
//! cluster or in the directory, so they need the right to change the cluster.

use axum::Json;
use axum::extract::Path;
use entrance_model::access::Action;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{At, allowed, existing};
use crate::arm::body::Body;
use crate::arm::ctx::Ctx;
use crate::arm::error::{ArmError, Refusal};
use crate::clusters::diagnose;
use crate::clusters::finding::Health;
use crate::freshness::{self, Unmeasured};

/// Looks a cluster over.
pub(super) async fn diagnose(ctx: Ctx, Path(at): At) -> Result<Json<Value>, ArmError> {
    let (address, _) = allowed(&ctx, &at, Action::ClusterWrite).await?;
    let cluster = existing(&ctx, &address).await?;
    let found = diagnose::diagnose(&ctx.app, &cluster).await;
    let healthy = diagnose::worst(&found) != Health::Failed;
    Ok(Json(
        json!({ "cluster": cluster.address.to_string(), "at": ctx.app.now().to_string(), "healthy": healthy, "findings": found }),
    ))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    /// Tokens for each kind of removal.
    #[serde(default = "a_few")]
    samples: usize,
}

fn a_few() -> usize {
    5
}

/// Measures how soon a removed right counts.
pub(super) async fn verify_freshness(ctx: Ctx, Path(at): At, Body(body): Body) -> Result<Json<Value>, ArmError> {
    let (address, _) = allowed(&ctx, &at, Action::ClusterWrite).await?;
    let asked: Asked = serde_json::from_value(body).map_err(|e| Refusal::Body(e.to_string()))?;
    let cluster = existing(&ctx, &address).await?;
    let measured = freshness::measure(&ctx.app, &cluster, asked.samples).await.map_err(|error| match error {
        Unmeasured::Store(error) => ArmError::from(error),
        other => Refusal::NotMeasured(other.to_string()).into(),
    })?;
    Ok(Json(measured))
}
