//! Renews what API servers show to our webhook listener, long before it ends.
//!
//! The certificates are short-lived, so that a copied file is worth little for long. An API server reads a changed file by
//! itself: nothing is restarted.

use std::sync::Arc;
use std::time::Duration;

use entrance_model::id::ClusterUid;

use super::local::{Clock, Planes};
use super::on_this_machine::WebhookDoor;

/// Whose certificates, and who makes new ones.
#[derive(Clone)]
pub(super) struct Renewal {
    planes: Arc<Planes>,
    webhook: WebhookDoor,
    clock: Clock,
}

impl Renewal {
    pub(super) fn new(planes: Arc<Planes>, webhook: WebhookDoor, clock: Clock) -> Self {
        Self { planes, webhook, clock }
    }

    /// Looks at every cluster now and then, for good.
    pub(super) async fn run(self) {
        loop {
            for uid in self.planes.cared_for().await {
                self.look_at(uid);
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Renews what one cluster's API server shows, if it is time.
    pub(super) fn look_at(&self, uid: ClusterUid) {
        let now = (self.clock)();
        match self.planes.renew_webhook(uid, now, || (self.webhook)(uid, now)) {
            Ok(true) => tracing::info!(cluster = %uid, "the API server's certificate for our webhooks was renewed"),
            Ok(false) => {}
            Err(error) => tracing::error!(cluster = %uid, %error, "the API server's certificate for our webhooks is not renewed"),
        }
    }
}

const EVERY: Duration = Duration::from_mins(1);
