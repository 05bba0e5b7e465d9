//! Role assignments.

use entrance_model::access::Assignment;
use entrance_model::arm::Scope;
use entrance_model::id::{AssignmentId, PrincipalId, RoleId, TenantId};

use super::Arm;
use crate::error::StoreError;
use crate::feed::ChangeKind;
use crate::row::Row;
use crate::session::Write;
use crate::sql::statements;

statements! {
    EVERY = "SELECT * FROM role_assignment WHERE tenant = $1 ORDER BY scope_key, id";
    ONE = "SELECT * FROM role_assignment WHERE tenant = $1 AND id = $2";
    SAME = "SELECT * FROM role_assignment WHERE tenant = $1 AND scope_key = $2 AND principal = $3 AND role = $4";
    INSERT = "INSERT INTO role_assignment (id, tenant, scope_key, scope, role, principal, principal_type, description, condition, created, created_by, updated, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    UPDATE = "UPDATE role_assignment SET description = $3, condition = $4, updated = $5, updated_by = $6 WHERE tenant = $1 AND id = $2";
    DELETE = "DELETE FROM role_assignment WHERE tenant = $1 AND id = $2";
    BELOW = "DELETE FROM role_assignment WHERE tenant = $1 AND (scope_key = $2 OR substr(scope_key, 1, length($2) + 1) = $2 || '/')";
}

fn read(row: &Row<'_>) -> Result<Assignment, StoreError> {
    Ok(Assignment {
        id: row.parsed("id")?,
        tenant: row.parsed("tenant")?,
        scope: row.parsed("scope")?,
        role: row.parsed("role")?,
        principal: row.parsed("principal")?,
        principal_type: row.parsed("principal_type")?,
        description: row.maybe_text("description")?,
        condition: row.maybe_text("condition")?,
        created: row.time("created")?,
        created_by: row.maybe_parsed("created_by")?,
        updated: row.time("updated")?,
        updated_by: row.maybe_parsed("updated_by")?,
    })
}

impl<M> Arm<'_, M> {
    /// All role assignments of a tenant, by scope.
    pub async fn assignments(&mut self, tenant: TenantId) -> Result<Vec<Assignment>, StoreError> {
        let rows = sqlx::query(EVERY).bind(tenant.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read(&Row::of("role_assignment", row))).collect()
    }

    /// One role assignment by its name.
    pub async fn assignment(&mut self, tenant: TenantId, id: AssignmentId) -> Result<Option<Assignment>, StoreError> {
        let row = sqlx::query(ONE).bind(tenant.to_string()).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read(&Row::of("role_assignment", &row))).transpose()
    }

    /// The assignment of this role to this principal at exactly this scope.
    pub async fn assignment_like(
        &mut self,
        tenant: TenantId,
        scope: &Scope,
        principal: PrincipalId,
        role: RoleId,
    ) -> Result<Option<Assignment>, StoreError> {
        let row = sqlx::query(SAME)
            .bind(tenant.to_string())
            .bind(scope.key())
            .bind(principal.to_string())
            .bind(role.to_string())
            .fetch_optional(&mut *self.0.conn)
            .await?;
        row.map(|row| read(&Row::of("role_assignment", &row))).transpose()
    }
}

impl Arm<'_, Write> {
    /// Keeps a new role assignment. [`StoreError::Exists`] when the name or the right is there already.
    pub async fn insert_assignment(&mut self, assignment: &Assignment) -> Result<(), StoreError> {
        sqlx::query(INSERT)
            .bind(assignment.id.to_string())
            .bind(assignment.tenant.to_string())
            .bind(assignment.scope.key())
            .bind(assignment.scope.as_str())
            .bind(assignment.role.to_string())
            .bind(assignment.principal.to_string())
            .bind(assignment.principal_type.as_str())
            .bind(&assignment.description)
            .bind(&assignment.condition)
            .bind(assignment.created.as_microsecond())
            .bind(assignment.created_by.map(|id| id.to_string()))
            .bind(assignment.updated.as_microsecond())
            .bind(assignment.updated_by.map(|id| id.to_string()))
            .execute(&mut *self.0.conn)
            .await
            .map_err(|e| StoreError::from(e).naming("role assignment"))?;
        self.0.changed(ChangeKind::Access, assignment.tenant, assignment.id);
        Ok(())
    }

    /// Changes what can be changed of a role assignment: its description and condition.
    pub async fn update_assignment(&mut self, assignment: &Assignment) -> Result<(), StoreError> {
        sqlx::query(UPDATE)
            .bind(assignment.tenant.to_string())
            .bind(assignment.id.to_string())
            .bind(&assignment.description)
            .bind(&assignment.condition)
            .bind(assignment.updated.as_microsecond())
            .bind(assignment.updated_by.map(|id| id.to_string()))
            .execute(&mut *self.0.conn)
            .await?;
        self.0.changed(ChangeKind::Access, assignment.tenant, assignment.id);
        Ok(())
    }

    /// Takes a role away.
    pub async fn delete_assignment(&mut self, assignment: &Assignment) -> Result<(), StoreError> {
        sqlx::query(DELETE)
            .bind(assignment.tenant.to_string())
            .bind(assignment.id.to_string())
            .execute(&mut *self.0.conn)
            .await?;
        self.0.changed(ChangeKind::Access, assignment.tenant, assignment.id);
        Ok(())
    }

    /// Takes away every right that was given at a place and below it, when the place is gone.
    pub async fn delete_assignments_below(&mut self, tenant: TenantId, scope: &Scope) -> Result<(), StoreError> {
        let done = sqlx::query(BELOW).bind(tenant.to_string()).bind(scope.key()).execute(&mut *self.0.conn).await?;
        if done.rows_affected() > 0 {
            self.0.changed(ChangeKind::Access, tenant, scope.key());
        }
        Ok(())
    }
}
