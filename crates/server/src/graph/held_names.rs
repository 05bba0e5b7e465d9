//! `/entrance/heldnames`: names under which somebody entered a cluster, what names them there, and letting one go
//! (DESIGN 5.1).

use axum::extract::Path;
use entrance_model::directory_rules::access::{Action, Area};
use entrance_model::name::Upn;
use entrance_store::directory::HeldName;
use entrance_wire::graph::Object;
use serde_json::{Value, json};

use super::body::Json;
use super::ctx::Ctx;
use super::error::GraphError;
use super::reply::{Reply, Shown};
use crate::clusters::references::Reference;

const MOST_SHOWN: u32 = 1_000;

/// `GET /entrance/heldnames`
pub(super) async fn list(ctx: Ctx) -> Reply<Shown> {
    ctx.allow(Action::Update(Area::Users))?;
    ctx.app.names.settle(&ctx.app.store).await?;
    let all = ctx.read().await?.directory().held_names(ctx.tenant, "", MOST_SHOWN).await?;
    Ok(ctx.values("entrance/heldNames", all.iter().map(|held| Value::Object(show(held))).collect()))
}

/// `GET /entrance/heldnames/{name}`: with every object in a cluster that names it, which the next holder would inherit.
pub(super) async fn one(ctx: Ctx, Path(name): Path<String>) -> Reply<Shown> {
    ctx.allow(Action::Update(Area::Users))?;
    let (held, heirlooms) = look(&ctx, &name).await?;
    let mut shown = show(&held);
    shown.insert("clusters".into(), heirlooms.iter().map(Heirloom::show).collect());
    Ok(ctx.one("entrance/heldNames/$entity", shown))
}

/// `POST /entrance/heldnames/{name}/release` `{reason, evenIfUnknown}`
pub(super) async fn release(ctx: Ctx, Path(name): Path<String>, Json(body): Json) -> Reply<Shown> {
    let allowed = ctx.allow(Action::Update(Area::Users))?;
    let reason = body.get("reason").and_then(Value::as_str).map(str::trim).unwrap_or_default();
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
        return Err(GraphError::bad_request("A reason of at most 256 characters is needed."));
    }
    let (held, heirlooms) = look(&ctx, &name).await?;
    let unknown: Vec<&str> = heirlooms.iter().filter(|one| one.references.is_none()).map(|one| one.id.as_str()).collect();
    if !unknown.is_empty() && body.get("evenIfUnknown") != Some(&Value::Bool(true)) {
        return Err(GraphError::bad_request(format!(
            "What names it in these clusters is not known now: {}. Release it later, or with 'evenIfUnknown'.",
            unknown.join(", ")
        )));
    }
    let mut tx = ctx.app.store.write().await?;
    tx.directory().release_name(ctx.tenant, &held.name).await?;
    let inherits: Value = heirlooms.iter().filter(|one| one.is_something()).map(Heirloom::show).collect();
    let detail = json!({"name": held.name, "reason": reason, "inherits": inherits});
    ctx.record(&mut tx, &allowed, "name.released", held.holder.uuid(), detail).await?;
    tx.commit().await?;
    // Whoever holds it still is recorded again when they enter.
    ctx.app.names.forget();
    let mut shown = show(&held);
    shown.insert("clusters".into(), heirlooms.iter().map(Heirloom::show).collect());
    Ok(ctx.one("entrance/heldNames/$entity", shown))
}

/// What a cluster has for whoever gets the name.
struct Heirloom {
    /// The cluster's resource id.
    id: String,
    /// When somebody entered it under the name for the first time.
    first: Option<String>,
    /// The objects that name it; `None` when that is not known.
    references: Option<Vec<Reference>>,
}

impl Heirloom {
    fn is_something(&self) -> bool {
        self.references.as_ref().is_none_or(|all| !all.is_empty())
    }

    fn show(&self) -> Value {
        let references = self.references.as_ref().map(|all| {
            let one = |one: &Reference| json!({"resource": one.resource, "name": one.object, "role": one.role});
            all.iter().map(one).collect::<Value>()
        });
        json!({"clusterId": self.id, "firstEnteredDateTime": self.first, "isKnown": references.is_some(), "references": references})
    }
}

async fn look(ctx: &Ctx, name: &str) -> Result<(HeldName, Vec<Heirloom>), GraphError> {
    let name: Upn = name.parse().map_err(|_| GraphError::not_found(name))?;
    ctx.app.names.settle(&ctx.app.store).await?;
    let mut reader = ctx.read().await?;
    let held = reader.directory().held_name(ctx.tenant, name.as_str()).await?;
    let held = held.ok_or_else(|| GraphError::not_found(name.as_str()))?;
    let uses = reader.directory().name_uses(ctx.tenant, name.as_str()).await?;
    // Also where nobody was yet: a binding may have been waiting for them.
    let clusters = reader.arm().clusters().await?.into_iter().filter(|cluster| cluster.tenant == ctx.tenant);
    let heirlooms = clusters.map(|cluster| Heirloom {
        id: cluster.address.scope().as_str().to_owned(),
        first: uses.iter().find(|once| once.cluster == cluster.uid).map(|once| once.first.to_string()),
        references: ctx.app.references.naming(cluster.uid, name.as_str()),
    });
    Ok((held, heirlooms.collect()))
}

fn show(held: &HeldName) -> Object {
    let shown = json!({
        "userPrincipalName": held.name,
        "heldFor": held.holder,
        "heldSinceDateTime": held.since.to_string(),
    });
    shown.as_object().cloned().unwrap_or_default()
}

const LONGEST_REASON: usize = 256;
