//! The directory in tables: tenants, people, groups, applications, service principals.

mod app_roles;
mod applications;
mod groups;
mod names;
mod service_principals;
mod tenants;
mod users;

use entrance_model::directory::{Credential, MemberKind};
use entrance_model::id::TenantId;
use entrance_model::{Timestamp, id::PrincipalId};

pub use groups::Ancestor;
pub use names::{HeldName, NameUse};

use crate::arm::access;
use crate::error::StoreError;
use crate::row::{Row, json_text};
use crate::session::{Scope, Write};
use crate::sql::statements;

/// The directory.
pub struct Directory<'s, M>(pub(crate) Scope<'s, M>);

/// Where a page of a list begins: after this object id.
#[derive(Debug, Clone, Copy)]
pub struct PageAfter<'a> {
    /// The last id of the page before; empty for the first page.
    pub after: &'a str,
    /// How many rows at most.
    pub limit: u32,
}

impl PageAfter<'_> {
    /// Everything, for internal readers that need all rows.
    pub const ALL: PageAfter<'static> = PageAfter { after: "", limit: u32::MAX };
}

statements! {
    CREDENTIALS = "SELECT id, display_name, starts, ends, proof FROM credential WHERE tenant = $1 AND owner = $2 ORDER BY starts, id";
    DROP_CREDENTIALS = "DELETE FROM credential WHERE tenant = $1 AND owner = $2";
    ADD_CREDENTIAL = "INSERT INTO credential (tenant, owner, id, display_name, starts, ends, proof) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    RETIRE = "INSERT INTO retired_id (id, tenant, kind, name, retired) VALUES ($1, $2, $3, $4, $5)";
    KIND = "SELECT 'user' AS kind FROM directory_user WHERE tenant = $1 AND id = $2 UNION ALL SELECT 'group' FROM directory_group WHERE tenant = $1 AND id = $2 UNION ALL SELECT 'servicePrincipal' FROM service_principal WHERE tenant = $1 AND id = $2";
    DROP_EDGES = "DELETE FROM membership WHERE tenant = $1 AND (member = $2 OR parent = $2)";
    DROP_OWNED = "DELETE FROM ownership WHERE tenant = $1 AND (owner = $2 OR target = $2)";
}

/// Statements of the directory, for the test that prepares all.
#[cfg(test)]
pub(crate) fn all_statements() -> Vec<(&'static str, &'static str)> {
    [ALL, app_roles::ALL, tenants::ALL, users::ALL, groups::ALL, names::ALL, applications::ALL, service_principals::ALL].concat()
}

pub(crate) fn kind_text(kind: MemberKind) -> &'static str {
    match kind {
        MemberKind::User => "user",
        MemberKind::Group => "group",
        MemberKind::ServicePrincipal => "servicePrincipal",
    }
}

fn read_kind(row: &Row<'_>) -> Result<MemberKind, StoreError> {
    match row.text("kind")?.as_str() {
        "user" => Ok(MemberKind::User),
        "group" => Ok(MemberKind::Group),
        "servicePrincipal" => Ok(MemberKind::ServicePrincipal),
        other => Err(StoreError::Corrupt { table: "membership", column: "kind", why: other.to_owned() }),
    }
}

impl<M> Directory<'_, M> {
    /// What kind of principal this object is, if it exists.
    pub async fn principal_kind(&mut self, tenant: TenantId, id: PrincipalId) -> Result<Option<MemberKind>, StoreError> {
        let row = sqlx::query(KIND).bind(tenant.to_string()).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read_kind(&Row::of("directory", &row))).transpose()
    }

    async fn credentials(&mut self, tenant: TenantId, owner: &str) -> Result<Vec<Credential>, StoreError> {
        let rows = sqlx::query(CREDENTIALS).bind(tenant.to_string()).bind(owner).fetch_all(&mut *self.0.conn).await?;
        rows.iter()
            .map(|row| {
                let row = Row::of("credential", row);
                Ok(Credential {
                    id: row.parsed("id")?,
                    display_name: row.maybe_text("display_name")?,
                    start: row.time("starts")?,
                    end: row.time("ends")?,
                    proof: row.json("proof")?,
                })
            })
            .collect()
    }
}

impl Directory<'_, Write> {
    async fn replace_credentials(&mut self, tenant: TenantId, owner: &str, all: &[Credential]) -> Result<(), StoreError> {
        sqlx::query(DROP_CREDENTIALS).bind(tenant.to_string()).bind(owner).execute(&mut *self.0.conn).await?;
        for credential in all {
            sqlx::query(ADD_CREDENTIAL)
                .bind(tenant.to_string())
                .bind(owner)
                .bind(credential.id.to_string())
                .bind(&credential.display_name)
                .bind(credential.start.as_microsecond())
                .bind(credential.end.as_microsecond())
                .bind(json_text(&credential.proof))
                .execute(&mut *self.0.conn)
                .await?;
        }
        Ok(())
    }

    /// Drops every edge of a deleted object and makes sure that its id is never given out again.
    async fn retire(&mut self, tenant: TenantId, id: &str, kind: &str, name: &str, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(DROP_EDGES).bind(tenant.to_string()).bind(id).execute(&mut *self.0.conn).await?;
        sqlx::query(DROP_OWNED).bind(tenant.to_string()).bind(id).execute(&mut *self.0.conn).await?;
        self.drop_app_roles(tenant, id).await?;
        access::forget(&mut self.0, tenant, id).await?;
        sqlx::query(RETIRE)
            .bind(id)
            .bind(tenant.to_string())
            .bind(kind)
            .bind(name)
            .bind(now.as_microsecond())
            .execute(&mut *self.0.conn)
            .await?;
        Ok(())
    }
}
