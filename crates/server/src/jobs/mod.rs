//! The operation runner: leases operations, lets drivers take their steps, and writes down each (DESIGN 4, 7).
//!
//! An operation is in the store before anybody works on it. Whoever works on it makes the plan again from what is there,
//! so it does not matter how far a server that was killed had come.

mod cluster;
mod fall;
mod group;
mod hands;
mod lease;
mod sweep;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use entrance_model::arm::{Ended, Target};
use entrance_model::cluster::Failure;
use entrance_model::id::OperationId;
use entrance_store::{Lease, StoreError};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// Wakes the runner.
#[derive(Clone, Default)]
pub struct Jobs {
    wake: Arc<Notify>,
    moved: Arc<Notify>,
    hands: Arc<hands::Hands>,
    adopted: CancellationToken,
}

impl Jobs {
    /// Says that there is something to do.
    pub fn wake(&self) {
        self.wake.notify_one();
        self.moved.notify_one();
    }

    /// Waits until what was running before this server is taken care of again.
    async fn adopted(&self) {
        self.adopted.cancelled().await;
    }

    /// Lets go of an operation that was ended by somebody else, wherever it is.
    pub(crate) fn give_up(&self, operation: OperationId) {
        self.hands.let_go(operation);
        self.wake();
    }

    /// Waits until somebody said that there is something to do, for those who look after clusters besides operations.
    pub(crate) async fn something_moved(&self, at_most: Duration) {
        let _ = tokio::time::timeout(at_most, self.moved.notified()).await;
    }
}

/// How many clusters are worked on at a time.
const AT_A_TIME: usize = 8;
/// How long a lease lasts when its holder does not renew it.
const LEASE: Duration = Duration::from_secs(15);
/// How often the store is asked even when nobody woke us.
const LOOK: Duration = Duration::from_secs(1);
/// Results are kept this long (contract R, 1.6).
const KEEP: Duration = Duration::from_hours(24);

/// Starts the runner. It goes on with what a server before it left.
pub(crate) fn start(app: &Arc<App>) {
    let runner = Arc::clone(app);
    app.tasks.spawn("operations", async move { run(&runner).await });
    let sweeper = Arc::clone(app);
    app.tasks.spawn("doors", async move { sweep::run(&sweeper).await });
    let watcher = Arc::clone(app);
    app.tasks.spawn("health of control planes", async move { watch::run(&watcher).await });
    let keeper = Arc::clone(app);
    app.tasks.spawn("sealed doors", async move { crate::clusters::sealing::run(&keeper).await });
    // Processes outlive us; what takes care of them ends in order.
    let (leaver, stopping) = (Arc::clone(app), app.tasks.stopping());
    app.tasks.spawn_draining(async move {
        stopping.cancelled().await;
        if let Err(error) = leaver.clusters.driver().leave().await {
            tracing::warn!(%error, "control planes were not left in order");
        }
    });
}

async fn run(app: &Arc<App>) {
    if let Err(error) = app.clusters.driver().adopt().await {
        tracing::error!(%error, "control planes that were running could not be adopted");
    }
    app.jobs.adopted.cancel();
    if let Err(error) = begin(app).await {
        tracing::error!(%error, "operations of an earlier server could not be taken over");
    }
    let slots = Arc::new(Semaphore::new(AT_A_TIME));
    loop {
        match next(app).await {
            Ok(Some(lease)) => {
                let (worker, slots) = (Arc::clone(app), Arc::clone(&slots));
                app.tasks.spawn("operation", async move { work(&worker, lease, &slots).await });
            }
            Ok(None) => {
                let _ = tokio::time::timeout(LOOK, app.jobs.wake.notified()).await;
            }
            Err(error) => {
                tracing::error!(%error, "operations could not be leased");
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

/// One server has one embedded store, so nobody else holds a lease when we start.
async fn begin(app: &App) -> Result<(), StoreError> {
    let mut tx = app.store.write().await?;
    tx.operations().release_all().await?;
    tx.operations().prune(app.now().checked_sub(KEEP).unwrap_or(app.now())).await?;
    tx.commit().await
}

async fn next(app: &App) -> Result<Option<Lease>, StoreError> {
    // A look costs no write.
    if app.store.read().await?.operations().open().await? == 0 {
        return Ok(None);
    }
    let mut tx = app.store.write().await?;
    let lease = tx.operations().lease(LEASE).await?;
    tx.commit().await?;
    Ok(lease)
}

async fn work(app: &Arc<App>, lease: Lease, slots: &Semaphore) {
    let operation = &lease.operation;
    tracing::info!(operation = %operation.id, work = operation.work.as_str(), scope = %operation.scope, "operation taken");
    let doing = async {
        match &operation.target {
            Target::Cluster(uid) => {
                // Whoever worked on it before has let go, also when the operation was taken from them.
                let _alone = app.jobs.hands.alone(*uid).await;
                let _slot = slots.acquire().await;
                cluster::work(app, &lease, *uid).await
            }
            // Waits for operations on clusters, so it must not take their place.
            Target::Group(name) => group::work(app, &lease, name).await,
        }
    };
    let held = app.jobs.hands.hold(operation.id);
    let outcome = tokio::select! {
        outcome = lease::hold(app, &lease, doing) => outcome,
        () = held.taken_away() => Err(StoreError::Conflict),
    };
    match outcome {
        Ok(()) => tracing::info!(operation = %operation.id, "operation ended"),
        // Another runner has it, or will have it once the lease is over.
        Err(error) => tracing::warn!(operation = %operation.id, %error, "operation was left"),
    }
}

/// An end that is due now.
fn ended(app: &App, why: Option<Failure>) -> Ended {
    Ended { at: app.now(), why }
}
