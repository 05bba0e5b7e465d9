//! What was put right: counted, and written into the audit trail.

use std::sync::atomic::{AtomicU64, Ordering};

use entrance_model::Timestamp;
use entrance_model::id::{ClusterUid, TenantId};
use entrance_store::{AuditEvent, Store, StoreError};
use serde_json::json;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It was not there.
    Missing,
    /// Somebody had changed it, or it is of an earlier setting.
    Changed,
    /// It should not have been there.
    Stray,
}

impl Found {
    const ALL: [Self; 3] = [Self::Missing, Self::Changed, Self::Stray];

    /// One word, for the audit trail and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Changed => "changed",
            Self::Stray => "stray",
        }
    }
}

/// How often something had to be put right since the server started.
#[derive(Debug, Default)]
pub struct Repairs {
    counts: [AtomicU64; Found::ALL.len()],
}

impl Repairs {
    /// How often, by what was found.
    pub fn counts(&self) -> impl Iterator<Item = (Found, u64)> {
        Found::ALL.into_iter().map(|found| (found, self.counts[found as usize].load(Ordering::Relaxed)))
    }

    pub(super) async fn tell(&self, store: &Store, now: Timestamp, repair: &Repair<'_>) {
        let Repair { cluster, tenant, object, found } = *repair;
        self.counts[found as usize].fetch_add(1, Ordering::Relaxed);
        tracing::info!(%cluster, object, found = found.as_str(), "put right inside a cluster");
        let event = AuditEvent {
            kind: "cluster.repaired",
            tenant: Some(tenant),
            actor: None,
            target: Some(cluster.to_string()),
            detail: json!({ "object": object, "found": found.as_str() }),
        };
        // The repair counts more than its record: it stays, and the next one is told again.
        if let Err(error) = write(store, now, &event).await {
            tracing::error!(%cluster, object, %error, "a repair could not be recorded");
        }
    }
}

/// One repair.
#[derive(Debug, Clone, Copy)]
pub(super) struct Repair<'a> {
    pub(super) cluster: ClusterUid,
    pub(super) tenant: TenantId,
    pub(super) object: &'a str,
    pub(super) found: Found,
}

async fn write(store: &Store, now: Timestamp, event: &AuditEvent) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    tx.audit(now, event).await?;
    tx.commit().await
}
