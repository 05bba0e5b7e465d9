//! Shutting break-glass doors that are over.

use std::time::Duration;

use crate::app::App;
use crate::clusters::doors;

const EVERY: Duration = Duration::from_secs(5);
/// Many changes of the directory are one reason to look.
const PAUSE: Duration = Duration::from_millis(200);

/// Sweeps for good: when somebody says that a door is over, when the directory changes, and every few seconds.
pub(super) async fn run(app: &App) {
    let mut directory = app.people.changes();
    loop {
        if let Err(error) = doors::sweep(app).await {
            tracing::error!(%error, "break-glass doors could not be swept");
        }
        tokio::select! {
            () = app.doors.woken() => {}
            changed = directory.changed() => {
                if changed.is_err() {
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
