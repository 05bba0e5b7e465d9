//! `POST /entrance/importUsers`: many people in one step, all or nothing. Every mistake is told with the place of its entry.

use std::collections::BTreeMap;

use entrance_model::directory::User;
use entrance_model::directory_rules::access::{Action, Area};
use serde_json::{Value, json};

use super::body::Json;
use super::ctx::Ctx;
use super::error::GraphError;
use super::reply::{Reply, Shown};
use super::{passes, users};

/// So many at once: each password is a hash of tens of milliseconds.
const MOST: usize = 1_000;
/// So many mistakes are told.
const MOST_TOLD: usize = 50;

/// One entry that is fine.
struct Ready {
    user: User,
    hash: Option<String>,
}

/// `{users: [user, …], dryRun?, passes?, lifetimeInMinutes?}`: `passes` gives each person without a password a one-time code.
pub(super) async fn import(ctx: Ctx, body: Json) -> Reply<Shown> {
    let allowed = ctx.allow(Action::Create(Area::Users))?;
    let flag = |name: &str| body.0.get(name).and_then(Value::as_bool).unwrap_or(false);
    let entries = body.required("users")?.as_array().ok_or_else(|| GraphError::bad_request("'users' is a list."))?;
    if entries.len() > MOST {
        return Err(GraphError::bad_request(format!("At most {MOST} people are imported at once.")));
    }
    let (mut ready, mut wrong, mut names) = (Vec::new(), Vec::new(), BTreeMap::new());
    for (n, entry) in entries.iter().enumerate() {
        match users::prepared(&ctx, entry.clone(), flag("dryRun")).await {
            Ok((user, hash)) => {
                if let Some(before) = names.insert(user.upn.as_str().to_ascii_lowercase(), n) {
                    wrong.push((n, format!("The same userPrincipalName stands in entry {before}.")));
                }
                ready.push(Ready { user, hash });
            }
            Err(error) => wrong.push((n, error.message().to_owned())),
        }
    }
    if !wrong.is_empty() {
        let told = wrong.iter().take(MOST_TOLD).map(|(n, why)| (format!("users[{n}]"), why.clone())).collect();
        let message = format!("Nobody was imported: {} of {} entries have a mistake.", wrong.len(), entries.len());
        return Err(GraphError::bad_request(message).about(told));
    }
    if flag("dryRun") {
        let shown = ready.iter().map(|one| json!({"userPrincipalName": one.user.upn.as_str()})).collect();
        return Ok(ctx.values("users", shown));
    }
    let mut tx = ctx.app.store.write().await?;
    let mut shown = Vec::new();
    for Ready { user, hash } in &ready {
        tx.directory().insert_user(ctx.tenant, user).await?;
        let mut one = json!({"id": user.id.to_string(), "userPrincipalName": user.upn.as_str()});
        if let Some(hash) = hash {
            tx.directory().set_password_hash(ctx.tenant, user.id, hash).await?;
        } else if flag("passes") {
            let (pass, code) =
                passes::give(&ctx, &mut tx, user, &json!({"lifetimeInMinutes": body.0["lifetimeInMinutes"]})).await?;
            one["temporaryAccessPass"] = code.grouped().into();
            one["endDateTime"] = pass.ends.to_string().into();
        }
        let told = json!({"userPrincipalName": user.upn.as_str()});
        ctx.record(&mut tx, &allowed, "user.created", user.id.uuid(), told).await?;
        shown.push(one);
    }
    let detail = json!({"count": ready.len(), "passes": flag("passes")});
    ctx.record(&mut tx, &allowed, "user.imported", ctx.tenant.uuid(), detail).await?;
    tx.commit().await?;
    Ok(ctx.values("users", shown))
}
