//! Sign-in policies, named locations and the tenant's switches (S-803): read at every issuance, changed by administrators.

use entrance_model::id::{LocationId, PolicyId, TenantId};
use entrance_model::signin::policy::{Administrator, Location, Policy, SignInRules};
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;

use crate::authority::Versioned;
use crate::error::StoreError;
use crate::row::{Row, json_text};
use crate::session::{Scope, Write};
use crate::sql::statements;

statements! {
    POLICIES = "SELECT id, version, state FROM signin_policy WHERE tenant = $1 ORDER BY id";
    POLICY = "SELECT id, version, state FROM signin_policy WHERE tenant = $1 AND id = $2";
    INSERT_POLICY = "INSERT INTO signin_policy (tenant, id, version, state) VALUES ($1, $2, 1, $3)";
    SWAP_POLICY = "UPDATE signin_policy SET state = $4, version = version + 1 WHERE tenant = $1 AND id = $2 AND version = $3";
    DELETE_POLICY = "DELETE FROM signin_policy WHERE tenant = $1 AND id = $2";
    LOCATIONS = "SELECT id, version, state FROM named_location WHERE tenant = $1 ORDER BY id";
    LOCATION = "SELECT id, version, state FROM named_location WHERE tenant = $1 AND id = $2";
    INSERT_LOCATION = "INSERT INTO named_location (tenant, id, version, state) VALUES ($1, $2, 1, $3)";
    SWAP_LOCATION = "UPDATE named_location SET state = $4, version = version + 1 WHERE tenant = $1 AND id = $2 AND version = $3";
    DELETE_LOCATION = "DELETE FROM named_location WHERE tenant = $1 AND id = $2";
    ADMINISTRATORS = "SELECT id, coalesce(json_extract(other, '$.userType'), '') AS kind FROM directory_user WHERE tenant = $1 AND is_directory_admin = 1 AND enabled = 1 ORDER BY id";
    RULES = "SELECT version, state FROM signin_rules WHERE tenant = $1";
    SET_RULES = "INSERT INTO signin_rules (tenant, version, state) VALUES ($1, 1, $2) ON CONFLICT (tenant) DO UPDATE SET state = excluded.state, version = version + 1";
}

/// The policies of all tenants.
pub struct Policies<'s, M>(pub(crate) Scope<'s, M>);

impl<M> Policies<'_, M> {
    /// All policies of a tenant.
    pub async fn all(&mut self, tenant: TenantId) -> Result<Vec<Policy>, StoreError> {
        let rows = sqlx::query(POLICIES).bind(tenant.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| Row::of("signin_policy", row).json("state")).collect()
    }

    /// One policy.
    pub async fn one(&mut self, tenant: TenantId, id: PolicyId) -> Result<Option<Versioned<Policy>>, StoreError> {
        let found = sqlx::query(POLICY).bind(tenant.to_string()).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        found.map(|row| versioned("signin_policy", &row)).transpose()
    }

    /// All named locations of a tenant.
    pub async fn locations(&mut self, tenant: TenantId) -> Result<Vec<Location>, StoreError> {
        let rows = sqlx::query(LOCATIONS).bind(tenant.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| Row::of("named_location", row).json("state")).collect()
    }

    /// One named location.
    pub async fn location(&mut self, tenant: TenantId, id: LocationId) -> Result<Option<Versioned<Location>>, StoreError> {
        let found = sqlx::query(LOCATION).bind(tenant.to_string()).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        found.map(|row| versioned("named_location", &row)).transpose()
    }

    /// Who administers the directory and may sign in; their groups are not known here.
    pub async fn administrators(&mut self, tenant: TenantId) -> Result<Vec<Administrator>, StoreError> {
        let rows = sqlx::query(ADMINISTRATORS).bind(tenant.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter()
            .map(|row| {
                let row = Row::of("directory_user", row);
                let is_guest = row.text("kind")? == "Guest";
                Ok(Administrator { id: row.parsed("id")?, groups: Vec::new(), is_guest })
            })
            .collect()
    }

    /// The tenant's switches; `None` where nobody has set any.
    pub async fn rules(&mut self, tenant: TenantId) -> Result<Option<SignInRules>, StoreError> {
        let found = sqlx::query(RULES).bind(tenant.to_string()).fetch_optional(&mut *self.0.conn).await?;
        found.map(|row| Row::of("signin_rules", &row).json("state")).transpose()
    }
}

fn versioned<T: DeserializeOwned>(table: &'static str, row: &SqliteRow) -> Result<Versioned<T>, StoreError> {
    let row = Row::of(table, row);
    Ok(Versioned { state: row.json("state")?, version: row.int("version")? })
}

impl Policies<'_, Write> {
    /// Keeps a new policy.
    pub async fn insert(&mut self, tenant: TenantId, policy: &Policy) -> Result<(), StoreError> {
        let state = json_text(policy);
        let id = policy.id.to_string();
        sqlx::query(INSERT_POLICY).bind(tenant.to_string()).bind(id).bind(state).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Changes a policy that still has the version that was read.
    pub async fn swap(&mut self, tenant: TenantId, version: i64, policy: &Policy) -> Result<(), StoreError> {
        let done = sqlx::query(SWAP_POLICY)
            .bind(tenant.to_string())
            .bind(policy.id.to_string())
            .bind(version)
            .bind(json_text(policy))
            .execute(&mut *self.0.conn)
            .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    }

    /// Removes a policy.
    pub async fn delete(&mut self, tenant: TenantId, id: PolicyId) -> Result<(), StoreError> {
        sqlx::query(DELETE_POLICY).bind(tenant.to_string()).bind(id.to_string()).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Keeps a new named location.
    pub async fn insert_location(&mut self, tenant: TenantId, location: &Location) -> Result<(), StoreError> {
        let state = json_text(location);
        let id = location.id.to_string();
        sqlx::query(INSERT_LOCATION).bind(tenant.to_string()).bind(id).bind(state).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Changes a named location that still has the version that was read.
    pub async fn swap_location(&mut self, tenant: TenantId, version: i64, location: &Location) -> Result<(), StoreError> {
        let done = sqlx::query(SWAP_LOCATION)
            .bind(tenant.to_string())
            .bind(location.id.to_string())
            .bind(version)
            .bind(json_text(location))
            .execute(&mut *self.0.conn)
            .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    }

    /// Removes a named location.
    pub async fn delete_location(&mut self, tenant: TenantId, id: LocationId) -> Result<(), StoreError> {
        sqlx::query(DELETE_LOCATION).bind(tenant.to_string()).bind(id.to_string()).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Sets the tenant's switches.
    pub async fn set_rules(&mut self, tenant: TenantId, rules: &SignInRules) -> Result<(), StoreError> {
        sqlx::query(SET_RULES).bind(tenant.to_string()).bind(json_text(rules)).execute(&mut *self.0.conn).await?;
        Ok(())
    }
}
