//! Both levers of a break-glass door on a control plane of this machine, each with its proof (DESIGN 5.2).

use std::time::{Duration, Instant};

use entrance_model::cluster::door::{Refused, Severed};
use entrance_model::id::ClusterUid;
use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::Node;
use kube::api::WatchParams;
use kube::{Api, Client};

use super::whole_story;
use crate::clusters::driver::{DriverError, Shutting};
use crate::clusters::incluster;
use crate::clusters::local::{Identity, Planes, Probe, probe};

/// Takes the binding away, then the root; after each, asks the API server with the very certificate until it is refused.
pub(super) async fn shut(planes: &Planes, uid: ClusterUid, shutting: Shutting<'_>) -> Result<Refused, DriverError> {
    match levers(planes, uid, &shutting).await {
        Ok(refused) => Ok(refused),
        Err(error) => {
            // An API server that does not answer now shall not know the root when it does.
            drop_roots(planes, uid, &shutting).await?;
            Err(error)
        }
    }
}

async fn levers(planes: &Planes, uid: ClusterUid, shutting: &Shutting<'_>) -> Result<Refused, DriverError> {
    let server = planes.running(uid).map_err(|error| whole_story(&error))?.url;
    let holder = match shutting.credential {
        None => None,
        Some(credential) => {
            let identity = Identity { cert_pem: credential.certificate.clone(), key_pem: credential.key.clone() };
            Some(planes.client_as(uid, &identity).map_err(|error| whole_story(&error))?)
        }
    };
    let ours = planes.client(uid).await.map_err(|error| whole_story(&error))?;

    let began = Instant::now();
    incluster::close_door(&ours, shutting.door).await.map_err(|error| whole_story(&error))?;
    until(holder.as_ref(), |answer| answer != Probe::Allowed, "obeys the closed door's certificate").await?;
    let without_binding_ms = millis(began);

    let began = Instant::now();
    drop_roots(planes, uid, shutting).await?;
    until(holder.as_ref(), |answer| answer == Probe::Unknown, "knows the closed door's certificate").await?;
    let without_root_ms = millis(began);

    let began = Instant::now();
    planes.keep_break_glass(uid, shutting.open).await.map_err(|error| whole_story(&error))?;
    Ok(Refused { server, without_binding_ms, without_root_ms, list_ms: millis(began) })
}

/// Drops the roots of the doors that are not open, and the sealed door's if that is the one.
async fn drop_roots(planes: &Planes, uid: ClusterUid, shutting: &Shutting<'_>) -> Result<(), DriverError> {
    if planes.sealed_door(uid).map_err(|error| whole_story(&error))? == Some(shutting.door) {
        planes.drop_sealed(uid).await.map_err(|error| whole_story(&error))?;
    }
    planes.drop_break_glass(uid, shutting.open).await.map_err(|error| whole_story(&error))
}

/// Throws the sealed door's signer and file away, and asks an API server that runs with a twin of the certificate until it is refused.
pub(super) async fn unseal(planes: &Planes, uid: ClusterUid) -> Result<(), DriverError> {
    let known = planes.sealed_door(uid).map_err(|error| whole_story(&error))?;
    let twin = match known {
        Some(door) if planes.is_up(uid).await => {
            let twin = planes.seal(uid, door, TWIN).await.map_err(|error| whole_story(&error))?;
            Some(planes.client_as(uid, &twin).map_err(|error| whole_story(&error))?)
        }
        _ => None,
    };
    planes.drop_sealed(uid).await.map_err(|error| whole_story(&error))?;
    until(twin.as_ref(), |answer| answer == Probe::Unknown, "knows the sealed door's certificate").await?;
    planes.forget_dropped(uid).await.map_err(|error| whole_story(&error))
}

/// Asks until the answer is the wanted one, three times in a row: one connection may be ahead of another.
async fn until(holder: Option<&Client>, wanted: impl Fn(Probe) -> bool, still: &str) -> Result<(), DriverError> {
    let Some(holder) = holder else { return Ok(()) };
    let (began, mut refused) = (Instant::now(), 0);
    while began.elapsed() < PATIENCE {
        refused = match probe(holder).await {
            Ok(answer) if wanted(answer) => refused + 1,
            // No answer is no proof.
            Ok(_) | Err(_) => 0,
        };
        if refused == IN_A_ROW {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(DriverError::ControlPlane(format!("the API server still {still} after {} s", PATIENCE.as_secs())))
}

/// Restarts the API server while we hold a watch open ourselves, and sees the watch end.
pub(super) async fn sever(planes: &Planes, uid: ClusterUid) -> Result<Severed, DriverError> {
    let server = planes.running(uid).map_err(|error| whole_story(&error))?.url;
    let ours = planes.client(uid).await.map_err(|error| whole_story(&error))?;
    let nodes: Api<Node> = Api::all(ours);
    let mut watch = nodes.watch(&WatchParams::default().timeout(290), "0").await.map_err(|error| whole_story(&error))?.boxed();
    let began = Instant::now();
    let canary = async {
        while let Some(Ok(_)) = watch.next().await {}
        millis(began)
    };
    let (stream_ended_ms, restarted) = tokio::join!(tokio::time::timeout(PATIENCE, canary), planes.restart_api_server(uid));
    let (ended, began_as) = restarted.map_err(|error| whole_story(&error))?;
    let ready_ms = millis(began);
    let stream_ended_ms =
        stream_ended_ms.map_err(|_| DriverError::ControlPlane("a watch survived the restart of the API server".to_owned()))?;
    Ok(Severed { server, ended, began: began_as, stream_ended_ms, ready_ms })
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// A watch is behind by milliseconds; a machine that is busy, by seconds.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);
const IN_A_ROW: u32 = 3;
const TWIN: Duration = Duration::from_mins(5);
