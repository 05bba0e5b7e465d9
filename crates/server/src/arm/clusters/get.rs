//! GET of one cluster, of a group's and of a subscription's.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use entrance_model::access::Action;
use entrance_model::arm::GroupName;
use entrance_model::cluster::Cluster;
use entrance_model::id::SubscriptionId;
use serde_json::Value;

use super::{At, allowed, existing, place, shown};
use crate::arm::ctx::Ctx;
use crate::arm::error::ArmError;
use crate::arm::query::Query;

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
pub(super) async fn list(ctx: Ctx, Path(subscription): Path<String>, query: Query) -> Result<Json<Value>, ArmError> {
    let subscription = ctx.subscription(&subscription).await?;
    in_place(&ctx, &query, (subscription.id, None), |_| true, |cluster| shown(&ctx.app, cluster)).await
}

/// A group's clusters that the caller may see.
pub(super) async fn list_in_group(
    ctx: Ctx,
    Path((subscription, group)): Path<(String, String)>,
    query: Query,
) -> Result<Json<Value>, ArmError> {
    let (subscription, name) = place(&ctx, &subscription, &group).await?;
    in_place(&ctx, &query, (subscription, Some(&name)), |_| true, |cluster| shown(&ctx.app, cluster)).await
}

/// A page of the clusters of a place that fit and that the caller may see, each as `show` shows it.
pub(in crate::arm) async fn in_place(
    ctx: &Ctx,
    query: &Query,
    (subscription, group): (SubscriptionId, Option<&GroupName>),
    fits: impl Fn(&Cluster) -> bool,
    show: impl Fn(&Cluster) -> Value,
) -> Result<Json<Value>, ArmError> {
    let all = ctx.app.store.read().await?.arm().clusters_in(subscription, group).await?;
    let sees = |cluster: &Cluster| ctx.may(Action::ClusterRead, &cluster.address.scope());
    let mut visible: Vec<(String, Cluster)> = all
        .into_iter()
        .filter(|cluster| fits(cluster) && sees(cluster))
        .map(|cluster| (cluster.address.scope().key().to_owned(), cluster))
        .collect();
    visible.sort_by(|(one, _), (other, _)| one.cmp(other));
    query.page(ctx.app.base(), visible, show)
}
