//! `/users/{key}/authentication/temporaryAccessPassMethods`: a one-time code with which a person sets a new password.
//!
//! The original's shape. Ours is always for one use, and good for nothing but the password: it is no way around a second
//! factor. The code is shown once.

use axum::extract::Path;
use entrance_model::directory::User;
use entrance_model::directory_rules::access::Action;
use entrance_model::id::CredentialId;
use entrance_model::signin::one_time_code::OneTimeCode;
use entrance_model::signin::temporary_pass::{self, TemporaryPass};
use entrance_store::Tx;
use entrance_wire::graph::Object;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Json;
use super::ctx::Ctx;
use super::error::GraphError;
use super::find::user_target;
use super::reply::{NoContent, Reply, Shown};
use crate::authority::{passes, secret};

fn fragment(user: &User) -> String {
    format!("users('{}')/authentication/temporaryAccessPassMethods", user.id)
}

/// `GET …/temporaryAccessPassMethods`
pub(super) async fn list(ctx: Ctx, Path(key): Path<String>) -> Reply<Shown> {
    let (user, pass) = find(&ctx, &key).await?;
    let shown = pass.iter().map(|pass| Value::Object(show(&ctx, pass, None))).collect();
    Ok(ctx.values(&fragment(&user), shown))
}

/// `GET …/temporaryAccessPassMethods/{id}`
pub(super) async fn one(ctx: Ctx, Path((key, id)): Path<(String, String)>) -> Reply<Shown> {
    let (user, pass) = find(&ctx, &key).await?;
    let pass = pass.filter(|pass| pass.id.to_string() == id).ok_or_else(|| GraphError::not_found(&id))?;
    Ok(ctx.one(&format!("{}/$entity", fragment(&user)), show(&ctx, &pass, None)))
}

/// `POST …/temporaryAccessPassMethods` `{startDateTime?, lifetimeInMinutes?, isUsableOnce?}`. Replaces the one before.
pub(super) async fn create(ctx: Ctx, Path(key): Path<String>, body: Json) -> Reply<Shown> {
    let mut tx = ctx.app.store.write().await?;
    let user = user_to_change(&ctx, &mut tx, &key).await?;
    let allowed = ctx.allow_on(&mut tx.directory(), Action::ResetPassword, user_target(&user)).await?;
    let (pass, code) = give(&ctx, &mut tx, &user, &body.0).await?;
    let detail = json!({"pass": pass.id.to_string(), "until": pass.ends.to_string()});
    ctx.record(&mut tx, &allowed, "user.passGiven", user.id.uuid(), detail).await?;
    tx.commit().await?;
    Ok(ctx.created(&fragment(&user), &pass.id, show(&ctx, &pass, Some(&code))))
}

/// `DELETE …/temporaryAccessPassMethods/{id}`
pub(super) async fn remove(ctx: Ctx, Path((key, id)): Path<(String, String)>) -> Reply<NoContent> {
    let mut tx = ctx.app.store.write().await?;
    let user = user_to_change(&ctx, &mut tx, &key).await?;
    let allowed = ctx.allow_on(&mut tx.directory(), Action::ResetPassword, user_target(&user)).await?;
    let kept = tx.authority().pass_of(ctx.tenant, user.id).await?;
    let (pass, _) = kept.filter(|(pass, _)| pass.id.to_string() == id).ok_or_else(|| GraphError::not_found(&id))?;
    tx.authority().drop_pass(ctx.tenant, user.id).await?;
    ctx.record(&mut tx, &allowed, "user.passTaken", user.id.uuid(), json!({"pass": pass.id.to_string()})).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// Makes a pass for a person, in the transaction of whoever was allowed to.
pub(super) async fn give(ctx: &Ctx, tx: &mut Tx, user: &User, asked: &Value) -> Result<(TemporaryPass, OneTimeCode), GraphError> {
    let now = ctx.now();
    let starts = match asked.get("startDateTime").filter(|value| !value.is_null()) {
        Some(value) => Some(value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| wrong("startDateTime"))?),
        None => None,
    };
    let minutes = match asked.get("lifetimeInMinutes").filter(|value| !value.is_null()) {
        Some(value) => Some(value.as_i64().ok_or_else(|| wrong("lifetimeInMinutes"))?),
        None => None,
    };
    if asked.get("isUsableOnce").is_some_and(|value| *value == false) {
        return Err(GraphError::bad_request("A temporary access pass is for one use here; 'isUsableOnce' cannot be false."));
    }
    let (starts, ends) =
        temporary_pass::life(starts, minutes, now).map_err(|error| GraphError::bad_request(error.to_string()))?;
    let id = CredentialId::from_uuid(Uuid::new_v4());
    let pass = TemporaryPass { id, user: user.id, created: now, starts, ends, used: None };
    let tenant = ctx.organization(&mut tx.directory()).await?;
    let code = OneTimeCode::of(secret::random());
    tx.authority().set_pass(ctx.tenant, &pass, &passes::hash(&tenant, &code)).await?;
    Ok((pass, code))
}

fn wrong(name: &str) -> GraphError {
    GraphError::bad_request(format!("Invalid value specified for property '{name}' of resource 'TemporaryAccessPass'."))
}

async fn find(ctx: &Ctx, key: &str) -> Result<(User, Option<TemporaryPass>), GraphError> {
    let mut reader = ctx.read().await?;
    let user = ctx.user(&mut reader.directory(), key).await;
    let Ok(user) = user else {
        ctx.allow(Action::ResetPassword)?;
        return Err(GraphError::not_found(key));
    };
    ctx.allow_on(&mut reader.directory(), Action::ResetPassword, user_target(&user)).await?;
    let pass = reader.authority().pass_of(ctx.tenant, user.id).await?;
    Ok((user, pass.map(|(pass, _)| pass)))
}

async fn user_to_change(ctx: &Ctx, tx: &mut Tx, key: &str) -> Result<User, GraphError> {
    ctx.or_forbidden(Action::ResetPassword, ctx.user(&mut tx.directory(), key).await)
}

fn show(ctx: &Ctx, pass: &TemporaryPass, code: Option<&OneTimeCode>) -> Object {
    let usable = pass.usable(ctx.now());
    let shown = json!({
        "id": pass.id.to_string(),
        "createdDateTime": pass.created.to_string(),
        "startDateTime": pass.starts.to_string(),
        "lifetimeInMinutes": pass.minutes(),
        "isUsableOnce": true,
        "isUsable": usable.is_ok(),
        "methodUsabilityReason": usable.err().map_or("EnabledByPolicy", temporary_pass::Unusable::as_str),
        "temporaryAccessPass": code.map(OneTimeCode::grouped),
    });
    shown.as_object().cloned().unwrap_or_default()
}
