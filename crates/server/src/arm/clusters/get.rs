//! GET of one cluster, of a group's and of a subscription's.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use entrance_model::access::Action;
use entrance_model::arm::GroupName;
use entrance_model::cluster::Cluster;
use entrance_model::id::SubscriptionId;
use serde_json::{Value, json};

use super::{At, allowed, existing, place, shown};
use crate::arm::ctx::Ctx;
use crate::arm::error::ArmError;

/// One cluster.
pub(super) async fn get(ctx: Ctx, Path(at): At) -> Result<Response, ArmError> {
    let (address, _) = allowed(&ctx, &at, Action::ClusterRead).await?;
    let cluster = existing(&ctx, &address).await?;
    let mut headers = HeaderMap::new();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", cluster.etag())) {
        headers.insert(header::ETAG, tag);
    }
    Ok((headers, Json(shown(&ctx.app, &cluster))).into_response())
}

/// A subscription's clusters that the caller may see.
pub(super) async fn list(ctx: Ctx, Path(subscription): Path<String>) -> Result<Json<Value>, ArmError> {
    let subscription = ctx.subscription(&subscription).await?;
    in_place(&ctx, subscription.id, None, |cluster| shown(&ctx.app, cluster)).await
}

/// A group's clusters that the caller may see.
pub(super) async fn list_in_group(
    ctx: Ctx,
    Path((subscription, group)): Path<(String, String)>,
) -> Result<Json<Value>, ArmError> {
    let (subscription, name) = place(&ctx, &subscription, &group).await?;
    in_place(&ctx, subscription, Some(&name), |cluster| shown(&ctx.app, cluster)).await
}

/// The clusters of a place that the caller may see, each as `show` shows it.
pub(in crate::arm) async fn in_place(
    ctx: &Ctx,
    subscription: SubscriptionId,
    group: Option<&GroupName>,
    show: impl Fn(&Cluster) -> Value,
) -> Result<Json<Value>, ArmError> {
    let all = ctx.app.store.read().await?.arm().clusters_in(subscription, group).await?;
    let visible = all.iter().filter(|cluster| ctx.may(Action::ClusterRead, &cluster.address.scope()));
    Ok(Json(json!({ "value": visible.map(show).collect::<Vec<_>>() })))
}
