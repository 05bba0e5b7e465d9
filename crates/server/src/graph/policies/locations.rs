//! `/identity/conditionalAccess/namedLocations`: networks with a name.

use axum::extract::Path;
use entrance_model::directory_rules::access::Action;
use entrance_model::id::LocationId;
use entrance_model::signin::policy::{IpRange, Location};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::body::Json;
use super::super::ctx::Ctx;
use super::super::error::GraphError;
use super::super::reply::{NoContent, Reply, Shown};
use super::show::location as shown;
use super::{merge, no_options, not_json};

const SET: &str = "identity/conditionalAccess/namedLocations";
const MOST: usize = 195;
const MOST_RANGES: usize = 2_000;

/// `GET /identity/conditionalAccess/namedLocations`
pub(super) async fn list(ctx: Ctx) -> Reply<Shown> {
    ctx.allow(Action::ReadPolicies)?;
    no_options(&ctx)?;
    let all = ctx.read().await?.policies().locations(ctx.tenant).await?;
    Ok(ctx.values(SET, all.iter().map(|location| Value::Object(shown(location))).collect()))
}

/// `GET /identity/conditionalAccess/namedLocations/{id}`
pub(super) async fn show(ctx: Ctx, Path(key): Path<String>) -> Reply<Shown> {
    ctx.allow(Action::ReadPolicies)?;
    let id: LocationId = key.parse().map_err(|_| GraphError::not_found(&key))?;
    let found = ctx.read().await?.policies().location(ctx.tenant, id).await?.ok_or_else(|| GraphError::not_found(&key))?;
    Ok(ctx.one(&format!("{SET}/$entity"), shown(&found.state)))
}

/// `POST /identity/conditionalAccess/namedLocations`
pub(super) async fn create(ctx: Ctx, Json(body): Json) -> Reply<Shown> {
    let allowed = ctx.allow(Action::ChangePolicies)?;
    let body = body.as_object().ok_or_else(not_json)?;
    let (name, is_trusted, ranges) = read(body)?;
    let id = LocationId::from_uuid(Uuid::new_v4());
    let location = Location { id, name, is_trusted, ranges, created: ctx.now(), modified: None };
    let mut tx = ctx.app.store.write().await?;
    if tx.policies().locations(ctx.tenant).await?.len() >= MOST {
        return Err(GraphError::bad_request(format!("A tenant can have {MOST} named locations.")));
    }
    tx.policies().insert_location(ctx.tenant, &location).await?;
    ctx.record(&mut tx, &allowed, "namedLocation.created", id.uuid(), detail(&location)).await?;
    tx.commit().await?;
    Ok(ctx.created(SET, &id, shown(&location)))
}

/// `PATCH /identity/conditionalAccess/namedLocations/{id}`
pub(super) async fn update(ctx: Ctx, Path(key): Path<String>, Json(body): Json) -> Reply<NoContent> {
    let allowed = ctx.allow(Action::ChangePolicies)?;
    let id: LocationId = key.parse().map_err(|_| GraphError::not_found(&key))?;
    let found = ctx.read().await?.policies().location(ctx.tenant, id).await?.ok_or_else(|| GraphError::not_found(&key))?;
    let before = &found.state;
    let mut merged = json!({
        "displayName": before.name, "isTrusted": before.is_trusted, "ipRanges": shown(before)["ipRanges"],
    });
    body.as_object().ok_or_else(not_json)?;
    merge(&mut merged, body);
    let (name, is_trusted, ranges) = read(merged.as_object().ok_or_else(not_json)?)?;
    let location = Location { id, name, is_trusted, ranges, created: before.created, modified: Some(ctx.now().as_microsecond()) };
    let mut tx = ctx.app.store.write().await?;
    tx.policies().swap_location(ctx.tenant, found.version, &location).await?;
    ctx.record(&mut tx, &allowed, "namedLocation.updated", id.uuid(), detail(&location)).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// `DELETE /identity/conditionalAccess/namedLocations/{id}`: not while a policy names it, which would then mean something
/// else.
pub(super) async fn remove(ctx: Ctx, Path(key): Path<String>) -> Reply<NoContent> {
    let allowed = ctx.allow(Action::ChangePolicies)?;
    let id: LocationId = key.parse().map_err(|_| GraphError::not_found(&key))?;
    let mut tx = ctx.app.store.write().await?;
    let found = tx.policies().location(ctx.tenant, id).await?.ok_or_else(|| GraphError::not_found(&key))?;
    let all = tx.policies().all(ctx.tenant).await?;
    let names_it = |places: &entrance_model::signin::policy::Places| {
        places.include.named.contains(&id) || places.exclude.named.contains(&id)
    };
    if let Some(policy) = all.iter().find(|policy| policy.places.as_ref().is_some_and(names_it)) {
        let message = format!("The named location is used by the policy '{}'; change or delete that first.", policy.name);
        return Err(GraphError::bad_request(message));
    }
    tx.policies().delete_location(ctx.tenant, id).await?;
    ctx.record(&mut tx, &allowed, "namedLocation.deleted", id.uuid(), detail(&found.state)).await?;
    tx.commit().await?;
    Ok(NoContent)
}

fn detail(location: &Location) -> Value {
    json!({ "displayName": location.name, "location": shown(location) })
}

fn read(body: &Map<String, Value>) -> Result<(String, bool, Vec<IpRange>), GraphError> {
    let wrong = |name: &str| {
        GraphError::bad_request(format!("Invalid value specified for property '{name}' of resource 'IpNamedLocation'."))
    };
    if let Some(kind) = body.get("@odata.type").and_then(Value::as_str)
        && kind != "#microsoft.graph.ipNamedLocation"
    {
        return Err(GraphError::bad_request(format!(
            "'{kind}' is not served here: a named location is a list of address ranges."
        )));
    }
    let known = ["displayName", "isTrusted", "ipRanges", "id"];
    if let Some(other) = body.keys().find(|name| !name.contains('@') && !known.contains(&name.as_str())) {
        return Err(GraphError::bad_request(format!("Invalid property '{other}'.")));
    }
    let name = body
        .get("displayName")
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty() && name.chars().count() <= 256 && !name.chars().any(char::is_control));
    let is_trusted = match body.get("isTrusted") {
        None | Some(Value::Null) => false,
        Some(value) => value.as_bool().ok_or_else(|| wrong("isTrusted"))?,
    };
    let given = body.get("ipRanges").and_then(Value::as_array).filter(|all| !all.is_empty() && all.len() <= MOST_RANGES);
    let ranges = given.ok_or_else(|| wrong("ipRanges"))?.iter().map(|range| {
        let text = range.get("cidrAddress").and_then(Value::as_str).ok_or_else(|| wrong("ipRanges"))?;
        text.parse::<IpRange>().map_err(|error| GraphError::bad_request(format!("Invalid address range: {error}.")))
    });
    let ranges = ranges.collect::<Result<Vec<_>, _>>()?;
    Ok((name.ok_or_else(|| wrong("displayName"))?.to_owned(), is_trusted, ranges))
}
