//! Who has which role of which application.

use entrance_model::Timestamp;
use entrance_model::directory::{AppRoleAssignment, Member};
use entrance_model::id::{PrincipalId, ServicePrincipalId, TenantId};
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::{Directory, kind_text, read_kind};
use crate::error::StoreError;
use crate::row::Row;
use crate::session::Write;
use crate::sql::statements;

statements! {
    ONE = "SELECT id, principal, kind, resource, role, created FROM app_role_assignment WHERE tenant = $1 AND id = $2";
    OF_PRINCIPAL = "SELECT id, principal, kind, resource, role, created FROM app_role_assignment WHERE tenant = $1 AND principal = $2 ORDER BY id";
    OF_RESOURCE = "SELECT id, principal, kind, resource, role, created FROM app_role_assignment WHERE tenant = $1 AND resource = $2 ORDER BY id";
    // Their own, and those of the groups that they are a direct member of.
    HELD = "SELECT role FROM app_role_assignment WHERE tenant = $1 AND resource = $2 AND (principal = $3 OR principal IN (SELECT parent FROM membership WHERE tenant = $1 AND member = $3)) ORDER BY role";
    INSERT = "INSERT INTO app_role_assignment (tenant, id, principal, kind, resource, role, created) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    DELETE = "DELETE FROM app_role_assignment WHERE tenant = $1 AND id = $2";
    DROP = "DELETE FROM app_role_assignment WHERE tenant = $1 AND (principal = $2 OR resource = $2)";
}

fn read(row: &SqliteRow) -> Result<AppRoleAssignment, StoreError> {
    let row = Row::of("app_role_assignment", row);
    Ok(AppRoleAssignment {
        id: row.parsed("id")?,
        principal: Member { id: row.parsed("principal")?, kind: read_kind(&row)? },
        resource: row.parsed("resource")?,
        role: row.parsed("role")?,
        created: row.time("created")?,
    })
}

impl<M> Directory<'_, M> {
    /// One assignment.
    pub async fn app_role_assignment(&mut self, tenant: TenantId, id: Uuid) -> Result<Option<AppRoleAssignment>, StoreError> {
        let row = sqlx::query(ONE).bind(tenant.to_string()).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        row.as_ref().map(read).transpose()
    }

    /// The assignments of a person, a group or a service principal itself.
    pub async fn app_roles_of(&mut self, tenant: TenantId, principal: PrincipalId) -> Result<Vec<AppRoleAssignment>, StoreError> {
        let rows =
            sqlx::query(OF_PRINCIPAL).bind(tenant.to_string()).bind(principal.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(read).collect()
    }

    /// Who has roles of an application.
    pub async fn app_roles_at(
        &mut self,
        tenant: TenantId,
        resource: ServicePrincipalId,
    ) -> Result<Vec<AppRoleAssignment>, StoreError> {
        let rows =
            sqlx::query(OF_RESOURCE).bind(tenant.to_string()).bind(resource.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(read).collect()
    }

    /// The ids of the roles that somebody has at an application, by themselves or as a direct member of a group.
    pub async fn app_roles_held(
        &mut self,
        tenant: TenantId,
        resource: ServicePrincipalId,
        principal: PrincipalId,
    ) -> Result<Vec<Uuid>, StoreError> {
        let query = sqlx::query(HELD).bind(tenant.to_string()).bind(resource.to_string()).bind(principal.to_string());
        let rows = query.fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| Row::of("app_role_assignment", row).parsed("role")).collect()
    }
}

impl Directory<'_, Write> {
    /// Gives a role. [`StoreError::Exists`] when they have it already.
    pub async fn insert_app_role(&mut self, tenant: TenantId, assignment: &AppRoleAssignment) -> Result<(), StoreError> {
        sqlx::query(INSERT)
            .bind(tenant.to_string())
            .bind(assignment.id.to_string())
            .bind(assignment.principal.id.to_string())
            .bind(kind_text(assignment.principal.kind))
            .bind(assignment.resource.to_string())
            .bind(assignment.role.to_string())
            .bind(Timestamp::as_microsecond(assignment.created))
            .execute(&mut *self.0.conn)
            .await
            .map_err(|e| StoreError::from(e).naming("appRoleAssignment"))?;
        Ok(())
    }

    /// Takes a role away.
    pub async fn delete_app_role(&mut self, tenant: TenantId, id: Uuid) -> Result<(), StoreError> {
        sqlx::query(DELETE).bind(tenant.to_string()).bind(id.to_string()).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Forgets the roles that a deleted object had or gave.
    pub(super) async fn drop_app_roles(&mut self, tenant: TenantId, id: &str) -> Result<(), StoreError> {
        sqlx::query(DROP).bind(tenant.to_string()).bind(id).execute(&mut *self.0.conn).await?;
        Ok(())
    }
}
