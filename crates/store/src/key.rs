//! Private keys at rest: sealed, with their certificate beside them.

use entrance_model::Timestamp;
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::row::Row;
use crate::session::{Scope, Write};
use crate::sql::statements;

/// A private key with its certificate.
pub struct SealedKey {
    /// Name within its purpose, such as the `kid`.
    pub name: String,
    /// PKCS#8, DER.
    pub private: Zeroizing<Vec<u8>>,
    /// Certificate, DER.
    pub certificate: Vec<u8>,
    /// When it was made.
    pub created: Timestamp,
    /// When it may be used first.
    pub starts: Timestamp,
    /// When it is used no more.
    pub ends: Option<Timestamp>,
}

statements! {
    ALL_OF = "SELECT name, private, certificate, created, starts, ends FROM sealed_key WHERE purpose = $1 ORDER BY starts, name";
    INSERT = "INSERT INTO sealed_key (purpose, name, private, certificate, created, starts, ends) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    DELETE = "DELETE FROM sealed_key WHERE purpose = $1 AND name = $2";
    START = "UPDATE sealed_key SET starts = $3 WHERE purpose = $1 AND name = $2";
    END = "UPDATE sealed_key SET ends = $3 WHERE purpose = $1 AND name = $2";
}

/// The keys.
pub struct Keys<'s, M>(pub(crate) Scope<'s, M>);

fn context(purpose: &str, name: &str) -> String {
    format!("sealed_key/{purpose}/{name}")
}

impl<M> Keys<'_, M> {
    /// All keys of a purpose, in the order of their start.
    pub async fn all(&mut self, purpose: &str) -> Result<Vec<SealedKey>, StoreError> {
        let rows = sqlx::query(ALL_OF).bind(purpose).fetch_all(&mut *self.0.conn).await?;
        rows.iter()
            .map(|row| {
                let row = Row::of("sealed_key", row);
                let name = row.text("name")?;
                Ok(SealedKey {
                    private: self.0.seal.open(&row.bytes("private")?, context(purpose, &name).as_bytes())?,
                    certificate: row.bytes("certificate")?,
                    created: row.time("created")?,
                    starts: row.time("starts")?,
                    ends: row.maybe_time("ends")?,
                    name,
                })
            })
            .collect()
    }
}

impl Keys<'_, Write> {
    /// Keeps a new key.
    pub async fn insert(&mut self, purpose: &str, key: &SealedKey) -> Result<(), StoreError> {
        let sealed = self.0.seal.seal(&key.private, context(purpose, &key.name).as_bytes())?;
        sqlx::query(INSERT)
            .bind(purpose)
            .bind(&key.name)
            .bind(sealed)
            .bind(&key.certificate)
            .bind(key.created.as_microsecond())
            .bind(key.starts.as_microsecond())
            .bind(key.ends.map(Timestamp::as_microsecond))
            .execute(&mut *self.0.conn)
            .await
            .map_err(|e| StoreError::from(e).naming("key"))?;
        Ok(())
    }

    /// Sets when a key may be used first.
    pub async fn start(&mut self, purpose: &str, name: &str, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query(START).bind(purpose).bind(name).bind(at.as_microsecond()).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Sets when a key is used no more.
    pub async fn end(&mut self, purpose: &str, name: &str, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query(END).bind(purpose).bind(name).bind(at.as_microsecond()).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Forgets a key.
    pub async fn delete(&mut self, purpose: &str, name: &str) -> Result<(), StoreError> {
        sqlx::query(DELETE).bind(purpose).bind(name).execute(&mut *self.0.conn).await?;
        Ok(())
    }
}
