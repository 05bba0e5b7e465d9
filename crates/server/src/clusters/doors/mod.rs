//! Break-glass doors, from the request to the proof that they are shut (DESIGN 5.2).
//!
//! What shall be is committed first, then done: a server that is killed in between finds the row and goes on, whether the door was
//! being opened (the reconcile loop writes the binding) or closed (the sweep pulls both levers).

mod hands;
mod open;
mod shut;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use entrance_model::cluster::door::{Door, DoorRefusal};
use entrance_model::cluster::{Cluster, Unacceptable};
use entrance_model::id::{ClusterUid, PrincipalId};
use entrance_store::{AuditEvent, StoreError};
use serde_json::{Value, json};
use tokio::sync::{Notify, OwnedMutexGuard};

pub use hands::hands;
pub use open::{Ask, Opened, approve, ask, file_of, for_az};
pub use shut::{close, close_all, sever, shut_all, sweep};

use super::driver::DriverError;
use crate::app::App;

/// What doors share within a server.
#[derive(Default)]
pub struct Doors {
    wake: Notify,
    locks: Mutex<HashMap<ClusterUid, Arc<tokio::sync::Mutex<()>>>>,
}

impl Doors {
    /// Says that a door is over, so that nobody waits for the next look.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits until somebody says so.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    /// One at a time for each cluster: whoever drops the roots of closed doors must know which ones are just being opened.
    async fn alone(&self, cluster: ClusterUid) -> Alone {
        let lock = Arc::clone(self.locks.lock().unwrap_or_else(PoisonError::into_inner).entry(cluster).or_default());
        Alone(lock.lock_owned().await)
    }
}

/// Nobody else opens or shuts a door of the cluster now.
struct Alone(#[expect(dead_code, reason = "held, never read")] OwnedMutexGuard<()>);

/// Why a door is not opened or shut.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] DoorRefusal),
    /// Static credentials are not handed out.
    #[error("local accounts are disabled")]
    LocalAccountsDisabled,
    /// No API server runs that could prove anything; the door is proved to be shut when one does.
    #[error("the cluster is stopped; that the door is shut is proved when it runs again")]
    Stopped,
    /// There is no such door in this cluster.
    #[error("there is no such door")]
    Unknown,
    /// The cluster did not take the binding, or no certificate could be made, or nothing was proved.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// The cluster's document cannot be read.
    #[error(transparent)]
    Cluster(#[from] Unacceptable),
    /// It could not be written down, so it was not done.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who does something with a door, and which right lets them; nobody, when time does.
#[derive(Debug, Clone)]
pub struct By {
    /// Who.
    pub oid: Option<PrincipalId>,
    /// The right and the request, for the audit trail.
    pub why: Value,
}

impl By {
    /// Time, or a server that goes on with what another began.
    pub fn nobody() -> Self {
        Self { oid: None, why: json!({}) }
    }
}

/// What happened to a door, for the audit trail. The certificate's user and group are what API servers write in their own logs.
fn event(kind: &'static str, cluster: &Cluster, door: &Door, by: &By, more: &Value) -> AuditEvent {
    let mut detail = json!({
        "door": door.id, "holder": door.holder, "reason": door.reason.as_str(), "duration": door.life.to_string(),
        "user": door.certificate_user(), "group": Door::group(door.id), "cluster": cluster.uid,
    });
    for facts in [&by.why, more] {
        for (name, value) in facts.as_object().into_iter().flatten() {
            detail[name] = value.clone();
        }
    }
    AuditEvent { kind, tenant: Some(door.tenant), actor: by.oid, target: Some(cluster.address.scope().to_string()), detail }
}

/// Waits until the directory in memory knows what was just committed: who keeps the bindings in the cluster goes by it.
async fn known(app: &App) {
    let head = app.store.feed().borrow().head;
    if tokio::time::timeout(PATIENCE, app.people.reached(head)).await.is_err() {
        tracing::warn!(head, "the directory in memory is late");
    }
}

const PATIENCE: Duration = Duration::from_secs(5);
