//! Long-running operations and their leases (DESIGN 7): the database's time, and a fencing number in every effect.

use std::time::Duration;

use entrance_model::Timestamp;
use entrance_model::arm::{Ended, Operation, Taken, Target};
use entrance_model::cluster::Failure;
use entrance_model::id::{OperationId, SubscriptionId};

use crate::error::StoreError;
use crate::row::{Row, json_text};
use crate::session::{Scope, Write};
use crate::sql::statements;

statements! {
    ONE = "SELECT * FROM operation WHERE id = $1";
    OPEN = "SELECT count(*) AS n FROM operation WHERE ended IS NULL";
    INSERT = "INSERT INTO operation (id, tenant, subscription, location, target, cluster, group_key, work, steps, started, started_by, ended, why, fence, lease_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULL, NULL, 0, 0)";
    LEASE = "UPDATE operation SET fence = fence + 1, lease_until = CAST(unixepoch('subsec') * 1000000 AS INTEGER) + $1 WHERE id = (SELECT id FROM operation WHERE ended IS NULL AND lease_until <= CAST(unixepoch('subsec') * 1000000 AS INTEGER) ORDER BY lease_until, started, id LIMIT 1) RETURNING *";
    RENEW = "UPDATE operation SET lease_until = CAST(unixepoch('subsec') * 1000000 AS INTEGER) + $3 WHERE id = $1 AND fence = $2 AND ended IS NULL";
    STEPS = "UPDATE operation SET steps = $3 WHERE id = $1 AND fence = $2 AND ended IS NULL";
    END = "UPDATE operation SET ended = $3, why = $4, steps = $5 WHERE id = $1 AND fence = $2 AND ended IS NULL";
    GIVE_UP = "UPDATE operation SET ended = $2, why = $3 WHERE id = $1 AND ended IS NULL";
    RELEASE_ALL = "UPDATE operation SET lease_until = 0 WHERE ended IS NULL";
    PRUNE = "DELETE FROM operation WHERE ended IS NOT NULL AND ended < $1";
}

/// The operations.
pub struct Operations<'s, M>(pub(crate) Scope<'s, M>);

/// The right to work on an operation, until somebody else gets it.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The operation, as it was when the lease began.
    pub operation: Operation,
    fence: i64,
}

fn read(row: &Row<'_>) -> Result<Operation, StoreError> {
    let target = match (row.maybe_parsed("cluster")?, row.maybe_parsed("group_key")?) {
        (Some(uid), None) => Target::Cluster(uid),
        (None, Some(group)) => Target::Group(group),
        _ => {
            return Err(StoreError::Corrupt {
                table: "operation",
                column: "cluster",
                why: "exactly one target is needed".into(),
            });
        }
    };
    let why: Option<Failure> = row.maybe_json("why")?;
    Ok(Operation {
        id: row.parsed("id")?,
        tenant: row.parsed("tenant")?,
        subscription: row.parsed::<SubscriptionId>("subscription")?,
        location: row.parsed("location")?,
        target,
        scope: row.parsed("target")?,
        work: row.parsed("work")?,
        steps: row.json("steps")?,
        started: row.time("started")?,
        started_by: row.maybe_parsed("started_by")?,
        ended: row.maybe_time("ended")?.map(|at| Ended { at, why }),
    })
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 2)
}

impl<M> Operations<'_, M> {
    /// One operation.
    pub async fn one(&mut self, id: OperationId) -> Result<Option<Operation>, StoreError> {
        let row = sqlx::query(ONE).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read(&Row::of("operation", &row))).transpose()
    }

    /// How many have not ended.
    pub async fn open(&mut self) -> Result<i64, StoreError> {
        let row = sqlx::query(OPEN).fetch_one(&mut *self.0.conn).await?;
        Row::of("operation", &row).int("n")
    }
}

impl Operations<'_, Write> {
    /// Begins an operation; the next free runner takes it.
    pub async fn insert(&mut self, operation: &Operation) -> Result<(), StoreError> {
        let (cluster, group) = match &operation.target {
            Target::Cluster(uid) => (Some(uid.to_string()), None),
            Target::Group(name) => (None, Some(name.as_str().to_owned())),
        };
        sqlx::query(INSERT)
            .bind(operation.id.to_string())
            .bind(operation.tenant.to_string())
            .bind(operation.subscription.to_string())
            .bind(operation.location.as_str())
            .bind(operation.scope.as_str())
            .bind(cluster)
            .bind(group)
            .bind(operation.work.as_str())
            .bind(json_text(&operation.steps))
            .bind(operation.started.as_microsecond())
            .bind(operation.started_by.map(|id| id.to_string()))
            .execute(&mut *self.0.conn)
            .await?;
        Ok(())
    }

    /// Leases the operation that has waited longest, if one waits.
    pub async fn lease(&mut self, duration: Duration) -> Result<Option<Lease>, StoreError> {
        let row = sqlx::query(LEASE).bind(micros(duration)).fetch_optional(&mut *self.0.conn).await?;
        let Some(row) = row else { return Ok(None) };
        let row = Row::of("operation", &row);
        Ok(Some(Lease { operation: read(&row)?, fence: row.int("fence")? }))
    }

    /// Keeps a lease; [`StoreError::Conflict`] when somebody else has it. A lease of no length gives it back.
    pub async fn renew(&mut self, lease: &Lease, duration: Duration) -> Result<(), StoreError> {
        let query = sqlx::query(RENEW).bind(lease.operation.id.to_string()).bind(lease.fence).bind(micros(duration));
        let done = query.execute(&mut *self.0.conn).await?;
        if done.rows_affected() == 0 { Err(StoreError::Conflict) } else { Ok(()) }
    }

    /// Records the steps; [`StoreError::Conflict`] when somebody else has the lease.
    pub async fn record(&mut self, lease: &Lease, steps: &[Taken]) -> Result<(), StoreError> {
        let query = sqlx::query(STEPS).bind(lease.operation.id.to_string()).bind(lease.fence).bind(json_text(&steps));
        let done = query.execute(&mut *self.0.conn).await?;
        if done.rows_affected() == 0 { Err(StoreError::Conflict) } else { Ok(()) }
    }

    /// Ends an operation; [`StoreError::Conflict`] when somebody else has the lease.
    pub async fn end(&mut self, lease: &Lease, steps: &[Taken], ended: &Ended) -> Result<(), StoreError> {
        let query = sqlx::query(END)
            .bind(lease.operation.id.to_string())
            .bind(lease.fence)
            .bind(ended.at.as_microsecond())
            .bind(ended.why.as_ref().map(json_text))
            .bind(json_text(&steps));
        let done = query.execute(&mut *self.0.conn).await?;
        if done.rows_affected() == 0 { Err(StoreError::Conflict) } else { Ok(()) }
    }

    /// Ends an operation whoever has its lease, who changes nothing from here on; [`StoreError::Conflict`] when it has ended.
    pub async fn give_up(&mut self, id: OperationId, ended: &Ended) -> Result<(), StoreError> {
        let query =
            sqlx::query(GIVE_UP).bind(id.to_string()).bind(ended.at.as_microsecond()).bind(ended.why.as_ref().map(json_text));
        let done = query.execute(&mut *self.0.conn).await?;
        if done.rows_affected() == 0 { Err(StoreError::Conflict) } else { Ok(()) }
    }

    /// Takes every lease back: at the start of the only server of this store, nobody can hold one.
    pub async fn release_all(&mut self) -> Result<(), StoreError> {
        sqlx::query(RELEASE_ALL).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Forgets operations that ended long ago.
    pub async fn prune(&mut self, before: Timestamp) -> Result<(), StoreError> {
        sqlx::query(PRUNE).bind(before.as_microsecond()).execute(&mut *self.0.conn).await?;
        Ok(())
    }
}
