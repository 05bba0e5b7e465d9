//! Tenants and their verified domains.

use entrance_model::directory::Tenant;
use entrance_model::id::TenantId;
use sqlx::Row as _;

use super::Directory;
use crate::error::StoreError;
use crate::feed::ChangeKind;
use crate::row::Row;
use crate::session::Write;
use crate::sql::statements;

statements! {
    INSERT = "INSERT INTO tenant (id, display_name, salt, created) VALUES ($1, $2, $3, $4)";
    INSERT_DOMAIN = "INSERT INTO tenant_domain (domain, tenant, ord) VALUES ($1, $2, $3)";
    EVERY = "SELECT id, display_name, salt, created FROM tenant ORDER BY created, id";
    ONE = "SELECT id, display_name, salt, created FROM tenant WHERE id = $1";
    DOMAINS = "SELECT domain FROM tenant_domain WHERE tenant = $1 ORDER BY ord, domain";
    OWNER_OF_DOMAIN = "SELECT tenant FROM tenant_domain WHERE domain = $1";
}

fn read(row: &Row<'_>) -> Result<Tenant, StoreError> {
    Ok(Tenant {
        id: row.parsed("id")?,
        display_name: row.text("display_name")?,
        domains: Vec::new(),
        salt: row.bytes("salt")?,
        created: row.time("created")?,
    })
}

impl<M> super::Directory<'_, M> {
    /// All tenants, oldest first.
    pub async fn tenants(&mut self) -> Result<Vec<Tenant>, StoreError> {
        let rows = sqlx::query(EVERY).fetch_all(&mut *self.0.conn).await?;
        let mut tenants = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut tenant = read(&Row::of("tenant", row))?;
            tenant.domains = self.domains(tenant.id).await?;
            tenants.push(tenant);
        }
        Ok(tenants)
    }

    /// One tenant.
    pub async fn tenant(&mut self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        let Some(row) = sqlx::query(ONE).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await? else { return Ok(None) };
        let mut tenant = read(&Row::of("tenant", &row))?;
        tenant.domains = self.domains(id).await?;
        Ok(Some(tenant))
    }

    /// The tenant that a verified domain belongs to.
    pub async fn tenant_of_domain(&mut self, domain: &str) -> Result<Option<TenantId>, StoreError> {
        let row = sqlx::query(OWNER_OF_DOMAIN).bind(domain.to_ascii_lowercase()).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| Row::of("tenant_domain", &row).parsed("tenant")).transpose()
    }

    async fn domains(&mut self, tenant: TenantId) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query(DOMAINS).bind(tenant.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| row.try_get("domain").map_err(StoreError::from)).collect()
    }
}

impl Directory<'_, Write> {
    /// Makes a tenant with its domains. A domain that another tenant has is refused.
    pub async fn insert_tenant(&mut self, tenant: &Tenant) -> Result<(), StoreError> {
        sqlx::query(INSERT)
            .bind(tenant.id.to_string())
            .bind(&tenant.display_name)
            .bind(&tenant.salt)
            .bind(tenant.created.as_microsecond())
            .execute(&mut *self.0.conn)
            .await
            .map_err(|e| StoreError::from(e).naming("tenant"))?;
        for (ord, domain) in (0_i64..).zip(&tenant.domains) {
            sqlx::query(INSERT_DOMAIN)
                .bind(domain.to_ascii_lowercase())
                .bind(tenant.id.to_string())
                .bind(ord)
                .execute(&mut *self.0.conn)
                .await
                .map_err(|e| StoreError::from(e).naming("domain"))?;
        }
        self.0.changed(ChangeKind::Tenant, tenant.id, tenant.id);
        Ok(())
    }
}
