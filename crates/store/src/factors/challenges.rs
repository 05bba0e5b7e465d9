//! Challenges that were answered. They are handed out sealed, so only answered ones are kept, until they end by themselves.

use entrance_model::Timestamp;

use super::Factors;
use crate::error::StoreError;
use crate::session::Write;
use crate::sql::statements;

statements! {
    USE = "INSERT INTO used_challenge (hash, until) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING";
}

impl Factors<'_, Write> {
    /// Uses a challenge up. One that was used before is a conflict.
    pub async fn use_challenge(&mut self, hash: &str, until: Timestamp) -> Result<(), StoreError> {
        let done = sqlx::query(USE).bind(hash).bind(until.as_microsecond()).execute(&mut *self.0.conn).await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    }
}
