//! Issuers that a directory trusts (S-242).

use entrance_model::id::{CredentialId, TenantId};
use entrance_model::signin::federation::issuer::TrustedIssuer;
use sqlx::sqlite::SqliteRow;

use super::Authority;
use crate::error::StoreError;
use crate::row::{Row, json_text};
use crate::session::Write;
use crate::sql::statements;

statements! {
    ALL_OF = "SELECT id, issuer, source, description, created, created_by FROM trusted_issuer WHERE tenant = $1 ORDER BY issuer";
    NAMED = "SELECT id, issuer, source, description, created, created_by FROM trusted_issuer WHERE tenant = $1 AND issuer = $2";
    INSERT = "INSERT INTO trusted_issuer (tenant, id, issuer, source, description, created, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    DELETE = "DELETE FROM trusted_issuer WHERE tenant = $1 AND id = $2";
}

fn read(row: &SqliteRow) -> Result<TrustedIssuer, StoreError> {
    let row = Row::of("trusted_issuer", row);
    Ok(TrustedIssuer {
        id: row.parsed("id")?,
        issuer: row.text("issuer")?,
        source: row.json("source")?,
        description: row.maybe_text("description")?,
        created: row.time("created")?,
        created_by: row.maybe_parsed("created_by")?,
    })
}

impl<M> Authority<'_, M> {
    /// The list of a directory.
    pub async fn trusted_issuers(&mut self, tenant: TenantId) -> Result<Vec<TrustedIssuer>, StoreError> {
        let rows = sqlx::query(ALL_OF).bind(tenant.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(read).collect()
    }

    /// The entry with exactly this issuer.
    pub async fn trusted_issuer(&mut self, tenant: TenantId, issuer: &str) -> Result<Option<TrustedIssuer>, StoreError> {
        let row = sqlx::query(NAMED).bind(tenant.to_string()).bind(issuer).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read(&row)).transpose()
    }
}

impl Authority<'_, Write> {
    /// Puts an issuer on the list; a conflict names `issuer` when it is there.
    pub async fn trust_issuer(&mut self, tenant: TenantId, one: &TrustedIssuer) -> Result<(), StoreError> {
        sqlx::query(INSERT)
            .bind(tenant.to_string())
            .bind(one.id.to_string())
            .bind(&one.issuer)
            .bind(json_text(&one.source))
            .bind(&one.description)
            .bind(one.created.as_microsecond())
            .bind(one.created_by.map(|by| by.to_string()))
            .execute(&mut *self.0.conn)
            .await
            .map_err(|e| StoreError::from(e).naming("issuer"))?;
        Ok(())
    }

    /// Takes an issuer off the list.
    pub async fn distrust_issuer(&mut self, tenant: TenantId, id: CredentialId) -> Result<(), StoreError> {
        sqlx::query(DELETE).bind(tenant.to_string()).bind(id.to_string()).execute(&mut *self.0.conn).await?;
        Ok(())
    }
}
