//! `/identity/conditionalAccess`: sign-in policies and named locations (G-503), and the tenant's own switches.

mod locations;
mod members;
mod rules;
mod shape;
mod show;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use entrance_model::directory_rules::access::Action;
use entrance_model::id::PolicyId;
use entrance_model::signin::policy::{Administrator, Policy, Principals, Who, guard, spares_nobody};
use entrance_store::{Reader, Tx};
use entrance_wire::graph::Object;
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) use members::BadPolicy;

use super::Graph;
use super::body::Json;
use super::ctx::Ctx;
use super::error::GraphError;
use super::reply::{NoContent, Reply, Shown};
use shape::Dates;

const SET: &str = "identity/conditionalAccess/policies";
/// As many as Entra takes.
const MOST: usize = 240;

/// The routes of this part.
pub(super) fn routes() -> Router<Graph> {
    Router::new()
        .route("/identity/conditionalaccess/policies", get(list).post(create))
        .route("/identity/conditionalaccess/policies/{id}", get(show).patch(update).delete(remove))
        .route("/identity/conditionalaccess/namedlocations", get(locations::list).post(locations::create))
        .route(
            "/identity/conditionalaccess/namedlocations/{id}",
            get(locations::show).patch(locations::update).delete(locations::remove),
        )
        .route("/entrance/signinrules", get(rules::show).patch(rules::update))
}

/// `GET /identity/conditionalAccess/policies`
async fn list(ctx: Ctx) -> Reply<Shown> {
    ctx.allow(Action::ReadPolicies)?;
    no_options(&ctx)?;
    let all = ctx.read().await?.policies().all(ctx.tenant).await?;
    Ok(ctx.values(SET, all.iter().map(|policy| Value::Object(show::policy(policy))).collect()))
}

/// `GET /identity/conditionalAccess/policies/{id}`
async fn show(ctx: Ctx, Path(key): Path<String>) -> Reply<Shown> {
    ctx.allow(Action::ReadPolicies)?;
    let id: PolicyId = key.parse().map_err(|_| GraphError::not_found(&key))?;
    let mut reader = ctx.read().await?;
    let found = reader.policies().one(ctx.tenant, id).await?.ok_or_else(|| GraphError::not_found(&key))?;
    let administrators = reader.policies().administrators(ctx.tenant).await?;
    drop(reader);
    let shown = warned(&found.state, &with_groups(&ctx, administrators)?);
    Ok(ctx.one(&format!("{SET}/$entity"), shown))
}

/// `POST /identity/conditionalAccess/policies`
async fn create(ctx: Ctx, Json(body): Json) -> Reply<Shown> {
    let allowed = ctx.allow(Action::ChangePolicies)?;
    let id = PolicyId::from_uuid(Uuid::new_v4());
    let body = body.as_object().ok_or_else(not_json)?;
    let policy = shape::read(id, body, Dates { created: ctx.now(), modified: None })?;
    check_names(&ctx, &mut ctx.read().await?, &policy).await?;
    let mut tx = ctx.app.store.write().await?;
    let mut all = tx.policies().all(ctx.tenant).await?;
    if all.len() >= MOST {
        return Err(GraphError::bad_request(format!("A tenant can have {MOST} policies.")));
    }
    all.push(policy.clone());
    let administrators = check_guard(&ctx, &mut tx, &all).await?;
    tx.policies().insert(ctx.tenant, &policy).await?;
    ctx.record(&mut tx, &allowed, "policy.created", id.uuid(), detail(&policy)).await?;
    tx.commit().await?;
    Ok(ctx.created(SET, &id, warned(&policy, &administrators)))
}

/// `PATCH /identity/conditionalAccess/policies/{id}`
async fn update(ctx: Ctx, Path(key): Path<String>, Json(body): Json) -> Reply<NoContent> {
    let allowed = ctx.allow(Action::ChangePolicies)?;
    let id: PolicyId = key.parse().map_err(|_| GraphError::not_found(&key))?;
    let found = ctx.read().await?.policies().one(ctx.tenant, id).await?.ok_or_else(|| GraphError::not_found(&key))?;
    let mut merged = Value::Object(show::policy(&found.state));
    if let Some(before) = merged.as_object_mut() {
        // The server's own: a body that names them is refused below.
        before.remove("createdDateTime");
        before.remove("modifiedDateTime");
    }
    if !body.is_null() {
        body.as_object().ok_or_else(not_json)?;
        merge(&mut merged, body);
    }
    let merged = merged.as_object().ok_or_else(not_json)?;
    let dates = Dates { created: found.state.created, modified: Some(ctx.now()) };
    let policy = shape::read(id, merged, dates)?;
    check_names(&ctx, &mut ctx.read().await?, &policy).await?;
    let mut tx = ctx.app.store.write().await?;
    let mut all = tx.policies().all(ctx.tenant).await?;
    all.retain(|other| other.id != id);
    all.push(policy.clone());
    check_guard(&ctx, &mut tx, &all).await?;
    tx.policies().swap(ctx.tenant, found.version, &policy).await?;
    ctx.record(&mut tx, &allowed, "policy.updated", id.uuid(), detail(&policy)).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// `DELETE /identity/conditionalAccess/policies/{id}`
async fn remove(ctx: Ctx, Path(key): Path<String>) -> Reply<NoContent> {
    let allowed = ctx.allow(Action::ChangePolicies)?;
    let id: PolicyId = key.parse().map_err(|_| GraphError::not_found(&key))?;
    let mut tx = ctx.app.store.write().await?;
    let found = tx.policies().one(ctx.tenant, id).await?.ok_or_else(|| GraphError::not_found(&key))?;
    tx.policies().delete(ctx.tenant, id).await?;
    ctx.record(&mut tx, &allowed, "policy.deleted", id.uuid(), detail(&found.state)).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// What the audit log keeps: the whole policy, so that it can be told what was in force when.
fn detail(policy: &Policy) -> Value {
    json!({ "displayName": policy.name, "policy": show::policy(policy) })
}

/// A policy, with what an administrator should know about it.
fn warned(policy: &Policy, administrators: &[Administrator]) -> Object {
    let mut shown = show::policy(policy);
    if spares_nobody(policy, administrators) {
        let says = "This policy meets every administrator. Exclude an account that is kept for emergencies \
                    (conditions.users.excludeUsers), so that one mistake cannot lock everybody out.";
        shown.insert("@entrance.warnings".into(), json!([says]));
    }
    shown
}

/// No administrator may be left who can put things right (see the model's guard). Called inside of the write transaction, so
/// that two changes at once cannot do together what neither may do alone.
async fn check_guard(ctx: &Ctx, tx: &mut Tx, all: &[Policy]) -> Result<Vec<Administrator>, GraphError> {
    let administrators = with_groups(ctx, tx.policies().administrators(ctx.tenant).await?)?;
    guard(all, &administrators).map_err(|error| GraphError::bad_request(error.to_string()))?;
    Ok(administrators)
}

fn with_groups(ctx: &Ctx, administrators: Vec<Administrator>) -> Result<Vec<Administrator>, GraphError> {
    let snapshot = ctx.app.people.snapshot(ctx.now()).map_err(|_| GraphError::unavailable())?;
    let with = |administrator: Administrator| Administrator {
        groups: snapshot.groups_of(ctx.tenant, administrator.id.into()),
        ..administrator
    };
    Ok(administrators.into_iter().map(with).collect())
}

/// Everything a policy names has to exist in this tenant: a break-glass account with a typing mistake would be none.
async fn check_names(ctx: &Ctx, reader: &mut Reader, policy: &Policy) -> Result<(), GraphError> {
    let unknown = |what: &str, id: &dyn std::fmt::Display| {
        GraphError::bad_request(format!("Invalid value specified: there is no {what} '{id}' in this tenant."))
    };
    let tenant = ctx.tenant;
    match &policy.who {
        Who::People { include, exclude } => {
            for id in include.users.iter().chain(&exclude.users) {
                reader.directory().user(tenant, *id).await?.ok_or_else(|| unknown("user", id))?;
            }
            for id in include.groups.iter().chain(&exclude.groups) {
                reader.directory().group(tenant, *id).await?.ok_or_else(|| unknown("group", id))?;
            }
        }
        Who::Applications { include, exclude } => {
            let include = match include {
                Principals::All => &[][..],
                Principals::These(these) => these,
            };
            for id in include.iter().chain(exclude) {
                reader.directory().service_principal(tenant, *id).await?.ok_or_else(|| unknown("service principal", id))?;
            }
        }
    }
    let snapshot = ctx.app.people.snapshot(ctx.now()).map_err(|_| GraphError::unavailable())?;
    for app in policy.applications.include.iter().chain(&policy.applications.exclude) {
        let is_known = snapshot.own_audience(tenant, *app).is_some()
            || reader.directory().service_principal_of(tenant, *app).await?.is_some();
        if !is_known {
            return Err(unknown("application", app));
        }
    }
    if let Some(places) = &policy.places {
        for id in places.include.named.iter().chain(&places.exclude.named) {
            reader.policies().location(tenant, *id).await?.ok_or_else(|| unknown("named location", id))?;
        }
    }
    Ok(())
}

/// Lists of this part are short and come whole.
fn no_options(ctx: &Ctx) -> Result<(), GraphError> {
    let options = ctx.options()?;
    if options.filter.is_some() || options.select.is_some() || options.count || options.skip_token.is_some() {
        return Err(GraphError::unsupported("This list comes whole: $filter, $select, $count and $skiptoken are not served."));
    }
    Ok(())
}

/// A PATCH as Graph means it: members that are named replace, objects member by member, `null` clears.
fn merge(into: &mut Value, patch: Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (name, value) in patch {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, patch) => *into = patch,
    }
}

fn not_json() -> GraphError {
    entrance_wire::graph::body::BadBody::NotJson.into()
}
