//! Closing doors: first in writing, then in the cluster, with the proof and the report of what the holder left behind.

use std::collections::HashMap;
use std::time::Duration;

use entrance_model::cluster::door::{Closing, DoorRefusal, Severed};
use entrance_model::cluster::{Cluster, Door};
use entrance_model::id::{AppId, ClusterUid, DoorId};
use entrance_model::signin::revocation::Issued;
use entrance_store::{KeptDoor, Reader, StoreError, Tx};
use futures_util::StreamExt as _;
use serde_json::json;
use zeroize::Zeroizing;

use super::{By, DoorError, event, known};
use crate::app::App;
use crate::clusters::driver::{Certificate, Shutting};

/// Closes one door and shuts it. The answer tells what was proved; when the cluster does not answer, the door is closed all the same, and
/// shut as soon as it does.
pub async fn close(app: &App, cluster: &Cluster, id: DoorId, by: &By) -> Result<KeptDoor, DoorError> {
    let now = app.now();
    let mut tx = app.store.write().await?;
    let kept = tx.arm().door(id).await?.filter(|kept| kept.door.cluster == cluster.uid).ok_or(DoorError::Unknown)?;
    let closed = kept.door.close(Closing::ByHand, by.oid, now)?;
    tx.arm().put_door(&closed).await?;
    tx.audit(now, &event("breakGlass.closed", cluster, &closed, by, &json!({ "why": Closing::ByHand.as_str() }))).await?;
    tx.commit().await?;
    known(app).await;
    match shut(app, cluster, id, by).await {
        Err(DoorError::Stopped) => app.store.read().await?.arm().door(id).await?.ok_or(DoorError::Unknown),
        shut => shut,
    }
}

/// Closes all doors of a cluster in a transaction that does more; they are shut afterwards.
pub async fn close_all(
    tx: &mut Tx,
    cluster: &Cluster,
    why: Closing,
    by: &By,
    now: entrance_model::Timestamp,
) -> Result<usize, StoreError> {
    let live = tx.arm().live_doors(cluster.uid).await?;
    let count = live.len();
    for door in live {
        // Live ones can be closed.
        let Ok(closed) = door.close(why, by.oid, now) else { continue };
        tx.arm().put_door(&closed).await?;
        tx.audit(now, &event("breakGlass.closed", cluster, &closed, by, &json!({ "why": why.as_str() }))).await?;
        if why == Closing::ClusterGone {
            tx.arm().door_is_swept(closed.id).await?;
        }
    }
    Ok(count)
}

/// Shuts every door of a cluster that is closed, and returns once each is proved to be refused.
pub async fn shut_all(app: &App, cluster: &Cluster) -> Result<(), DoorError> {
    let doors = app.store.read().await?.arm().doors_to_sweep(app.now()).await?;
    for door in doors.into_iter().filter(|door| door.cluster == cluster.uid) {
        shut(app, cluster, expired(app, cluster, door).await?.id, &By::nobody()).await?;
    }
    Ok(())
}

/// Closes what is over and shuts what is closed, cluster by cluster.
pub async fn sweep(app: &App) -> Result<(), StoreError> {
    close_revoked(app).await?;
    let mut of: HashMap<ClusterUid, Vec<Door>> = HashMap::new();
    for door in app.store.read().await?.arm().doors_to_sweep(app.now()).await? {
        of.entry(door.cluster).or_default().push(door);
    }
    // One that does not answer must not keep the others open.
    futures_util::stream::iter(of)
        .for_each_concurrent(AT_A_TIME, |(uid, doors)| async move {
            if let Err(error) = sweep_cluster(app, uid, doors).await {
                tracing::error!(cluster = %uid, %error, "break-glass doors could not be swept");
            }
        })
        .await;
    Ok(())
}

async fn sweep_cluster(app: &App, uid: ClusterUid, doors: Vec<Door>) -> Result<(), StoreError> {
    let Some(cluster) = app.store.read().await?.arm().cluster(uid).await? else {
        let mut tx = app.store.write().await?;
        for door in doors {
            tx.arm().door_is_swept(door.id).await?;
        }
        return tx.commit().await;
    };
    for door in doors {
        let id = door.id;
        let outcome = match expired(app, &cluster, door).await {
            Ok(door) => shut(app, &cluster, door.id, &By::nobody()).await.map(drop),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => tracing::info!(cluster = %uid, door = %id, "break-glass door shut"),
            Err(DoorError::Store(error)) => return Err(error),
            Err(DoorError::Stopped) => {
                tracing::debug!(cluster = %uid, door = %id, "a door of a stopped cluster waits for its proof");
            }
            // Tried again: a cluster that does not answer lets nobody in either.
            Err(error) => tracing::warn!(cluster = %uid, door = %id, %error, "a door could not be shut yet"),
        }
    }
    Ok(())
}

/// Closes the doors of those who were disabled, removed or revoked since they asked: a certificate in their name is worth no more than a token.
async fn close_revoked(app: &App) -> Result<(), StoreError> {
    let now = app.now();
    for door in app.store.read().await?.arm().all_live_doors().await? {
        if !is_revoked(&mut app.store.read().await?, &door).await? {
            continue;
        }
        let mut tx = app.store.write().await?;
        let Some(cluster) = tx.arm().cluster(door.cluster).await? else { continue };
        let Some(kept) = tx.arm().door(door.id).await? else { continue };
        // Somebody else was first.
        let Ok(closed) = kept.door.close(Closing::HolderRevoked, None, now) else { continue };
        tx.arm().put_door(&closed).await?;
        let facts = json!({ "why": Closing::HolderRevoked.as_str() });
        tx.audit(now, &event("breakGlass.closed", &cluster, &closed, &By::nobody(), &facts)).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn is_revoked(reader: &mut Reader, door: &Door) -> Result<bool, StoreError> {
    // Nobody of the directory holds a door that was opened with the sealed file, so nobody of it can be revoked.
    if door.is_offline() {
        return Ok(false);
    }
    let since = door.opening().map_or(door.asked, |opening| opening.at);
    let mut directory = reader.directory();
    let app = match directory.service_principal(door.tenant, door.holder.as_service_principal()).await? {
        Some(application) if application.enabled => application.app_id,
        Some(_) => return Ok(true),
        None => match directory.user(door.tenant, door.holder.as_user()).await? {
            Some(person) if person.enabled && person.sessions_valid_from <= since => AppId::from_uuid(uuid::Uuid::nil()),
            Some(_) | None => return Ok(true),
        },
    };
    let issued = Issued { id: "", session: None, subject: door.holder, app, known: None, at: since };
    Ok(reader.authority().revoked(door.tenant, &issued).await?.is_some())
}

/// Writes down that a door's time is over.
async fn expired(app: &App, cluster: &Cluster, door: Door) -> Result<Door, DoorError> {
    let now = app.now();
    if !door.is_overdue(now) {
        return Ok(door);
    }
    let mut tx = app.store.write().await?;
    let kept = tx.arm().door(door.id).await?.ok_or(DoorError::Unknown)?;
    if !kept.door.is_overdue(now) {
        return Ok(kept.door);
    }
    let closed = kept.door.close(Closing::Expired, None, now)?;
    tx.arm().put_door(&closed).await?;
    let facts = json!({ "why": Closing::Expired.as_str() });
    tx.audit(now, &event("breakGlass.closed", cluster, &closed, &By::nobody(), &facts)).await?;
    tx.commit().await?;
    Ok(closed)
}

/// Pulls both levers on a closed door, looks what is left behind, and writes down both. A door that is shut already is only shown.
async fn shut(app: &App, cluster: &Cluster, id: DoorId, by: &By) -> Result<KeptDoor, DoorError> {
    let _alone = app.doors.alone(cluster.uid).await;
    let mut reader = app.store.read().await?;
    let kept = reader.arm().door(id).await?.ok_or(DoorError::Unknown)?;
    if kept.is_swept {
        return Ok(kept);
    }
    let live = reader.arm().live_doors(cluster.uid).await?;
    let is_sealed = reader.arm().sealed_door(cluster.uid).await?.is_some_and(|sealed| sealed.id == id);
    let key = reader.arm().door_key(id).await?.and_then(|key| String::from_utf8(key.to_vec()).ok());
    drop(reader);
    let mut outcome = kept.outcome.unwrap_or_default();
    if let Some(opening) = kept.door.opening() {
        let open: Vec<DoorId> = live.iter().filter(|door| door.is_open(app.now())).map(|door| door.id).collect();
        let credential = match key {
            Some(key) => Some(Certificate { certificate: opening.certificate.clone(), key: Zeroizing::new(key) }),
            // Nobody here has its key: a twin of its certificate stands in for the proof.
            None if is_sealed => Some(app.clusters.driver().seal(cluster, id, TWIN).await?),
            None => None,
        };
        let shutting = Shutting { door: id, credential: credential.as_ref(), open: &open };
        outcome.refused = match app.clusters.driver().shut_break_glass(cluster, shutting).await {
            // Its root was dropped from what the API server will read.
            Err(_) if cluster.is_stopped() => return Err(DoorError::Stopped),
            refused => refused?,
        };
        outcome.left_behind = match app.clusters.driver().left_behind(cluster, &kept.door).await {
            Ok(left) => Some(left),
            Err(error) => {
                // A door is shut whether or not we could look around.
                tracing::warn!(cluster = %cluster.uid, door = %id, %error, "what a holder left behind is not known");
                None
            }
        };
    }
    let mut tx = app.store.write().await?;
    tx.arm().put_door_outcome(id, &outcome).await?;
    tx.arm().door_is_swept(id).await?;
    if kept.door.opening().is_some() {
        let left = outcome.left_behind.as_ref().map(|left| left.items.len());
        let facts = json!({ "refused": outcome.refused, "leftBehind": left });
        tx.audit(app.now(), &event("breakGlass.shut", cluster, &kept.door, by, &facts)).await?;
    }
    tx.commit().await?;
    // A sealed door that was spent is replaced now.
    app.jobs.wake();
    Ok(KeptDoor { door: kept.door, is_swept: true, outcome: Some(outcome) })
}

/// Restarts the API servers of a cluster, so that the streams of a closed door end as well.
pub async fn sever(app: &App, cluster: &Cluster, id: DoorId, by: &By) -> Result<KeptDoor, DoorError> {
    let kept = app.store.read().await?.arm().door(id).await?.filter(|kept| kept.door.cluster == cluster.uid);
    let kept = kept.ok_or(DoorError::Unknown)?;
    if !kept.is_swept {
        // A door that is still open would only open its streams again.
        return Err(DoorRefusal::NotOpen { state: "not shut yet" }.into());
    }
    let severed: Vec<Severed> = app.clusters.driver().sever(cluster).await?;
    let mut outcome = kept.outcome.unwrap_or_default();
    outcome.severed.extend(severed.iter().cloned());
    let mut tx = app.store.write().await?;
    tx.arm().put_door_outcome(id, &outcome).await?;
    tx.audit(app.now(), &event("breakGlass.severed", cluster, &kept.door, by, &json!({ "severed": severed }))).await?;
    tx.commit().await?;
    Ok(KeptDoor { door: kept.door, is_swept: true, outcome: Some(outcome) })
}

const AT_A_TIME: usize = 8;
/// How long a certificate lives that only proves that its like is refused.
const TWIN: Duration = Duration::from_mins(5);
