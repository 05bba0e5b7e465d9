//! `Microsoft.Resources/tags/default` of a group or a cluster, and the names of tags in a subscription.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use axum::routing::get;
use entrance_model::access::Action;
use entrance_model::arm::Scope;
use entrance_model::arm::tags::{self, TagChange, Tags};
use entrance_model::cluster::Cluster;
use serde_json::{Value, json};

use super::body::{Body, member};
use super::clusters;
use super::ctx::{Allowed, Ctx};
use super::error::{ArmError, Refusal};
use super::place::{Found, Names, Place};
use super::routes::Routes;

/// The routes of tags.
pub(super) fn router() -> Routes {
    let group = "/subscriptions/{subscription}/resourcegroups/{group}";
    let cluster = format!("{group}/providers/microsoft.containerservice/managedclusters/{{name}}");
    let routes = [group, &cluster].into_iter().fold(Routes::new(), |routes, place| {
        let path = format!("{place}/providers/microsoft.resources/tags/default");
        routes.route(&path, get(read).put(put).patch(patch).delete(delete))
    });
    routes.route("/subscriptions/{subscription}/tagnames", get(names_in_use))
}

async fn read(ctx: Ctx, names: Names) -> Result<Json<Value>, ArmError> {
    let place = Place::of(&ctx, &names).await?;
    ctx.allow(Action::TagsRead, &place.scope())?;
    let found = place.found(&mut ctx.app.store.read().await?.arm()).await?;
    Ok(Json(show(&found.scope(&place), &of(&found))))
}

async fn put(ctx: Ctx, names: Names, Body(body): Body) -> Result<Json<Value>, ArmError> {
    let place = Place::of(&ctx, &names).await?;
    let allowed = ctx.allow(Action::TagsWrite, &place.scope())?;
    change(&ctx, &place, &allowed, TagChange::Replace, sent(&body)?).await
}

async fn patch(ctx: Ctx, names: Names, Body(body): Body) -> Result<Json<Value>, ArmError> {
    let place = Place::of(&ctx, &names).await?;
    let allowed = ctx.allow(Action::TagsWrite, &place.scope())?;
    let operation = member(&body, "operation").and_then(Value::as_str);
    let detail = || "Merge, Replace or Delete is needed".to_owned();
    let operation = operation.ok_or_else(|| Refusal::Parameter { name: "operation", detail: detail() })?.parse()?;
    change(&ctx, &place, &allowed, operation, sent(&body)?).await
}

async fn delete(ctx: Ctx, names: Names) -> Result<StatusCode, ArmError> {
    let place = Place::of(&ctx, &names).await?;
    let allowed = ctx.allow(Action::TagsDelete, &place.scope())?;
    change(&ctx, &place, &allowed, TagChange::Replace, Tags::new()).await.map(|_| StatusCode::OK)
}

/// `GET /subscriptions/{s}/tagNames`: which names and texts are in use on what the caller may see, and how often.
async fn names_in_use(ctx: Ctx, names: Names) -> Result<Json<Value>, ArmError> {
    let Place::Subscription(id) = Place::of(&ctx, &names).await? else {
        return Err(Refusal::NotFound("that address".to_owned()).into());
    };
    let mut reader = ctx.app.store.read().await?;
    let (groups, clusters) = (reader.arm().groups(id).await?, reader.arm().clusters_in(id, None).await?);
    let groups =
        groups.iter().filter(|group| ctx.may(Action::GroupRead, &group.scope())).map(|group| group.document.tags.clone());
    let clusters = clusters.iter().filter(|cluster| ctx.may(Action::ClusterRead, &cluster.address.scope())).map(of_cluster);
    let mut known: BTreeMap<String, (String, BTreeMap<String, usize>)> = BTreeMap::new();
    for (name, text) in groups.chain(clusters).flatten() {
        let (_, texts) = known.entry(name.to_lowercase()).or_insert_with(|| (name, BTreeMap::new()));
        *texts.entry(text).or_default() += 1;
    }
    let count = |n: usize| json!({ "type": "Total", "value": n });
    let shown = known.into_values().map(|(name, texts)| {
        let at = format!("/subscriptions/{id}/tagNames/{name}");
        let values: Vec<Value> = texts
            .iter()
            .map(|(text, n)| json!({ "id": format!("{at}/tagValues/{text}"), "tagValue": text, "count": count(*n) }))
            .collect();
        json!({ "id": at, "tagName": name, "count": count(texts.values().sum()), "values": values })
    });
    Ok(Json(json!({ "value": shown.collect::<Vec<_>>() })))
}

fn sent(body: &Value) -> Result<Tags, ArmError> {
    Ok(tags::read(member(body, "properties").and_then(|properties| member(properties, "tags")))?)
}

async fn change(ctx: &Ctx, place: &Place, allowed: &Allowed, change: TagChange, sent: Tags) -> Result<Json<Value>, ArmError> {
    let mut tx = ctx.app.store.write().await?;
    let found = place.found(&mut tx.arm()).await?;
    let after = change.apply(&of(&found), sent)?;
    let scope = found.scope(place);
    match found {
        Found::Subscription => return Err(Refusal::NotFound("tags of a subscription".to_owned()).into()),
        Found::Group(mut group) => {
            group.document.tags = after.clone();
            tx.arm().put_group(&group).await?;
            tx.audit(ctx.app.now(), &ctx.event("resourceGroup.put", allowed, json!({}))).await?;
        }
        Found::Cluster(mut cluster) => {
            clusters::retag(ctx, &mut cluster, json!({ "tags": after }))?;
            tx.arm().update_cluster(&mut cluster).await?;
            tx.audit(ctx.app.now(), &ctx.event("cluster.tagged", allowed, json!({}))).await?;
        }
    }
    tx.commit().await?;
    Ok(Json(show(&scope, &after)))
}

fn of(found: &Found) -> Tags {
    match found {
        Found::Subscription => Tags::new(),
        Found::Group(group) => group.document.tags.clone(),
        Found::Cluster(cluster) => of_cluster(cluster),
    }
}

/// The tags of a cluster.
pub(super) fn of_cluster(cluster: &Cluster) -> Tags {
    let sent = cluster.document.tags().into_iter().flatten();
    sent.filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned()))).collect()
}

fn show(scope: &Scope, tags: &Tags) -> Value {
    json!({
        "id": format!("{scope}/providers/Microsoft.Resources/tags/default"),
        "name": "default",
        "type": "Microsoft.Resources/tags",
        "properties": { "tags": tags }
    })
}
