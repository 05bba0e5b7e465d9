//! Small facts about this installation, by name.

use sqlx::Row as _;

use crate::error::StoreError;
use crate::session::{Scope, Write};
use crate::sql::statements;

statements! {
    GET = "SELECT value FROM setting WHERE name = $1";
    SET = "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
}

/// The settings.
pub struct Settings<'s, M>(pub(crate) Scope<'s, M>);

impl<M> Settings<'_, M> {
    /// The value under this name.
    pub async fn get(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query(GET).bind(name).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| row.try_get("value").map_err(StoreError::from)).transpose()
    }
}

impl Settings<'_, Write> {
    /// Sets the value under this name.
    pub async fn set(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        sqlx::query(SET).bind(name).bind(value).execute(&mut *self.0.conn).await?;
        Ok(())
    }
}
