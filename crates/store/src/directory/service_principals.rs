//! Service principals: an application's identity in a tenant.

use entrance_model::Timestamp;
use entrance_model::directory::ServicePrincipal;
use entrance_model::id::{AppId, ServicePrincipalId, TenantId};
use sqlx::sqlite::SqliteRow;

use super::{Directory, PageAfter};
use crate::authority::grants;
use crate::error::StoreError;
use crate::feed::ChangeKind;
use crate::row::{Row, json_text};
use crate::session::Write;
use crate::sql::statements;

statements! {
    ONE = "SELECT id, app_id, display_name, enabled, is_first_party, assignment_required, created, other FROM service_principal WHERE tenant = $1 AND id = $2";
    BY_APP_ID = "SELECT id, app_id, display_name, enabled, is_first_party, assignment_required, created, other FROM service_principal WHERE tenant = $1 AND app_id = $2";
    PAGE = "SELECT id, app_id, display_name, enabled, is_first_party, assignment_required, created, other FROM service_principal WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3";
    INSERT = "INSERT INTO service_principal (tenant, id, app_id, display_name, enabled, is_first_party, assignment_required, created, other) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    UPDATE = "UPDATE service_principal SET display_name = $3, enabled = $4, assignment_required = $5, other = $6 WHERE tenant = $1 AND id = $2";
    DELETE = "DELETE FROM service_principal WHERE tenant = $1 AND id = $2";
}

fn read(row: &Row<'_>) -> Result<ServicePrincipal, StoreError> {
    Ok(ServicePrincipal {
        id: row.parsed("id")?,
        app_id: row.parsed("app_id")?,
        display_name: row.text("display_name")?,
        enabled: row.flag("enabled")?,
        is_first_party: row.flag("is_first_party")?,
        assignment_required: row.flag("assignment_required")?,
        credentials: Vec::new(),
        created: row.time("created")?,
        other: row.json("other")?,
    })
}

impl<M> Directory<'_, M> {
    /// One service principal by its object id.
    pub async fn service_principal(
        &mut self,
        tenant: TenantId,
        id: ServicePrincipalId,
    ) -> Result<Option<ServicePrincipal>, StoreError> {
        let row = sqlx::query(ONE).bind(tenant.to_string()).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        self.with_credentials(tenant, row.as_ref()).await
    }

    /// The service principal of an application.
    pub async fn service_principal_of(&mut self, tenant: TenantId, app: AppId) -> Result<Option<ServicePrincipal>, StoreError> {
        let row = sqlx::query(BY_APP_ID).bind(tenant.to_string()).bind(app.to_string()).fetch_optional(&mut *self.0.conn).await?;
        self.with_credentials(tenant, row.as_ref()).await
    }

    /// A page of service principals, by object id.
    pub async fn service_principals(
        &mut self,
        tenant: TenantId,
        page: PageAfter<'_>,
    ) -> Result<Vec<ServicePrincipal>, StoreError> {
        let rows =
            sqlx::query(PAGE).bind(tenant.to_string()).bind(page.after).bind(page.limit).fetch_all(&mut *self.0.conn).await?;
        let mut principals = Vec::with_capacity(rows.len());
        for row in &rows {
            principals.extend(self.with_credentials(tenant, Some(row)).await?);
        }
        Ok(principals)
    }

    async fn with_credentials(
        &mut self,
        tenant: TenantId,
        row: Option<&SqliteRow>,
    ) -> Result<Option<ServicePrincipal>, StoreError> {
        let Some(row) = row else { return Ok(None) };
        let mut principal = read(&Row::of("service_principal", row))?;
        principal.credentials = self.credentials(tenant, &principal.id.to_string()).await?;
        Ok(Some(principal))
    }
}

impl Directory<'_, Write> {
    /// Makes a service principal. [`StoreError::Exists`] when the application has one in this tenant.
    pub async fn insert_service_principal(&mut self, tenant: TenantId, principal: &ServicePrincipal) -> Result<(), StoreError> {
        self.check_id(&principal.id.to_string()).await?;
        sqlx::query(INSERT)
            .bind(tenant.to_string())
            .bind(principal.id.to_string())
            .bind(principal.app_id.to_string())
            .bind(&principal.display_name)
            .bind(principal.enabled)
            .bind(principal.is_first_party)
            .bind(principal.assignment_required)
            .bind(principal.created.as_microsecond())
            .bind(json_text(&principal.other))
            .execute(&mut *self.0.conn)
            .await
            .map_err(|e| StoreError::from(e).naming("servicePrincipal"))?;
        self.replace_credentials(tenant, &principal.id.to_string(), &principal.credentials).await?;
        self.0.changed(ChangeKind::ServicePrincipal, tenant, principal.id);
        Ok(())
    }

    /// Changes a service principal and replaces its credentials.
    pub async fn update_service_principal(&mut self, tenant: TenantId, principal: &ServicePrincipal) -> Result<(), StoreError> {
        sqlx::query(UPDATE)
            .bind(tenant.to_string())
            .bind(principal.id.to_string())
            .bind(&principal.display_name)
            .bind(principal.enabled)
            .bind(principal.assignment_required)
            .bind(json_text(&principal.other))
            .execute(&mut *self.0.conn)
            .await?;
        self.replace_credentials(tenant, &principal.id.to_string(), &principal.credentials).await?;
        self.0.changed(ChangeKind::ServicePrincipal, tenant, principal.id);
        Ok(())
    }

    /// Deletes a service principal with its memberships. Its id is never used again.
    pub async fn delete_service_principal(
        &mut self,
        tenant: TenantId,
        principal: &ServicePrincipal,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let id = principal.id.to_string();
        self.replace_credentials(tenant, &id, &[]).await?;
        grants::forget(&mut self.0, tenant, &id).await?;
        sqlx::query(DELETE).bind(tenant.to_string()).bind(&id).execute(&mut *self.0.conn).await?;
        self.retire(tenant, &id, "servicePrincipal", &principal.app_id.to_string(), now).await?;
        self.0.changed(ChangeKind::ServicePrincipal, tenant, id);
        Ok(())
    }
}
