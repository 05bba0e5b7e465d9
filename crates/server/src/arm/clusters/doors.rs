//! `…/managedClusters/{name}/breakGlassDoors`: what the original does not have (DESIGN 5.2).
//!
//! Whoever may take the admin file may open a door and agree to one; whoever may read the cluster sees who opened which door, and why.

use std::sync::Arc;

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use entrance_model::Timestamp;
use entrance_model::access::Action;
use entrance_model::arm::ClusterAddress;
use entrance_model::cluster::Cluster;
use entrance_model::cluster::door::{Door, DoorState, Outcome};
use entrance_model::id::{DoorId, PrincipalId};
use entrance_store::KeptDoor;
use entrance_wire::kubeconfig;
use serde_json::{Value, json};

use super::credentials::{Asked, kubeconfigs, place_of, reachable};
use super::{At, allowed, existing};
use crate::arm::body::{Body, member};
use crate::arm::ctx::{Allowed, Ctx};
use crate::arm::error::{ArmError, Refusal};
use crate::clusters::doors::{self, Ask, By, DoorError};

/// Subscription, group, name and door, as a path gives them.
type OneAt = axum::extract::Path<(String, String, String, String)>;

/// `GET …/breakGlassDoors`: the newest first.
pub(super) async fn list(ctx: Ctx, Path(at): At) -> Result<Response, ArmError> {
    let (address, _) = allowed(&ctx, &at, Action::ClusterRead).await?;
    let cluster = existing(&ctx, &address).await?;
    let doors = ctx.app.store.read().await?.arm().doors(cluster.uid, LISTED).await?;
    let mut value = Vec::with_capacity(doors.len());
    for kept in &doors {
        value.push(shown(&ctx, &cluster, kept).await?);
    }
    Ok(Json(json!({ "value": value })).into_response())
}

/// `GET …/breakGlassDoors/{id}`.
pub(super) async fn get(ctx: Ctx, Path(at): OneAt) -> Result<Response, ArmError> {
    let (at, id) = split(at);
    let (address, _) = allowed(&ctx, &at, Action::ClusterRead).await?;
    let cluster = existing(&ctx, &address).await?;
    let kept = kept(&ctx, &cluster, &id).await?;
    Ok(Json(shown(&ctx, &cluster, &kept).await?).into_response())
}

/// `POST …/breakGlassDoors`: asks for a door with `properties.reason` and `properties.duration`.
pub(super) async fn ask(ctx: Ctx, Path(at): At, Body(body): Body) -> Result<Response, ArmError> {
    let (address, allowed) = allowed(&ctx, &at, Action::ListAdminCredential).await?;
    let cluster = existing(&ctx, &address).await?;
    let (spec, _) = reachable(&cluster, &Asked::default())?;
    let properties = member(&body, "properties").unwrap_or(&body);
    let text = |name: &'static str| match member(properties, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(Refusal::Parameter { name, detail: "it must be a text".to_owned() }),
    };
    let reason = text("reason")?.unwrap_or_default().parse()?;
    let life = spec.entrance.break_glass.life(text("duration")?)?;
    let ask = Ask { holder: ctx.oid(), reason, life };
    let (app, asked, by) = (Arc::clone(&ctx.app), cluster.clone(), by(&ctx, &allowed));
    let door = to_the_end(async move { doors::ask(&app, &asked, ask, &by).await }).await?;
    let kept = KeptDoor { door, is_swept: false, outcome: None };
    Ok((StatusCode::CREATED, Json(shown(&ctx, &cluster, &kept).await?)).into_response())
}

/// `POST …/breakGlassDoors/{id}/approve`: the second person agrees, and the door opens.
pub(super) async fn approve(ctx: Ctx, Path(at): OneAt) -> Result<Response, ArmError> {
    let (at, id) = split(at);
    let (address, allowed) = allowed(&ctx, &at, Action::ListAdminCredential).await?;
    let cluster = existing(&ctx, &address).await?;
    reachable(&cluster, &Asked::default())?;
    let (id, approver) = (kept(&ctx, &cluster, &id).await?.door.id, ctx.oid());
    let (app, meant, by) = (Arc::clone(&ctx.app), cluster.clone(), by(&ctx, &allowed));
    let door = to_the_end(async move { doors::approve(&app, &meant, id, approver, &by).await }).await?;
    let kept = KeptDoor { door, is_swept: false, outcome: None };
    Ok(Json(shown(&ctx, &cluster, &kept).await?).into_response())
}

/// `POST …/breakGlassDoors/{id}/close`: closes it, proves that it is shut, and tells what the holder left behind. With `sever` also the
/// streams end that were open; that can be asked for later, too.
pub(super) async fn close(ctx: Ctx, Path(at): OneAt, Body(body): Body) -> Result<Response, ArmError> {
    let (at, id) = split(at);
    let (address, reading) = allowed(&ctx, &at, Action::ClusterRead).await?;
    let cluster = existing(&ctx, &address).await?;
    let kept = kept(&ctx, &cluster, &id).await?;
    let allowed = may_close(&ctx, &address, &kept.door, reading)?;
    let properties = member(&body, "properties").unwrap_or(&body);
    let sever = member(properties, "sever").and_then(Value::as_bool).unwrap_or(false);
    // A cluster that is stopped carries no streams.
    let sever = sever && !cluster.is_stopped();
    let was_closed = matches!(kept.door.state, DoorState::Closed { .. }) && kept.is_swept;
    let (app, meant, by) = (Arc::clone(&ctx.app), cluster.clone(), by(&ctx, &allowed));
    let shut = to_the_end(async move {
        let id = kept.door.id;
        let shut = if sever && was_closed { kept } else { doors::close(&app, &meant, id, &by).await? };
        if sever { doors::sever(&app, &meant, id, &by).await } else { Ok(shut) }
    });
    let shut = shut.await?;
    Ok(Json(shown(&ctx, &cluster, &shut).await?).into_response())
}

/// `POST …/breakGlassDoors/{id}/credential`: the kubeconfig, for the holder while the door is open.
pub(super) async fn credential(ctx: Ctx, Path(at): OneAt) -> Result<Response, ArmError> {
    let (at, id) = split(at);
    let (address, allowed) = allowed(&ctx, &at, Action::ListAdminCredential).await?;
    let cluster = existing(&ctx, &address).await?;
    let (_, endpoint) = reachable(&cluster, &Asked::default())?;
    let kept = kept(&ctx, &cluster, &id).await?;
    kept.door.for_holder(ctx.oid(), ctx.app.now())?;
    let opened = doors::file_of(&ctx.app, &cluster, &kept.door).await?.ok_or(DoorError::Unknown)?;
    let mut tx = ctx.app.store.write().await?;
    tx.audit(ctx.app.now(), &ctx.event("credential.admin", &allowed, json!({ "door": kept.door.id }))).await?;
    tx.commit().await?;
    let file = kubeconfig::admin_certificate(&place_of(&cluster, &endpoint), &opened.certificate, &opened.key);
    Ok(kubeconfigs("clusterAdmin", &file))
}

/// A client that goes away in the middle leaves no half door: the work goes on, and only the answer is lost.
async fn to_the_end<T: Send + 'static>(work: impl Future<Output = Result<T, DoorError>> + Send + 'static) -> Result<T, ArmError> {
    match tokio::spawn(work).await {
        Ok(done) => Ok(done?),
        Err(broken) => std::panic::resume_unwind(broken.into_panic()),
    }
}

/// Who acts, and by which right, for the audit trail.
pub(super) fn by(ctx: &Ctx, allowed: &Allowed) -> By {
    By { oid: Some(ctx.oid()), why: ctx.event("", allowed, json!({})).detail }
}

// Whoever could open one, whoever could change the cluster, and whoever holds it.
fn may_close(ctx: &Ctx, address: &ClusterAddress, door: &Door, reading: Allowed) -> Result<Allowed, ArmError> {
    let scope = address.scope();
    if ctx.may(Action::ListAdminCredential, &scope) {
        return ctx.allow_past_locks(Action::ListAdminCredential, &scope);
    }
    if door.holder == ctx.oid() { Ok(reading) } else { ctx.allow_past_locks(Action::ClusterWrite, &scope) }
}

fn split((subscription, group, name, door): (String, String, String, String)) -> ((String, String, String), String) {
    ((subscription, group, name), door)
}

async fn kept(ctx: &Ctx, cluster: &Cluster, id: &str) -> Result<KeptDoor, ArmError> {
    let found = match id.parse::<DoorId>() {
        Ok(id) => ctx.app.store.read().await?.arm().door(id).await?.filter(|kept| kept.door.cluster == cluster.uid),
        Err(_) => None,
    };
    found.ok_or_else(|| {
        Refusal::NoResource {
            kind: "Microsoft.ContainerService/managedClusters/breakGlassDoors",
            name: id.chars().take(64).collect(),
            group: cluster.address.group.to_string(),
        }
        .into()
    })
}

/// The resource's JSON.
async fn shown(ctx: &Ctx, cluster: &Cluster, kept: &KeptDoor) -> Result<Value, ArmError> {
    let door = &kept.door;
    let opening = door.opening();
    let (state, approve_before, closed) = match &door.state {
        DoorState::Requested { until } => ("Requested", Some(*until), None),
        DoorState::Open(_) => ("Open", None, None),
        DoorState::Closed { why, at, by, .. } => ("Closed", None, Some((*why, *at, *by))),
    };
    let time = |at: Timestamp| at.to_string();
    let holder = if door.is_offline() {
        // The reason tells who it was.
        Some("(offline)".to_owned())
    } else {
        name_of(ctx, cluster, Some(door.holder)).await?
    };
    let approver = opening.map(|opening| opening.by).filter(|by| *by != door.holder);
    let ended_by = closed.and_then(|(_, _, by)| by);
    let Outcome { refused, left_behind, severed } = kept.outcome.clone().unwrap_or_default();
    Ok(json!({
        "id": format!("{}/breakGlassDoors/{}", cluster.address, door.id),
        "name": door.id,
        "type": "Microsoft.ContainerService/managedClusters/breakGlassDoors",
        "properties": {
            "state": state,
            "kind": if door.is_offline() { "Offline" } else { "Online" },
            "holder": door.holder,
            "holderName": holder,
            "reason": door.reason.as_str(),
            "duration": door.life.to_string(),
            "requestedAt": time(door.asked),
            "approveBefore": approve_before.map(time),
            "openedAt": opening.map(|opening| time(opening.at)),
            "validUntil": opening.map(|opening| time(opening.until)),
            "approver": approver,
            "approverName": name_of(ctx, cluster, approver).await?,
            "closedAt": closed.map(|(_, at, _)| time(at)),
            "closedBy": ended_by,
            "closedByName": name_of(ctx, cluster, ended_by).await?,
            "closedWhy": closed.map(|(why, _, _)| why.as_str()),
            "isShut": closed.is_some() && kept.is_swept,
            "user": door.certificate_user(),
            "group": Door::group(door.id),
            "refused": refused,
            "severed": severed,
            "leftBehind": left_behind,
        }
    }))
}

/// What people call somebody; nothing for one who is gone.
async fn name_of(ctx: &Ctx, cluster: &Cluster, id: Option<PrincipalId>) -> Result<Option<String>, ArmError> {
    let Some(id) = id else { return Ok(None) };
    let mut reader = ctx.app.store.read().await?;
    let mut directory = reader.directory();
    if let Some(user) = directory.user(cluster.tenant, entrance_model::id::UserId::from_uuid(id.uuid())).await? {
        return Ok(Some(user.upn.to_string()));
    }
    let application = entrance_model::id::ServicePrincipalId::from_uuid(id.uuid());
    Ok(directory.service_principal(cluster.tenant, application).await?.map(|found| found.display_name))
}

const LISTED: u32 = 200;
