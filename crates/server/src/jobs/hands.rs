//! Who works on what in this server: one at a time for each cluster, and able to let go at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use entrance_model::id::{ClusterUid, OperationId};
use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;

/// The work that is in somebody's hands.
#[derive(Default)]
pub(super) struct Hands {
    clusters: Mutex<HashMap<ClusterUid, Arc<tokio::sync::Mutex<()>>>>,
    operations: Mutex<HashMap<OperationId, CancellationToken>>,
}

impl Hands {
    /// Waits until nobody else works on the cluster.
    pub(super) async fn alone(&self, cluster: ClusterUid) -> OwnedMutexGuard<()> {
        let lock = Arc::clone(self.clusters.lock().unwrap_or_else(PoisonError::into_inner).entry(cluster).or_default());
        lock.lock_owned().await
    }

    /// The same, if nobody works on it now.
    pub(super) fn try_alone(&self, cluster: ClusterUid) -> Option<OwnedMutexGuard<()>> {
        let lock = Arc::clone(self.clusters.lock().unwrap_or_else(PoisonError::into_inner).entry(cluster).or_default());
        lock.try_lock_owned().ok()
    }

    /// Takes an operation in hand until what is returned is dropped.
    pub(super) fn hold(&self, operation: OperationId) -> Held<'_> {
        let token = CancellationToken::new();
        self.operations.lock().unwrap_or_else(PoisonError::into_inner).insert(operation, token.clone());
        Held { hands: self, operation, token }
    }

    /// Tells whoever has it in hand to let go.
    pub(super) fn let_go(&self, operation: OperationId) {
        if let Some(token) = self.operations.lock().unwrap_or_else(PoisonError::into_inner).get(&operation) {
            token.cancel();
        }
    }
}

/// An operation in hand.
pub(super) struct Held<'h> {
    hands: &'h Hands,
    operation: OperationId,
    token: CancellationToken,
}

impl Held<'_> {
    /// Waits until it is taken away.
    pub(super) async fn taken_away(&self) {
        self.token.cancelled().await;
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.hands.operations.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.operation);
    }
}
