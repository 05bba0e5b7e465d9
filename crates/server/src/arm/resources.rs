//! `GET …/resources`: everything in one list, as `az resource list` shows it.

use axum::Json;
use axum::extract::Path;
use entrance_model::cluster::Cluster;
use serde_json::{Value, json};

use super::clusters::in_place;
use super::ctx::Ctx;
use super::error::ArmError;
use super::groups::place;

/// All resources of a subscription that the caller may see.
pub(super) async fn list(ctx: Ctx, Path(subscription): Path<String>) -> Result<Json<Value>, ArmError> {
    let subscription = ctx.subscription(&subscription).await?;
    in_place(&ctx, subscription.id, None, show).await
}

/// All resources of a group that the caller may see.
pub(super) async fn list_in_group(
    ctx: Ctx,
    Path((subscription, group)): Path<(String, String)>,
) -> Result<Json<Value>, ArmError> {
    let (subscription, name) = place(&ctx, &subscription, &group).await?;
    in_place(&ctx, subscription, Some(&name), show).await
}

fn show(cluster: &Cluster) -> Value {
    json!({
        "id": cluster.address.to_string(),
        "name": cluster.address.name.as_str(),
        "type": "Microsoft.ContainerService/managedClusters",
        "location": cluster.document.text("location"),
        "tags": cluster.document.tags(),
        "sku": cluster.document.at("sku"),
        "createdTime": cluster.created.to_string(),
        "changedTime": cluster.modified.to_string(),
        "provisioningState": cluster.state.provisioning()
    })
}
