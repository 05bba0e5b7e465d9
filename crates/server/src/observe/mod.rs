//! What operators see: `/metrics`, `/readyz`, and the figures that parts of the server leave for them.

pub(crate) mod health;
pub(crate) mod metrics;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use entrance_model::Timestamp;
use entrance_model::id::ClusterUid;
use entrance_store::{Store, StoreError};
use serde::{Deserialize, Serialize};

/// The last figures of this server. They survive a restart.
#[derive(Default)]
pub struct Observed {
    freshness: Mutex<BTreeMap<ClusterUid, Freshness>>,
}

/// How long a change of the directory took to count at a cluster, when it was measured last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Freshness {
    /// When it was measured.
    #[serde(with = "micros")]
    pub at: Timestamp,
    /// The cluster's name, for people.
    pub cluster: String,
    /// The longest of the samples, in seconds.
    pub seconds: f64,
    /// What was promised, in seconds.
    pub bound: f64,
}

impl Observed {
    /// Reads the figures that a server before this one left.
    pub(crate) async fn open(store: &Store) -> Result<Self, StoreError> {
        let kept = store.read().await?.settings().get(SETTING).await?;
        // Figures of another version are not worth a failed start.
        let freshness = kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Ok(Self { freshness: Mutex::new(freshness) })
    }

    /// Keeps a figure, for the metric and for `/readyz?verbose`.
    pub async fn measured(&self, store: &Store, cluster: ClusterUid, figure: Freshness) -> Result<(), StoreError> {
        let all = {
            // A figure is whole or not there, so a panic elsewhere leaves them good.
            let mut all = self.freshness.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(cluster, figure);
            serde_json::to_string(&*all).expect("figures are plain values")
        };
        let mut tx = store.write().await?;
        tx.settings().set(SETTING, &all).await?;
        tx.commit().await
    }

    /// The last figure of each cluster.
    pub fn freshness(&self) -> BTreeMap<ClusterUid, Freshness> {
        self.freshness.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Times as the store keeps them.
mod micros {
    use entrance_model::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        at.as_microsecond().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        Timestamp::from_microsecond(i64::deserialize(from)?).map_err(D::Error::custom)
    }
}

const SETTING: &str = "observed.freshness";
