//! Which groups a cluster refers to (DESIGN 4.2), and which of its objects name somebody (DESIGN 5.1).
//!
//! An answer to an API server carries at most so many groups. Of somebody in more of them it carries those that the cluster
//! refers to: in bindings, admission policies, webhooks' conditions and flow schemas, as administrators, in role
//! assignments. This view follows the cluster by watches. It is *known* only while every watch is: listed completely, no
//! error since, and heard of within [`BOUND`]. Otherwise whoever depends on it is refused: an incomplete list would take
//! rights away, or miss a rule that forbids something, without anybody noticing.

mod contents;
pub mod mentions;
mod settled;
mod watch;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use entrance_model::id::{ClusterUid, GroupId};
use entrance_store::Store;

pub use contents::{Reference, SourceState};

use super::incluster::Reach;
use contents::View;

/// The views of all clusters. Cheap to clone.
#[derive(Clone, Default)]
pub struct References {
    views: Arc<ArcSwap<HashMap<ClusterUid, Arc<View>>>>,
}

/// Where references come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    RoleBindings,
    ClusterRoleBindings,
    ValidatingPolicies,
    ValidatingPolicyBindings,
    MutatingPolicies,
    MutatingPolicyBindings,
    ValidatingWebhooks,
    MutatingWebhooks,
    FlowSchemas,
    /// Administrators and role assignments of the resource manager: ours, not the cluster's.
    Settled,
}

const SOURCES: usize = Source::ALL.len();

/// A view that was not confirmed for so long is not known any more: a watch that was cut silently is noticed by then.
pub const BOUND: Duration = Duration::from_secs(12);

impl Source {
    pub(crate) const ALL: [Self; 10] = [
        Self::RoleBindings,
        Self::ClusterRoleBindings,
        Self::ValidatingPolicies,
        Self::ValidatingPolicyBindings,
        Self::MutatingPolicies,
        Self::MutatingPolicyBindings,
        Self::ValidatingWebhooks,
        Self::MutatingWebhooks,
        Self::FlowSchemas,
        Self::Settled,
    ];

    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// The API group; empty for what no cluster serves.
    pub(crate) const fn group(self) -> &'static str {
        match self {
            Self::RoleBindings | Self::ClusterRoleBindings => "rbac.authorization.k8s.io",
            Self::FlowSchemas => "flowcontrol.apiserver.k8s.io",
            Self::Settled => "",
            _ => "admissionregistration.k8s.io",
        }
    }

    /// The resource, as addresses spell it.
    pub(crate) const fn plural(self) -> &'static str {
        match self {
            Self::RoleBindings => "rolebindings",
            Self::ClusterRoleBindings => "clusterrolebindings",
            Self::ValidatingPolicies => "validatingadmissionpolicies",
            Self::ValidatingPolicyBindings => "validatingadmissionpolicybindings",
            Self::MutatingPolicies => "mutatingadmissionpolicies",
            Self::MutatingPolicyBindings => "mutatingadmissionpolicybindings",
            Self::ValidatingWebhooks => "validatingwebhookconfigurations",
            Self::MutatingWebhooks => "mutatingwebhookconfigurations",
            Self::FlowSchemas => "flowschemas",
            Self::Settled => "roleAssignments",
        }
    }
}

impl References {
    /// The groups that a cluster refers to; `None` when it is not known which these are.
    pub fn of(&self, cluster: ClusterUid) -> Option<Arc<BTreeSet<GroupId>>> {
        self.views.load().get(&cluster)?.groups(Instant::now())
    }

    /// The objects of a cluster that name somebody, by UPN or object id; `None` when it is not known which these are.
    pub fn naming(&self, cluster: ClusterUid, name: &str) -> Option<Vec<Reference>> {
        let view = Arc::clone(self.views.load().get(&cluster)?);
        view.groups(Instant::now())?;
        Some(view.naming(name))
    }

    /// How each part of a cluster's view is; nothing for a cluster that is not watched.
    pub fn states(&self, cluster: ClusterUid) -> Vec<SourceState> {
        self.views.load().get(&cluster).map(|view| view.states(Instant::now())).unwrap_or_default()
    }

    /// Follows a cluster, for ever. Dropped, the cluster is not known any more.
    pub async fn follow(&self, cluster: ClusterUid, store: &Store, reach: &Arc<dyn Reach>) {
        let view = Arc::new(View::new());
        let _kept = self.keep(cluster, &view);
        let cluster_side = Source::ALL.into_iter().filter(|source| *source != Source::Settled);
        let watches = cluster_side.map(|source| watch::follow(cluster, source, Arc::clone(&view), Arc::clone(reach)));
        tokio::join!(futures_util::future::join_all(watches), settled::follow(cluster, store, &view));
    }

    fn keep(&self, cluster: ClusterUid, view: &Arc<View>) -> Kept<'_> {
        self.change(|views| {
            views.insert(cluster, Arc::clone(view));
        });
        Kept { references: self, cluster, view: Arc::clone(view) }
    }

    fn change(&self, change: impl Fn(&mut HashMap<ClusterUid, Arc<View>>)) {
        self.views.rcu(|views| {
            let mut views = HashMap::clone(views);
            change(&mut views);
            views
        });
    }

    /// Says what a cluster refers to, for benchmarks and tests without a cluster; it stays known for [`BOUND`].
    #[doc(hidden)]
    pub fn show(&self, cluster: ClusterUid, groups: impl IntoIterator<Item = GroupId>) {
        let view = View::new();
        let mentions = mentions::Mentions { groups: groups.into_iter().collect(), ..mentions::Mentions::default() };
        view.replace(Source::Settled, [(String::new(), mentions)]);
        for source in Source::ALL {
            view.confirm(source, Instant::now());
        }
        let view = Arc::new(view);
        self.change(|views| {
            views.insert(cluster, Arc::clone(&view));
        });
    }
}

/// A view that is shown as long as somebody follows the cluster.
struct Kept<'r> {
    references: &'r References,
    cluster: ClusterUid,
    view: Arc<View>,
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        self.references.change(|views| {
            // Another follower may have taken over.
            if views.get(&self.cluster).is_some_and(|shown| Arc::ptr_eq(shown, &self.view)) {
                views.remove(&self.cluster);
            }
        });
    }
}
