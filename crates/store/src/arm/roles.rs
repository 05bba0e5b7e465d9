//! Roles that people made.

use entrance_model::Timestamp;
use entrance_model::access::{RoleDefinition, RoleKind};
use entrance_model::arm::Scope;
use entrance_model::id::{PrincipalId, RoleId, TenantId};

use super::Arm;
use crate::error::StoreError;
use crate::feed::ChangeKind;
use crate::row::{Row, json_text};
use crate::session::Write;
use crate::sql::statements;

statements! {
    EVERY = "SELECT * FROM role_definition WHERE tenant = $1 ORDER BY name_key";
    ONE = "SELECT * FROM role_definition WHERE tenant = $1 AND id = $2";
    NAMED = "SELECT * FROM role_definition WHERE tenant = $1 AND name_key = $2";
    COUNT = "SELECT count(*) AS n FROM role_definition WHERE tenant = $1";
    PUT = "INSERT INTO role_definition (tenant, id, name_key, name, description, permissions, assignable, created, created_by, updated, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8, $9) ON CONFLICT (tenant, id) DO UPDATE SET name_key = excluded.name_key, name = excluded.name, description = excluded.description, permissions = excluded.permissions, assignable = excluded.assignable, updated = excluded.updated, updated_by = excluded.updated_by";
    DELETE = "DELETE FROM role_definition WHERE tenant = $1 AND id = $2";
}

/// A role that somebody made, and who made and changed it when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomRole {
    /// The role.
    pub role: RoleDefinition,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it.
    pub created_by: Option<PrincipalId>,
    /// When it was last changed.
    pub updated: Timestamp,
    /// Who changed it.
    pub updated_by: Option<PrincipalId>,
}

fn read(row: &Row<'_>) -> Result<CustomRole, StoreError> {
    let scopes: Vec<String> = row.json("assignable")?;
    let scopes: Result<Vec<Scope>, _> = scopes.iter().map(|text| text.parse()).collect();
    Ok(CustomRole {
        role: RoleDefinition {
            id: row.parsed("id")?,
            name: row.text("name")?,
            description: row.text("description")?,
            kind: RoleKind::Custom,
            permissions: row.json("permissions")?,
            assignable: scopes.map_err(|e| StoreError::Corrupt {
                table: "role_definition",
                column: "assignable",
                why: e.to_string(),
            })?,
        },
        created: row.time("created")?,
        created_by: row.maybe_parsed("created_by")?,
        updated: row.time("updated")?,
        updated_by: row.maybe_parsed("updated_by")?,
    })
}

impl<M> Arm<'_, M> {
    /// All custom roles of a tenant, by name.
    pub async fn custom_roles(&mut self, tenant: TenantId) -> Result<Vec<CustomRole>, StoreError> {
        let rows = sqlx::query(EVERY).bind(tenant.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read(&Row::of("role_definition", row))).collect()
    }

    /// One custom role.
    pub async fn custom_role(&mut self, tenant: TenantId, id: RoleId) -> Result<Option<CustomRole>, StoreError> {
        let row = sqlx::query(ONE).bind(tenant.to_string()).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read(&Row::of("role_definition", &row))).transpose()
    }

    /// The custom role with this name, without case.
    pub async fn custom_role_named(&mut self, tenant: TenantId, name: &str) -> Result<Option<CustomRole>, StoreError> {
        let row = sqlx::query(NAMED).bind(tenant.to_string()).bind(name.to_lowercase()).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read(&Row::of("role_definition", &row))).transpose()
    }

    /// How many custom roles there are.
    pub async fn count_custom_roles(&mut self, tenant: TenantId) -> Result<usize, StoreError> {
        let row = sqlx::query(COUNT).bind(tenant.to_string()).fetch_one(&mut *self.0.conn).await?;
        Ok(usize::try_from(Row::of("role_definition", &row).int("n")?).unwrap_or(usize::MAX))
    }
}

impl Arm<'_, Write> {
    /// Makes or changes a custom role. [`StoreError::Exists`] when another one has its name.
    pub async fn put_custom_role(
        &mut self,
        tenant: TenantId,
        role: &RoleDefinition,
        by: PrincipalId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let scopes: Vec<&str> = role.assignable.iter().map(Scope::as_str).collect();
        sqlx::query(PUT)
            .bind(tenant.to_string())
            .bind(role.id.to_string())
            .bind(role.name.to_lowercase())
            .bind(&role.name)
            .bind(&role.description)
            .bind(json_text(&role.permissions))
            .bind(json_text(&scopes))
            .bind(now.as_microsecond())
            .bind(by.to_string())
            .execute(&mut *self.0.conn)
            .await
            .map_err(|e| StoreError::from(e).naming("role"))?;
        self.0.changed(ChangeKind::Access, tenant, role.id);
        Ok(())
    }

    /// Deletes a custom role.
    pub async fn delete_custom_role(&mut self, tenant: TenantId, id: RoleId) -> Result<(), StoreError> {
        sqlx::query(DELETE).bind(tenant.to_string()).bind(id.to_string()).execute(&mut *self.0.conn).await?;
        self.0.changed(ChangeKind::Access, tenant, id);
        Ok(())
    }
}
