//! Temporary passes: one per person, used once by compare-and-swap.

use entrance_model::Timestamp;
use entrance_model::id::{CredentialId, TenantId, UserId};
use entrance_model::signin::temporary_pass::TemporaryPass;

use super::{Authority, swapped};
use crate::error::StoreError;
use crate::row::Row;
use crate::session::Write;
use crate::sql::statements;

statements! {
    OF_USER = "SELECT id, user, hash, created, starts, ends, used FROM temporary_pass WHERE tenant = $1 AND user = $2";
    SET = "INSERT INTO temporary_pass (tenant, user, id, hash, created, starts, ends, used) VALUES ($1, $2, $3, $4, $5, $6, $7, NULL) ON CONFLICT (tenant, user) DO UPDATE SET id = excluded.id, hash = excluded.hash, created = excluded.created, starts = excluded.starts, ends = excluded.ends, used = NULL";
    USE = "UPDATE temporary_pass SET used = $3 WHERE tenant = $1 AND id = $2 AND used IS NULL";
    DROP = "DELETE FROM temporary_pass WHERE tenant = $1 AND user = $2";
}

impl<M> Authority<'_, M> {
    /// The pass of a person, and the hash of its code.
    pub async fn pass_of(&mut self, tenant: TenantId, user: UserId) -> Result<Option<(TemporaryPass, String)>, StoreError> {
        let row = sqlx::query(OF_USER).bind(tenant.to_string()).bind(user.to_string()).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| {
            let row = Row::of("temporary_pass", &row);
            let pass = TemporaryPass {
                id: row.parsed("id")?,
                user: row.parsed("user")?,
                created: row.time("created")?,
                starts: row.time("starts")?,
                ends: row.time("ends")?,
                used: row.maybe_time("used")?,
            };
            Ok((pass, row.text("hash")?))
        })
        .transpose()
    }
}

impl Authority<'_, Write> {
    /// Gives a person a pass; one they had before is worth nothing from now on.
    pub async fn set_pass(&mut self, tenant: TenantId, pass: &TemporaryPass, hash: &str) -> Result<(), StoreError> {
        sqlx::query(SET)
            .bind(tenant.to_string())
            .bind(pass.user.to_string())
            .bind(pass.id.to_string())
            .bind(hash)
            .bind(pass.created.as_microsecond())
            .bind(pass.starts.as_microsecond())
            .bind(pass.ends.as_microsecond())
            .execute(&mut *self.0.conn)
            .await?;
        Ok(())
    }

    /// Uses a pass up; a conflict when it was used or replaced meanwhile.
    pub async fn use_pass(&mut self, tenant: TenantId, id: CredentialId, now: Timestamp) -> Result<(), StoreError> {
        let query = sqlx::query(USE).bind(tenant.to_string()).bind(id.to_string()).bind(now.as_microsecond());
        swapped(&query.execute(&mut *self.0.conn).await?)
    }

    /// Takes a person's pass away.
    pub async fn drop_pass(&mut self, tenant: TenantId, user: UserId) -> Result<(), StoreError> {
        sqlx::query(DROP).bind(tenant.to_string()).bind(user.to_string()).execute(&mut *self.0.conn).await?;
        Ok(())
    }
}
