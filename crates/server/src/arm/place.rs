//! What locks and tags hang on: a subscription, a group in it, or a cluster in that.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use entrance_model::arm::{ClusterAddress, GroupName, ResourceGroup, Scope};
use entrance_model::cluster::Cluster;
use entrance_model::id::SubscriptionId;
use entrance_store::Arm;

use super::ctx::Ctx;
use super::error::{ArmError, Refusal};
use super::groups::place;

/// The names in an address.
pub(super) struct Names(HashMap<String, String>);

impl Names {
    /// One of them; nothing when the address has none of that name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Names {
    type Rejection = ArmError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ArmError> {
        let names = Path::from_request_parts(parts, state).await;
        let Path(names) = names.map_err(|_| Refusal::NotFound("that address".to_owned()))?;
        Ok(Self(names))
    }
}

/// A place, whether there is something or not.
pub(super) enum Place {
    /// A whole subscription.
    Subscription(SubscriptionId),
    /// A resource group.
    Group(SubscriptionId, GroupName),
    /// A cluster.
    Cluster(ClusterAddress),
}

/// What is there.
pub(super) enum Found {
    /// The subscription.
    Subscription,
    /// The group.
    Group(ResourceGroup),
    /// The cluster.
    Cluster(Box<Cluster>),
}

impl Place {
    /// The place that an address names, in a subscription of the caller's tenant.
    pub(super) async fn of(ctx: &Ctx, names: &Names) -> Result<Self, ArmError> {
        let subscription = names.get("subscription").unwrap_or_default();
        let Some(group) = names.get("group") else {
            return Ok(Self::Subscription(ctx.subscription(subscription).await?.id));
        };
        let (subscription, group) = place(ctx, subscription, group).await?;
        Ok(match names.get("name") {
            None => Self::Group(subscription, group),
            Some(name) => Self::Cluster(ClusterAddress { subscription, group, name: name.parse()? }),
        })
    }

    /// Its resource id, as it was asked.
    pub(super) fn scope(&self) -> Scope {
        match self {
            Self::Subscription(id) => Scope::subscription(*id),
            Self::Group(subscription, name) => Scope::group(*subscription, name),
            Self::Cluster(address) => address.scope(),
        }
    }

    /// what is there, after the caller was allowed.
    pub(super) async fn found<M>(&self, arm: &mut Arm<'_, M>) -> Result<Found, ArmError> {
        let (subscription, name) = match self {
            Self::Subscription(_) => return Ok(Found::Subscription),
            Self::Group(subscription, name) => (*subscription, name),
            Self::Cluster(address) => (address.subscription, &address.group),
        };
        let group = arm.group(subscription, name).await?.ok_or_else(|| Refusal::NoGroup(name.to_string()))?;
        if group.deleting.is_some() {
            return Err(Refusal::GroupDeleting(group.name.to_string()).into());
        }
        let Self::Cluster(address) = self else { return Ok(Found::Group(group)) };
        let missing = || Refusal::NoResource {
            kind: "Microsoft.ContainerService/managedClusters",
            name: address.name.to_string(),
            group: group.name.to_string(),
        };
        Ok(Found::Cluster(Box::new(arm.cluster_at(address).await?.ok_or_else(missing)?)))
    }
}

impl Found {
    /// Its resource id, as it was created.
    pub(super) fn scope(&self, asked: &Place) -> Scope {
        match self {
            Self::Subscription => asked.scope(),
            Self::Group(group) => group.scope(),
            Self::Cluster(cluster) => cluster.address.scope(),
        }
    }
}
