//! What every request of one server shares.

use std::net::SocketAddr;
use std::sync::Arc;

use entrance_model::Timestamp;
use entrance_model::id::TenantId;
use entrance_store::Store;

use crate::authority::keys::KeyRing;
use crate::clock::Clock;
use crate::clusters::doors::Doors;
use crate::clusters::{Clusters, References};
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::directory::Directory;
use crate::hasher::Hasher;
use crate::jobs::Jobs;
use crate::observe::Observed;
use crate::passwords::Breached;
use crate::tasks::Tasks;
use crate::webhook::{Names, Webhooks, Witness};

/// The shared state of a server; handlers get it as `Arc<App>`.
pub struct App {
    /// Its settings.
    pub config: Config,
    /// Its folder.
    pub data: DataDir,
    /// What it remembers.
    pub store: Store,
    /// Keys that tokens are signed with.
    pub keys: KeyRing,
    /// The directory in memory.
    pub people: Directory,
    /// The listener that API servers ask.
    pub webhooks: Arc<Webhooks>,
    /// Sees how token reviews end.
    pub witness: Arc<Witness>,
    /// Which groups the clusters refer to.
    pub references: References,
    /// Which names entered which clusters.
    pub names: Names,
    /// The clusters' drivers.
    pub clusters: Clusters,
    /// Break-glass doors that are being opened and shut.
    pub doors: Doors,
    /// Figures for operators.
    pub observed: Observed,
    /// Where metrics are served, if they are.
    pub(crate) metrics: Option<SocketAddr>,
    /// Wakes the operation runner.
    pub jobs: Jobs,
    /// Wakes the runner of deployments.
    pub(crate) deployments: tokio::sync::Notify,
    /// Where processes of this machine get tokens without a secret, if they do.
    pub(crate) identity: Option<SocketAddr>,
    /// What time it is.
    pub clock: Clock,
    /// Password hashing.
    pub hasher: Hasher,
    /// Passwords that were found in breaches.
    pub(crate) breached: Breached,
    /// Background tasks.
    pub tasks: Tasks,
    /// What the token service keeps in memory.
    pub(crate) authority: crate::authority::state::State,
    /// The door for the first administrator.
    pub(crate) bootstrap: crate::setup::first::Bootstrap,
    /// Keys of issuers that directories trust.
    pub(crate) issuers: crate::authority::issuers::Issuers,
    /// How often reasons for refusals are given.
    pub(crate) patience: crate::explain::Patience,
    /// The public origin without a trailing slash.
    pub(crate) base: String,
}

impl App {
    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Where metrics are served, if they are.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// Where processes of this machine get tokens without a secret, if they do.
    pub fn identity_address(&self) -> Option<SocketAddr> {
        self.identity
    }

    /// The public origin without a trailing slash, such as `https://localhost:8443` (S-018: never from a request).
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The issuer of v1 tokens, with its trailing slash (S-023).
    pub fn issuer_v1(&self, tenant: TenantId) -> String {
        format!("{}/{tenant}/", self.base)
    }

    /// The issuer of v2 tokens (S-020).
    pub fn issuer_v2(&self, tenant: TenantId) -> String {
        format!("{}/{tenant}/v2.0", self.base)
    }
}
