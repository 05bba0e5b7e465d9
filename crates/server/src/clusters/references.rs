//! Which groups a cluster refers to, as far as it is known (DESIGN 4.2).
//!
//! Whoever is in more groups than an answer may carry is told to the API server with those that the cluster refers to. The
//! sets come from watches inside the clusters; a set that may be incomplete is taken away, and reviews that would need it
//! are refused.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arc_swap::ArcSwap;
use entrance_model::id::{ClusterUid, GroupId};

/// The groups that clusters refer to. Cheap to clone; readers never wait.
#[derive(Clone, Default)]
pub struct References {
    known: Arc<ArcSwap<HashMap<ClusterUid, Arc<BTreeSet<GroupId>>>>>,
}

impl References {
    /// All groups that a cluster refers to; `None` while nobody can be sure that these are all.
    pub fn of(&self, cluster: ClusterUid) -> Option<Arc<BTreeSet<GroupId>>> {
        self.known.load().get(&cluster).cloned()
    }

    /// Says what a cluster refers to now, or with `None` that it is not known any more.
    pub fn set(&self, cluster: ClusterUid, groups: Option<BTreeSet<GroupId>>) {
        let groups = groups.map(Arc::new);
        self.known.rcu(|known| {
            let mut after = HashMap::clone(known);
            match &groups {
                Some(groups) => after.insert(cluster, Arc::clone(groups)),
                None => after.remove(&cluster),
            };
            after
        });
    }
}
