//! Names that entered a cluster, and who holds them (DESIGN 5.1).
//!
//! A binding in a cluster may name somebody for longer than they exist. So a name under which an object entered a cluster
//! stays that object's, until somebody releases it; no route into the directory gives it to another one.

use entrance_model::Timestamp;
use entrance_model::id::{ClusterUid, PrincipalId, TenantId};

use super::Directory;
use crate::error::StoreError;
use crate::row::Row;
use crate::session::Write;
use crate::sql::statements;

statements! {
    HELD = "SELECT holder, since FROM held_name WHERE tenant = $1 AND name = $2";
    NAMES = "SELECT name, holder, since FROM held_name WHERE tenant = $1 AND name > $2 ORDER BY name LIMIT $3";
    USES = "SELECT holder, cluster, first FROM name_use WHERE tenant = $1 AND name = $2 ORDER BY first, cluster";
    HOLD = "INSERT INTO held_name (tenant, name, holder, since) VALUES ($1, $2, $3, $4) ON CONFLICT (tenant, name) DO NOTHING";
    USE = "INSERT INTO name_use (tenant, name, holder, cluster, first) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    RELEASE = "DELETE FROM held_name WHERE tenant = $1 AND name = $2";
    FORGET = "DELETE FROM name_use WHERE tenant = $1 AND name = $2";
    OF_ANOTHER = "SELECT holder FROM held_name WHERE tenant = $1 AND name = $2 AND holder <> $3 AND NOT EXISTS (SELECT 1 FROM directory_user WHERE tenant = $1 AND id = $3 AND upn = $2)";
    RETIRED = "SELECT kind FROM retired_id WHERE id = $1";
}

/// A name that is held for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldName {
    /// The name.
    pub name: String,
    /// Whose it is.
    pub holder: PrincipalId,
    /// Since when.
    pub since: Timestamp,
}

/// A name as somebody used it in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameUse {
    /// Whose token it was.
    pub holder: PrincipalId,
    /// Where.
    pub cluster: ClusterUid,
    /// When for the first time.
    pub first: Timestamp,
}

impl<M> Directory<'_, M> {
    /// The object for which a name is held.
    pub async fn name_holder(&mut self, tenant: TenantId, name: &str) -> Result<Option<PrincipalId>, StoreError> {
        Ok(self.held_name(tenant, name).await?.map(|held| held.holder))
    }

    /// A held name.
    pub async fn held_name(&mut self, tenant: TenantId, name: &str) -> Result<Option<HeldName>, StoreError> {
        let row = sqlx::query(HELD).bind(tenant.to_string()).bind(name).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| {
            let row = Row::of("held_name", &row);
            Ok(HeldName { name: name.to_owned(), holder: row.parsed("holder")?, since: row.time("since")? })
        })
        .transpose()
    }

    /// The held names of a tenant after one, in their order.
    pub async fn held_names(&mut self, tenant: TenantId, after: &str, limit: u32) -> Result<Vec<HeldName>, StoreError> {
        let rows = sqlx::query(NAMES).bind(tenant.to_string()).bind(after).bind(limit).fetch_all(&mut *self.0.conn).await?;
        rows.iter()
            .map(|row| {
                let row = Row::of("held_name", row);
                Ok(HeldName { name: row.text("name")?, holder: row.parsed("holder")?, since: row.time("since")? })
            })
            .collect()
    }

    /// In which clusters a name was used.
    pub async fn name_uses(&mut self, tenant: TenantId, name: &str) -> Result<Vec<NameUse>, StoreError> {
        let rows = sqlx::query(USES).bind(tenant.to_string()).bind(name).fetch_all(&mut *self.0.conn).await?;
        rows.iter()
            .map(|row| {
                let row = Row::of("name_use", row);
                Ok(NameUse { holder: row.parsed("holder")?, cluster: row.parsed("cluster")?, first: row.time("first")? })
            })
            .collect()
    }
}

impl Directory<'_, Write> {
    /// Holds a name for the object that entered a cluster under it; the first one keeps it.
    pub async fn hold_name(
        &mut self,
        tenant: TenantId,
        name: &str,
        holder: PrincipalId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(HOLD)
            .bind(tenant.to_string())
            .bind(name)
            .bind(holder.to_string())
            .bind(now.as_microsecond())
            .execute(&mut *self.0.conn)
            .await?;
        Ok(())
    }

    /// Records that somebody entered a cluster under a name, and holds it for them.
    pub async fn use_name(&mut self, tenant: TenantId, name: &str, once: &NameUse) -> Result<(), StoreError> {
        self.hold_name(tenant, name, once.holder, once.first).await?;
        sqlx::query(USE)
            .bind(tenant.to_string())
            .bind(name)
            .bind(once.holder.to_string())
            .bind(once.cluster.to_string())
            .bind(once.first.as_microsecond())
            .execute(&mut *self.0.conn)
            .await?;
        Ok(())
    }

    /// Lets a name go, so that another object may have it.
    pub async fn release_name(&mut self, tenant: TenantId, name: &str) -> Result<(), StoreError> {
        for sql in [RELEASE, FORGET] {
            sqlx::query(sql).bind(tenant.to_string()).bind(name).execute(&mut *self.0.conn).await?;
        }
        Ok(())
    }

    /// Refuses a name that is held for another object than the one that takes it now.
    pub(super) async fn check_name(&mut self, tenant: TenantId, name: &str, taker: PrincipalId) -> Result<(), StoreError> {
        let held = sqlx::query(OF_ANOTHER)
            .bind(tenant.to_string())
            .bind(name)
            .bind(taker.to_string())
            .fetch_optional(&mut *self.0.conn)
            .await?;
        if held.is_some() { Err(StoreError::HeldName(name.to_owned())) } else { Ok(()) }
    }

    /// Refuses an id that an object had which is gone: bindings may name ids, too.
    pub(super) async fn check_id(&mut self, id: &str) -> Result<(), StoreError> {
        let retired = sqlx::query(RETIRED).bind(id).fetch_optional(&mut *self.0.conn).await?;
        if retired.is_some() { Err(StoreError::RetiredId(id.to_owned())) } else { Ok(()) }
    }
}
