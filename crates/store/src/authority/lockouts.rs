//! Wrong tries: they survive a restart, so that a restart is no way around a pause.

use entrance_model::Timestamp;
use entrance_model::id::{TenantId, UserId};
use entrance_model::signin::lockout::Lockout;

use super::Authority;
use crate::edition::Area;
use crate::error::StoreError;
use crate::row::{Row, json_text};
use crate::session::Write;
use crate::sql::statements;

statements! {
    ONE = "SELECT state FROM lockout WHERE key = $1";
    SET = "INSERT INTO lockout (key, state, at) VALUES ($1, $2, $3) ON CONFLICT (key) DO UPDATE SET state = excluded.state, at = excluded.at";
    CLEAR = "DELETE FROM lockout WHERE key = $1";
    IS_FAMILIAR = "SELECT 1 AS found FROM familiar_network WHERE tenant = $1 AND user = $2 AND network = $3";
    FAMILIAR = "INSERT INTO familiar_network (tenant, user, network, seen) VALUES ($1, $2, $3, $4) ON CONFLICT (tenant, user, network) DO UPDATE SET seen = excluded.seen";
}

/// How the keys of clients begin.
pub const CLIENTS: &str = "client/";

impl<M> Authority<'_, M> {
    /// The wrong tries under a key.
    pub async fn lockout(&mut self, key: &str) -> Result<Lockout, StoreError> {
        let row = sqlx::query(ONE).bind(key).fetch_optional(&mut *self.0.conn).await?;
        row.map_or_else(|| Ok(Lockout::default()), |row| Row::of("lockout", &row).json("state"))
    }
}

impl<M> Authority<'_, M> {
    /// Whether somebody signed in from this network lately.
    pub async fn is_familiar_network(&mut self, tenant: TenantId, user: UserId, network: &str) -> Result<bool, StoreError> {
        let row = sqlx::query(IS_FAMILIAR)
            .bind(tenant.to_string())
            .bind(user.to_string())
            .bind(network)
            .fetch_optional(&mut *self.0.conn)
            .await?;
        Ok(row.is_some())
    }
}

impl Authority<'_, Write> {
    /// Remembers that somebody signed in from this network.
    pub async fn familiar_network(
        &mut self,
        tenant: TenantId,
        user: UserId,
        network: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(FAMILIAR)
            .bind(tenant.to_string())
            .bind(user.to_string())
            .bind(network)
            .bind(now.as_microsecond())
            .execute(&mut *self.0.conn)
            .await?;
        Ok(())
    }

    /// Keeps the wrong tries under a key.
    pub async fn set_lockout(&mut self, key: &str, lockout: &Lockout, now: Timestamp) -> Result<(), StoreError> {
        if lockout.is_clean() {
            return self.clear_lockout(key).await;
        }
        self.tried(key);
        sqlx::query(SET).bind(key).bind(json_text(lockout)).bind(now.as_microsecond()).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    fn tried(&mut self, key: &str) {
        if key.starts_with(CLIENTS) {
            self.0.touched(Area::ClientTries);
        }
    }

    /// Forgets the wrong tries under a key.
    pub async fn clear_lockout(&mut self, key: &str) -> Result<(), StoreError> {
        self.tried(key);
        sqlx::query(CLEAR).bind(key).execute(&mut *self.0.conn).await?;
        Ok(())
    }
}
