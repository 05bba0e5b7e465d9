//! Locks.

use entrance_model::arm::{Lock, LockLevel, LockName, Scope};
use entrance_model::id::{PrincipalId, TenantId};

use super::Arm;
use crate::error::StoreError;
use crate::row::Row;
use crate::session::Write;
use crate::sql::statements;

statements! {
    EVERY = "SELECT tenant, scope, name, level, notes, created, created_by FROM resource_lock WHERE tenant = $1 ORDER BY scope_key, name_key";
    ONE = "SELECT tenant, scope, name, level, notes, created, created_by FROM resource_lock WHERE tenant = $1 AND scope_key = $2 AND name_key = $3";
    PUT = "INSERT INTO resource_lock (tenant, scope_key, name_key, scope, name, level, notes, created, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant, scope_key, name_key) DO UPDATE SET level = excluded.level, notes = excluded.notes";
    DELETE = "DELETE FROM resource_lock WHERE tenant = $1 AND scope_key = $2 AND name_key = $3";
    BELOW = "DELETE FROM resource_lock WHERE scope_key = $1 OR substr(scope_key, 1, length($1) + 1) = $1 || '/'";
}

fn read(row: &Row<'_>) -> Result<Lock, StoreError> {
    Ok(Lock {
        tenant: row.parsed("tenant")?,
        scope: row.parsed("scope")?,
        name: row.parsed::<LockName>("name")?,
        level: row.parsed::<LockLevel>("level")?,
        notes: row.maybe_text("notes")?,
        created: row.time("created")?,
        created_by: row.maybe_parsed::<PrincipalId>("created_by")?,
    })
}

impl<M> Arm<'_, M> {
    /// All locks of a tenant, by place.
    pub async fn locks(&mut self, tenant: TenantId) -> Result<Vec<Lock>, StoreError> {
        let rows = sqlx::query(EVERY).bind(tenant.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read(&Row::of("resource_lock", row))).collect()
    }

    /// The lock with this name at exactly this place.
    pub async fn lock(&mut self, tenant: TenantId, scope: &Scope, name: &LockName) -> Result<Option<Lock>, StoreError> {
        let query = sqlx::query(ONE).bind(tenant.to_string()).bind(scope.key()).bind(name.key());
        let row = query.fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read(&Row::of("resource_lock", &row))).transpose()
    }
}

impl Arm<'_, Write> {
    /// Makes a lock, or changes its level and notes.
    pub async fn put_lock(&mut self, lock: &Lock) -> Result<(), StoreError> {
        sqlx::query(PUT)
            .bind(lock.tenant.to_string())
            .bind(lock.scope.key())
            .bind(lock.name.key())
            .bind(lock.scope.as_str())
            .bind(lock.name.as_str())
            .bind(lock.level.as_str())
            .bind(&lock.notes)
            .bind(lock.created.as_microsecond())
            .bind(lock.created_by.map(|id| id.to_string()))
            .execute(&mut *self.0.conn)
            .await?;
        Ok(())
    }

    /// Removes a lock.
    pub async fn delete_lock(&mut self, lock: &Lock) -> Result<(), StoreError> {
        let query = sqlx::query(DELETE).bind(lock.tenant.to_string()).bind(lock.scope.key()).bind(lock.name.key());
        query.execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Removes the locks of a place that is gone, and those below: the next one of that name begins without.
    pub(super) async fn delete_locks_below(&mut self, scope: &Scope) -> Result<(), StoreError> {
        sqlx::query(BELOW).bind(scope.key()).execute(&mut *self.0.conn).await?;
        Ok(())
    }
}
