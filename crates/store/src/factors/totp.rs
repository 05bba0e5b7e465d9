//! Authenticator apps: one per person, its secret sealed, and the last step whose code was used.

use entrance_model::Timestamp;
use entrance_model::id::{MethodId, TenantId, UserId};
use zeroize::Zeroizing;

use super::Factors;
use crate::error::StoreError;
use crate::row::Row;
use crate::session::Write;
use crate::sql::statements;

statements! {
    ONE = "SELECT id, secret, step FROM totp WHERE tenant = $1 AND user = $2";
    SET = "INSERT INTO totp (tenant, user, id, secret, step, created, used) VALUES ($1, $2, $3, $4, $5, $6, NULL) ON CONFLICT (tenant, user) DO UPDATE SET id = excluded.id, secret = excluded.secret, step = excluded.step, created = excluded.created, used = NULL";
    USE = "UPDATE totp SET step = $3, used = $4 WHERE tenant = $1 AND user = $2 AND step < $3";
}

/// The secret of an authenticator app.
pub struct KeptTotp {
    /// Its id.
    pub id: MethodId,
    /// The secret that it shares with us.
    pub secret: Zeroizing<Vec<u8>>,
    /// The last step whose code was used.
    pub step: i64,
}

fn context(tenant: TenantId, user: UserId) -> String {
    format!("totp/{tenant}/{user}")
}

impl<M> Factors<'_, M> {
    /// The authenticator app of a person.
    pub async fn totp(&mut self, tenant: TenantId, user: UserId) -> Result<Option<KeptTotp>, StoreError> {
        let row = sqlx::query(ONE).bind(tenant.to_string()).bind(user.to_string()).fetch_optional(&mut *self.0.conn).await?;
        let Some(row) = row else { return Ok(None) };
        let row = Row::of("totp", &row);
        let secret = self.0.seal.open(&row.bytes("secret")?, context(tenant, user).as_bytes())?;
        Ok(Some(KeptTotp { id: row.parsed("id")?, secret, step: row.int("step")? }))
    }
}

impl Factors<'_, Write> {
    /// Keeps the authenticator app of a person, in place of the one they had.
    pub async fn set_totp(&mut self, tenant: TenantId, user: UserId, totp: &KeptTotp, now: Timestamp) -> Result<(), StoreError> {
        let sealed = self.0.seal.seal(&totp.secret, context(tenant, user).as_bytes())?;
        sqlx::query(SET)
            .bind(tenant.to_string())
            .bind(user.to_string())
            .bind(totp.id.to_string())
            .bind(sealed)
            .bind(totp.step)
            .bind(now.as_microsecond())
            .execute(&mut *self.0.conn)
            .await?;
        Ok(())
    }

    /// Uses a step up, and all before it; tells whether it was still unused.
    pub async fn use_totp_step(&mut self, tenant: TenantId, user: UserId, step: i64, now: Timestamp) -> Result<bool, StoreError> {
        let query = sqlx::query(USE).bind(tenant.to_string()).bind(user.to_string()).bind(step).bind(now.as_microsecond());
        Ok(query.execute(&mut *self.0.conn).await?.rows_affected() == 1)
    }
}
