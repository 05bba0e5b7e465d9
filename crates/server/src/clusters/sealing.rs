//! Keeps each cluster's sealed door (DESIGN 5.2): made with the cluster, renewed every day, replaced once it was opened or
//! other keys were named, refused as soon as there shall be none.

use std::sync::Arc;
use std::time::Duration;

use entrance_model::Timestamp;
use entrance_model::cluster::{Cluster, SealedDoor, Sealing, State, Work};
use entrance_model::id::DoorId;
use entrance_model::recovery::Recovery;
use entrance_store::{AuditEvent, StoreError};
use serde_json::json;
use uuid::Uuid;

use super::driver::DriverError;
use crate::app::App;
use crate::sealed::{About, Admission, Content, Opened, OpeningError, Record, Sealed, rehearse};

/// Why a sealed door is not as it shall be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealingError {
    /// No certificate could be made, or the signer could not be thrown away.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// It could not be written down.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The API server did not take a rehearsed opening.
    #[error("the rehearsal: {0}")]
    Rehearsal(#[from] OpeningError),
}

/// Looks after all sealed doors, for good.
pub(crate) async fn run(app: &Arc<App>) {
    loop {
        match app.store.read().await {
            Ok(mut reader) => match reader.arm().clusters().await {
                Ok(clusters) => {
                    drop(reader);
                    for cluster in clusters {
                        if let Err(error) = tend(app, &cluster).await {
                            tracing::warn!(cluster = %cluster.uid, %error, "the sealed door is not as it shall be yet");
                        }
                    }
                }
                Err(error) => tracing::error!(%error, "sealed doors could not be looked after"),
            },
            Err(error) => tracing::error!(%error, "sealed doors could not be looked after"),
        }
        app.jobs.something_moved(EVERY).await;
    }
}

/// Brings one cluster's sealed door to where it shall be.
pub(crate) async fn tend(app: &App, cluster: &Cluster) -> Result<Sealing, SealingError> {
    let _one_at_a_time = app.clusters.sealing.lock().await;
    // Read again: whoever held the lock may have done it.
    let mut reader = app.store.read().await?;
    let Some(cluster) = reader.arm().cluster(cluster.uid).await? else { return Ok(Sealing::Keep) };
    let going = matches!(cluster.state, State::Gone | State::Working { work: Work::Delete, .. });
    if going || cluster.applied.is_none() || cluster.endpoint.is_none() {
        return Ok(Sealing::Keep);
    }
    let current = reader.arm().sealed_door(cluster.uid).await?;
    let now = app.now();
    let spent_open = match &current {
        Some(door) if door.opened.is_some() => {
            reader.arm().door(door.id).await?.is_some_and(|kept| kept.door.is_open(now) || !kept.is_swept)
        }
        _ => false,
    };
    drop(reader);
    let wanted = recovery(&cluster);
    let due = SealedDoor::due(current.as_ref(), wanted.as_ref(), spent_open, now);
    match (due, current, wanted) {
        (Sealing::Renew, Some(door), Some(_)) => seal(app, &cluster, &door, "sealedDoor.renewed").await?,
        (Sealing::Replace, before, Some(wanted)) => {
            let drilled = before.and_then(|door| (door.recovery == wanted).then_some(door.drilled).flatten());
            seal_new(app, &cluster, &wanted, drilled).await?;
        }
        (Sealing::Remove, Some(door), _) => remove(app, &cluster, &door).await?,
        _ => {}
    }
    Ok(due)
}

/// Makes a new file for the sealed door now.
pub(crate) async fn renew(app: &App, cluster: &Cluster) -> Result<(), SealingError> {
    if tend(app, cluster).await? != Sealing::Keep {
        return Ok(());
    }
    let _one_at_a_time = app.clusters.sealing.lock().await;
    let current = app.store.read().await?.arm().sealed_door(cluster.uid).await?;
    match current {
        Some(door) if door.opened.is_none() => seal(app, cluster, &door, "sealedDoor.renewed").await,
        _ => Ok(()),
    }
}

/// The recovery keys that there shall be a door for. What is asked for counts from the moment it was asked for.
pub(crate) fn recovery(cluster: &Cluster) -> Option<Recovery> {
    let spec = cluster.spec().ok()?;
    spec.local_accounts.then_some(spec.entrance.recovery).flatten()
}

/// Rehearses an opening with a twin of the sealed certificate: same signer, same names, a life of minutes, never written
/// down. The API server does everything but keep the result.
pub(crate) async fn rehearsal(app: &App, cluster: &Cluster, door: &SealedDoor) -> Result<Admission, SealingError> {
    let twin = app.clusters.driver().seal(cluster, door.id, TWIN).await?;
    let endpoint = app.clusters.driver().endpoint(cluster).await?;
    let opened = Opened {
        about: about(cluster, &endpoint.url, door.id, &door.recovery, app.now(), door.until),
        authority: endpoint.ca,
        certificate: twin.certificate,
        key: twin.key,
        proof: zeroize::Zeroizing::default(),
    };
    let record = Record::new("entrance", "rehearsal", "server", app.now());
    let admission = rehearse(&opened, &record).await?;
    let mut tx = app.store.write().await?;
    tx.arm().sealed_door_rehearsed(door, app.now()).await?;
    tx.commit().await?;
    Ok(admission)
}

async fn seal_new(app: &App, cluster: &Cluster, keys: &Recovery, drilled: Option<Timestamp>) -> Result<(), SealingError> {
    let fresh = SealedDoor {
        id: DoorId::from_uuid(Uuid::new_v4()),
        tenant: cluster.tenant,
        cluster: cluster.uid,
        file: String::new(),
        certificate: String::new(),
        proof: String::new(),
        sealed: app.now(),
        until: app.now(),
        recovery: keys.clone(),
        rehearsed: None,
        drilled,
        opened: None,
    };
    seal(app, cluster, &fresh, "sealedDoor.sealed").await
}

/// Makes a certificate and seals it, for the door that there is.
async fn seal(app: &App, cluster: &Cluster, door: &SealedDoor, kind: &'static str) -> Result<(), SealingError> {
    let driver = app.clusters.driver();
    let life = Duration::try_from(SealedDoor::LIFE).unwrap_or(TWIN);
    let issued = driver.seal(cluster, door.id, life).await?;
    let endpoint = driver.endpoint(cluster).await?;
    let now = whole_seconds(app.now());
    let about = about(cluster, &endpoint.url, door.id, &door.recovery, now, now.checked_add(SealedDoor::LIFE).unwrap_or(now));
    let until = about.until;
    let content = Content { authority: &endpoint.ca, certificate: &issued.certificate, key: &issued.key };
    let (file, proof) = Sealed::seal(about, &content);
    let sealed = SealedDoor {
        file: file.to_text(),
        certificate: issued.certificate.clone(),
        proof,
        sealed: now,
        until,
        rehearsed: None,
        ..door.clone()
    };
    driver.keep_sealed(cluster, &sealed.file).await?;
    let mut tx = app.store.write().await?;
    tx.arm().put_sealed_door(&sealed).await?;
    tx.audit(app.now(), &event(kind, cluster, &sealed)).await?;
    tx.commit().await?;
    tracing::info!(cluster = %cluster.uid, door = %sealed.id, until = %sealed.until, kind, "sealed door");
    Ok(())
}

async fn remove(app: &App, cluster: &Cluster, door: &SealedDoor) -> Result<(), SealingError> {
    app.clusters.driver().drop_sealed(cluster).await?;
    let mut tx = app.store.write().await?;
    tx.arm().forget_sealed_door(door).await?;
    tx.audit(app.now(), &event("sealedDoor.removed", cluster, door)).await?;
    tx.commit().await?;
    tracing::info!(cluster = %cluster.uid, door = %door.id, "the sealed door was removed: no copy of its file opens anything");
    Ok(())
}

fn about(cluster: &Cluster, server: &str, door: DoorId, keys: &Recovery, sealed: Timestamp, until: Timestamp) -> About {
    About {
        door,
        cluster: cluster.uid,
        name: cluster.address.name.to_string(),
        resource_group: cluster.address.group.to_string(),
        server: server.to_owned(),
        sealed,
        until,
        threshold: keys.threshold(),
        recipients: keys.keys().to_vec(),
    }
}

pub(crate) fn event(kind: &'static str, cluster: &Cluster, door: &SealedDoor) -> AuditEvent {
    AuditEvent {
        kind,
        tenant: Some(cluster.tenant),
        actor: None,
        target: Some(cluster.address.to_string()),
        detail: json!({
            "door": door.id, "until": door.until.to_string(), "threshold": door.recovery.threshold(), "recipients": door.recovery.keys(),
        }),
    }
}

fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// How often is looked even when nobody says that something moved.
const EVERY: Duration = Duration::from_mins(1);
/// How long a certificate for a rehearsal lives.
const TWIN: Duration = Duration::from_mins(5);
