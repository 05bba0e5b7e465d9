//! The groups that a cluster refers to in the resource manager: its administrators, and whoever has a role there.

use std::time::{Duration, Instant};

use entrance_model::access::PrincipalType;
use entrance_model::id::ClusterUid;
use entrance_store::{ChangeKind, FeedPosition, Reader, Store, StoreError};

use super::Source;
use super::contents::View;
use super::mentions::Mentions;

/// Follows the resource manager, for ever.
pub(super) async fn follow(cluster: ClusterUid, store: &Store, view: &View) {
    let mut feed = store.feed();
    let mut known = FeedPosition::default();
    loop {
        feed.mark_unchanged();
        let at = Instant::now();
        match catch_up(cluster, store, view, &mut known).await {
            Ok(()) => view.confirm(Source::Settled, at),
            Err(error) => view.doubt(Source::Settled, error.to_string()),
        }
        if let Ok(Err(_)) = tokio::time::timeout(CONFIRM, feed.changed()).await {
            return; // the store is gone
        }
    }
}

async fn catch_up(cluster: ClusterUid, store: &Store, view: &View, known: &mut FeedPosition) -> Result<(), StoreError> {
    let mut reader = store.read().await?;
    let now = reader.feed_position().await?;
    if now == *known {
        return Ok(());
    }
    let changes = if now.epoch == known.epoch { reader.changes_since(known.head).await? } else { None };
    let concerns_us = |kind| matches!(kind, ChangeKind::Cluster | ChangeKind::Access);
    if changes.is_none_or(|changes| changes.iter().any(|change| concerns_us(change.kind))) {
        let mentions = mentions(cluster, &mut reader).await?;
        view.replace(Source::Settled, [(cluster.to_string(), mentions)]);
    }
    *known = now;
    Ok(())
}

async fn mentions(cluster: ClusterUid, reader: &mut Reader) -> Result<Mentions, StoreError> {
    let mut found = Mentions::default();
    let Some(cluster) = reader.arm().cluster(cluster).await? else { return Ok(found) };
    if let Ok(spec) = cluster.spec() {
        found.groups.extend(spec.admins());
    }
    let here = cluster.address.scope();
    for assignment in reader.arm().assignments(cluster.tenant).await? {
        let is_group = assignment.principal_type == PrincipalType::Group;
        // A role below the cluster is one in a namespace.
        if is_group && (assignment.scope.covers(&here) || here.covers(&assignment.scope)) {
            found.groups.insert(assignment.principal.as_group());
        }
    }
    Ok(found)
}

const CONFIRM: Duration = Duration::from_secs(4);
