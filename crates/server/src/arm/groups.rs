//! Resource groups (azure-cli 4.2). Deleting one deletes the clusters in it first.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use entrance_model::access::Action;
use entrance_model::arm::filter::Comparison;
use entrance_model::arm::tags;
use entrance_model::arm::{GroupName, Location, Operation, ResourceGroup, ResourceGroupDocument, Scope, Target};
use entrance_model::cluster::Work;
use entrance_model::id::{OperationId, SubscriptionId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::{Body, member};
use super::ctx::Ctx;
use super::error::{ArmError, Refusal};
use super::operations::{self, Headers};
use super::query::Query;
use super::resources::fits_tags;

/// The group that a path names, in a subscription of the caller's tenant.
pub(super) async fn place(ctx: &Ctx, subscription: &str, group: &str) -> Result<(SubscriptionId, GroupName), ArmError> {
    let subscription = ctx.subscription(subscription).await?;
    Ok((subscription.id, group.parse()?))
}

/// `GET /subscriptions/{s}/resourcegroups`: those the caller may see.
pub(super) async fn list(ctx: Ctx, Path(subscription): Path<String>, query: Query) -> Result<Json<Value>, ArmError> {
    let subscription = ctx.subscription(&subscription).await?;
    let filter = query.filter()?;
    if let Some(term) = filter.iter().find(|t| t.comparison != Comparison::Equal || !["tagname", "tagvalue"].contains(&&*t.name))
    {
        return Err(term.unknown("tagName and tagValue with eq").into());
    }
    let all = ctx.app.store.read().await?.arm().groups(subscription.id).await?;
    let fits = |group: &ResourceGroup| fits_tags(&filter, &group.document.tags) && ctx.may(Action::GroupRead, &group.scope());
    let mut visible: Vec<(String, ResourceGroup)> =
        all.into_iter().filter(fits).map(|group| (group.scope().key().to_owned(), group)).collect();
    visible.sort_by(|(one, _), (other, _)| one.cmp(other));
    query.page(ctx.app.base(), visible, show)
}

/// `GET …/resourcegroups/{g}`.
pub(super) async fn get(ctx: Ctx, Path((subscription, group)): Path<(String, String)>) -> Result<Json<Value>, ArmError> {
    Ok(Json(show(&read(&ctx, &subscription, &group).await?)))
}

/// `HEAD …/resourcegroups/{g}`: 204 when it exists.
pub(super) async fn exists(ctx: Ctx, Path((subscription, group)): Path<(String, String)>) -> Result<StatusCode, ArmError> {
    read(&ctx, &subscription, &group).await.map(|_| StatusCode::NO_CONTENT)
}

async fn read(ctx: &Ctx, subscription: &str, group: &str) -> Result<ResourceGroup, ArmError> {
    let (subscription, name) = place(ctx, subscription, group).await?;
    ctx.allow(Action::GroupRead, &Scope::group(subscription, &name))?;
    let found = ctx.app.store.read().await?.arm().group(subscription, &name).await?;
    Ok(found.ok_or_else(|| Refusal::NoGroup(name.to_string()))?)
}

/// `PUT …/resourcegroups/{g}`: makes it, or replaces its tags.
pub(super) async fn put(
    ctx: Ctx,
    Path((subscription, group)): Path<(String, String)>,
    Body(body): Body,
) -> Result<Response, ArmError> {
    let (subscription, name) = place(&ctx, &subscription, &group).await?;
    let allowed = ctx.allow(Action::GroupWrite, &Scope::group(subscription, &name))?;
    let location = member(&body, "location").and_then(Value::as_str).map(str::parse::<Location>).transpose()?;
    let document = ResourceGroupDocument {
        tags: tags::read(member(&body, "tags"))?,
        managed_by: member(&body, "managedBy").filter(|v| !v.is_null()).cloned(),
    };
    let mut tx = ctx.app.store.write().await?;
    let (status, after) = match tx.arm().group(subscription, &name).await? {
        Some(before) if before.deleting.is_some() => return Err(Refusal::GroupDeleting(name.to_string()).into()),
        Some(before) => {
            if let Some(new) = location.filter(|new| *new != before.location) {
                let (name, old, new) = (name.to_string(), before.location.to_string(), new.to_string());
                return Err(Refusal::GroupMoved { name, old, new }.into());
            }
            (StatusCode::OK, ResourceGroup { document, ..before })
        }
        None => {
            let location =
                location.ok_or(Refusal::Parameter { name: "location", detail: "a new resource group needs one".to_owned() })?;
            (
                StatusCode::CREATED,
                ResourceGroup { subscription, name, location, document, deleting: None, created: ctx.app.now() },
            )
        }
    };
    tx.arm().put_group(&after).await?;
    tx.audit(ctx.app.now(), &ctx.event("resourceGroup.put", &allowed, json!({}))).await?;
    tx.commit().await?;
    Ok((status, Json(show(&after))).into_response())
}

/// `PATCH …/resourcegroups/{g}`: tags.
pub(super) async fn patch(
    ctx: Ctx,
    Path((subscription, group)): Path<(String, String)>,
    Body(body): Body,
) -> Result<Json<Value>, ArmError> {
    let (subscription, name) = place(&ctx, &subscription, &group).await?;
    let allowed = ctx.allow(Action::GroupWrite, &Scope::group(subscription, &name))?;
    let mut tx = ctx.app.store.write().await?;
    let mut after = tx.arm().group(subscription, &name).await?.ok_or_else(|| Refusal::NoGroup(name.to_string()))?;
    if member(&body, "tags").is_some() {
        after.document.tags = tags::read(member(&body, "tags"))?;
    }
    tx.arm().put_group(&after).await?;
    tx.audit(ctx.app.now(), &ctx.event("resourceGroup.put", &allowed, json!({}))).await?;
    tx.commit().await?;
    Ok(Json(show(&after)))
}

/// `DELETE …/resourcegroups/{g}`: 202, with everything inside; 404 when there is none.
pub(super) async fn delete(ctx: Ctx, Path((subscription, group)): Path<(String, String)>) -> Result<Response, ArmError> {
    let (subscription, name) = place(&ctx, &subscription, &group).await?;
    let scope = Scope::group(subscription, &name);
    let allowed = ctx.allow(Action::GroupDelete, &scope)?;
    let mut tx = ctx.app.store.write().await?;
    let mut group = tx.arm().group(subscription, &name).await?.ok_or_else(|| Refusal::NoGroup(name.to_string()))?;
    let id = match group.deleting {
        Some(under_way) => under_way,
        None => OperationId::from_uuid(Uuid::new_v4()),
    };
    if group.deleting.is_none() {
        let operation = Operation {
            id,
            tenant: ctx.tenant(),
            subscription,
            location: group.location.clone(),
            target: Target::Group(group.name.clone()),
            scope,
            work: Work::Delete,
            steps: Vec::new(),
            started: ctx.app.now(),
            started_by: Some(ctx.oid()),
            ended: None,
        };
        group.deleting = Some(id);
        tx.arm().put_group(&group).await?;
        tx.operations().insert(&operation).await?;
        tx.audit(ctx.app.now(), &ctx.event("resourceGroup.deleted", &allowed, json!({ "operation": id }))).await?;
        tx.commit().await?;
        ctx.app.jobs.wake();
    }
    let urls = operations::Urls::new(ctx.app.base(), subscription, operations::RESOURCES, &group.location, id);
    Ok((StatusCode::ACCEPTED, urls.headers(Headers::Location)).into_response())
}

fn show(group: &ResourceGroup) -> Value {
    let state = if group.deleting.is_some() { "Deleting" } else { "Succeeded" };
    let mut shown = json!({
        "id": group.scope().to_string(),
        "name": group.name.as_str(),
        "type": "Microsoft.Resources/resourceGroups",
        "location": group.location.as_str(),
        "tags": group.document.tags,
        "properties": { "provisioningState": state }
    });
    if let Some(managed_by) = &group.document.managed_by {
        shown["managedBy"] = managed_by.clone();
    }
    shown
}
