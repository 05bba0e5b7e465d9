//! Keeping a lease while something is done, and giving up when somebody else has it.

use std::time::Duration;

use entrance_store::{Lease, StoreError};

use super::LEASE;
use crate::app::App;

const RENEW: Duration = Duration::from_secs(5);

/// Does the work; ends early with [`StoreError::Conflict`] when the lease is lost.
pub(super) async fn hold(app: &App, lease: &Lease, work: impl Future<Output = Result<(), StoreError>>) -> Result<(), StoreError> {
    tokio::select! {
        outcome = work => outcome,
        lost = renew(app, lease) => Err(lost),
    }
}

async fn renew(app: &App, lease: &Lease) -> StoreError {
    loop {
        tokio::time::sleep(RENEW).await;
        let renewed = async {
            let mut tx = app.store.write().await?;
            tx.operations().renew(lease, LEASE).await?;
            tx.commit().await
        };
        if let Err(error) = renewed.await {
            return error;
        }
    }
}
