//! What the resource manager keeps besides clusters: subscriptions, resource groups, operations.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::name::{GroupName, Location};
use super::scope::Scope;
use crate::cluster::{Failure, Step, Work};
use crate::id::{ClusterUid, OperationId, PrincipalId, SubscriptionId, TenantId};

/// A subscription: what rights and resource groups hang on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// The directory that its callers come from.
    pub tenant: TenantId,
    /// What people read.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
}

/// A resource group.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceGroup {
    /// Its subscription.
    pub subscription: SubscriptionId,
    /// Its name.
    pub name: GroupName,
    /// Where its records are said to be.
    pub location: Location,
    /// Tags, and whatever else a client wrote.
    pub document: ResourceGroupDocument,
    /// The operation that deletes it, while it does.
    pub deleting: Option<OperationId>,
    /// When it was made.
    pub created: Timestamp,
}

impl ResourceGroup {
    /// Its resource id.
    pub fn scope(&self) -> Scope {
        Scope::group(self.subscription, &self.name)
    }
}

/// The writable part of a resource group.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResourceGroupDocument {
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// `managedBy`.
    #[serde(default, rename = "managedBy", skip_serializing_if = "Option::is_none")]
    pub managed_by: Option<Value>,
}

/// What an operation works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A cluster.
    Cluster(ClusterUid),
    /// A resource group with everything in it.
    Group(GroupName),
}

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Which one.
    pub step: Step,
    /// It was taken on the way back, after a failure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undoing: bool,
    /// When it was done, in microseconds since 1970; `None` while it is under way or still to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<i64>,
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// Why it failed, if it did.
    pub why: Option<Failure>,
}

/// A long-running operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its id, part of the address that clients poll.
    pub id: OperationId,
    /// The subscription's tenant.
    pub tenant: TenantId,
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The location in that address.
    pub location: Location,
    /// What it works on.
    pub target: Target,
    /// The resource id it works on, for people and for the question who may watch.
    pub scope: Scope,
    /// What it does.
    pub work: Work,
    /// Steps taken and to come.
    pub steps: Vec<Taken>,
    /// Since when.
    pub started: Timestamp,
    /// Who asked for it.
    pub started_by: Option<PrincipalId>,
    /// How it ended; `None` while it runs.
    pub ended: Option<Ended>,
}

impl Operation {
    /// `status`, as clients poll it.
    pub fn status(&self) -> &'static str {
        match &self.ended {
            None => "InProgress",
            Some(Ended { why: None, .. }) => "Succeeded",
            Some(Ended { why: Some(why), .. }) if why.is_aborted() => "Canceled",
            Some(Ended { why: Some(_), .. }) => "Failed",
        }
    }
}
