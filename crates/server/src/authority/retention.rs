//! Forgets the sign-in log's entries that each tenant has kept long enough (S-804), a little at a time.

use entrance_store::StoreError;
use jiff::SignedDuration;

use super::policies::default_rules;
use crate::app::App;

/// Forgets what is older than the tenants' settings say.
pub async fn prune(app: &App) -> Result<(), StoreError> {
    let now = app.now();
    let mut reader = app.store.read().await?;
    let tenants = reader.directory().tenants().await?;
    for tenant in tenants {
        let rules = reader.policies().rules(tenant.id).await?.unwrap_or_else(|| default_rules(app.config.mode));
        let before = now - SignedDuration::from_hours(24 * i64::from(rules.keep_log_days));
        for _ in 0..ROUNDS {
            // One short transaction each: tokens are issued in between.
            let mut tx = app.store.write().await?;
            let gone = tx.authority().prune_sign_ins(tenant.id, before, CHUNK).await?;
            tx.commit().await?;
            if gone < u64::from(CHUNK) {
                break;
            }
        }
    }
    Ok(())
}

const CHUNK: u32 = 5_000;
const ROUNDS: u32 = 100;
