//! What a template can ask about where it is deployed.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::document::Template;
use crate::arm::{GroupName, Location};
use crate::id::{PrincipalId, SubscriptionId, TenantId};

/// Where and by whom a template is deployed, and when.
#[derive(Debug, Clone)]
pub struct World {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// What people call it.
    pub subscription_name: String,
    /// Its directory.
    pub tenant: TenantId,
    /// The resource group.
    pub group: GroupName,
    /// Where that is.
    pub location: Location,
    /// Its tags.
    pub tags: Value,
    /// The deployment's name.
    pub deployment: String,
    /// Who deploys.
    pub deployer: PrincipalId,
    /// When it was asked for.
    pub now: Timestamp,
    /// What `newGuid` is made of: new for each deployment.
    pub seed: Uuid,
    /// The public origin without a slash at its end.
    pub base: String,
}

impl World {
    /// The id of the resource group.
    pub fn scope(&self) -> String {
        format!("/subscriptions/{}/resourceGroups/{}", self.subscription, self.group)
    }

    pub(super) fn subscription(&self) -> Value {
        json!({
            "id": format!("/subscriptions/{}", self.subscription),
            "subscriptionId": self.subscription,
            "tenantId": self.tenant,
            "displayName": self.subscription_name
        })
    }

    pub(super) fn group(&self) -> Value {
        json!({
            "id": self.scope(),
            "name": self.group.as_str(),
            "type": "Microsoft.Resources/resourceGroups",
            "location": self.location.as_str(),
            "tags": self.tags,
            "properties": { "provisioningState": "Succeeded" }
        })
    }

    pub(super) fn tenant(&self) -> Value {
        json!({ "id": format!("/tenants/{}", self.tenant), "tenantId": self.tenant })
    }

    pub(super) fn deployer(&self) -> Value {
        json!({ "objectId": self.deployer, "tenantId": self.tenant })
    }

    pub(super) fn deployment(&self, template: &Template) -> Value {
        json!({
            "name": self.deployment,
            "location": null,
            "properties": {
                "mode": "Incremental",
                "provisioningState": "Accepted",
                "template": { "$schema": template.schema, "contentVersion": template.content_version },
                "templateHash": template.hash()
            }
        })
    }

    pub(super) fn environment(&self) -> Value {
        json!({
            "name": "Entrance",
            "resourceManager": format!("{}/", self.base),
            "authentication": { "loginEndpoint": format!("{}/", self.base), "audiences": [format!("{}/arm", self.base)] },
            "graphAudience": format!("{}/", self.base)
        })
    }
}
