//! Subscriptions and resource groups.

use entrance_model::arm::{GroupName, ResourceGroup, Scope, Subscription};
use entrance_model::id::{OperationId, SubscriptionId, TenantId};

use super::Arm;
use crate::error::StoreError;
use crate::row::{Row, json_text};
use crate::session::Write;
use crate::sql::statements;

statements! {
    ADD_SUBSCRIPTION = "INSERT INTO subscription (id, tenant, name, created) VALUES ($1, $2, $3, $4)";
    SUBSCRIPTION = "SELECT id, tenant, name, created FROM subscription WHERE id = $1";
    SUBSCRIPTIONS = "SELECT id, tenant, name, created FROM subscription WHERE tenant = $1 ORDER BY id";
    GROUP = "SELECT subscription, name, location, document, deleting, created FROM resource_group WHERE subscription = $1 AND name_key = $2";
    GROUPS = "SELECT subscription, name, location, document, deleting, created FROM resource_group WHERE subscription = $1 ORDER BY name_key";
    PUT_GROUP = "INSERT INTO resource_group (subscription, name_key, name, location, document, deleting, created) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (subscription, name_key) DO UPDATE SET document = excluded.document, deleting = excluded.deleting";
    DELETE_GROUP = "DELETE FROM resource_group WHERE subscription = $1 AND name_key = $2";
}

fn read_subscription(row: &Row<'_>) -> Result<Subscription, StoreError> {
    Ok(Subscription {
        id: row.parsed("id")?,
        tenant: row.parsed("tenant")?,
        name: row.text("name")?,
        created: row.time("created")?,
    })
}

fn read_group(row: &Row<'_>) -> Result<ResourceGroup, StoreError> {
    Ok(ResourceGroup {
        subscription: row.parsed("subscription")?,
        name: row.parsed("name")?,
        location: row.parsed("location")?,
        document: row.json("document")?,
        deleting: row.maybe_parsed::<OperationId>("deleting")?,
        created: row.time("created")?,
    })
}

impl<M> Arm<'_, M> {
    /// One subscription.
    pub async fn subscription(&mut self, id: SubscriptionId) -> Result<Option<Subscription>, StoreError> {
        let row = sqlx::query(SUBSCRIPTION).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read_subscription(&Row::of("subscription", &row))).transpose()
    }

    /// The subscriptions of a tenant.
    pub async fn subscriptions(&mut self, tenant: TenantId) -> Result<Vec<Subscription>, StoreError> {
        let rows = sqlx::query(SUBSCRIPTIONS).bind(tenant.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read_subscription(&Row::of("subscription", row))).collect()
    }

    /// One resource group.
    pub async fn group(&mut self, subscription: SubscriptionId, name: &GroupName) -> Result<Option<ResourceGroup>, StoreError> {
        let row = sqlx::query(GROUP).bind(subscription.to_string()).bind(name.key()).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read_group(&Row::of("resource_group", &row))).transpose()
    }

    /// The resource groups of a subscription, by name.
    pub async fn groups(&mut self, subscription: SubscriptionId) -> Result<Vec<ResourceGroup>, StoreError> {
        let rows = sqlx::query(GROUPS).bind(subscription.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read_group(&Row::of("resource_group", row))).collect()
    }
}

impl Arm<'_, Write> {
    /// Makes a subscription.
    pub async fn insert_subscription(&mut self, subscription: &Subscription) -> Result<(), StoreError> {
        sqlx::query(ADD_SUBSCRIPTION)
            .bind(subscription.id.to_string())
            .bind(subscription.tenant.to_string())
            .bind(&subscription.name)
            .bind(subscription.created.as_microsecond())
            .execute(&mut *self.0.conn)
            .await
            .map_err(|e| StoreError::from(e).naming("subscription"))?;
        Ok(())
    }

    /// Makes a resource group, or changes what can be changed of it.
    pub async fn put_group(&mut self, group: &ResourceGroup) -> Result<(), StoreError> {
        sqlx::query(PUT_GROUP)
            .bind(group.subscription.to_string())
            .bind(group.name.key())
            .bind(group.name.as_str())
            .bind(group.location.as_str())
            .bind(json_text(&group.document))
            .bind(group.deleting.map(|id| id.to_string()))
            .bind(group.created.as_microsecond())
            .execute(&mut *self.0.conn)
            .await?;
        Ok(())
    }

    /// Removes a resource group that holds nothing any more.
    pub async fn delete_group(&mut self, subscription: SubscriptionId, name: &GroupName) -> Result<(), StoreError> {
        sqlx::query(DELETE_GROUP).bind(subscription.to_string()).bind(name.key()).execute(&mut *self.0.conn).await?;
        self.delete_locks_below(&Scope::group(subscription, name)).await
    }
}
