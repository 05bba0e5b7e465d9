//! `/users/{id}/authentication/methods` and `/me/authentication/methods`: what a person signs in with; and the reset by an
//! administrator, for the day when everything is lost (S-802).

use axum::extract::Path;
use entrance_model::directory::User;
use entrance_model::directory_rules::access::{Action, Allowed};
use entrance_model::id::{MethodId, PrincipalId};
use entrance_model::signin::factors::{Factor, Kind};
use entrance_store::StoreError;
use entrance_store::directory::Directory;
use entrance_wire::graph::Object;
use serde_json::{Value, json};
use std::collections::HashMap;

use super::ctx::Ctx;
use super::error::GraphError;
use super::find::user_target;
use super::reply::{NoContent, Reply, Shown};
use super::revocations;
use crate::authority::revoke;

/// Which lists there are: all methods, or those of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listed {
    All,
    Only(Kind),
}

/// The method that everybody has who has a password; its id is the same for all, as in the original.
const PASSWORD_ID: &str = "28c10230-6103-485e-b985-444c60001490";

/// `GET /users/{id|upn}/authentication/methods`, `GET /me/authentication/methods`
pub(super) async fn list(ctx: Ctx, Path(path): Path<HashMap<String, String>>) -> Reply<Shown> {
    listed(&ctx, &path, Listed::All).await
}

/// `GET …/authentication/fido2Methods`
pub(super) async fn passkeys(ctx: Ctx, Path(path): Path<HashMap<String, String>>) -> Reply<Shown> {
    listed(&ctx, &path, Listed::Only(Kind::Passkey)).await
}

/// `GET …/authentication/softwareOathMethods`
pub(super) async fn apps(ctx: Ctx, Path(path): Path<HashMap<String, String>>) -> Reply<Shown> {
    listed(&ctx, &path, Listed::Only(Kind::Totp)).await
}

async fn listed(ctx: &Ctx, path: &HashMap<String, String>, what: Listed) -> Reply<Shown> {
    let mut reader = ctx.read().await?;
    let (user, _) = subject(ctx, &mut reader.directory(), path, Action::ReadMethods).await?;
    let has_password = reader.directory().password_hash(ctx.tenant, user.id).await?.is_some();
    let all = reader.factors().list(ctx.tenant, user.id).await?;
    let mut values = Vec::new();
    if what == Listed::All && has_password {
        values.push(json!({
            "@odata.type": "#microsoft.graph.passwordAuthenticationMethod", "id": PASSWORD_ID, "password": null,
            "createdDateTime": user.other.get("lastPasswordChangeDateTime").cloned().unwrap_or(Value::Null),
        }));
    }
    let fitting = all.iter().filter(|factor| what == Listed::All || what == Listed::Only(factor.kind));
    values.extend(fitting.map(|factor| Value::Object(show(factor))));
    Ok(ctx.values("users/authentication/methods", values))
}

fn show(factor: &Factor) -> Object {
    let shown = match factor.kind {
        Kind::Passkey => json!({
            "@odata.type": "#microsoft.graph.fido2AuthenticationMethod",
            "id": factor.id, "displayName": factor.name, "createdDateTime": factor.created.to_string(),
            "lastUsedDateTime": factor.used.map(|at| at.to_string()),
            "isRefused": factor.alarmed.is_some(),
        }),
        Kind::Totp => json!({
            "@odata.type": "#microsoft.graph.softwareOathAuthenticationMethod",
            "id": factor.id, "secretKey": null, "createdDateTime": factor.created.to_string(),
            "lastUsedDateTime": factor.used.map(|at| at.to_string()),
        }),
    };
    shown.as_object().cloned().unwrap_or_default()
}

/// `GET …/authentication/methods/{method}`
pub(super) async fn one(ctx: Ctx, Path(path): Path<HashMap<String, String>>) -> Reply<Shown> {
    let mut reader = ctx.read().await?;
    let (user, _) = subject(&ctx, &mut reader.directory(), &path, Action::ReadMethods).await?;
    let all = reader.factors().list(ctx.tenant, user.id).await?;
    let key = path.get("method").cloned().unwrap_or_default();
    let found = all.iter().find(|factor| factor.id.to_string().eq_ignore_ascii_case(&key));
    let found = found.ok_or_else(|| GraphError::not_found(&key))?;
    Ok(ctx.one("users/authentication/methods/$entity", show(found)))
}

/// `DELETE …/authentication/methods/{method}`, and under `fido2Methods` and `softwareOathMethods`: the factor goes, and with
/// it every session of the person, because whoever has it now may be signed in.
pub(super) async fn remove(ctx: Ctx, Path(path): Path<HashMap<String, String>>) -> Reply<NoContent> {
    let key = path.get("method").cloned().unwrap_or_default();
    let mut tx = ctx.app.store.write().await?;
    let (mut user, allowed) = subject(&ctx, &mut tx.directory(), &path, Action::ResetMethods).await?;
    if PrincipalId::from(user.id) == ctx.caller.id() {
        // A token proves no second factor of a moment ago; the page does (W-033).
        return Err(GraphError::bad_request("Your own methods are removed on your own page, which asks for one of them first."));
    }
    let id: MethodId = key.parse().map_err(|_| GraphError::not_found(&key))?;
    match tx.factors().remove(ctx.tenant, user.id, id).await {
        Ok(()) => {}
        Err(StoreError::Conflict) => return Err(GraphError::not_found(&key)),
        Err(error) => return Err(error.into()),
    }
    revoke::person(&mut tx, ctx.tenant, &mut user, "second factor removed", Some(ctx.caller.id()), ctx.now()).await?;
    tx.directory().update_user(ctx.tenant, &user).await?;
    ctx.record(&mut tx, &allowed, "factor.removed", user.id.uuid(), json!({ "method": id })).await?;
    tx.commit().await?;
    revocations::in_force(&ctx).await?;
    Ok(NoContent)
}

/// Whose methods, and the proof that the caller may do that. Who may not learns nothing about who exists.
async fn subject<M>(
    ctx: &Ctx,
    directory: &mut Directory<'_, M>,
    path: &HashMap<String, String>,
    action: Action,
) -> Result<(User, Allowed), GraphError> {
    let key = match path.get("key") {
        Some(key) => key.clone(),
        None => ctx.me()?.to_string(),
    };
    let Ok(user) = ctx.user(directory, &key).await else {
        ctx.allow(action)?;
        return Err(GraphError::not_found(&key));
    };
    let allowed = ctx.allow_on(directory, action, user_target(&user)).await?;
    Ok((user, allowed))
}
