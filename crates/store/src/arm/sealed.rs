//! Sealed doors: one for a cluster at most.

use entrance_model::Timestamp;
use entrance_model::cluster::SealedDoor;
use entrance_model::id::ClusterUid;
use entrance_model::recovery::Recovery;

use super::Arm;
use crate::error::StoreError;
use crate::feed::ChangeKind;
use crate::row::Row;
use crate::session::Write;
use crate::sql::statements;

statements! {
    ONE = "SELECT cluster, id, tenant, file, certificate, proof, sealed, until, recipients, threshold, rehearsed, drilled, opened FROM sealed_door WHERE cluster = $1";
    PUT = "INSERT INTO sealed_door (cluster, id, tenant, file, certificate, proof, sealed, until, recipients, threshold, rehearsed, drilled, opened) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (cluster) DO UPDATE SET id = $2, tenant = $3, file = $4, certificate = $5, proof = $6, sealed = $7, until = $8, recipients = $9, threshold = $10, rehearsed = $11, drilled = $12, opened = $13";
    REHEARSED = "UPDATE sealed_door SET rehearsed = $2 WHERE id = $1";
    DRILLED = "UPDATE sealed_door SET drilled = $2 WHERE id = $1";
    OPENED = "UPDATE sealed_door SET opened = $2 WHERE id = $1 AND opened IS NULL";
    FORGET = "DELETE FROM sealed_door WHERE cluster = $1";
}

fn read(row: &Row<'_>) -> Result<SealedDoor, StoreError> {
    let corrupt = |why: String| StoreError::Corrupt { table: "sealed_door", column: "recipients", why };
    let keys: Vec<String> = row.json("recipients")?;
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let threshold = u64::try_from(row.int("threshold")?).ok();
    let recovery = Recovery::new(&keys, threshold).map_err(|why| corrupt(why.to_string()))?;
    Ok(SealedDoor {
        id: row.parsed("id")?,
        tenant: row.parsed("tenant")?,
        cluster: row.parsed("cluster")?,
        file: row.text("file")?,
        certificate: row.text("certificate")?,
        proof: row.text("proof")?,
        sealed: row.time("sealed")?,
        until: row.time("until")?,
        recovery: recovery.ok_or_else(|| corrupt("there is none".to_owned()))?,
        rehearsed: row.maybe_time("rehearsed")?,
        drilled: row.maybe_time("drilled")?,
        opened: row.maybe_time("opened")?,
    })
}

impl<M> Arm<'_, M> {
    /// The sealed door of a cluster.
    pub async fn sealed_door(&mut self, cluster: ClusterUid) -> Result<Option<SealedDoor>, StoreError> {
        let row = sqlx::query(ONE).bind(cluster.to_string()).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read(&Row::of("sealed_door", &row))).transpose()
    }
}

impl Arm<'_, Write> {
    /// Keeps a sealed door, in place of the one that the cluster had.
    pub async fn put_sealed_door(&mut self, door: &SealedDoor) -> Result<(), StoreError> {
        let keys: Vec<String> = door.recovery.keys().iter().map(ToString::to_string).collect();
        sqlx::query(PUT)
            .bind(door.cluster.to_string())
            .bind(door.id.to_string())
            .bind(door.tenant.to_string())
            .bind(&door.file)
            .bind(&door.certificate)
            .bind(&door.proof)
            .bind(door.sealed.as_microsecond())
            .bind(door.until.as_microsecond())
            .bind(serde_json::json!(keys).to_string())
            .bind(i64::from(door.recovery.threshold()))
            .bind(door.rehearsed.map(Timestamp::as_microsecond))
            .bind(door.drilled.map(Timestamp::as_microsecond))
            .bind(door.opened.map(Timestamp::as_microsecond))
            .execute(&mut *self.0.conn)
            .await?;
        self.0.changed(ChangeKind::Door, door.tenant, door.id);
        Ok(())
    }

    /// Remembers that the server rehearsed an opening.
    pub async fn sealed_door_rehearsed(&mut self, door: &SealedDoor, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query(REHEARSED).bind(door.id.to_string()).bind(at.as_microsecond()).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Remembers that people opened the file in a drill.
    pub async fn sealed_door_drilled(&mut self, door: &SealedDoor, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query(DRILLED).bind(door.id.to_string()).bind(at.as_microsecond()).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Remembers that it was opened in earnest. `false`: that was known.
    pub async fn sealed_door_opened(&mut self, door: &SealedDoor, at: Timestamp) -> Result<bool, StoreError> {
        let done = sqlx::query(OPENED).bind(door.id.to_string()).bind(at.as_microsecond()).execute(&mut *self.0.conn).await?;
        self.0.changed(ChangeKind::Door, door.tenant, door.id);
        Ok(done.rows_affected() == 1)
    }

    /// Forgets a sealed door that is refused from now on.
    pub async fn forget_sealed_door(&mut self, door: &SealedDoor) -> Result<(), StoreError> {
        sqlx::query(FORGET).bind(door.cluster.to_string()).execute(&mut *self.0.conn).await?;
        self.0.changed(ChangeKind::Door, door.tenant, door.id);
        Ok(())
    }
}
