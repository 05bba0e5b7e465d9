//! Break-glass doors, with the sealed key of the file that was handed out.

use entrance_model::Timestamp;
use entrance_model::cluster::Door;
use entrance_model::id::{ClusterUid, DoorId, PrincipalId};
use zeroize::Zeroizing;

use super::Arm;
use crate::error::StoreError;
use crate::feed::ChangeKind;
use crate::row::Row;
use crate::session::Write;
use crate::sql::statements;

statements! {
    OF_HOLDER = "SELECT id, tenant, cluster, holder, certificate, key, opened, until, closed FROM door WHERE cluster = $1 AND holder = $2 AND closed IS NULL AND until > $3 ORDER BY until DESC LIMIT 1";
    OF_CLUSTER = "SELECT id, tenant, cluster, holder, certificate, key, opened, until, closed FROM door WHERE cluster = $1 ORDER BY opened, id";
    TO_SWEEP = "SELECT id, tenant, cluster, holder, certificate, key, opened, until, closed FROM door WHERE swept = 0 AND (until <= $1 OR closed IS NOT NULL) ORDER BY until, id";
    INSERT = "INSERT INTO door (id, tenant, cluster, holder, certificate, key, opened, until, closed, swept) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL, 0)";
    CLOSE = "UPDATE door SET closed = $2 WHERE id = $1 AND closed IS NULL";
    SWEPT = "UPDATE door SET swept = 1 WHERE id = $1";
    FORGET = "DELETE FROM door WHERE cluster = $1";
}

fn context(id: DoorId) -> String {
    format!("door/{id}")
}

fn read(row: &Row<'_>) -> Result<Door, StoreError> {
    Ok(Door {
        id: row.parsed("id")?,
        tenant: row.parsed("tenant")?,
        cluster: row.parsed("cluster")?,
        holder: row.parsed("holder")?,
        certificate: row.text("certificate")?,
        opened: row.time("opened")?,
        until: row.time("until")?,
        closed: row.maybe_time("closed")?,
    })
}

impl<M> Arm<'_, M> {
    /// The open door of this holder, with the key of its certificate (PEM).
    pub async fn open_door(
        &mut self,
        cluster: ClusterUid,
        holder: PrincipalId,
        now: Timestamp,
    ) -> Result<Option<(Door, Zeroizing<Vec<u8>>)>, StoreError> {
        let row = sqlx::query(OF_HOLDER)
            .bind(cluster.to_string())
            .bind(holder.to_string())
            .bind(now.as_microsecond())
            .fetch_optional(&mut *self.0.conn)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let row = Row::of("door", &row);
        let door = read(&row)?;
        let key = self.0.seal.open(&row.bytes("key")?, context(door.id).as_bytes())?;
        Ok(Some((door, key)))
    }

    /// All doors of a cluster, the oldest first.
    pub async fn doors(&mut self, cluster: ClusterUid) -> Result<Vec<Door>, StoreError> {
        let rows = sqlx::query(OF_CLUSTER).bind(cluster.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read(&Row::of("door", row))).collect()
    }

    /// Doors that are not open any more and whose binding was not removed yet.
    pub async fn doors_to_sweep(&mut self, now: Timestamp) -> Result<Vec<Door>, StoreError> {
        let rows = sqlx::query(TO_SWEEP).bind(now.as_microsecond()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read(&Row::of("door", row))).collect()
    }
}

impl Arm<'_, Write> {
    /// Keeps a door that is about to be opened.
    pub async fn insert_door(&mut self, door: &Door, key: &[u8]) -> Result<(), StoreError> {
        let sealed = self.0.seal.seal(key, context(door.id).as_bytes())?;
        sqlx::query(INSERT)
            .bind(door.id.to_string())
            .bind(door.tenant.to_string())
            .bind(door.cluster.to_string())
            .bind(door.holder.to_string())
            .bind(&door.certificate)
            .bind(sealed)
            .bind(door.opened.as_microsecond())
            .bind(door.until.as_microsecond())
            .execute(&mut *self.0.conn)
            .await?;
        self.0.changed(ChangeKind::Door, door.tenant, door.id);
        Ok(())
    }

    /// Closes a door; the binding in the cluster is removed by whoever sweeps.
    pub async fn close_door(&mut self, door: &Door, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query(CLOSE).bind(door.id.to_string()).bind(at.as_microsecond()).execute(&mut *self.0.conn).await?;
        self.0.changed(ChangeKind::Door, door.tenant, door.id);
        Ok(())
    }

    /// Remembers that a door's binding is gone.
    pub async fn door_is_swept(&mut self, door: &Door) -> Result<(), StoreError> {
        sqlx::query(SWEPT).bind(door.id.to_string()).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Forgets the doors of a cluster that is gone.
    pub async fn forget_doors(&mut self, cluster: ClusterUid) -> Result<(), StoreError> {
        sqlx::query(FORGET).bind(cluster.to_string()).execute(&mut *self.0.conn).await?;
        Ok(())
    }
}
