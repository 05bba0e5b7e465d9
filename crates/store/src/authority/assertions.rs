//! Client assertions are used once (S-241); the same text may come again within a minute, because a client library
//! keeps it that long.

use entrance_model::Timestamp;

use super::Authority;
use crate::error::StoreError;
use crate::row::Row;
use crate::session::Write;
use crate::sql::statements;

statements! {
    ONE = "SELECT hash, at FROM used_assertion WHERE client = $1 AND jti = $2";
    INSERT = "INSERT INTO used_assertion (client, jti, hash, at, until) VALUES ($1, $2, $3, $4, $5)";
}

impl Authority<'_, Write> {
    /// Remembers an assertion. `None` when it is new; else the hash and time of its first use.
    pub async fn use_assertion(
        &mut self,
        client: &str,
        jti: &str,
        hash: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<(String, Timestamp)>, StoreError> {
        if let Some(row) = sqlx::query(ONE).bind(client).bind(jti).fetch_optional(&mut *self.0.conn).await? {
            let row = Row::of("used_assertion", &row);
            return Ok(Some((row.text("hash")?, row.time("at")?)));
        }
        sqlx::query(INSERT)
            .bind(client)
            .bind(jti)
            .bind(hash)
            .bind(now.as_microsecond())
            .bind(until.as_microsecond())
            .execute(&mut *self.0.conn)
            .await?;
        Ok(None)
    }
}
