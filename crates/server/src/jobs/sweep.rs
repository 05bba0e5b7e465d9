//! Removing the bindings of break-glass doors that are not open any more.

use std::time::Duration;

use entrance_store::StoreError;

use crate::app::App;

const EVERY: Duration = Duration::from_secs(5);

/// Sweeps for good.
pub(super) async fn run(app: &App) {
    loop {
        if let Err(error) = sweep(app).await {
            tracing::error!(%error, "break-glass doors could not be swept");
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn sweep(app: &App) -> Result<(), StoreError> {
    let doors = app.store.read().await?.arm().doors_to_sweep(app.now()).await?;
    for door in doors {
        let Some(cluster) = app.store.read().await?.arm().cluster(door.cluster).await? else { continue };
        if let Err(error) = app.clusters.driver().close_break_glass(&cluster, door.id).await {
            // Tried again: a cluster that does not answer lets nobody in either.
            tracing::warn!(cluster = %door.cluster, door = %door.id, %error, "a door's binding could not be removed yet");
            continue;
        }
        let mut tx = app.store.write().await?;
        tx.arm().door_is_swept(&door).await?;
        tx.commit().await?;
        tracing::info!(cluster = %door.cluster, door = %door.id, "break-glass door closed");
    }
    Ok(())
}
