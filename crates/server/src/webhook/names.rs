//! Which names entered which clusters (DESIGN 5.1).
//!
//! A review is answered from memory, so it does not wait for a disk. The first time that somebody enters a cluster under a
//! name, the name is put on a list, which is written down within moments; every later time costs one look into a set. When
//! the list cannot be written and is full, new names are turned away: nobody enters under a name that is not held. Whoever
//! gives a name to somebody writes the list first ([`Names::settle`]).

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use entrance_model::Timestamp;
use entrance_model::id::{ClusterUid, PrincipalId, TenantId};
use entrance_store::directory::NameUse;
use entrance_store::{Store, StoreError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The names that entered. Cheap to clone.
#[derive(Clone, Default)]
pub struct Names {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Keyed hashes of what is on the list or written down. Nobody outside knows the key, so nobody makes two meet.
    known: RwLock<HashSet<u64>>,
    key: RandomState,
    list: Mutex<Vec<Entered>>,
    wake: Notify,
    writing: tokio::sync::Mutex<()>,
}

/// Somebody who enters.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entered {
    /// Whose directory they are of.
    tenant: TenantId,
    /// The name they have inside.
    name: String,
    /// Who, where, when.
    once: NameUse,
}

/// The list is full: it could not be written for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("names that enter clusters cannot be written down at the moment")]
pub struct NotRecorded;

impl Names {
    /// Notes that somebody enters.
    pub fn enters(
        &self,
        tenant: TenantId,
        cluster: ClusterUid,
        name: &str,
        holder: PrincipalId,
        now: Timestamp,
    ) -> Result<(), NotRecorded> {
        let mark = self.inner.key.hash_one((tenant, cluster, name, holder));
        if self.inner.known.read().unwrap_or_else(PoisonError::into_inner).contains(&mark) {
            return Ok(());
        }
        let mut list = self.list();
        if list.len() >= LONGEST {
            return Err(NotRecorded);
        }
        let mut known = self.inner.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_KNOWN {
            // They are written down once more, which changes nothing.
            known.clear();
        }
        if known.insert(mark) {
            list.push(Entered { tenant, name: name.to_owned(), once: NameUse { holder, cluster, first: now } });
            self.inner.wake.notify_one();
        }
        Ok(())
    }

    /// Forgets what is known, so that a name that was released is held again by whoever enters under it next.
    pub(crate) fn forget(&self) {
        self.inner.known.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Writes down what is on the list now.
    pub async fn settle(&self, store: &Store) -> Result<(), StoreError> {
        let _one_at_a_time = self.inner.writing.lock().await;
        loop {
            let some: Vec<Entered> = self.list().iter().take(BATCH).cloned().collect();
            if some.is_empty() {
                return Ok(());
            }
            let mut tx = store.write().await?;
            for entered in &some {
                tx.directory().use_name(entered.tenant, &entered.name, &entered.once).await?;
            }
            tx.commit().await?;
            // Only the end grows meanwhile.
            self.list().drain(..some.len());
        }
    }

    /// Writes down what comes, until `stop`, and what is left then.
    pub(crate) async fn keep(self, store: Store, stop: CancellationToken) {
        loop {
            let last = tokio::select! {
                () = self.inner.wake.notified() => false,
                () = stop.cancelled() => true,
            };
            while let Err(error) = self.settle(&store).await {
                tracing::error!(%error, waiting = self.list().len(), "names that entered clusters could not be written down");
                if last {
                    return;
                }
                tokio::time::sleep(RETRY).await;
            }
            if last {
                return;
            }
            // Many people come at once, as after a restart: their names share a transaction.
            tokio::time::sleep(GATHER).await;
        }
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<Entered>> {
        self.inner.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many names may wait while the disk does not take them.
const LONGEST: usize = 10_000;
const BATCH: usize = 500;
/// Room for a million people in four clusters: some 50 MB.
const MOST_KNOWN: usize = 4_000_000;
const GATHER: Duration = Duration::from_millis(20);
const RETRY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use entrance_model::directory::Tenant;
    use entrance_store::SealingKey;
    use uuid::Uuid;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn ids() -> (TenantId, ClusterUid, PrincipalId) {
        let id = Uuid::new_v4;
        (TenantId::from_uuid(id()), ClusterUid::from_uuid(id()), PrincipalId::from_uuid(id()))
    }

    #[tokio::test]
    async fn a_name_is_written_once_for_each_cluster_and_holder_and_the_first_holder_keeps_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("db"), SealingKey::from_bytes(&[1; 32])).await.expect("opens");
        let (names, (tenant, cluster, alice)) = (Names::default(), ids());
        let (_, other, mallory) = ids();
        let contoso = Tenant {
            id: tenant,
            display_name: "Contoso".into(),
            domains: vec!["x.example".into()],
            salt: vec![0; 32],
            created: NOW,
        };
        let mut tx = store.write().await.expect("begins");
        tx.directory().insert_tenant(&contoso).await.expect("inserts");
        tx.commit().await.expect("commits");
        for _ in 0..3 {
            names.enters(tenant, cluster, "alice@x.example", alice, NOW).expect("noted");
        }
        names.enters(tenant, other, "alice@x.example", alice, NOW).expect("noted");
        names.enters(tenant, cluster, "alice@x.example", mallory, NOW).expect("noted");
        assert_eq!(names.list().len(), 3);
        names.settle(&store).await.expect("written");
        assert!(names.list().is_empty());
        names.enters(tenant, cluster, "alice@x.example", alice, NOW).expect("noted");
        assert!(names.list().is_empty(), "it is written already");
        let mut reader = store.read().await.expect("reads");
        assert_eq!(reader.directory().name_holder(tenant, "alice@x.example").await.expect("reads"), Some(alice));
        assert_eq!(reader.directory().name_uses(tenant, "alice@x.example").await.expect("reads").len(), 3);
        names.forget();
        names.enters(tenant, cluster, "alice@x.example", alice, NOW).expect("noted");
        assert_eq!(names.list().len(), 1);
    }

    #[test]
    fn while_nothing_can_be_written_new_names_are_turned_away_and_known_ones_enter() {
        let (names, (tenant, cluster, someone)) = (Names::default(), ids());
        for n in 0..LONGEST {
            names.enters(tenant, cluster, &format!("u{n}@x.example"), someone, NOW).expect("there is room");
        }
        assert_eq!(names.enters(tenant, cluster, "late@x.example", someone, NOW), Err(NotRecorded));
        assert_eq!(names.enters(tenant, cluster, "u7@x.example", someone, NOW), Ok(()));
    }
}
