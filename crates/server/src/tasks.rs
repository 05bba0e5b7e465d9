//! The tracked spawner: everything that runs in the background is known and is waited for at the end.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Background tasks of one server.
#[derive(Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Runs a task until it ends or the server stops.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                () = task => tracing::debug!(task = name, "a task ended"),
                () = stop.cancelled() => tracing::debug!(task = name, "a task was stopped"),
            }
        });
    }

    /// Runs a task that watches [`Tasks::stopping`] itself, because it has something to finish.
    pub fn spawn_draining(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(task);
    }

    /// Told when the server stops.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Stops everything and waits, at most this long.
    pub async fn stop(&self, at_most: Duration) {
        self.stop.cancel();
        self.tracker.close();
        if tokio::time::timeout(at_most, self.tracker.wait()).await.is_err() {
            tracing::warn!(left = self.tracker.len(), "some tasks did not end in time");
        }
    }
}
