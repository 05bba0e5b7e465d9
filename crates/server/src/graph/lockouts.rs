//! `/entrance/users/{key}/lockout`: whether an account is paused after wrong tries, and lifting that (S-800).

use axum::extract::Path;
use entrance_model::directory::{Tenant, User};
use entrance_model::directory_rules::access::{Action, Allowed};
use entrance_store::Reader;
use entrance_wire::graph::Object;
use serde_json::json;

use super::ctx::Ctx;
use super::error::GraphError;
use super::find::user_target;
use super::reply::{NoContent, Reply, Shown};
use crate::authority::lockouts;

/// `GET /entrance/users/{id|upn}/lockout`
pub(super) async fn show(ctx: Ctx, Path(key): Path<String>) -> Reply<Shown> {
    let mut reader = ctx.read().await?;
    let (user, tenant, _) = somebody(&ctx, &mut reader, &key).await?;
    let until = lockouts::paused_until(&mut reader, &tenant, &user, ctx.now()).await?;
    let shown = json!({
        "userPrincipalName": user.upn.as_str(), "isPaused": until.is_some(),
        "pausedUntilDateTime": until.map(|until| until.to_string()),
    });
    let object: Object = shown.as_object().cloned().unwrap_or_default();
    Ok(ctx.one("entrance/lockout", object))
}

/// `POST /entrance/users/{id|upn}/unlock`
pub(super) async fn unlock(ctx: Ctx, Path(key): Path<String>) -> Reply<NoContent> {
    let mut reader = ctx.read().await?;
    let (user, tenant, allowed) = somebody(&ctx, &mut reader, &key).await?;
    let until = lockouts::paused_until(&mut reader, &tenant, &user, ctx.now()).await?;
    drop(reader);
    let mut tx = ctx.app.store.write().await?;
    lockouts::unlock(&mut tx, &tenant, &user).await?;
    let detail = json!({ "userPrincipalName": user.upn.as_str(), "pausedUntil": until.map(|until| until.to_string()) });
    ctx.record(&mut tx, &allowed, "user.unlocked", user.id.uuid(), detail).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// Whoever may set somebody's password may let them try again, and nobody else.
async fn somebody(ctx: &Ctx, reader: &mut Reader, key: &str) -> Result<(User, Tenant, Allowed), GraphError> {
    let mut directory = reader.directory();
    let Ok(user) = ctx.user(&mut directory, key).await else {
        ctx.allow(Action::ResetPassword)?;
        return Err(GraphError::not_found(key));
    };
    let allowed = ctx.allow_on(&mut directory, Action::ResetPassword, user_target(&user)).await?;
    let tenant = ctx.organization(&mut directory).await?;
    Ok((user, tenant, allowed))
}
