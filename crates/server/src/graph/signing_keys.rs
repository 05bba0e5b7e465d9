//! `/entrance/keys`: the keys that tokens are signed with (S-810). They serve every tenant of the server, so they are in the
//! hands of the administrators of its first one.

use entrance_model::directory_rules::access::{Action, Allowed, Denied};
use entrance_model::signin::keys::{State, Times};
use serde_json::{Value, json};

use super::body::Json;
use super::ctx::Ctx;
use super::error::GraphError;
use super::reply::{Reply, Shown};
use crate::authority::keys::{Because, Changed};

const LONGEST_REASON: usize = 256;

/// `GET /entrance/keys`
pub(super) async fn list(ctx: Ctx) -> Reply<Shown> {
    allowed(&ctx).await?;
    let now = ctx.now();
    let keys = ctx.app.keys.list(now);
    let values = keys.iter().map(|(times, state)| show(times, *state)).collect();
    Ok(ctx.values("entrance/keys", values))
}

/// `POST /entrance/keys/rotate`: the next key signs as soon as it was published for a day.
pub(super) async fn rotate(ctx: Ctx, Json(body): Json) -> Reply<Shown> {
    let allowed = allowed(&ctx).await?;
    let because = because(&ctx, &allowed, &body)?;
    let now = ctx.now();
    let keys = &ctx.app.keys;
    keys.rotate(&ctx.app.store, &because, now).await?;
    Ok(ctx.values("entrance/keys", keys.list(now).iter().map(|(times, state)| show(times, *state)).collect()))
}

/// `POST /entrance/keys/retire` `{kid, reason}`: the key goes at once, with every token that it signed.
pub(super) async fn retire(ctx: Ctx, Json(body): Json) -> Reply<Shown> {
    let allowed = allowed(&ctx).await?;
    let kid = body.get("kid").and_then(Value::as_str).ok_or_else(|| GraphError::bad_request("`kid` names the key."))?;
    let because = because(&ctx, &allowed, &body)?;
    let now = ctx.now();
    let keys = &ctx.app.keys;
    let Changed { gone, .. } = keys.retire(&ctx.app.store, kid, &because, now).await?;
    if gone.is_empty() {
        return Err(GraphError::not_found(kid));
    }
    tracing::warn!(kid, "a signing key was taken away");
    Ok(ctx.values("entrance/keys", keys.list(now).iter().map(|(times, state)| show(times, *state)).collect()))
}

async fn allowed(ctx: &Ctx) -> Result<Allowed, GraphError> {
    let allowed = ctx.allow(Action::SigningKeys)?;
    let tenants = ctx.read().await?.directory().tenants().await?;
    let first = tenants.iter().min_by_key(|tenant| (tenant.created, tenant.id));
    if first.is_some_and(|first| first.id == ctx.tenant) { Ok(allowed) } else { Err(Denied.into()) }
}

fn because(ctx: &Ctx, allowed: &Allowed, body: &Value) -> Result<Because, GraphError> {
    let reason = body.get("reason").and_then(Value::as_str).map(str::to_owned);
    if reason.as_ref().is_some_and(|reason| reason.len() > LONGEST_REASON) {
        return Err(GraphError::bad_request("The reason is longer than 256 characters."));
    }
    Ok(Because { tenant: Some(ctx.tenant), actor: Some(allowed.actor()), reason })
}

fn show(times: &Times, state: State) -> Value {
    json!({
        "kid": times.name,
        "state": state.word(),
        "createdDateTime": times.created.to_string(),
        "signsFromDateTime": times.starts.to_string(),
        "goneFromDateTime": times.ends.map(|at| at.to_string()),
    })
}
