//! From a row to a value that cannot be wrong; a value that does not fit names its table and column.

use std::fmt::Display;
use std::str::FromStr;

use entrance_model::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::error::StoreError;

/// A row of a known table.
pub(crate) struct Row<'r> {
    table: &'static str,
    row: &'r SqliteRow,
}

impl<'r> Row<'r> {
    pub(crate) const fn of(table: &'static str, row: &'r SqliteRow) -> Self {
        Self { table, row }
    }

    fn corrupt(&self, column: &'static str, why: &impl Display) -> StoreError {
        StoreError::Corrupt { table: self.table, column, why: why.to_string() }
    }

    pub(crate) fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.row.try_get(column).map_err(|e| self.corrupt(column, &e))
    }

    pub(crate) fn maybe_text(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.row.try_get(column).map_err(|e| self.corrupt(column, &e))
    }

    pub(crate) fn bytes(&self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        self.row.try_get(column).map_err(|e| self.corrupt(column, &e))
    }

    pub(crate) fn maybe_bytes(&self, column: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        self.row.try_get(column).map_err(|e| self.corrupt(column, &e))
    }

    pub(crate) fn int(&self, column: &'static str) -> Result<i64, StoreError> {
        self.row.try_get(column).map_err(|e| self.corrupt(column, &e))
    }

    pub(crate) fn maybe_int(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        self.row.try_get(column).map_err(|e| self.corrupt(column, &e))
    }

    pub(crate) fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    /// A value that is stored as its text: an id, a UPN.
    pub(crate) fn parsed<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.text(column)?.parse().map_err(|e| self.corrupt(column, &e))
    }

    /// The same, where there may be none.
    pub(crate) fn maybe_parsed<T>(&self, column: &'static str) -> Result<Option<T>, StoreError>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.maybe_text(column)?.map(|text| text.parse().map_err(|e| self.corrupt(column, &e))).transpose()
    }

    /// JSON text, where there may be none.
    pub(crate) fn maybe_json<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        self.maybe_text(column)?.map(|text| serde_json::from_str(&text).map_err(|e| self.corrupt(column, &e))).transpose()
    }

    /// A value that is stored as JSON text.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(column)?).map_err(|e| self.corrupt(column, &e))
    }

    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        Timestamp::from_microsecond(self.int(column)?).map_err(|e| self.corrupt(column, &e))
    }

    pub(crate) fn maybe_time(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        self.maybe_int(column)?.map(|us| Timestamp::from_microsecond(us).map_err(|e| self.corrupt(column, &e))).transpose()
    }
}

/// JSON text of a value of ours; such values always serialise.
pub(crate) fn json_text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("our own types have only text keys")
}
