//! Deleting a resource group: every cluster in it gets an operation of its own, then the group goes.

use std::time::Duration;

use entrance_model::arm::{GroupName, Operation, Taken, Target};
use entrance_model::cluster::{Cluster, Failure, State, Step, Work};
use entrance_model::id::OperationId;
use entrance_store::{AuditEvent, Lease, StoreError};
use serde_json::json;
use uuid::Uuid;

use super::ended;
use crate::app::App;

const LOOK: Duration = Duration::from_millis(200);

/// Works on the operation until it has ended.
pub(super) async fn work(app: &App, lease: &Lease, name: &GroupName) -> Result<(), StoreError> {
    let mut begun: Vec<OperationId> = Vec::new();
    loop {
        let clusters = app.store.read().await?.arm().clusters_in(lease.operation.subscription, Some(name)).await?;
        if clusters.is_empty() {
            return finish(app, lease, name, None).await;
        }
        for cluster in clusters {
            match &cluster.state {
                // Under way, ours or somebody else's; a creation is waited for and then undone like any other.
                State::Working { .. } => {}
                State::Failed { why, .. } if !begun.is_empty() && is_ours(app, &begun, &cluster).await? => {
                    let message = format!("Cluster {} could not be deleted: {}", cluster.address.name, why.message);
                    return finish(app, lease, name, Some(Failure { code: why.code.clone(), message })).await;
                }
                State::Ready | State::Failed { .. } | State::Canceled { .. } | State::Gone => {
                    begun.push(begin(app, lease, cluster).await?);
                }
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

// Whether the failure is that of a deletion we began, and not an old one of its creation.
async fn is_ours(app: &App, begun: &[OperationId], cluster: &Cluster) -> Result<bool, StoreError> {
    for id in begun {
        let operation = app.store.read().await?.operations().one(*id).await?;
        if operation.is_some_and(|op| op.target == Target::Cluster(cluster.uid) && op.ended.is_some_and(|end| end.why.is_some()))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn begin(app: &App, lease: &Lease, mut cluster: Cluster) -> Result<OperationId, StoreError> {
    let (id, now) = (OperationId::from_uuid(Uuid::new_v4()), app.now());
    let operation = Operation {
        id,
        target: Target::Cluster(cluster.uid),
        scope: cluster.address.scope(),
        steps: vec![Taken { step: Step::Erase, undoing: false, done: None }],
        started: now,
        ..lease.operation.clone()
    };
    // The cluster was just seen idle; if that changed meanwhile, the revision has too.
    cluster.state = State::Working { work: Work::Delete, operation: id, since: now };
    let mut tx = app.store.write().await?;
    tx.arm().update_cluster(&mut cluster).await?;
    tx.operations().insert(&operation).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(id)
}

async fn finish(app: &App, lease: &Lease, name: &GroupName, why: Option<Failure>) -> Result<(), StoreError> {
    let operation = &lease.operation;
    let mut tx = app.store.write().await?;
    tx.operations().end(lease, &operation.steps, &ended(app, why.clone())).await?;
    if why.is_none() {
        tx.arm().delete_assignments_below(operation.tenant, &operation.scope).await?;
        tx.arm().delete_group(operation.subscription, name).await?;
    } else if let Some(mut group) = tx.arm().group(operation.subscription, name).await? {
        group.deleting = None;
        tx.arm().put_group(&group).await?;
    }
    let event = AuditEvent {
        kind: "operation.ended",
        tenant: Some(operation.tenant),
        actor: operation.started_by,
        target: Some(operation.scope.to_string()),
        detail: json!({ "operation": operation.id, "work": operation.work.as_str(), "why": why }),
    };
    tx.audit(app.now(), &event).await?;
    tx.commit().await
}
