//! How a cluster is reached from outside.

use std::pin::Pin;

use entrance_model::id::ClusterUid;
use kube::Client;

use super::InClusterError;
use crate::clusters::local::Planes;

/// A way into a cluster, under way.
pub type Reaching<'a, T> = Pin<Box<dyn Future<Output = Result<T, InClusterError>> + Send + 'a>>;

/// A way into clusters.
pub trait Reach: Send + Sync {
    /// A client with our own credential. Credentials are short-lived: ask again instead of keeping it.
    fn client(&self, cluster: ClusterUid) -> Reaching<'_, Client>;

    /// Makes our own roles and bindings as they shall be, with more power than the credential has.
    fn restore_rights(&self, cluster: ClusterUid) -> Reaching<'_, ()>;
}

impl Reach for Planes {
    fn client(&self, cluster: ClusterUid) -> Reaching<'_, Client> {
        Box::pin(async move { self.client(cluster).await.map_err(|error| InClusterError::Connect(error.to_string())) })
    }

    fn restore_rights(&self, cluster: ClusterUid) -> Reaching<'_, ()> {
        Box::pin(async move { self.restore_rights(cluster).await.map_err(|error| InClusterError::Connect(error.to_string())) })
    }
}
