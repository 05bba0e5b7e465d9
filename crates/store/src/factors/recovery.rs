//! Recovery codes: hashes, each good once.

use entrance_model::Timestamp;
use entrance_model::id::{TenantId, UserId};

use super::Factors;
use crate::error::StoreError;
use crate::session::Write;
use crate::sql::statements;

statements! {
    INSERT = "INSERT INTO recovery_code (tenant, user, hash, used) VALUES ($1, $2, $3, NULL)";
    USE = "UPDATE recovery_code SET used = $4 WHERE tenant = $1 AND user = $2 AND hash = $3 AND used IS NULL";
    REMOVE = "DELETE FROM recovery_code WHERE tenant = $1 AND user = $2";
}

impl Factors<'_, Write> {
    /// Replaces the recovery codes of a person: the old ones are good for nothing any more.
    pub async fn replace_recovery_codes(&mut self, tenant: TenantId, user: UserId, hashes: &[String]) -> Result<(), StoreError> {
        self.remove_recovery_codes(tenant, user).await?;
        for hash in hashes {
            let query = sqlx::query(INSERT).bind(tenant.to_string()).bind(user.to_string()).bind(hash);
            query.execute(&mut *self.0.conn).await?;
        }
        Ok(())
    }

    /// Uses a code up; tells whether it was one, and unused.
    pub async fn use_recovery_code(
        &mut self,
        tenant: TenantId,
        user: UserId,
        hash: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let query = sqlx::query(USE).bind(tenant.to_string()).bind(user.to_string()).bind(hash).bind(now.as_microsecond());
        Ok(query.execute(&mut *self.0.conn).await?.rows_affected() == 1)
    }

    pub(super) async fn remove_recovery_codes(&mut self, tenant: TenantId, user: UserId) -> Result<(), StoreError> {
        sqlx::query(REMOVE).bind(tenant.to_string()).bind(user.to_string()).execute(&mut *self.0.conn).await?;
        Ok(())
    }
}
