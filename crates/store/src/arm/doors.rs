//! Break-glass doors, with the sealed key of the file that is handed out while a door is open.

use entrance_model::Timestamp;
use entrance_model::cluster::door::{Closing, Door, DoorState, Life, Opening, Outcome, Reason};
use entrance_model::id::{ClusterUid, DoorId};
use sqlx::sqlite::SqliteRow;
use zeroize::Zeroizing;

use super::Arm;
use crate::error::StoreError;
use crate::feed::ChangeKind;
use crate::row::{Row, json_text};
use crate::session::Write;
use crate::sql::statements;

statements! {
    ONE = "SELECT id, tenant, cluster, holder, reason, life, asked, state, certificate, opened, opened_by, until, closed, closed_by, closed_why, swept, outcome FROM door WHERE id = $1";
    OF_CLUSTER = "SELECT id, tenant, cluster, holder, reason, life, asked, state, certificate, opened, opened_by, until, closed, closed_by, closed_why, swept, outcome FROM door WHERE cluster = $1 ORDER BY asked DESC, id LIMIT $2";
    LIVE = "SELECT id, tenant, cluster, holder, reason, life, asked, state, certificate, opened, opened_by, until, closed, closed_by, closed_why, swept, outcome FROM door WHERE cluster = $1 AND state <> 'closed' ORDER BY asked, id";
    ALL_LIVE = "SELECT id, tenant, cluster, holder, reason, life, asked, state, certificate, opened, opened_by, until, closed, closed_by, closed_why, swept, outcome FROM door WHERE swept = 0 AND state <> 'closed' ORDER BY asked, id";
    TO_SWEEP = "SELECT id, tenant, cluster, holder, reason, life, asked, state, certificate, opened, opened_by, until, closed, closed_by, closed_why, swept, outcome FROM door WHERE swept = 0 AND (until <= $1 OR state = 'closed') ORDER BY until, id";
    KEY = "SELECT key FROM door WHERE id = $1 AND key IS NOT NULL";
    PUT = "INSERT INTO door (id, tenant, cluster, holder, reason, life, asked, state, certificate, key, opened, opened_by, until, closed, closed_by, closed_why, swept, outcome) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, $10, $11, $12, $13, $14, $15, 0, NULL) ON CONFLICT (id) DO UPDATE SET state = excluded.state, certificate = excluded.certificate, opened = excluded.opened, opened_by = excluded.opened_by, until = excluded.until, closed = excluded.closed, closed_by = excluded.closed_by, closed_why = excluded.closed_why WHERE door.state <> 'closed'";
    SET_KEY = "UPDATE door SET key = $2 WHERE id = $1";
    SWEPT = "UPDATE door SET swept = 1, key = NULL WHERE id = $1";
    SET_OUTCOME = "UPDATE door SET outcome = $2 WHERE id = $1";
}

/// A door as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDoor {
    /// The door.
    pub door: Door,
    /// Both levers were pulled since it was closed, and proved.
    pub is_swept: bool,
    /// What that proved and found.
    pub outcome: Option<Outcome>,
}

fn context(id: DoorId) -> String {
    format!("door/{id}")
}

fn corrupt(column: &'static str, why: &str) -> StoreError {
    StoreError::Corrupt { table: "door", column, why: why.to_owned() }
}

fn read(row: &SqliteRow) -> Result<KeptDoor, StoreError> {
    let row = &Row::of("door", row);
    let until = row.time("until")?;
    let opening = || -> Result<Option<Opening>, StoreError> {
        let Some(certificate) = row.maybe_text("certificate")? else { return Ok(None) };
        let at = row.maybe_time("opened")?.ok_or_else(|| corrupt("opened", "a certificate without a time"))?;
        let by = row.maybe_parsed("opened_by")?.ok_or_else(|| corrupt("opened_by", "opened by nobody"))?;
        Ok(Some(Opening { certificate, at, until, by }))
    };
    let state = match row.text("state")?.as_str() {
        "requested" => DoorState::Requested { until },
        "open" => DoorState::Open(opening()?.ok_or_else(|| corrupt("certificate", "an open door has one"))?),
        "closed" => DoorState::Closed {
            why: row.maybe_parsed::<Closing>("closed_why")?.ok_or_else(|| corrupt("closed_why", "closed for no reason"))?,
            at: row.maybe_time("closed")?.ok_or_else(|| corrupt("closed", "closed at no time"))?,
            by: row.maybe_parsed("closed_by")?,
            opening: opening()?,
        },
        _ => return Err(corrupt("state", "an unknown state")),
    };
    let door = Door {
        id: row.parsed("id")?,
        tenant: row.parsed("tenant")?,
        cluster: row.parsed("cluster")?,
        holder: row.parsed("holder")?,
        reason: Reason::stored(row.text("reason")?),
        life: Life::stored_micros(row.int("life")?),
        asked: row.time("asked")?,
        state,
    };
    Ok(KeptDoor { door, is_swept: row.flag("swept")?, outcome: row.maybe_json("outcome")? })
}

impl<M> Arm<'_, M> {
    /// One door.
    pub async fn door(&mut self, id: DoorId) -> Result<Option<KeptDoor>, StoreError> {
        let row = sqlx::query(ONE).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        row.as_ref().map(read).transpose()
    }

    /// The newest doors of a cluster, the newest first.
    pub async fn doors(&mut self, cluster: ClusterUid, limit: u32) -> Result<Vec<KeptDoor>, StoreError> {
        let rows = sqlx::query(OF_CLUSTER).bind(cluster.to_string()).bind(limit).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(read).collect()
    }

    /// The doors of a cluster that are requested or open, by what is written down; their time may be over.
    pub async fn live_doors(&mut self, cluster: ClusterUid) -> Result<Vec<Door>, StoreError> {
        let rows = sqlx::query(LIVE).bind(cluster.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| Ok(read(row)?.door)).collect()
    }

    /// The doors of all clusters that are requested or open.
    pub async fn all_live_doors(&mut self) -> Result<Vec<Door>, StoreError> {
        let rows = sqlx::query(ALL_LIVE).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| Ok(read(row)?.door)).collect()
    }

    /// Doors that are over and whose levers were not pulled yet.
    pub async fn doors_to_sweep(&mut self, now: Timestamp) -> Result<Vec<Door>, StoreError> {
        let rows = sqlx::query(TO_SWEEP).bind(now.as_microsecond()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| Ok(read(row)?.door)).collect()
    }

    /// The key of a door's certificate (PEM), until the door is swept.
    pub async fn door_key(&mut self, id: DoorId) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let row = sqlx::query(KEY).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(self.0.seal.open(&Row::of("door", &row).bytes("key")?, context(id).as_bytes())?))
    }
}

impl Arm<'_, Write> {
    /// Keeps a door's new state. A closed door stays as it is: whoever closed it was first.
    pub async fn put_door(&mut self, door: &Door) -> Result<(), StoreError> {
        let opening = door.opening();
        let (until, closed) = match &door.state {
            DoorState::Requested { until } => (*until, None),
            DoorState::Open(opening) => (opening.until, None),
            DoorState::Closed { why, at, by, opening } => {
                (opening.as_ref().map_or(*at, |opening| opening.until), Some((*at, *by, *why)))
            }
        };
        let done = sqlx::query(PUT)
            .bind(door.id.to_string())
            .bind(door.tenant.to_string())
            .bind(door.cluster.to_string())
            .bind(door.holder.to_string())
            .bind(door.reason.as_str())
            .bind(door.life.micros())
            .bind(door.asked.as_microsecond())
            .bind(door.state.as_str())
            .bind(opening.map(|opening| opening.certificate.as_str()))
            .bind(opening.map(|opening| opening.at.as_microsecond()))
            .bind(opening.map(|opening| opening.by.to_string()))
            .bind(until.as_microsecond())
            .bind(closed.map(|(at, _, _)| at.as_microsecond()))
            .bind(closed.and_then(|(_, by, _)| by).map(|by| by.to_string()))
            .bind(closed.map(|(_, _, why)| why.as_str()))
            .execute(&mut *self.0.conn)
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Conflict);
        }
        self.0.changed(ChangeKind::Door, door.tenant, door.id);
        Ok(())
    }

    /// Keeps the key of a door that opens in the same commit.
    pub async fn put_door_key(&mut self, id: DoorId, key: &[u8]) -> Result<(), StoreError> {
        let sealed = self.0.seal.seal(key, context(id).as_bytes())?;
        sqlx::query(SET_KEY).bind(id.to_string()).bind(sealed).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Remembers that both levers of a door were pulled, and forgets its key.
    pub async fn door_is_swept(&mut self, id: DoorId) -> Result<(), StoreError> {
        sqlx::query(SWEPT).bind(id.to_string()).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Keeps what shutting a door proved and found.
    pub async fn put_door_outcome(&mut self, id: DoorId, outcome: &Outcome) -> Result<(), StoreError> {
        sqlx::query(SET_OUTCOME).bind(id.to_string()).bind(json_text(outcome)).execute(&mut *self.0.conn).await?;
        Ok(())
    }
}
