//! How much of what is limited is used.

use axum::Json;
use axum::extract::Path;
use entrance_model::access::Action;
use entrance_model::arm::{Location, Scope};
use serde_json::{Value, json};

use super::ctx::Ctx;
use super::error::ArmError;
use crate::clusters::MAX_CLUSTERS;

/// `GET …/providers/Microsoft.ContainerService/locations/{l}/usages`: clusters are counted in the whole subscription.
pub(super) async fn list(ctx: Ctx, Path((subscription, location)): Path<(String, String)>) -> Result<Json<Value>, ArmError> {
    let subscription = ctx.subscription(&subscription).await?.id;
    ctx.allow(Action::UsagesRead, &Scope::subscription(subscription))?;
    location.parse::<Location>()?;
    let used = ctx.app.store.read().await?.arm().count_clusters(subscription).await?;
    let clusters = json!({
        "name": { "value": "ManagedClusters", "localizedValue": "Managed clusters" },
        "currentValue": used,
        "limit": MAX_CLUSTERS,
        "unit": "Count"
    });
    Ok(Json(json!({ "value": [clusters] })))
}
