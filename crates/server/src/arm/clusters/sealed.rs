//! `…/managedClusters/{name}/sealedDoor`: what is known of the sealed door, its file, its renewal and its drill.

use axum::Json;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use entrance_model::access::Action;
use entrance_model::cluster::{Cluster, SealedDoor};
use serde_json::{Value, json};

use super::{At, allowed, existing};
use crate::arm::body::{Body, member};
use crate::arm::ctx::Ctx;
use crate::arm::error::{ArmError, Refusal};
use crate::clusters::sealing::{self, SealingError};
use crate::hex::sha256_hex;
use crate::sealed::Admission;

/// `GET …/sealedDoor`.
pub(super) async fn get(ctx: Ctx, Path(at): At) -> Result<Json<Value>, ArmError> {
    let (address, _) = allowed(&ctx, &at, Action::ClusterRead).await?;
    let cluster = existing(&ctx, &address).await?;
    let door = sealed(&ctx, &cluster).await?;
    Ok(Json(shown(&ctx, &cluster, &door)))
}

/// `POST …/sealedDoor/export`: the file. It opens nothing without the recovery keys, and is guarded as the admin file is.
pub(super) async fn export(ctx: Ctx, Path(at): At, Body(_): Body) -> Result<Response, ArmError> {
    let (address, allowed) = allowed(&ctx, &at, Action::ListAdminCredential).await?;
    let cluster = existing(&ctx, &address).await?;
    let door = sealed(&ctx, &cluster).await?;
    let mut tx = ctx.app.store.write().await?;
    tx.audit(ctx.app.now(), &ctx.event("sealedDoor.exported", &allowed, json!({ "door": door.id }))).await?;
    tx.commit().await?;
    Ok(([NO_STORE, JSON], door.file).into_response())
}

/// `POST …/sealedDoor/renew`: a new file for the same door; older copies stay good until their own end.
pub(super) async fn renew(ctx: Ctx, Path(at): At, Body(_): Body) -> Result<Json<Value>, ArmError> {
    let (address, _) = allowed(&ctx, &at, Action::ClusterWrite).await?;
    let cluster = existing(&ctx, &address).await?;
    sealing::renew(&ctx.app, &cluster).await.map_err(failed)?;
    let door = sealed(&ctx, &cluster).await?;
    Ok(Json(shown(&ctx, &cluster, &door)))
}

/// `POST …/sealedDoor/drill`: tries everything that can be tried without opening. With the `proof` from inside the file, it
/// is also written down that people opened it.
pub(super) async fn drill(ctx: Ctx, Path(at): At, Body(body): Body) -> Result<Json<Value>, ArmError> {
    let (address, allowed) = allowed(&ctx, &at, Action::ListAdminCredential).await?;
    let cluster = existing(&ctx, &address).await?;
    let door = sealed(&ctx, &cluster).await?;
    let proven = match member(&body, "proof").and_then(Value::as_str) {
        None => false,
        Some(proof) if sha256_hex(proof.as_bytes()) == door.proof => true,
        Some(_) => return Err(Refusal::Parameter { name: "proof", detail: OTHER_FILE.to_owned() }.into()),
    };
    let mut checks = checks(&ctx, &cluster, &door).await;
    let passed = checks.iter().all(|check| check["passed"] == json!(true));
    // What only people can do is told, and warned about when it is long ago; it fails no drill that a timer runs.
    checks.push(opened_by_people(&ctx, &door, proven));
    let mut tx = ctx.app.store.write().await?;
    if proven && passed {
        tx.arm().sealed_door_drilled(&door, ctx.app.now()).await?;
    }
    let detail = json!({ "door": door.id, "withKeys": proven, "passed": passed, "checks": checks });
    tx.audit(ctx.app.now(), &ctx.event("sealedDoor.drilled", &allowed, detail)).await?;
    tx.commit().await?;
    let door = sealed(&ctx, &cluster).await?;
    let mut answer = shown(&ctx, &cluster, &door);
    answer["properties"]["drill"] = json!({ "passed": passed, "withKeys": proven, "checks": checks });
    Ok(Json(answer))
}

async fn checks(ctx: &Ctx, cluster: &Cluster, door: &SealedDoor) -> Vec<Value> {
    let now = ctx.app.now();
    let driver = ctx.app.clusters.driver();
    let age = now.duration_since(door.sealed);
    let left = door.until.duration_since(now).as_hours() / 24;
    let mut checks = vec![check(
        "renewed",
        age <= SealedDoor::RENEW_AFTER * 2,
        format!("sealed {} ago, good for {left} more days", hours(age)),
    )];
    let beside = driver.kept_sealed(cluster).await;
    checks.push(match beside {
        Ok(Some(file)) => {
            check("beside the cluster", file == door.file, "the file in the cluster's folder is the newest".to_owned())
        }
        Ok(None) => check("beside the cluster", false, "there is no sealed file in the cluster's folder".to_owned()),
        Err(error) => check("beside the cluster", false, error.to_string()),
    });
    checks.push(match sealing::rehearsal(&ctx.app, cluster, door).await {
        Ok(Admission::Shut) => check(
            "rehearsed",
            true,
            "the API server takes a certificate of this door's signer, its record and its binding, and lets it do nothing else"
                .to_owned(),
        ),
        Ok(Admission::Open) => check("rehearsed", true, "the door is open now".to_owned()),
        Err(error) => check("rehearsed", false, error.to_string()),
    });
    checks
}

fn opened_by_people(ctx: &Ctx, door: &SealedDoor, proven: bool) -> Value {
    let recent = |at| ctx.app.now().duration_since(at) <= SealedDoor::DRILL_COUNTS;
    match door.drilled {
        _ if proven => check("opened with the recovery keys", true, "now".to_owned()),
        Some(at) if recent(at) => check("opened with the recovery keys", true, format!("on {at:.0}")),
        Some(at) => check("opened with the recovery keys", false, format!("last on {at:.0}; drill with `--key`")),
        None => check("opened with the recovery keys", false, "never; drill with `--key`".to_owned()),
    }
}

fn check(name: &str, passed: bool, detail: impl Into<String>) -> Value {
    json!({ "name": name, "passed": passed, "detail": detail.into() })
}

fn hours(age: jiff::SignedDuration) -> String {
    match age.as_hours() {
        0 => format!("{} min", age.as_mins()),
        hours => format!("{hours} h"),
    }
}

/// The sealed door, or why there is none.
async fn sealed(ctx: &Ctx, cluster: &Cluster) -> Result<SealedDoor, ArmError> {
    if let Some(door) = ctx.app.store.read().await?.arm().sealed_door(cluster.uid).await? {
        return Ok(door);
    }
    let spec = cluster.spec()?;
    let why = match spec.entrance.recovery {
        None => "no recovery keys are named; set properties.entranceProfile.breakGlass.recoveryKeys",
        Some(_) if !spec.local_accounts => "local accounts are disabled",
        Some(_) => "it is being sealed; ask again in a moment",
    };
    Err(Refusal::NoSealedDoor { name: cluster.address.name.to_string(), why }.into())
}

fn shown(ctx: &Ctx, cluster: &Cluster, door: &SealedDoor) -> Value {
    let time = |at: entrance_model::Timestamp| format!("{at:.0}");
    json!({
        "id": format!("{}/sealedDoor", cluster.address),
        "name": door.id,
        "type": "Microsoft.ContainerService/managedClusters/sealedDoor",
        "properties": {
            "state": if door.opened.is_some() { "opened" } else { "sealed" },
            "sealedAt": time(door.sealed),
            "until": time(door.until),
            "threshold": door.recovery.threshold(),
            "recipients": door.recovery.keys(),
            "rehearsedAt": door.rehearsed.map(time),
            "drilledAt": door.drilled.map(time),
            "openedAt": door.opened.map(time),
            "warnings": door.warnings(ctx.app.now()),
        },
    })
}

fn failed(error: SealingError) -> ArmError {
    match error {
        SealingError::Store(error) => error.into(),
        SealingError::Driver(error) => Refusal::NoDoor(error.to_string()).into(),
        SealingError::Rehearsal(error) => Refusal::NoDoor(error.to_string()).into(),
    }
}

// nobody keeps such an answer.
const NO_STORE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "no-store");
const JSON: (header::HeaderName, &str) = (header::CONTENT_TYPE, "application/json");
const OTHER_FILE: &str = "it comes from another sealing; export the file again";
