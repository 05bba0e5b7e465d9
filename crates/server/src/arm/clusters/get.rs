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
use crate::arm::query::{PAGE, Query, no_such_page};

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
    let top = query.top(PAGE)?;
    // The page before ended at a cluster: its group and its name, neither of which can hold a slash.
    let mut place = match query.after()? {
        Some(token) => token.split_once('/').map(|(group, name)| (group.to_owned(), name.to_owned())).ok_or_else(no_such_page)?,
        None => Default::default(),
    };
    let mut found: Vec<Cluster> = Vec::with_capacity(top);
    let mut reader = ctx.app.store.read().await?;
    let has_more = loop {
        let some = reader.arm().clusters_after(subscription, group, (&place.0, &place.1), PAGE).await?;
        let Some(last) = some.last() else { break false };
        place = (last.address.group.key(), last.address.name.key());
        let sees = |cluster: &Cluster| fits(cluster) && ctx.may(Action::ClusterRead, &cluster.address.scope());
        found.extend(some.into_iter().filter(sees));
        if found.len() > top {
            break true;
        }
    };
    found.truncate(top);
    let mut shown = json!({ "value": found.iter().map(show).collect::<Vec<_>>() });
    if let Some(last) = found.last().filter(|_| has_more) {
        let token = format!("{}/{}", last.address.group.key(), last.address.name.key());
        shown["nextLink"] = json!(query.next_link(ctx.app.base(), &token));
    }
    Ok(Json(shown))
}
