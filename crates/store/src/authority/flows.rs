//! Sign-ins in progress: sealed, because they hold what an application sent for its own eyes.

use entrance_model::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Authority, Versioned, swapped};
use crate::error::StoreError;
use crate::row::{Row, json_text};
use crate::session::Write;
use crate::sql::statements;

statements! {
    ONE = "SELECT version, state FROM signin_flow WHERE id = $1 AND until > $2";
    INSERT = "INSERT INTO signin_flow (id, version, state, until) VALUES ($1, 1, $2, $3)";
    SWAP = "UPDATE signin_flow SET state = $3, version = version + 1 WHERE id = $1 AND version = $2";
}

fn context(id: &str) -> String {
    format!("signin_flow/{id}")
}

impl<M> Authority<'_, M> {
    /// The flow with this id, while it lasts.
    pub async fn flow<T: DeserializeOwned>(&mut self, id: &str, now: Timestamp) -> Result<Option<Versioned<T>>, StoreError> {
        let row = sqlx::query(ONE).bind(id).bind(now.as_microsecond()).fetch_optional(&mut *self.0.conn).await?;
        let Some(row) = row else { return Ok(None) };
        let row = Row::of("signin_flow", &row);
        let text = self.0.seal.open(&row.bytes("state")?, context(id).as_bytes())?;
        let state = serde_json::from_slice(&text).map_err(|e| StoreError::Corrupt {
            table: "signin_flow",
            column: "state",
            why: e.to_string(),
        })?;
        Ok(Some(Versioned { state, version: row.int("version")? }))
    }
}

impl Authority<'_, Write> {
    /// Keeps a new flow.
    pub async fn insert_flow(&mut self, id: &str, flow: &impl Serialize, until: Timestamp) -> Result<(), StoreError> {
        let sealed = self.0.seal.seal(json_text(flow).as_bytes(), context(id).as_bytes())?;
        sqlx::query(INSERT).bind(id).bind(sealed).bind(until.as_microsecond()).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Changes a flow, if it is still as it was read.
    pub async fn swap_flow(&mut self, id: &str, version: i64, after: &impl Serialize) -> Result<(), StoreError> {
        let sealed = self.0.seal.seal(json_text(after).as_bytes(), context(id).as_bytes())?;
        let done = sqlx::query(SWAP).bind(id).bind(version).bind(sealed).execute(&mut *self.0.conn).await?;
        swapped(&done)
    }
}
