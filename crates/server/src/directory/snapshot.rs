//! What a review needs to know, in memory, all of it from one moment.

use std::collections::HashMap;
use std::sync::Arc;

use entrance_model::Timestamp;
use entrance_model::cluster::{Cluster, Door, TokenAudience};
use entrance_model::id::{AppId, ClusterUid, DoorId, GroupId, PrincipalId, TenantId};
use entrance_model::review::{Gate, Principal};
use entrance_model::signin::revocation::{Issued, Kind, Revocations};
use entrance_store::FeedPosition;

use super::graph::{Graph, Node};

/// The directory, the clusters, the open doors and the revocations at one moment of the change feed.
#[derive(Clone, Default)]
pub struct Snapshot {
    pub(super) position: FeedPosition,
    pub(super) tenants: HashMap<TenantId, Graph>,
    pub(super) clusters: HashMap<ClusterUid, Arc<Facts>>,
    pub(super) doors: HashMap<DoorId, Arc<Door>>,
    pub(super) revocations: HashMap<TenantId, Arc<Revocations>>,
}

/// What is known of a cluster here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// How sign-ins are judged: what is in force. `None` without an integration with the directory.
    pub gate: Option<Gate>,
    /// The groups that shall administer the cluster; `None` when the managed integration is off.
    pub admins: Option<Vec<GroupId>>,
    /// Whether break-glass doors may be open.
    pub local_accounts: bool,
}

impl Facts {
    /// The facts of a cluster as it is remembered.
    pub fn of(cluster: &Cluster) -> Self {
        let wanted = cluster.spec().ok();
        Self {
            gate: cluster.in_force().and_then(|spec| Gate::of(cluster.uid, cluster.address.scope(), &spec)),
            admins: wanted.as_ref().and_then(|spec| spec.sign_in.managed()).map(|managed| managed.admins.clone()),
            local_accounts: wanted.is_none_or(|spec| spec.local_accounts),
        }
    }
}

impl Snapshot {
    /// How far the change feed was.
    pub fn position(&self) -> &FeedPosition {
        &self.position
    }

    /// A person or an application.
    pub fn principal(&self, tenant: TenantId, id: PrincipalId) -> Option<&Principal> {
        self.tenants.get(&tenant)?.principal(id)
    }

    /// The security-enabled groups that somebody is in, directly or through other groups, sorted.
    pub fn groups_of(&self, tenant: TenantId, id: PrincipalId) -> Vec<GroupId> {
        self.tenants.get(&tenant).map(|graph| graph.groups_of(id)).unwrap_or_default()
    }

    /// Groups of every kind that somebody is in, directly or through other groups, sorted.
    pub fn all_groups_of(&self, tenant: TenantId, id: PrincipalId) -> Vec<GroupId> {
        self.tenants.get(&tenant).map(|graph| graph.all_groups_of(id)).unwrap_or_default()
    }

    /// A cluster.
    pub fn cluster(&self, uid: ClusterUid) -> Option<&Facts> {
        self.clusters.get(&uid).map(Arc::as_ref)
    }

    /// The cluster of this directory that takes only tokens made for this application id, which is its own.
    pub fn own_audience(&self, tenant: TenantId, app: AppId) -> Option<ClusterUid> {
        let is_own = |uid: ClusterUid, gate: &Gate| {
            gate.tenant == tenant && gate.audience == app && TokenAudience::Cluster.server_app(uid) == app
        };
        self.clusters().find(|(uid, facts)| facts.gate.as_ref().is_some_and(|gate| is_own(*uid, gate))).map(|(uid, _)| uid)
    }

    /// All clusters.
    pub fn clusters(&self) -> impl Iterator<Item = (ClusterUid, &Facts)> {
        self.clusters.iter().map(|(uid, facts)| (*uid, facts.as_ref()))
    }

    /// The doors of a cluster that are open now. None is, where local accounts are switched off.
    pub fn open_doors(&self, cluster: ClusterUid, now: Timestamp) -> Vec<&Door> {
        if !self.cluster(cluster).is_some_and(|facts| facts.local_accounts) {
            return Vec::new();
        }
        self.doors.values().map(Arc::as_ref).filter(|door| door.cluster == cluster && door.is_open(now)).collect()
    }

    /// What was revoked that this token of a directory is, belongs to or came from.
    pub fn revoked(&self, tenant: TenantId, token: &Issued<'_>) -> Option<Kind> {
        self.revocations.get(&tenant)?.meets(token)
    }

    /// The number of the last revocation of a directory that is held here.
    pub fn revocation_head(&self, tenant: TenantId) -> i64 {
        self.revocations.get(&tenant).map_or(0, |all| all.head())
    }

    /// The same without the revocations that no living token can be older than; `None` when there is none of those.
    pub(super) fn without_old(&self, now: Timestamp) -> Option<Self> {
        if !self.revocations.values().any(|all| all.has_old(now)) {
            return None;
        }
        let mut snapshot = self.clone();
        for all in snapshot.revocations.values_mut().filter(|all| all.has_old(now)) {
            Arc::make_mut(all).forget(now);
        }
        Some(snapshot)
    }

    /// How many objects are held, for metrics.
    pub fn size(&self) -> usize {
        self.tenants.values().map(Graph::len).sum()
    }

    /// Puts a whole tenant in, for benchmarks that have no time to write it to a store.
    #[doc(hidden)]
    #[must_use]
    pub fn with_tenant(
        mut self,
        tenant: TenantId,
        principals: impl IntoIterator<Item = (PrincipalId, Principal)>,
        groups: impl IntoIterator<Item = GroupId>,
        edges: &[(GroupId, PrincipalId)],
    ) -> Self {
        let principals = principals.into_iter().map(|(id, principal)| (id.uuid(), Node::Principal(principal)));
        let groups = groups.into_iter().map(|id| (id.uuid(), Node::Group { security: true }));
        self.tenants.insert(tenant, Graph::load(principals.chain(groups).collect(), edges));
        self
    }

    /// Puts a cluster in, for tests and benchmarks that need no resource manager.
    #[doc(hidden)]
    #[must_use]
    pub fn with_cluster(mut self, uid: ClusterUid, facts: Facts) -> Self {
        self.clusters.insert(uid, Arc::new(facts));
        self
    }
}
