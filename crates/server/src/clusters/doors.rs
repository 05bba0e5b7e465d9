//! Break-glass by lever 1 (DESIGN 5.2): a certificate in somebody's name, and a binding that makes it worth something.

use std::time::Duration;

use entrance_model::cluster::{Cluster, Door};
use entrance_model::id::{DoorId, PrincipalId};
use entrance_store::{AuditEvent, StoreError};
use serde_json::json;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::driver::DriverError;
use crate::app::App;

/// Why no door opens.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The cluster did not take the binding, or no certificate could be made.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// The door could not be written down, so it was not opened.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What goes into the admin file.
pub struct Opened {
    /// The certificate, PEM.
    pub certificate: String,
    /// Its key, PEM.
    pub key: Zeroizing<String>,
}

/// how long a door stays open by itself.
const LIFE: Duration = Duration::from_hours(8);
/// A door with less than this left is not handed out again.
const WORTH: Duration = Duration::from_mins(30);

/// Opens a door for one holder; within one open door they get the same certificate again.
pub async fn open(app: &App, cluster: &Cluster, holder: PrincipalId) -> Result<Opened, DoorError> {
    let now = app.now();
    let soon = now.checked_add(WORTH).unwrap_or(now);
    let driver = app.clusters.driver();
    if let Some((door, key)) = app.store.read().await?.arm().open_door(cluster.uid, holder, soon).await?
        && let Ok(key) = String::from_utf8(key.to_vec())
    {
        // The binding may have been removed by hand.
        driver.open_break_glass(cluster, &door).await?;
        return Ok(Opened { certificate: door.certificate, key: Zeroizing::new(key) });
    }
    let id = DoorId::from_uuid(Uuid::new_v4());
    let issued = driver.issue(cluster, holder, id, LIFE).await?;
    let door = Door {
        id,
        tenant: cluster.tenant,
        cluster: cluster.uid,
        holder,
        certificate: issued.certificate.clone(),
        opened: now,
        until: now.checked_add(LIFE).unwrap_or(now),
        closed: None,
    };
    // Written down before the binding is there: what is open is always known.
    let mut tx = app.store.write().await?;
    tx.arm().insert_door(&door, issued.key.as_bytes()).await?;
    tx.audit(now, &event("breakGlass.opened", &door)).await?;
    tx.commit().await?;
    known(app).await;
    if let Err(error) = driver.open_break_glass(cluster, &door).await {
        close(app, &door).await?;
        return Err(error.into());
    }
    Ok(Opened { certificate: issued.certificate, key: issued.key })
}

/// Waits until the directory in memory knows the door: who keeps the bindings in the cluster would take it for a stray.
async fn known(app: &App) {
    let head = app.store.feed().borrow().head;
    if tokio::time::timeout(PATIENCE, app.people.reached(head)).await.is_err() {
        tracing::warn!(head, "the directory in memory is late");
    }
}

const PATIENCE: Duration = Duration::from_secs(5);

/// Closes a door; the sweep removes its binding.
pub async fn close(app: &App, door: &Door) -> Result<(), StoreError> {
    let mut tx = app.store.write().await?;
    tx.arm().close_door(door, app.now()).await?;
    tx.audit(app.now(), &event("breakGlass.closed", door)).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

fn event(kind: &'static str, door: &Door) -> AuditEvent {
    AuditEvent {
        kind,
        tenant: Some(door.tenant),
        actor: Some(door.holder),
        target: Some(door.cluster.to_string()),
        detail: json!({ "door": door.id, "until": door.until.to_string() }),
    }
}
