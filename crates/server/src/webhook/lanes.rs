//! How much of the listener one cluster may use. A cluster that floods is told to come back later; the others notice nothing.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use entrance_model::id::ClusterUid;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Every cluster's lane. There are never more than certificates were issued.
pub(super) struct Lanes {
    of_cluster: Mutex<HashMap<ClusterUid, Arc<Lane>>>,
    rate: NonZeroU32,
    connections: usize,
}

/// What one cluster uses.
pub(super) struct Lane {
    rate: DefaultDirectRateLimiter,
    connections: AtomicUsize,
}

/// A connection that counts; it stops counting when it is dropped.
pub(super) struct Place {
    lane: Arc<Lane>,
}

impl Lanes {
    pub(super) fn new(reviews_per_second: NonZeroU32, connections: usize) -> Self {
        Self { of_cluster: Mutex::default(), rate: reviews_per_second, connections }
    }

    /// A place for one more connection of a cluster, if it has not too many.
    pub(super) fn place(&self, cluster: ClusterUid) -> Option<Place> {
        // A panic elsewhere leaves the map as good as it was: entries are only ever added.
        let mut lanes = self.of_cluster.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes.entry(cluster).or_insert_with(|| {
            Arc::new(Lane { rate: RateLimiter::direct(Quota::per_second(self.rate)), connections: AtomicUsize::new(0) })
        });
        let lane = Arc::clone(lane);
        drop(lanes);
        if lane.connections.fetch_add(1, Ordering::Relaxed) < self.connections {
            return Some(Place { lane });
        }
        lane.connections.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

impl Place {
    /// Whether one more review fits now.
    pub(super) fn admits(&self) -> bool {
        self.lane.rate.check().is_ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.lane.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_cluster_that_floods_takes_nothing_from_the_others() {
        let lanes = Lanes::new(NonZeroU32::new(5).expect("not zero"), 2);
        let (loud, quiet) = (ClusterUid::from_uuid(Uuid::new_v4()), ClusterUid::from_uuid(Uuid::new_v4()));
        let first = lanes.place(loud).expect("the first connection");
        let second = lanes.place(loud).expect("the second connection");
        assert!(lanes.place(loud).is_none());
        let admitted = (0..100).filter(|n| if n % 2 == 0 { first.admits() } else { second.admits() }).count();
        assert!((5..10).contains(&admitted), "{admitted}");
        assert!(lanes.place(quiet).expect("another cluster").admits());
        drop(first);
        assert!(lanes.place(loud).is_some());
    }
}
