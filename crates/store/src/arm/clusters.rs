//! Managed clusters.

use entrance_model::arm::{ClusterAddress, GroupName};
use entrance_model::cluster::{Cluster, Endpoint, State};
use entrance_model::id::{ClusterUid, SubscriptionId};

use super::Arm;
use crate::error::StoreError;
use crate::feed::ChangeKind;
use crate::row::{Row, json_text};
use crate::session::Write;
use crate::sql::statements;

statements! {
    BY_UID = "SELECT * FROM managed_cluster WHERE uid = $1";
    BY_ADDRESS = "SELECT * FROM managed_cluster WHERE subscription = $1 AND group_key = $2 AND name_key = $3";
    IN_SUBSCRIPTION = "SELECT * FROM managed_cluster WHERE subscription = $1 ORDER BY group_key, name_key";
    IN_GROUP = "SELECT * FROM managed_cluster WHERE subscription = $1 AND group_key = $2 ORDER BY name_key";
    AFTER = "SELECT * FROM managed_cluster WHERE subscription = $1 AND (group_key, name_key) > ($2, $3) ORDER BY group_key, name_key LIMIT $4";
    AFTER_IN_GROUP = "SELECT * FROM managed_cluster WHERE subscription = $1 AND group_key = $2 AND name_key > $3 ORDER BY name_key LIMIT $4";
    EVERY = "SELECT * FROM managed_cluster ORDER BY uid";
    COUNT = "SELECT count(*) AS n FROM managed_cluster WHERE subscription = $1";
    INSERT = "INSERT INTO managed_cluster (uid, tenant, subscription, group_key, name_key, group_name, name, document, applied, version, state, work, operation, since, why, usable, url, ca, revision, created, created_by, modified, modified_by, power) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)";
    UPDATE = "UPDATE managed_cluster SET document = $2, applied = $3, version = $4, state = $5, work = $6, operation = $7, since = $8, why = $9, usable = $10, url = $11, ca = $12, revision = revision + 1, modified = $13, modified_by = $14, power = $16 WHERE uid = $1 AND revision = $15";
    DELETE = "DELETE FROM managed_cluster WHERE uid = $1";
}

fn read(row: &Row<'_>) -> Result<Cluster, StoreError> {
    let endpoint = match (row.maybe_text("url")?, row.maybe_text("ca")?) {
        (Some(url), Some(ca)) => Some(Endpoint { url, ca }),
        _ => None,
    };
    Ok(Cluster {
        uid: row.parsed("uid")?,
        address: ClusterAddress {
            subscription: row.parsed("subscription")?,
            group: row.parsed("group_name")?,
            name: row.parsed("name")?,
        },
        tenant: row.parsed("tenant")?,
        document: row.json("document")?,
        applied: row.maybe_json("applied")?,
        version: row.parsed("version")?,
        state: read_state(row)?,
        power: row.parsed("power")?,
        endpoint,
        revision: row.int("revision")?,
        created: row.time("created")?,
        created_by: row.maybe_parsed("created_by")?,
        modified: row.time("modified")?,
        modified_by: row.maybe_parsed("modified_by")?,
    })
}

fn read_state(row: &Row<'_>) -> Result<State, StoreError> {
    let missing = |column| StoreError::Corrupt { table: "managed_cluster", column, why: "missing".into() };
    Ok(match row.text("state")?.as_str() {
        "working" => State::Working {
            work: row.parsed("work")?,
            operation: row.parsed("operation")?,
            since: row.maybe_time("since")?.ok_or_else(|| missing("since"))?,
        },
        "ready" => State::Ready,
        "failed" => State::Failed { why: row.maybe_json("why")?.ok_or_else(|| missing("why"))?, usable: row.flag("usable")? },
        "canceled" => State::Canceled { usable: row.flag("usable")? },
        other => return Err(StoreError::Corrupt { table: "managed_cluster", column: "state", why: other.to_owned() }),
    })
}

// Columns of the state, in the order of the statements.
struct StateColumns {
    state: &'static str,
    work: Option<&'static str>,
    operation: Option<String>,
    since: Option<i64>,
    why: Option<String>,
    usable: bool,
}

impl StateColumns {
    fn of(state: &State) -> Self {
        let none = Self { state: "ready", work: None, operation: None, since: None, why: None, usable: false };
        match state {
            State::Working { work, operation, since } => Self {
                state: "working",
                work: Some(work.as_str()),
                operation: Some(operation.to_string()),
                since: Some(since.as_microsecond()),
                ..none
            },
            // A cluster that is gone has no row; whoever writes one means a ready one.
            State::Ready | State::Gone => none,
            State::Canceled { usable } => Self { state: "canceled", usable: *usable, ..none },
            State::Failed { why, usable } => Self { state: "failed", why: Some(json_text(why)), usable: *usable, ..none },
        }
    }
}

impl<M> Arm<'_, M> {
    /// One cluster by its uid.
    pub async fn cluster(&mut self, uid: ClusterUid) -> Result<Option<Cluster>, StoreError> {
        let row = sqlx::query(BY_UID).bind(uid.to_string()).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read(&Row::of("managed_cluster", &row))).transpose()
    }

    /// One cluster by its address.
    pub async fn cluster_at(&mut self, address: &ClusterAddress) -> Result<Option<Cluster>, StoreError> {
        let row = sqlx::query(BY_ADDRESS)
            .bind(address.subscription.to_string())
            .bind(address.group.key())
            .bind(address.name.key())
            .fetch_optional(&mut *self.0.conn)
            .await?;
        row.map(|row| read(&Row::of("managed_cluster", &row))).transpose()
    }

    /// The clusters of a subscription, or of one group in it, in the order of their ids.
    pub async fn clusters_in(
        &mut self,
        subscription: SubscriptionId,
        group: Option<&GroupName>,
    ) -> Result<Vec<Cluster>, StoreError> {
        let query = match group {
            Some(group) => sqlx::query(IN_GROUP).bind(subscription.to_string()).bind(group.key()),
            None => sqlx::query(IN_SUBSCRIPTION).bind(subscription.to_string()),
        };
        let rows = query.fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read(&Row::of("managed_cluster", row))).collect()
    }

    /// At most so many clusters of a subscription, or of one group in it, behind a place: the keys of a group and a name, both
    /// empty at the beginning. In the order of these keys.
    pub async fn clusters_after(
        &mut self,
        subscription: SubscriptionId,
        group: Option<&GroupName>,
        (after_group, after_name): (&str, &str),
        limit: usize,
    ) -> Result<Vec<Cluster>, StoreError> {
        let query = match group {
            Some(group) => sqlx::query(AFTER_IN_GROUP).bind(subscription.to_string()).bind(group.key()),
            None => sqlx::query(AFTER).bind(subscription.to_string()).bind(after_group.to_owned()),
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = query.bind(after_name.to_owned()).bind(limit).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read(&Row::of("managed_cluster", row))).collect()
    }

    /// All clusters of all tenants.
    pub async fn clusters(&mut self) -> Result<Vec<Cluster>, StoreError> {
        let rows = sqlx::query(EVERY).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read(&Row::of("managed_cluster", row))).collect()
    }

    /// How many clusters a subscription has.
    pub async fn count_clusters(&mut self, subscription: SubscriptionId) -> Result<usize, StoreError> {
        let row = sqlx::query(COUNT).bind(subscription.to_string()).fetch_one(&mut *self.0.conn).await?;
        Ok(usize::try_from(Row::of("managed_cluster", &row).int("n")?).unwrap_or(0))
    }
}

impl Arm<'_, Write> {
    /// Keeps a new cluster. [`StoreError::Exists`] when the address is taken.
    pub async fn insert_cluster(&mut self, cluster: &Cluster) -> Result<(), StoreError> {
        let state = StateColumns::of(&cluster.state);
        sqlx::query(INSERT)
            .bind(cluster.uid.to_string())
            .bind(cluster.tenant.to_string())
            .bind(cluster.address.subscription.to_string())
            .bind(cluster.address.group.key())
            .bind(cluster.address.name.key())
            .bind(cluster.address.group.as_str())
            .bind(cluster.address.name.as_str())
            .bind(json_text(&cluster.document))
            .bind(cluster.applied.as_ref().map(json_text))
            .bind(cluster.version.to_string())
            .bind(state.state)
            .bind(state.work)
            .bind(state.operation)
            .bind(state.since)
            .bind(state.why)
            .bind(state.usable)
            .bind(cluster.endpoint.as_ref().map(|e| e.url.as_str()))
            .bind(cluster.endpoint.as_ref().map(|e| e.ca.as_str()))
            .bind(cluster.revision)
            .bind(cluster.created.as_microsecond())
            .bind(cluster.created_by.map(|id| id.to_string()))
            .bind(cluster.modified.as_microsecond())
            .bind(cluster.modified_by.map(|id| id.to_string()))
            .bind(cluster.power.as_str())
            .execute(&mut *self.0.conn)
            .await
            .map_err(|e| StoreError::from(e).naming("cluster"))?;
        self.0.changed(ChangeKind::Cluster, cluster.tenant, cluster.uid);
        Ok(())
    }

    /// Changes a cluster that nobody changed since it was read; [`StoreError::Conflict`] otherwise. Its revision grows.
    pub async fn update_cluster(&mut self, cluster: &mut Cluster) -> Result<(), StoreError> {
        let state = StateColumns::of(&cluster.state);
        let done = sqlx::query(UPDATE)
            .bind(cluster.uid.to_string())
            .bind(json_text(&cluster.document))
            .bind(cluster.applied.as_ref().map(json_text))
            .bind(cluster.version.to_string())
            .bind(state.state)
            .bind(state.work)
            .bind(state.operation)
            .bind(state.since)
            .bind(state.why)
            .bind(state.usable)
            .bind(cluster.endpoint.as_ref().map(|e| e.url.as_str()))
            .bind(cluster.endpoint.as_ref().map(|e| e.ca.as_str()))
            .bind(cluster.modified.as_microsecond())
            .bind(cluster.modified_by.map(|id| id.to_string()))
            .bind(cluster.revision)
            .bind(cluster.power.as_str())
            .execute(&mut *self.0.conn)
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Conflict);
        }
        cluster.revision += 1;
        self.0.changed(ChangeKind::Cluster, cluster.tenant, cluster.uid);
        Ok(())
    }

    /// Forgets a cluster of which nothing is left.
    pub async fn delete_cluster(&mut self, cluster: &Cluster) -> Result<(), StoreError> {
        sqlx::query(DELETE).bind(cluster.uid.to_string()).execute(&mut *self.0.conn).await?;
        self.0.changed(ChangeKind::Cluster, cluster.tenant, cluster.uid);
        self.delete_locks_below(&cluster.address.scope()).await
    }
}
