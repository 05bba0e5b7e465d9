//! Passkeys. What the library knows of a key is kept as its own JSON; a change names the version that was read, so that
//! two answers at once cannot both count with one counter.

use entrance_model::Timestamp;
use entrance_model::id::{MethodId, TenantId, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Factors;
use crate::error::StoreError;
use crate::row::{Row, json_text};
use crate::session::Write;
use crate::sql::statements;

statements! {
    OF_USER = "SELECT id, user, version, state, alarmed FROM passkey WHERE tenant = $1 AND user = $2 ORDER BY created, id";
    BY_CREDENTIAL = "SELECT id, user, version, state, alarmed FROM passkey WHERE tenant = $1 AND credential = $2";
    INSERT = "INSERT INTO passkey (tenant, id, user, credential, name, version, state, created) VALUES ($1, $2, $3, $4, $5, 1, $6, $7)";
    USED = "UPDATE passkey SET state = $4, version = version + 1, used = $5 WHERE tenant = $1 AND id = $2 AND version = $3 AND alarmed IS NULL";
    ALARM = "UPDATE passkey SET alarmed = $3 WHERE tenant = $1 AND id = $2 AND alarmed IS NULL";
    RENAME = "UPDATE passkey SET name = $4 WHERE tenant = $1 AND user = $2 AND id = $3";
}

/// A passkey as it was read.
pub struct KeptPasskey<T> {
    /// Its id.
    pub id: MethodId,
    /// Whose it is.
    pub user: UserId,
    /// What a change has to name.
    pub version: i64,
    /// What is known of the key.
    pub state: T,
    /// When it was refused because a copy of it may exist.
    pub alarmed: Option<Timestamp>,
}

fn read<T: DeserializeOwned>(row: &Row<'_>) -> Result<KeptPasskey<T>, StoreError> {
    Ok(KeptPasskey {
        id: row.parsed("id")?,
        user: row.parsed("user")?,
        version: row.int("version")?,
        state: row.json("state")?,
        alarmed: row.maybe_time("alarmed")?,
    })
}

impl<M> Factors<'_, M> {
    /// All passkeys of a person.
    pub async fn passkeys<T: DeserializeOwned>(
        &mut self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<Vec<KeptPasskey<T>>, StoreError> {
        let rows = sqlx::query(OF_USER).bind(tenant.to_string()).bind(user.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read(&Row::of("passkey", row))).collect()
    }

    /// The passkey with this credential id.
    pub async fn passkey<T: DeserializeOwned>(
        &mut self,
        tenant: TenantId,
        credential: &str,
    ) -> Result<Option<KeptPasskey<T>>, StoreError> {
        let row = sqlx::query(BY_CREDENTIAL).bind(tenant.to_string()).bind(credential).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read(&Row::of("passkey", &row))).transpose()
    }
}

impl Factors<'_, Write> {
    /// Keeps a new passkey; one that is known already, whoever's it is, is refused.
    #[expect(clippy::too_many_arguments, reason = "a row has so many columns")]
    pub async fn insert_passkey(
        &mut self,
        tenant: TenantId,
        user: UserId,
        id: MethodId,
        credential: &str,
        name: &str,
        state: &impl Serialize,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(INSERT)
            .bind(tenant.to_string())
            .bind(id.to_string())
            .bind(user.to_string())
            .bind(credential)
            .bind(name)
            .bind(json_text(state))
            .bind(now.as_microsecond())
            .execute(&mut *self.0.conn)
            .await
            .map_err(|e| StoreError::from(e).naming("passkey"))?;
        Ok(())
    }

    /// Keeps what a use of a passkey changed, if it is still as it was read and good.
    pub async fn passkey_used<T: Serialize>(
        &mut self,
        tenant: TenantId,
        passkey: &KeptPasskey<T>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let done = sqlx::query(USED)
            .bind(tenant.to_string())
            .bind(passkey.id.to_string())
            .bind(passkey.version)
            .bind(json_text(&passkey.state))
            .bind(now.as_microsecond())
            .execute(&mut *self.0.conn)
            .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    }

    /// Refuses a passkey from now on; tells whether it was good until now.
    pub async fn alarm_passkey(&mut self, tenant: TenantId, id: MethodId, now: Timestamp) -> Result<bool, StoreError> {
        let query = sqlx::query(ALARM).bind(tenant.to_string()).bind(id.to_string()).bind(now.as_microsecond());
        Ok(query.execute(&mut *self.0.conn).await?.rows_affected() == 1)
    }

    /// Gives a passkey of a person another name. One that is gone is a conflict.
    pub async fn rename_passkey(&mut self, tenant: TenantId, user: UserId, id: MethodId, name: &str) -> Result<(), StoreError> {
        let query = sqlx::query(RENAME).bind(tenant.to_string()).bind(user.to_string()).bind(id.to_string()).bind(name);
        if query.execute(&mut *self.0.conn).await?.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    }
}
