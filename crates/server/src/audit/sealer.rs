//! Keeps linking audit rows into their chains (DESIGN 7), a second after they were written at the latest.

use std::time::Duration;

use entrance_store::Store;
use entrance_store::audit::{BATCH, SigningKey, seal};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

/// Seals for good; once more when the server stops.
pub(crate) async fn run(store: Store, key: SigningKey, clock: Clock, stop: CancellationToken) {
    loop {
        let pause = match seal(&store, &key, clock.now()).await {
            // More may wait.
            Ok(rows) if rows == BATCH as usize => Duration::ZERO,
            Ok(_) => EVERY,
            Err(error) => {
                tracing::error!(%error, "the audit log could not be sealed");
                RETRY
            }
        };
        if stop.is_cancelled() && pause != Duration::ZERO {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled(), if !stop.is_cancelled() => {}
        }
    }
}

const EVERY: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_secs(5);
