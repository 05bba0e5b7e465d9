//! How reviews reach the audit log: off their path, in one transaction for all that wait.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use entrance_model::Timestamp;
use entrance_model::id::{ClusterUid, PrincipalId, TenantId};
use entrance_store::{AuditEvent, Store, StoreError};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::webhook::{Ending, LeftOut, Told, Witness};

/// Writes what the witness tells, until the last review was answered.
pub(crate) async fn run(
    store: Store,
    clock: Clock,
    witness: Arc<Witness>,
    mut told: mpsc::Receiver<Told>,
    mut answered: oneshot::Receiver<()>,
) {
    let mut log = Log { store, tenants: HashMap::new(), waiting: Vec::new() };
    let mut is_last = false;
    while !is_last {
        let mut batch = Vec::new();
        tokio::select! {
            // The listener ended: what is in the queue is all there will be.
            _ = &mut answered => is_last = true,
            _ = told.recv_many(&mut batch, BATCH), if log.waiting.len() < MOST => {}
            () = tokio::time::sleep(EVERY) => {}
        }
        while is_last && let Ok(one) = told.try_recv() {
            batch.push(one);
        }
        let left_out = witness.left_out(clock.now(), is_last);
        if let Err(error) = log.write(batch, left_out, clock.now()).await {
            // It stays here and is tried again; meanwhile the queue fills, and what finds no room is counted.
            tracing::error!(%error, rows = log.waiting.len(), "reviews could not be written to the audit log");
            tokio::time::sleep(RETRY).await;
        }
    }
}

struct Log {
    store: Store,
    tenants: HashMap<ClusterUid, TenantId>,
    /// Rows that are not written yet.
    waiting: Vec<Row>,
}

struct Row {
    at: Timestamp,
    cluster: ClusterUid,
    kind: &'static str,
    actor: Option<PrincipalId>,
    detail: Value,
}

impl Log {
    async fn write(&mut self, told: Vec<Told>, left_out: Vec<LeftOut>, now: Timestamp) -> Result<(), StoreError> {
        self.waiting.extend(told.iter().map(review));
        self.waiting.extend(left_out.iter().map(|left_out| counted(left_out, now)));
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.learn_tenants().await?;
        let mut tx = self.store.write().await?;
        for row in &self.waiting {
            let event = AuditEvent {
                kind: row.kind,
                tenant: self.tenants.get(&row.cluster).copied(),
                actor: row.actor,
                target: Some(row.cluster.to_string()),
                detail: row.detail.clone(),
            };
            tx.audit(row.at, &event).await?;
        }
        tx.commit().await?;
        self.waiting.clear();
        Ok(())
    }

    /// Whose clusters these are. One that was deleted while its API server still asks belongs to nobody.
    async fn learn_tenants(&mut self) -> Result<(), StoreError> {
        let unknown: BTreeSet<_> =
            self.waiting.iter().map(|row| row.cluster).filter(|uid| !self.tenants.contains_key(uid)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let mut reader = self.store.read().await?;
        for uid in unknown {
            if let Some(cluster) = reader.arm().cluster(uid).await? {
                self.tenants.insert(uid, cluster.tenant);
            }
        }
        Ok(())
    }
}

fn review(told: &Told) -> Row {
    let (kind, mut detail) = match told.ending {
        Ending::Admitted { groups } => ("review.admitted", json!({ "groups": groups })),
        Ending::Refused(why) => ("review.refused", json!({ "why": why.code(), "says": why.to_string() })),
    };
    // As the API server's own audit log spells it.
    detail["credential"] = told.uti.as_ref().map(|uti| format!("JTI={uti}")).into();
    detail["client"] = json!(told.app);
    detail["session"] = json!(told.session);
    Row { at: told.at, cluster: told.cluster, kind, actor: told.oid, detail }
}

fn counted(left_out: &LeftOut, now: Timestamp) -> Row {
    let LeftOut { cluster, why, count, from, until } = left_out;
    let of = if why.is_some() { "review.refused" } else { "review.admitted" };
    let detail = json!({ "of": of, "why": why, "count": count, "from": from.to_string(), "until": until.to_string() });
    Row { at: now, cluster: *cluster, kind: "review.leftOut", actor: None, detail }
}

/// So many are written together at most.
const BATCH: usize = 256;
/// So many wait in memory while the store cannot be written.
const MOST: usize = 4096;
const EVERY: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_secs(1);
