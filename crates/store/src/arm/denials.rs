//! Deny assignments.

use entrance_model::access::Denial;
use entrance_model::arm::Scope;
use entrance_model::id::{DenialId, TenantId};

use super::Arm;
use crate::error::StoreError;
use crate::feed::ChangeKind;
use crate::row::{Row, json_text};
use crate::session::Write;
use crate::sql::statements;

statements! {
    EVERY = "SELECT * FROM deny_assignment WHERE tenant = $1 ORDER BY scope_key, id";
    PUT = "INSERT INTO deny_assignment (tenant, id, scope_key, scope, name, description, permission, principals, excluded, only_here, created, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name, description = excluded.description, permission = excluded.permission, principals = excluded.principals, excluded = excluded.excluded, only_here = excluded.only_here";
    DELETE = "DELETE FROM deny_assignment WHERE tenant = $1 AND id = $2";
    BELOW = "DELETE FROM deny_assignment WHERE tenant = $1 AND (scope_key = $2 OR substr(scope_key, 1, length($2) + 1) = $2 || '/')";
}

fn read(row: &Row<'_>) -> Result<Denial, StoreError> {
    Ok(Denial {
        id: row.parsed("id")?,
        tenant: row.parsed("tenant")?,
        scope: row.parsed("scope")?,
        name: row.text("name")?,
        description: row.text("description")?,
        permission: row.json("permission")?,
        principals: row.json("principals")?,
        excluded: row.json("excluded")?,
        only_here: row.flag("only_here")?,
        created: row.time("created")?,
        created_by: row.maybe_parsed("created_by")?,
    })
}

impl<M> Arm<'_, M> {
    /// All deny assignments of a tenant, by scope.
    pub async fn denials(&mut self, tenant: TenantId) -> Result<Vec<Denial>, StoreError> {
        let rows = sqlx::query(EVERY).bind(tenant.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read(&Row::of("deny_assignment", row))).collect()
    }
}

impl Arm<'_, Write> {
    /// Makes or changes a deny assignment; its scope stays.
    pub async fn put_denial(&mut self, denial: &Denial) -> Result<(), StoreError> {
        sqlx::query(PUT)
            .bind(denial.tenant.to_string())
            .bind(denial.id.to_string())
            .bind(denial.scope.key())
            .bind(denial.scope.as_str())
            .bind(&denial.name)
            .bind(&denial.description)
            .bind(json_text(&denial.permission))
            .bind(json_text(&denial.principals))
            .bind(json_text(&denial.excluded))
            .bind(i64::from(denial.only_here))
            .bind(denial.created.as_microsecond())
            .bind(denial.created_by.map(|id| id.to_string()))
            .execute(&mut *self.0.conn)
            .await?;
        self.0.changed(ChangeKind::Access, denial.tenant, denial.id);
        Ok(())
    }

    /// Takes a deny assignment away.
    pub async fn delete_denial(&mut self, tenant: TenantId, id: DenialId) -> Result<(), StoreError> {
        sqlx::query(DELETE).bind(tenant.to_string()).bind(id.to_string()).execute(&mut *self.0.conn).await?;
        self.0.changed(ChangeKind::Access, tenant, id);
        Ok(())
    }

    /// Takes away what was denied at a place and below it, when the place is gone.
    pub(super) async fn delete_denials_below(&mut self, tenant: TenantId, scope: &Scope) -> Result<(), StoreError> {
        sqlx::query(BELOW).bind(tenant.to_string()).bind(scope.key()).execute(&mut *self.0.conn).await?;
        Ok(())
    }
}
