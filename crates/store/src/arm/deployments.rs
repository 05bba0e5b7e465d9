//! Deployments of templates.

use entrance_model::arm::GroupName;
use entrance_model::id::{OperationId, SubscriptionId};
use entrance_model::template::{Deployment, DeploymentAddress, Input};
use zeroize::Zeroizing;

use super::Arm;
use crate::error::StoreError;
use crate::row::{Row, json_text};
use crate::session::Write;
use crate::sql::statements;

statements! {
    ONE = "SELECT * FROM deployment WHERE id = $1";
    AT = "SELECT * FROM deployment WHERE subscription = $1 AND group_key = $2 AND name_key = $3";
    IN_GROUP = "SELECT * FROM deployment WHERE subscription = $1 AND group_key = $2 ORDER BY started DESC, id";
    OPEN = "SELECT id FROM deployment WHERE ended IS NULL ORDER BY started, id";
    TEMPLATE = "SELECT template FROM deployment WHERE id = $1";
    INPUT = "SELECT input FROM deployment WHERE id = $1";
    INSERT = "INSERT INTO deployment (id, tenant, subscription, group_key, group_name, name_key, name, progress, hash, parameters, outputs, error, resources, correlation, started, started_by, started_as, ended, parent, is_stopping, revision, template, input) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)";
    UPDATE = "UPDATE deployment SET progress = $2, outputs = $3, error = $4, resources = $5, ended = $6, input = CASE WHEN $6 IS NULL THEN input ELSE NULL END, revision = revision + 1 WHERE id = $1 AND revision = $7 AND ended IS NULL";
    STOP = "UPDATE deployment SET is_stopping = 1 WHERE id = $1 AND ended IS NULL";
    DELETE = "DELETE FROM deployment WHERE id = $1";
    FORGET_OLD = "DELETE FROM deployment WHERE id IN (SELECT id FROM deployment WHERE subscription = $1 AND group_key = $2 AND ended IS NOT NULL ORDER BY started DESC, id LIMIT -1 OFFSET $3)";
}

fn context(id: OperationId, what: &str) -> String {
    format!("deployment/{id}/{what}")
}

fn read(row: &Row<'_>) -> Result<Deployment, StoreError> {
    Ok(Deployment {
        id: row.parsed("id")?,
        tenant: row.parsed("tenant")?,
        address: DeploymentAddress {
            subscription: row.parsed("subscription")?,
            group: row.parsed("group_name")?,
            name: row.parsed("name")?,
        },
        progress: row.parsed("progress")?,
        hash: row.text("hash")?,
        parameters: row.json("parameters")?,
        outputs: row.maybe_json("outputs")?,
        error: row.maybe_json("error")?,
        resources: row.json("resources")?,
        correlation: row.parsed("correlation")?,
        started: row.time("started")?,
        started_by: row.parsed("started_by")?,
        started_as: row.text("started_as")?,
        ended: row.maybe_time("ended")?,
        parent: row.maybe_parsed("parent")?,
        is_stopping: row.flag("is_stopping")?,
        revision: row.int("revision")?,
    })
}

impl<M> Arm<'_, M> {
    /// One run of a deployment.
    pub async fn deployment(&mut self, id: OperationId) -> Result<Option<Deployment>, StoreError> {
        let row = sqlx::query(ONE).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read(&Row::of("deployment", &row))).transpose()
    }

    /// The newest run under a name.
    pub async fn deployment_at(&mut self, address: &DeploymentAddress) -> Result<Option<Deployment>, StoreError> {
        let query = sqlx::query(AT).bind(address.subscription.to_string()).bind(address.group.key()).bind(address.name.key());
        let row = query.fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read(&Row::of("deployment", &row))).transpose()
    }

    /// The deployments of a group, the newest first.
    pub async fn deployments_in(
        &mut self,
        subscription: SubscriptionId,
        group: &GroupName,
    ) -> Result<Vec<Deployment>, StoreError> {
        let query = sqlx::query(IN_GROUP).bind(subscription.to_string()).bind(group.key());
        let rows = query.fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read(&Row::of("deployment", row))).collect()
    }

    /// Those that have not ended, the oldest first.
    pub async fn open_deployments(&mut self) -> Result<Vec<OperationId>, StoreError> {
        let rows = sqlx::query(OPEN).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| Row::of("deployment", row).parsed("id")).collect()
    }

    /// The text of its template.
    pub async fn deployment_template(&mut self, id: OperationId) -> Result<Option<String>, StoreError> {
        let row = sqlx::query(TEMPLATE).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        let Some(row) = row else { return Ok(None) };
        let text = self.0.seal.open(&Row::of("deployment", &row).bytes("template")?, context(id, "template").as_bytes())?;
        let corrupt =
            |e: std::str::Utf8Error| StoreError::Corrupt { table: "deployment", column: "template", why: e.to_string() };
        Ok(Some(std::str::from_utf8(&text).map_err(corrupt)?.to_owned()))
    }

    /// What is needed to go on with one; `None` once it has ended.
    pub async fn deployment_input(&mut self, id: OperationId) -> Result<Option<Input>, StoreError> {
        let row = sqlx::query(INPUT).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        let Some(row) = row else { return Ok(None) };
        let Some(sealed) = Row::of("deployment", &row).maybe_bytes("input")? else { return Ok(None) };
        let text = self.0.seal.open(&sealed, context(id, "input").as_bytes())?;
        let corrupt = |e: serde_json::Error| StoreError::Corrupt { table: "deployment", column: "input", why: e.to_string() };
        serde_json::from_slice(&text).map(Some).map_err(corrupt)
    }
}

impl Arm<'_, Write> {
    /// Keeps a new deployment. [`StoreError::Exists`] when the name is taken.
    pub async fn insert_deployment(&mut self, deployment: &Deployment, template: &str, input: &Input) -> Result<(), StoreError> {
        let id = deployment.id;
        let text = Zeroizing::new(json_text(input));
        let input = self.0.seal.seal(text.as_bytes(), context(id, "input").as_bytes())?;
        let template = self.0.seal.seal(template.as_bytes(), context(id, "template").as_bytes())?;
        sqlx::query(INSERT)
            .bind(id.to_string())
            .bind(deployment.tenant.to_string())
            .bind(deployment.address.subscription.to_string())
            .bind(deployment.address.group.key())
            .bind(deployment.address.group.as_str())
            .bind(deployment.address.name.key())
            .bind(deployment.address.name.as_str())
            .bind(deployment.progress.as_str())
            .bind(&deployment.hash)
            .bind(json_text(&deployment.parameters))
            .bind(deployment.outputs.as_ref().map(json_text))
            .bind(deployment.error.as_ref().map(json_text))
            .bind(json_text(&deployment.resources))
            .bind(deployment.correlation.to_string())
            .bind(deployment.started.as_microsecond())
            .bind(deployment.started_by.to_string())
            .bind(&deployment.started_as)
            .bind(deployment.ended.map(entrance_model::Timestamp::as_microsecond))
            .bind(deployment.parent.map(|id| id.to_string()))
            .bind(deployment.is_stopping)
            .bind(deployment.revision)
            .bind(template)
            .bind(input)
            .execute(&mut *self.0.conn)
            .await
            .map_err(|e| StoreError::from(e).naming("deployment"))?;
        Ok(())
    }

    /// Writes down how far a deployment is; [`StoreError::Conflict`] when it has ended, is gone, or somebody else writes it.
    pub async fn update_deployment(&mut self, deployment: &mut Deployment) -> Result<(), StoreError> {
        let done = sqlx::query(UPDATE)
            .bind(deployment.id.to_string())
            .bind(deployment.progress.as_str())
            .bind(deployment.outputs.as_ref().map(json_text))
            .bind(deployment.error.as_ref().map(json_text))
            .bind(json_text(&deployment.resources))
            .bind(deployment.ended.map(entrance_model::Timestamp::as_microsecond))
            .bind(deployment.revision)
            .execute(&mut *self.0.conn)
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Conflict);
        }
        deployment.revision += 1;
        Ok(())
    }

    /// Asks a deployment to stop. `false`: it has ended.
    pub async fn stop_deployment(&mut self, id: OperationId) -> Result<bool, StoreError> {
        let done = sqlx::query(STOP).bind(id.to_string()).execute(&mut *self.0.conn).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Forgets a deployment; what it made stays.
    pub async fn delete_deployment(&mut self, id: OperationId) -> Result<(), StoreError> {
        sqlx::query(DELETE).bind(id.to_string()).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Forgets all but the newest ones that have ended in a group.
    pub async fn forget_old_deployments(
        &mut self,
        subscription: SubscriptionId,
        group: &GroupName,
        keep: u32,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(FORGET_OLD).bind(subscription.to_string()).bind(group.key()).bind(i64::from(keep));
        query.execute(&mut *self.0.conn).await?;
        Ok(())
    }
}
