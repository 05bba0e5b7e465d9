//! Agent pools, as records of the cluster.

use axum::Json;
use axum::extract::Path;
use entrance_model::access::Action;
use entrance_model::cluster::Cluster;
use serde_json::{Value, json};

use super::{At, allowed, existing, shown};
use crate::app::App;
use crate::arm::ctx::Ctx;
use crate::arm::error::{ArmError, Refusal};

/// `GET …/agentPools`.
pub(super) async fn list(ctx: Ctx, Path(at): At) -> Result<Json<Value>, ArmError> {
    let (address, _) = allowed(&ctx, &at, Action::AgentPoolsRead).await?;
    let cluster = existing(&ctx, &address).await?;
    Ok(Json(json!({ "value": pools(&ctx.app, &cluster) })))
}

/// `GET …/agentPools/{pool}`.
pub(super) async fn get(
    ctx: Ctx,
    Path((subscription, group, name, pool)): Path<(String, String, String, String)>,
) -> Result<Json<Value>, ArmError> {
    let (address, _) = allowed(&ctx, &(subscription, group, name), Action::AgentPoolsRead).await?;
    let cluster = existing(&ctx, &address).await?;
    let found =
        pools(&ctx.app, &cluster).into_iter().find(|known| known["name"].as_str().is_some_and(|n| n.eq_ignore_ascii_case(&pool)));
    let missing = || Refusal::NoResource {
        kind: "Microsoft.ContainerService/managedClusters/agentPools",
        name: pool.chars().take(64).collect(),
        group: address.group.to_string(),
    };
    Ok(Json(found.ok_or_else(missing)?))
}

fn pools(app: &App, cluster: &Cluster) -> Vec<Value> {
    let shown = shown(app, cluster);
    let profiles = shown["properties"]["agentPoolProfiles"].as_array().cloned().unwrap_or_default();
    profiles
        .into_iter()
        .map(|mut properties| {
            let name = properties["name"].as_str().unwrap_or_default().to_owned();
            if let Some(object) = properties.as_object_mut() {
                object.shift_remove("name");
            }
            json!({
                "id": format!("{}/agentPools/{name}", cluster.address),
                "name": name,
                "type": "Microsoft.ContainerService/managedClusters/agentPools",
                "properties": properties
            })
        })
        .collect()
}
