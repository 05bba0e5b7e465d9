//! Agent pools: records of the cluster. Whoever changes one changes the cluster, by the same rules and one operation at a time.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use entrance_model::access::Action;
use entrance_model::arm::ClusterAddress;
use entrance_model::cluster::{Cluster, Work, with_pool, without_pool};
use serde_json::{Value, json};

use super::begin::Begun;
use super::{At, allowed, existing, missing, put as cluster_put, shown};
use crate::app::App;
use crate::arm::body::Body;
use crate::arm::ctx::{Ctx, header_text};
use crate::arm::error::{ArmError, Refusal};
use crate::arm::operations::Headers;

/// Subscription, group, cluster and pool, as a path gives them.
type PoolAt = axum::extract::Path<(String, String, String, String)>;

/// `GET …/agentPools`.
pub(super) async fn list(ctx: Ctx, Path(at): At) -> Result<Json<Value>, ArmError> {
    let (address, _) = allowed(&ctx, &at, Action::AgentPoolsRead).await?;
    let cluster = existing(&ctx, &address).await?;
    Ok(Json(json!({ "value": pools(&ctx.app, &cluster) })))
}

/// `GET …/agentPools/{pool}`.
pub(super) async fn get(ctx: Ctx, Path((subscription, group, name, pool)): PoolAt) -> Result<Json<Value>, ArmError> {
    let (address, _) = allowed(&ctx, &(subscription, group, name), Action::AgentPoolsRead).await?;
    let cluster = existing(&ctx, &address).await?;
    Ok(Json(one(&ctx.app, &cluster, &pool).ok_or_else(|| unknown(&address, &pool))?))
}

/// `PUT …/agentPools/{pool}`.
pub(super) async fn put(
    ctx: Ctx,
    Path((subscription, group, name, pool)): PoolAt,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, ArmError> {
    let (address, allowed) = allowed(&ctx, &(subscription, group, name), Action::AgentPoolsWrite).await?;
    let mut tx = ctx.app.store.write().await?;
    let Some(cluster) = tx.arm().cluster_at(&address).await? else { return Err(missing(&ctx, &address).await) };
    let before = one(&ctx.app, &cluster, &pool);
    preconditions(&headers, before.as_ref(), &pool)?;
    let wish = with_pool(&cluster, &pool, &body)?;
    let changed = cluster_put::change(&ctx, tx, cluster, wish, allowed).await?;
    let status = if before.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let after = one(&ctx.app, &changed.cluster, &pool).ok_or_else(|| unknown(&address, &pool))?;
    Ok((status, cluster_put::urls(&ctx, &changed.operation).headers(Headers::Async), Json(after)).into_response())
}

/// `DELETE …/agentPools/{pool}`: 204 where there is none.
pub(super) async fn delete(
    ctx: Ctx,
    Path((subscription, group, name, pool)): PoolAt,
    headers: HeaderMap,
) -> Result<Response, ArmError> {
    let (address, allowed) = allowed(&ctx, &(subscription, group, name), Action::AgentPoolsDelete).await?;
    let mut tx = ctx.app.store.write().await?;
    let Some(cluster) = tx.arm().cluster_at(&address).await? else { return Err(missing(&ctx, &address).await) };
    let Some(wish) = without_pool(&cluster, &pool) else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    preconditions(&headers, one(&ctx.app, &cluster, &pool).as_ref(), &pool)?;
    let changed = cluster_put::change(&ctx, tx, cluster, wish, allowed).await?;
    Ok((StatusCode::ACCEPTED, cluster_put::urls(&ctx, &changed.operation).headers(Headers::Both)).into_response())
}

/// `POST …/agentPools/{pool}/upgradeNodeImageVersion`: simulated nodes have one image, the newest; they are brought in line.
pub(super) async fn upgrade_image(ctx: Ctx, Path((subscription, group, name, pool)): PoolAt) -> Result<Response, ArmError> {
    let (address, allowed) = allowed(&ctx, &(subscription, group, name), Action::AgentPoolsUpgrade).await?;
    let mut tx = ctx.app.store.write().await?;
    let Some(cluster) = tx.arm().cluster_at(&address).await? else { return Err(missing(&ctx, &address).await) };
    let Some(shown) = one(&ctx.app, &cluster, &pool) else { return Err(unknown(&address, &pool).into()) };
    let begun = Begun { cluster, work: Work::Update, steps: Vec::new(), kind: "cluster.updated", allowed: &allowed };
    let answer = begun.commit(&ctx, tx).await?;
    Ok((answer.status(), answer.headers().clone(), Json(shown)).into_response())
}

/// `POST …/agentPools/{pool}/abort`: the operation on the cluster is the operation on its pools.
pub(super) async fn abort(ctx: Ctx, Path((subscription, group, name, pool)): PoolAt) -> Result<Response, ArmError> {
    let (address, allowed) = allowed(&ctx, &(subscription, group, name), Action::AgentPoolsAbort).await?;
    let cluster = existing(&ctx, &address).await?;
    match one(&ctx.app, &cluster, &pool) {
        Some(_) => super::abort::give_up(&ctx, &address, &allowed).await,
        None => Err(unknown(&address, &pool).into()),
    }
}

fn one(app: &App, cluster: &Cluster, pool: &str) -> Option<Value> {
    pools(app, cluster).into_iter().find(|known| known["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(pool)))
}

fn unknown(address: &ClusterAddress, pool: &str) -> Refusal {
    Refusal::NoResource {
        kind: "Microsoft.ContainerService/managedClusters/agentPools",
        name: pool.chars().take(64).collect(),
        group: address.group.to_string(),
    }
}

// R-025, by the pool's own tag.
fn preconditions(headers: &HeaderMap, current: Option<&Value>, pool: &str) -> Result<(), Refusal> {
    let tag = current.and_then(|pool| pool["properties"]["eTag"].as_str());
    if let Some(wanted) = header_text(headers, "if-match") {
        let bare = wanted.trim_start_matches("W/").trim_matches('"');
        if !tag.is_some_and(|tag| bare == "*" || bare.eq_ignore_ascii_case(tag)) {
            return Err(Refusal::Precondition(wanted.chars().take(64).collect()));
        }
    }
    match (header_text(headers, "if-none-match"), current) {
        (Some("*"), Some(_)) => Err(Refusal::Exists(pool.to_owned())),
        _ => Ok(()),
    }
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
