//! Authorization codes.

use entrance_model::Timestamp;
use entrance_model::signin::code::AuthorizationCode;

use super::{Authority, Versioned, swapped};
use crate::error::StoreError;
use crate::row::{Row, json_text};
use crate::session::Write;
use crate::sql::statements;

statements! {
    ONE = "SELECT version, state FROM authorization_code WHERE hash = $1";
    INSERT = "INSERT INTO authorization_code (hash, version, state, until) VALUES ($1, 1, $2, $3)";
    SWAP = "UPDATE authorization_code SET state = $3, version = version + 1 WHERE hash = $1 AND version = $2";
}

impl<M> Authority<'_, M> {
    /// The code with this hash.
    pub async fn code(&mut self, hash: &str) -> Result<Option<Versioned<AuthorizationCode>>, StoreError> {
        let row = sqlx::query(ONE).bind(hash).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| {
            let row = Row::of("authorization_code", &row);
            Ok(Versioned { state: row.json("state")?, version: row.int("version")? })
        })
        .transpose()
    }
}

impl Authority<'_, Write> {
    /// Keeps a new code.
    pub async fn insert_code(&mut self, hash: &str, code: &AuthorizationCode, until: Timestamp) -> Result<(), StoreError> {
        sqlx::query(INSERT).bind(hash).bind(json_text(code)).bind(until.as_microsecond()).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Changes a code, if it is still as it was read.
    pub async fn swap_code(&mut self, hash: &str, version: i64, after: &AuthorizationCode) -> Result<(), StoreError> {
        let done = sqlx::query(SWAP).bind(hash).bind(version).bind(json_text(after)).execute(&mut *self.0.conn).await?;
        swapped(&done)
    }
}
