//! Consent: what applications may do with resources in people's names.

use entrance_model::Timestamp;
use entrance_model::id::{GrantId, ServicePrincipalId, TenantId, UserId};
use entrance_model::signin::consent::{For, PermissionGrant};

use super::Authority;
use crate::error::StoreError;
use crate::feed::ChangeKind;
use crate::row::Row;
use crate::session::{Scope, Write};
use crate::sql::statements;

statements! {
    ONE = "SELECT id, client, resource, person, scope FROM permission_grant WHERE tenant = $1 AND id = $2";
    ALL_OF = "SELECT id, client, resource, person, scope FROM permission_grant WHERE tenant = $1 AND ($2 = '' OR client = $2) ORDER BY id LIMIT $3";
    OF_PERSON = "SELECT id, client, resource, person, scope FROM permission_grant WHERE tenant = $1 AND person = $2 ORDER BY id LIMIT $3";
    FOR_CLIENT = "SELECT id, client, resource, person, scope FROM permission_grant WHERE tenant = $1 AND client = $2 AND resource = $3 AND person IN ('', $4)";
    INSERT = "INSERT INTO permission_grant (tenant, id, client, resource, person, scope, at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    UPDATE = "UPDATE permission_grant SET scope = $3 WHERE tenant = $1 AND id = $2";
    DELETE = "DELETE FROM permission_grant WHERE tenant = $1 AND id = $2";
    DELETE_ABOUT = "DELETE FROM permission_grant WHERE tenant = $1 AND (client = $2 OR resource = $2 OR person = $2)";
}

const TABLE: &str = "permission_grant";

fn read(row: &sqlx::sqlite::SqliteRow) -> Result<PermissionGrant, StoreError> {
    let row = Row::of(TABLE, row);
    let who = if row.text("person")?.is_empty() { For::Everybody } else { For::Person(row.parsed("person")?) };
    Ok(PermissionGrant {
        id: row.parsed("id")?,
        client: row.parsed("client")?,
        resource: row.parsed("resource")?,
        who,
        scopes: PermissionGrant::names(&row.text("scope")?),
    })
}

fn person(who: For) -> String {
    who.person().map(|id| id.to_string()).unwrap_or_default()
}

impl<M> Authority<'_, M> {
    /// One grant.
    pub async fn permission_grant(&mut self, tenant: TenantId, id: GrantId) -> Result<Option<PermissionGrant>, StoreError> {
        let row = sqlx::query(ONE).bind(tenant.to_string()).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        row.as_ref().map(read).transpose()
    }

    /// Grants of a tenant, of one client where one is named.
    pub async fn permission_grants(
        &mut self,
        tenant: TenantId,
        client: Option<ServicePrincipalId>,
        most: u32,
    ) -> Result<Vec<PermissionGrant>, StoreError> {
        let client = client.map(|id| id.to_string()).unwrap_or_default();
        let rows = sqlx::query(ALL_OF).bind(tenant.to_string()).bind(client).bind(most).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(read).collect()
    }

    /// What a person allowed for themselves.
    pub async fn permission_grants_of(
        &mut self,
        tenant: TenantId,
        user: UserId,
        most: u32,
    ) -> Result<Vec<PermissionGrant>, StoreError> {
        let rows = sqlx::query(OF_PERSON)
            .bind(tenant.to_string())
            .bind(user.to_string())
            .bind(most)
            .fetch_all(&mut *self.0.conn)
            .await?;
        rows.iter().map(read).collect()
    }

    /// What counts for a person: what they allowed themselves, and what was allowed for everybody.
    pub async fn permitted_scopes(
        &mut self,
        tenant: TenantId,
        client: ServicePrincipalId,
        resource: ServicePrincipalId,
        user: UserId,
    ) -> Result<Vec<PermissionGrant>, StoreError> {
        let rows = sqlx::query(FOR_CLIENT)
            .bind(tenant.to_string())
            .bind(client.to_string())
            .bind(resource.to_string())
            .bind(user.to_string())
            .fetch_all(&mut *self.0.conn)
            .await?;
        rows.iter().map(read).collect()
    }
}

impl Authority<'_, Write> {
    /// Keeps a new grant; one for the same three is `Exists`.
    pub async fn insert_permission_grant(
        &mut self,
        tenant: TenantId,
        grant: &PermissionGrant,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(INSERT)
            .bind(tenant.to_string())
            .bind(grant.id.to_string())
            .bind(grant.client.to_string())
            .bind(grant.resource.to_string())
            .bind(person(grant.who))
            .bind(grant.scopes.join(" "))
            .bind(now.as_microsecond())
            .execute(&mut *self.0.conn)
            .await?;
        self.0.changed(ChangeKind::ServicePrincipal, tenant, grant.client);
        Ok(())
    }

    /// Changes which permissions a grant names.
    pub async fn update_permission_grant(&mut self, tenant: TenantId, grant: &PermissionGrant) -> Result<(), StoreError> {
        sqlx::query(UPDATE)
            .bind(tenant.to_string())
            .bind(grant.id.to_string())
            .bind(grant.scopes.join(" "))
            .execute(&mut *self.0.conn)
            .await?;
        self.0.changed(ChangeKind::ServicePrincipal, tenant, grant.client);
        Ok(())
    }

    /// Takes a grant away.
    pub async fn delete_permission_grant(&mut self, tenant: TenantId, grant: &PermissionGrant) -> Result<(), StoreError> {
        sqlx::query(DELETE).bind(tenant.to_string()).bind(grant.id.to_string()).execute(&mut *self.0.conn).await?;
        self.0.changed(ChangeKind::ServicePrincipal, tenant, grant.client);
        Ok(())
    }
}

/// Forgets what was allowed to, about or by an object that is deleted.
pub(crate) async fn forget(scope: &mut Scope<'_, Write>, tenant: TenantId, id: &str) -> Result<(), StoreError> {
    sqlx::query(DELETE_ABOUT).bind(tenant.to_string()).bind(id).execute(&mut *scope.conn).await?;
    Ok(())
}
