//! `Microsoft.Authorization/locks` at a subscription, a group or a cluster: what protects them from everybody.
//!
//! What a lock forbids is refused where rights are looked at ([`Ctx::allow`]), so no endpoint can forget it.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use entrance_model::access::Action;
use entrance_model::arm::{Lock, LockName};
use serde_json::{Value, json};

use super::body::{Body, member};
use super::ctx::Ctx;
use super::error::{ArmError, Refusal};
use super::place::{Names, Place};
use super::query::Query;
use super::routes::Routes;

/// The routes of locks.
pub(super) fn router() -> Routes {
    let subscription = "/subscriptions/{subscription}";
    let group = format!("{subscription}/resourcegroups/{{group}}");
    let cluster = format!("{group}/providers/microsoft.containerservice/managedclusters/{{name}}");
    [subscription, &group, &cluster].into_iter().fold(Routes::new(), |routes, place| {
        let all = format!("{place}/providers/microsoft.authorization/locks");
        routes.route(&all, get(list)).route(&format!("{all}/{{lock}}"), get(one).put(put).delete(delete))
    })
}

/// Those of the place and of everything below; with `atScope()` those of the place only.
async fn list(ctx: Ctx, names: Names, query: Query) -> Result<Json<Value>, ArmError> {
    let scope = Place::of(&ctx, &names).await?.scope();
    ctx.allow(Action::LocksRead, &scope)?;
    let only_here = match query.get("$filter") {
        None => false,
        Some(filter) if filter.trim().eq_ignore_ascii_case("atScope()") => true,
        Some(_) => return Err(Refusal::Parameter { name: "$filter", detail: "`atScope()` is".to_owned() }.into()),
    };
    let fits = |lock: &&Lock| if only_here { lock.scope == scope } else { scope.covers(&lock.scope) };
    let value: Vec<Value> = ctx.locks().iter().filter(fits).map(show).collect();
    Ok(Json(json!({ "value": value })))
}

async fn one(ctx: Ctx, names: Names) -> Result<Json<Value>, ArmError> {
    let scope = Place::of(&ctx, &names).await?.scope();
    ctx.allow(Action::LocksRead, &scope)?;
    let name = name(&names)?;
    let found = ctx.locks().iter().find(|lock| lock.scope == scope && lock.name.key() == name.key());
    Ok(Json(show(found.ok_or_else(|| Refusal::NotFound(format!("lock {}", name.as_str())))?)))
}

async fn put(ctx: Ctx, names: Names, Body(body): Body) -> Result<Response, ArmError> {
    let place = Place::of(&ctx, &names).await?;
    let allowed = ctx.allow(Action::LocksWrite, &place.scope())?;
    let name = name(&names)?;
    let properties = member(&body, "properties").cloned().unwrap_or_default();
    let text = |name: &str| member(&properties, name).and_then(Value::as_str);
    let level = text("level").ok_or(Refusal::Parameter { name: "level", detail: "it is needed".to_owned() })?.parse()?;
    let notes = Lock::notes(text("notes"))?;
    let mut tx = ctx.app.store.write().await?;
    let scope = place.found(&mut tx.arm()).await?.scope(&place);
    let before = tx.arm().lock(ctx.tenant(), &scope, &name).await?;
    let status = if before.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let (created, created_by) = (ctx.app.now(), Some(ctx.oid()));
    let first = || Lock { tenant: ctx.tenant(), scope, name, level, notes: None, created, created_by };
    let lock = Lock { level, notes, ..before.unwrap_or_else(first) };
    tx.arm().put_lock(&lock).await?;
    tx.audit(ctx.app.now(), &ctx.event("lock.put", &allowed, json!({ "lock": show(&lock) }))).await?;
    tx.commit().await?;
    Ok((status, Json(show(&lock))).into_response())
}

async fn delete(ctx: Ctx, names: Names) -> Result<StatusCode, ArmError> {
    let scope = Place::of(&ctx, &names).await?.scope();
    let allowed = ctx.allow(Action::LocksDelete, &scope)?;
    let mut tx = ctx.app.store.write().await?;
    let Some(lock) = tx.arm().lock(ctx.tenant(), &scope, &name(&names)?).await? else { return Ok(StatusCode::NO_CONTENT) };
    tx.arm().delete_lock(&lock).await?;
    tx.audit(ctx.app.now(), &ctx.event("lock.deleted", &allowed, json!({ "lock": show(&lock) }))).await?;
    tx.commit().await?;
    Ok(StatusCode::OK)
}

fn name(names: &Names) -> Result<LockName, ArmError> {
    Ok(names.get("lock").unwrap_or_default().parse::<LockName>()?)
}

fn show(lock: &Lock) -> Value {
    let mut properties = json!({ "level": lock.level.as_str() });
    if let Some(notes) = &lock.notes {
        properties["notes"] = json!(notes);
    }
    json!({
        "id": lock.id(),
        "name": lock.name.as_str(),
        "type": "Microsoft.Authorization/locks",
        "properties": properties,
        "systemData": { "createdBy": lock.created_by, "createdAt": lock.created.to_string() }
    })
}
