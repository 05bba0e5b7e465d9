//! The directory in memory: what the path of a `kubectl` request reads instead of the store (DESIGN 7).
//!
//! A follower keeps it up to date by the store's change feed. Readers take the present [`Snapshot`] without waiting for
//! anybody. A snapshot that is not loaded, or that could not be confirmed for too long, is not given out: a review on old
//! facts would let people in who lost their rights.

mod graph;
mod load;
mod snapshot;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use entrance_model::Timestamp;
use entrance_store::{FeedPosition, Store, StoreError};
use tokio::sync::watch;

use crate::clock::Clock;

pub use snapshot::{Facts, Snapshot};

/// Why there is no snapshot to decide by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// It is being loaded.
    #[error("the directory is being loaded")]
    Loading,
    /// Nobody could confirm it for longer than allowed.
    #[error("the directory was not confirmed for {0:?}")]
    Stale(Duration),
}

/// The directory in memory. Cheap to clone.
#[derive(Clone)]
pub struct Directory {
    shared: Arc<Shared>,
}

struct Shared {
    current: ArcSwapOption<Snapshot>,
    /// When the snapshot was last known to be the newest, in microseconds.
    confirmed: AtomicI64,
    max_staleness: Option<Duration>,
    moved: watch::Sender<FeedPosition>,
}

impl Directory {
    /// An empty directory. `max_staleness` is for servers that share a store with others; one that is alone with its own
    /// store cannot miss a change.
    pub fn new(max_staleness: Option<Duration>) -> Self {
        let moved = watch::Sender::new(FeedPosition::default());
        Self {
            shared: Arc::new(Shared {
                current: ArcSwapOption::empty(),
                confirmed: AtomicI64::new(i64::MIN),
                max_staleness,
                moved,
            }),
        }
    }

    /// The directory as it is now.
    pub fn snapshot(&self, now: Timestamp) -> Result<Arc<Snapshot>, NotReady> {
        let snapshot = self.shared.current.load_full().ok_or(NotReady::Loading)?;
        match (self.shared.max_staleness, self.age(now)) {
            (Some(max), age) if age > max => Err(NotReady::Stale(age)),
            _ => Ok(snapshot),
        }
    }

    /// How long ago the snapshot was known to be the newest.
    pub fn age(&self, now: Timestamp) -> Duration {
        let micros = now.as_microsecond().saturating_sub(self.shared.confirmed.load(Ordering::Relaxed));
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    /// Told each time the snapshot moves.
    pub fn changes(&self) -> watch::Receiver<FeedPosition> {
        self.shared.moved.subscribe()
    }

    /// Waits until the snapshot holds this change of the feed and all before it.
    pub async fn reached(&self, head: i64) {
        let mut moved = self.changes();
        // The sender lives as long as this directory does.
        let _ = moved.wait_for(|position| position.head >= head && !position.epoch.is_empty()).await;
    }

    /// Loads everything. Call it once before reviews are answered; [`Directory::follow`] does the rest.
    pub async fn load(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let snapshot = load::everything(&mut store.read().await?, now).await?;
        tracing::info!(
            objects = snapshot.size(),
            clusters = snapshot.clusters().count(),
            head = snapshot.position().head,
            "directory loaded"
        );
        self.publish(snapshot, now);
        Ok(())
    }

    /// Follows the change feed for good.
    pub async fn follow(self, store: Store, clock: Clock) {
        let mut feed = store.feed();
        loop {
            feed.mark_unchanged();
            if let Err(error) = self.catch_up(&store, clock.now()).await {
                // The snapshot stays and ages; whether it may still be used is decided where it is asked for.
                tracing::error!(%error, "the directory could not be brought up to date");
                tokio::time::sleep(RETRY).await;
                continue;
            }
            if let Ok(Err(_)) = tokio::time::timeout(CONFIRM, feed.changed()).await {
                return; // the store is gone
            }
        }
    }

    async fn catch_up(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let Some(before) = self.shared.current.load_full() else { return self.load(store, now).await };
        let mut reader = store.read().await?;
        if reader.feed_position().await? == *before.position() {
            if let Some(fewer) = before.without_old(now) {
                self.shared.current.store(Some(Arc::new(fewer)));
            }
            self.shared.confirmed.store(now.as_microsecond(), Ordering::Relaxed);
            return Ok(());
        }
        if let Some(snapshot) = load::after(&before, &mut reader, now).await? {
            self.publish(snapshot, now);
            return Ok(());
        }
        // A hole or another history: nothing is decided until everything was read again.
        tracing::warn!("the change feed does not reach back to the directory in memory; loading it again");
        self.shared.current.store(None);
        self.load(store, now).await
    }

    fn publish(&self, snapshot: Snapshot, now: Timestamp) {
        let position = snapshot.position().clone();
        self.shared.current.store(Some(Arc::new(snapshot)));
        self.shared.confirmed.store(now.as_microsecond(), Ordering::Relaxed);
        self.shared.moved.send_replace(position);
    }

    /// Shows this snapshot, for tests and benchmarks that need no resource manager.
    #[doc(hidden)]
    pub fn show(&self, snapshot: Snapshot, now: Timestamp) {
        self.publish(snapshot, now);
    }
}

/// How often the position is compared when nothing happens, so that the age says something.
const CONFIRM: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_millis(500);
