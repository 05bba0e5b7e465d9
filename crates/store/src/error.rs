//! What can go wrong when something is remembered or recalled.

use std::sync::Arc;

use crate::seal::SealError;

/// Why the store could not do it. Nothing was changed when a write returns one of these.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A unique name or id exists already.
    #[error("`{0}` exists already")]
    Exists(&'static str),
    /// The name is held for another object, under which that one entered a cluster.
    #[error("`{0}` was used in a cluster by another object and is held for it; release it with `entrance user release-name`")]
    HeldName(String),
    /// The id was that of an object that is gone. Ids are never used again.
    #[error("`{0}` was the id of an object that was deleted; ids are not used again")]
    RetiredId(String),
    /// Somebody else changed the row first.
    #[error("somebody else was first; read it again")]
    Conflict,
    /// The disk is full, or the data directory cannot be written.
    #[error("the data directory cannot be written: {0}")]
    NotWritable(String),
    /// The database was written by a newer Entrance.
    #[error(
        "the data directory belongs to a newer version of Entrance (schema {found}, this program knows {known}); install that version or a later one"
    )]
    Newer {
        /// Schema version in the file.
        found: i64,
        /// Newest version this program knows.
        known: i64,
    },
    /// The database was written by an older Entrance and is only looked at.
    #[error(
        "the data directory belongs to an older version of Entrance (schema {found}, this program knows {known}); start `entrance serve` on it once"
    )]
    Older {
        /// Schema version in the file.
        found: i64,
        /// Newest version this program knows.
        known: i64,
    },
    /// A stored value does not fit its type.
    #[error("table `{table}`, column `{column}`: the stored value cannot be read ({why})")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A sealed value could not be opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The engine failed.
    #[error("the database failed")]
    Engine(#[source] Arc<sqlx::Error>),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(inner) = &error {
            if inner.is_unique_violation() {
                return Self::Exists("row");
            }
            // SQLITE_READONLY (8), SQLITE_IOERR (10), SQLITE_FULL (13), SQLITE_CANTOPEN (14) in the low byte.
            let code = inner.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or(0) & 0xff;
            if matches!(code, 8 | 10 | 13 | 14) {
                return Self::NotWritable(inner.message().to_owned());
            }
        }
        Self::Engine(Arc::new(error))
    }
}

impl StoreError {
    /// Names what exists already, where a unique rule said no.
    #[must_use]
    pub fn naming(self, what: &'static str) -> Self {
        match self {
            Self::Exists(_) => Self::Exists(what),
            other => other,
        }
    }
}
