//! Asking for a door, agreeing to it, and the file that comes of it.

use std::time::Duration;

use entrance_model::cluster::door::{Agreed, BreakGlass, Closing, Door, DoorRefusal, DoorState, Life, Reason};
use entrance_model::cluster::{Cluster, Spec};
use entrance_model::id::{DoorId, PrincipalId};
use serde_json::json;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Alone, By, DoorError, event, hands, known};
use crate::app::App;
use crate::clusters::driver::Shutting;

/// On which terms somebody wants in.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Who, and who holds the certificate.
    pub holder: PrincipalId,
    /// Why.
    pub reason: Reason,
    /// For how long.
    pub life: Life,
}

/// What goes into the file of an open door.
pub struct Opened {
    /// The certificate, PEM.
    pub certificate: String,
    /// Its key, PEM.
    pub key: Zeroizing<String>,
}

/// Opens a door, or, where the cluster wants a second person, writes the request down.
pub async fn ask(app: &App, cluster: &Cluster, ask: Ask, by: &By) -> Result<Door, DoorError> {
    let alone = app.doors.alone(cluster.uid).await;
    let house = allowed(cluster)?;
    if app.store.read().await?.arm().live_doors(cluster.uid).await?.len() >= Door::MOST {
        return Err(DoorRefusal::TooMany { max: Door::MOST }.into());
    }
    let door = requested(app, cluster, ask);
    if let Some(agreed) = door.alone(&house) {
        return open(app, cluster, door, &agreed, by, &alone).await;
    }
    let mut tx = app.store.write().await?;
    tx.arm().put_door(&door).await?;
    tx.audit(door.asked, &event("breakGlass.requested", cluster, &door, by, &json!({}))).await?;
    tx.commit().await?;
    Ok(door)
}

/// Opens a requested door, because a second person agrees.
pub async fn approve(app: &App, cluster: &Cluster, id: DoorId, approver: PrincipalId, by: &By) -> Result<Door, DoorError> {
    let alone = app.doors.alone(cluster.uid).await;
    allowed(cluster)?;
    let mut reader = app.store.read().await?;
    let kept = reader.arm().door(id).await?.filter(|kept| kept.door.cluster == cluster.uid).ok_or(DoorError::Unknown)?;
    let holder = hands(&mut reader.directory(), cluster.tenant, kept.door.holder).await?;
    let second = hands(&mut reader.directory(), cluster.tenant, approver).await?;
    drop(reader);
    let agreed = match kept.door.approve(&holder, &second, app.now()) {
        Ok(agreed) => agreed,
        Err(refusal) => {
            if matches!(refusal, DoorRefusal::SameHand | DoorRefusal::NotAPerson) {
                let mut tx = app.store.write().await?;
                tx.audit(app.now(), &event("breakGlass.approvalRefused", cluster, &kept.door, by, &json!({}))).await?;
                tx.commit().await?;
            }
            return Err(refusal.into());
        }
    };
    open(app, cluster, kept.door, &agreed, by, &alone).await
}

/// the file for `az`, which can neither say why nor wait. Within one open door it gets the same certificate again.
pub async fn for_az(app: &App, cluster: &Cluster, holder: PrincipalId, by: &By) -> Result<Opened, DoorError> {
    let house = allowed(cluster)?;
    let now = app.now();
    let live = app.store.read().await?.arm().live_doors(cluster.uid).await?;
    let good =
        |door: &&Door| door.holder == holder && door.opening().is_some_and(|opening| opening.until > now + worth(door.life));
    let newest = live.iter().filter(good).max_by_key(|door| door.opening().map(|opening| opening.until));
    if let Some(door) = newest
        && let Some(opened) = file_of(app, cluster, door).await?
    {
        return Ok(opened);
    }
    if house.second_person {
        let (group, name) = (cluster.address.group.to_string(), cluster.address.name.to_string());
        return Err(DoorRefusal::SecondPerson { group, name }.into());
    }
    let door = ask(app, cluster, Ask { holder, reason: Reason::of_az(), life: house.validity }, by).await?;
    file_of(app, cluster, &door).await?.ok_or(DoorError::Unknown)
}

/// The file of a door that is open; `None` when its key is gone.
pub async fn file_of(app: &App, cluster: &Cluster, door: &Door) -> Result<Option<Opened>, DoorError> {
    let opening = door.for_holder(door.holder, app.now())?;
    let Some(key) = app.store.read().await?.arm().door_key(door.id).await? else { return Ok(None) };
    let Ok(key) = String::from_utf8(key.to_vec()) else { return Ok(None) };
    // The binding may have been removed by hand. R-208: in a cluster that is stopped it is written when it starts.
    if !cluster.is_stopped() {
        app.clusters.driver().open_break_glass(cluster, door).await?;
    }
    Ok(Some(Opened { certificate: opening.certificate.clone(), key: Zeroizing::new(key) }))
}

/// what is asked for counts from the moment it was asked for, not only once it is in force.
fn allowed(cluster: &Cluster) -> Result<BreakGlass, DoorError> {
    let wanted = cluster.spec()?;
    let is_on = |spec: &Spec| spec.local_accounts;
    if !is_on(&wanted) || !cluster.in_force().as_ref().is_some_and(is_on) {
        return Err(DoorError::LocalAccountsDisabled);
    }
    Ok(wanted.entrance.break_glass)
}

fn requested(app: &App, cluster: &Cluster, ask: Ask) -> Door {
    let now = app.now();
    Door {
        id: DoorId::from_uuid(Uuid::new_v4()),
        tenant: cluster.tenant,
        cluster: cluster.uid,
        holder: ask.holder,
        reason: ask.reason,
        life: ask.life,
        asked: now,
        state: DoorState::requested(now),
    }
}

/// Certificate, row, binding, in this order: what is open is always known, and what was made for a row that never came is dropped.
async fn open(app: &App, cluster: &Cluster, door: Door, agreed: &Agreed, by: &By, _: &Alone) -> Result<Door, DoorError> {
    let driver = app.clusters.driver();
    let life: Duration = door.life.length().try_into().unwrap_or_default();
    let id = door.id;
    let issued = driver.issue(cluster, door.holder, id, life).await?;
    let door = match write_down(app, cluster, door, agreed, &issued, by).await {
        Ok(door) => door,
        Err(error) => {
            forget_root(app, cluster, id).await;
            return Err(error);
        }
    };
    known(app).await;
    if cluster.is_stopped() {
        return Ok(door);
    }
    if let Err(error) = driver.open_break_glass(cluster, &door).await {
        let closed = door.close(Closing::Failed, None, app.now())?;
        let mut tx = app.store.write().await?;
        tx.arm().put_door(&closed).await?;
        tx.audit(
            app.now(),
            &event("breakGlass.closed", cluster, &closed, &By::nobody(), &json!({ "why": Closing::Failed.as_str() })),
        )
        .await?;
        tx.commit().await?;
        app.doors.wake();
        return Err(error.into());
    }
    Ok(door)
}

async fn write_down(
    app: &App,
    cluster: &Cluster,
    door: Door,
    agreed: &Agreed,
    issued: &crate::clusters::Certificate,
    by: &By,
) -> Result<Door, DoorError> {
    let now = app.now();
    let mut tx = app.store.write().await?;
    // Local accounts may have been disabled, and the request withdrawn, while the certificate was made.
    let cluster = tx.arm().cluster(cluster.uid).await?.ok_or(DoorError::Unknown)?;
    allowed(&cluster)?;
    let door = match tx.arm().door(door.id).await? {
        Some(kept) => kept.door,
        None => door,
    };
    let open = door.open(agreed, issued.certificate.clone(), now)?;
    tx.arm().put_door(&open).await?;
    tx.arm().put_door_key(open.id, issued.key.as_bytes()).await?;
    let facts = json!({ "approver": agreed.by(), "until": open.opening().map(|opening| opening.until.to_string()) });
    tx.audit(now, &event("breakGlass.opened", &cluster, &open, by, &facts)).await?;
    tx.commit().await?;
    Ok(open)
}

/// Best effort: nobody holds the certificate, and the next door that is shut drops the root as well.
async fn forget_root(app: &App, cluster: &Cluster, id: DoorId) {
    let open = match app.store.read().await {
        Ok(mut reader) => reader.arm().live_doors(cluster.uid).await,
        Err(error) => Err(error),
    };
    let Ok(open) = open else { return };
    let open: Vec<DoorId> = open.iter().filter(|door| door.is_open(app.now())).map(|door| door.id).collect();
    let shutting = Shutting { door: id, credential: None, open: &open };
    if let Err(error) = app.clusters.driver().shut_break_glass(cluster, shutting).await {
        tracing::warn!(cluster = %cluster.uid, door = %id, %error, "the root of a door that never opened is still listed");
    }
}

/// A door with less than this left is not handed out again: half an hour, or a quarter of a short one.
fn worth(life: Life) -> jiff::SignedDuration {
    jiff::SignedDuration::from_mins(30).min(life.length() / 4)
}
