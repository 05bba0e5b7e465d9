//! Device sign-ins, found by the device's code or by what the person types.

use entrance_model::Timestamp;
use entrance_model::signin::device::DeviceGrant;

use super::{Authority, Versioned, swapped};
use crate::error::StoreError;
use crate::row::{Row, json_text};
use crate::session::Write;
use crate::sql::statements;

statements! {
    ONE = "SELECT version, state FROM device_grant WHERE hash = $1";
    BY_USER_CODE = "SELECT hash, version, state FROM device_grant WHERE user_code = $1";
    INSERT = "INSERT INTO device_grant (hash, user_code, version, state, until) VALUES ($1, $2, 1, $3, $4)";
    SWAP = "UPDATE device_grant SET state = $3, version = version + 1 WHERE hash = $1 AND version = $2";
}

impl<M> Authority<'_, M> {
    /// The grant of a device code.
    pub async fn device_grant(&mut self, hash: &str) -> Result<Option<Versioned<DeviceGrant>>, StoreError> {
        let row = sqlx::query(ONE).bind(hash).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| {
            let row = Row::of("device_grant", &row);
            Ok(Versioned { state: row.json("state")?, version: row.int("version")? })
        })
        .transpose()
    }

    /// The grant of a user code, with the hash of its device code.
    pub async fn device_grant_by_user_code(
        &mut self,
        hash: &str,
    ) -> Result<Option<(String, Versioned<DeviceGrant>)>, StoreError> {
        let row = sqlx::query(BY_USER_CODE).bind(hash).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| {
            let row = Row::of("device_grant", &row);
            Ok((row.text("hash")?, Versioned { state: row.json("state")?, version: row.int("version")? }))
        })
        .transpose()
    }
}

impl Authority<'_, Write> {
    /// Keeps a new grant. A user code that is taken is `Exists`: make another.
    pub async fn insert_device_grant(
        &mut self,
        hash: &str,
        user_code: &str,
        grant: &DeviceGrant,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(INSERT)
            .bind(hash)
            .bind(user_code)
            .bind(json_text(grant))
            .bind(until.as_microsecond())
            .execute(&mut *self.0.conn)
            .await
            .map_err(|e| StoreError::from(e).naming("user code"))?;
        Ok(())
    }

    /// Changes a grant, if it is still as it was read.
    pub async fn swap_device_grant(&mut self, hash: &str, version: i64, after: &DeviceGrant) -> Result<(), StoreError> {
        let done = sqlx::query(SWAP).bind(hash).bind(version).bind(json_text(after)).execute(&mut *self.0.conn).await?;
        swapped(&done)
    }
}
