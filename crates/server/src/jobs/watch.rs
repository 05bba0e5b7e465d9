//! What clusters shall be and what is there, compared at the start and ever after.
//!
//! What cannot be put right shows in the resource (`status.provisioningError`), and goes from there once it is over.

use std::time::Duration;

use entrance_model::cluster::{Ailment, Cluster, Condition};
use entrance_store::{AuditEvent, StoreError};
use serde_json::json;

use crate::app::App;

const EVERY: Duration = Duration::from_secs(5);

/// Looks for good.
pub(super) async fn run(app: &App) {
    app.jobs.adopted().await;
    loop {
        match clusters(app).await {
            Ok(clusters) => {
                for cluster in clusters {
                    look_after(app, &cluster).await;
                }
            }
            Err(error) => tracing::error!(%error, "control planes could not be looked after"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn clusters(app: &App) -> Result<Vec<Cluster>, StoreError> {
    let all = app.store.read().await?.arm().clusters().await?;
    Ok(all.into_iter().filter(|cluster| cluster.applied.is_some() && cluster.state.operation().is_none()).collect())
}

async fn look_after(app: &App, cluster: &Cluster) {
    // An operation would be in the way of it, and it in the way of an operation.
    let Some(_alone) = app.jobs.hands.try_alone(cluster.uid) else { return };
    let outcome = async {
        let Some(cluster) = app.store.read().await?.arm().cluster(cluster.uid).await? else { return Ok(()) };
        let (None, Ok(spec)) = (cluster.state.operation(), cluster.spec()) else { return Ok(()) };
        let seen = match app.clusters.driver().look_after(&cluster, &spec).await {
            Ok(seen) => seen,
            Err(error) => Condition::Ill(Ailment::Down { why: error.to_string() }),
        };
        tell(app, cluster, &seen).await
    };
    match outcome.await {
        // Somebody changed the cluster meanwhile; the next look sees it.
        Ok(()) | Err(StoreError::Conflict) => {}
        Err(error) => tracing::error!(cluster = %cluster.uid, %error, "a control plane could not be looked after"),
    }
}

/// Writes down what is another than before.
async fn tell(app: &App, mut cluster: Cluster, seen: &Condition) -> Result<(), StoreError> {
    let Some(state) = cluster.state.seen(seen) else { return Ok(()) };
    let (kind, why) = match seen {
        Condition::Ill(ailment) => ("cluster.unhealthy", Some(ailment.failure())),
        Condition::Well | Condition::Coming => ("cluster.recovered", None),
    };
    if let Some(why) = &why {
        tracing::error!(cluster = %cluster.uid, why = %why.message, "a control plane is not what it shall be");
    } else {
        tracing::info!(cluster = %cluster.uid, "a control plane is what it shall be again");
    }
    cluster.state = state;
    let event = AuditEvent {
        kind,
        tenant: Some(cluster.tenant),
        actor: None,
        target: Some(cluster.address.to_string()),
        detail: json!({ "cluster": cluster.uid, "why": why }),
    };
    let mut tx = app.store.write().await?;
    tx.arm().update_cluster(&mut cluster).await?;
    tx.audit(app.now(), &event).await?;
    tx.commit().await
}
