//! Which applications processes of this machine are (S-270). What they show is kept as its hash.

use entrance_model::id::{CredentialId, PrincipalId, TenantId};
use entrance_model::signin::managed_identity::ManagedIdentity;
use sqlx::sqlite::SqliteRow;

use super::Authority;
use crate::error::StoreError;
use crate::row::Row;
use crate::session::Write;
use crate::sql::statements;

statements! {
    ALL_OF = "SELECT tenant, id, name, principal, header, created, created_by FROM managed_identity WHERE tenant = $1 ORDER BY name";
    BY_HEADER = "SELECT tenant, id, name, principal, header, created, created_by FROM managed_identity WHERE header = $1";
    FOR_EVERYBODY = "SELECT tenant, id, name, principal, header, created, created_by FROM managed_identity WHERE header IS NULL ORDER BY tenant, name";
    INSERT = "INSERT INTO managed_identity (tenant, id, name, principal, header, created, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    DELETE = "DELETE FROM managed_identity WHERE tenant = $1 AND id = $2";
}

fn read(row: &SqliteRow) -> Result<ManagedIdentity, StoreError> {
    let row = Row::of("managed_identity", row);
    Ok(ManagedIdentity {
        tenant: row.parsed("tenant")?,
        id: row.parsed("id")?,
        name: row.text("name")?,
        principal: row.parsed::<PrincipalId>("principal")?.as_service_principal(),
        needs_header: row.maybe_text("header")?.is_some(),
        created: row.time("created")?,
        created_by: row.maybe_parsed("created_by")?,
    })
}

impl<M> Authority<'_, M> {
    /// The identities of a directory, by name.
    pub async fn managed_identities(&mut self, tenant: TenantId) -> Result<Vec<ManagedIdentity>, StoreError> {
        let rows = sqlx::query(ALL_OF).bind(tenant.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(read).collect()
    }

    /// The identity of whoever shows what has this hash.
    pub async fn managed_identity_of(&mut self, header: &str) -> Result<Option<ManagedIdentity>, StoreError> {
        let row = sqlx::query(BY_HEADER).bind(header).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read(&row)).transpose()
    }

    /// The identities that every process of this machine has.
    pub async fn managed_identities_for_everybody(&mut self) -> Result<Vec<ManagedIdentity>, StoreError> {
        let rows = sqlx::query(FOR_EVERYBODY).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(read).collect()
    }
}

impl Authority<'_, Write> {
    /// Adds an identity; `header` is the hash of what its processes show. A conflict names `name` when it is taken.
    pub async fn add_managed_identity(&mut self, one: &ManagedIdentity, header: Option<&str>) -> Result<(), StoreError> {
        sqlx::query(INSERT)
            .bind(one.tenant.to_string())
            .bind(one.id.to_string())
            .bind(&one.name)
            .bind(one.principal.to_string())
            .bind(header)
            .bind(one.created.as_microsecond())
            .bind(one.created_by.map(|by| by.to_string()))
            .execute(&mut *self.0.conn)
            .await
            .map_err(|e| StoreError::from(e).naming("name"))?;
        Ok(())
    }

    /// Takes an identity away.
    pub async fn remove_managed_identity(&mut self, tenant: TenantId, id: CredentialId) -> Result<(), StoreError> {
        sqlx::query(DELETE).bind(tenant.to_string()).bind(id.to_string()).execute(&mut *self.0.conn).await?;
        Ok(())
    }
}
