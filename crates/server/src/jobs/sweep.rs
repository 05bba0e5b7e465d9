//! Shutting break-glass doors that are over.

use std::time::Duration;

use crate::app::App;
use crate::clusters::doors;

const EVERY: Duration = Duration::from_secs(5);

/// Sweeps for good: when somebody says that a door is over, and every few seconds.
pub(super) async fn run(app: &App) {
    loop {
        if let Err(error) = doors::sweep(app).await {
            tracing::error!(%error, "break-glass doors could not be swept");
        }
        let _ = tokio::time::timeout(EVERY, app.doors.woken()).await;
    }
}
