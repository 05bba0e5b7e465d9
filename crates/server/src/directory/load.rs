//! From the store into memory: everything once, then what changed.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use entrance_model::Timestamp;
use entrance_model::directory::{Group, ServicePrincipal, User};
use entrance_model::id::{ClusterUid, GroupId, ServicePrincipalId, TenantId, UserId};
use entrance_model::review::Principal;
use entrance_store::directory::PageAfter;
use entrance_store::{Change, ChangeKind, Reader, StoreError};
use uuid::Uuid;

use super::graph::{Graph, Node};
use super::snapshot::{Facts, Snapshot};

impl From<&User> for Node {
    fn from(user: &User) -> Self {
        Self::Principal(Principal::Person { upn: user.upn.clone(), enabled: user.enabled, valid_from: user.sessions_valid_from })
    }
}

impl From<&Group> for Node {
    fn from(group: &Group) -> Self {
        Self::Group { security: group.security_enabled }
    }
}

impl From<&ServicePrincipal> for Node {
    fn from(principal: &ServicePrincipal) -> Self {
        Self::Principal(Principal::Application { app: principal.app_id, enabled: principal.enabled })
    }
}

/// Everything, as it is now.
pub(super) async fn everything(reader: &mut Reader, now: Timestamp) -> Result<Snapshot, StoreError> {
    let mut snapshot = Snapshot { position: reader.feed_position().await?, ..Snapshot::default() };
    for tenant in reader.directory().tenants().await? {
        snapshot.tenants.insert(tenant.id, tenant_graph(reader, tenant.id).await?);
        revocations(&mut snapshot, reader, tenant.id).await?;
    }
    for cluster in reader.arm().clusters().await? {
        snapshot.clusters.insert(cluster.uid, Arc::new(Facts::of(&cluster)));
    }
    doors(&mut snapshot, reader, now).await?;
    Ok(snapshot)
}

/// What a snapshot becomes after changes; `None` when the feed does not reach back to it, so that all has to be loaded.
pub(super) async fn after(before: &Snapshot, reader: &mut Reader, now: Timestamp) -> Result<Option<Snapshot>, StoreError> {
    let position = reader.feed_position().await?;
    if position.epoch != before.position.epoch {
        return Ok(None);
    }
    let Some(changes) = reader.changes_since(before.position.head).await? else { return Ok(None) };
    let mut snapshot = Snapshot { position, ..before.clone() };
    let loaded = new_tenants(&mut snapshot, reader, &changes).await?;
    let changes: Vec<&Change> = changes.iter().filter(|change| !loaded.contains(&change.tenant)).collect();
    // Objects first: an edge may name one that was made in the same transaction.
    for (tenant, id) in distinct(&changes, ChangeKind::User, |id: &UserId| *id) {
        let user = reader.directory().user(tenant, id).await?;
        snapshot.graph(tenant).set(id.uuid(), user.as_ref().map_or(Node::Gone, Node::from));
    }
    for (tenant, id) in distinct(&changes, ChangeKind::ServicePrincipal, |id: &ServicePrincipalId| *id) {
        let principal = reader.directory().service_principal(tenant, id).await?;
        snapshot.graph(tenant).set(id.uuid(), principal.as_ref().map_or(Node::Gone, Node::from));
    }
    for (tenant, id) in distinct(&changes, ChangeKind::Group, |id: &GroupId| *id) {
        let group = reader.directory().group(tenant, id).await?;
        snapshot.graph(tenant).set(id.uuid(), group.as_ref().map_or(Node::Gone, Node::from));
    }
    for (tenant, id) in distinct(&changes, ChangeKind::Membership, |id: &GroupId| *id) {
        let members = reader.directory().members(tenant, id, PageAfter::ALL).await?;
        snapshot.graph(tenant).set_members(id, members.into_iter().map(|member| member.id));
    }
    for tenant in changes.iter().map(|change| change.tenant).collect::<HashSet<_>>() {
        snapshot.graph(tenant).settle();
    }
    clusters(&mut snapshot, reader, &changes, now).await?;
    let revoked = changes.iter().filter(|change| change.kind == ChangeKind::Session).map(|change| change.tenant);
    for tenant in revoked.collect::<HashSet<_>>() {
        revocations(&mut snapshot, reader, tenant).await?;
    }
    Ok(Some(snapshot))
}

/// Takes in the revocations of a directory that are newer than those held already.
async fn revocations(snapshot: &mut Snapshot, reader: &mut Reader, tenant: TenantId) -> Result<(), StoreError> {
    let known = snapshot.revocation_head(tenant);
    let newer = reader.authority().revocations_after(tenant, known).await?;
    if !newer.is_empty() {
        let all = Arc::make_mut(snapshot.revocations.entry(tenant).or_default());
        for revocation in &newer {
            all.add(revocation);
        }
    }
    Ok(())
}

async fn clusters(snapshot: &mut Snapshot, reader: &mut Reader, changes: &[&Change], now: Timestamp) -> Result<(), StoreError> {
    for (_, uid) in distinct(changes, ChangeKind::Cluster, |uid: &ClusterUid| *uid) {
        match reader.arm().cluster(uid).await? {
            Some(cluster) => snapshot.clusters.insert(uid, Arc::new(Facts::of(&cluster))),
            None => snapshot.clusters.remove(&uid),
        };
    }
    if changes.iter().any(|change| change.kind == ChangeKind::Door) {
        doors(snapshot, reader, now).await?;
    }
    Ok(())
}

/// The doors that are open; they are few, so they are always read anew.
async fn doors(snapshot: &mut Snapshot, reader: &mut Reader, now: Timestamp) -> Result<(), StoreError> {
    snapshot.doors.clear();
    for uid in snapshot.clusters.keys() {
        let open = reader.arm().live_doors(*uid).await?.into_iter().filter(|door| door.is_open(now));
        snapshot.doors.extend(open.map(|door| (door.id, Arc::new(door))));
    }
    Ok(())
}

/// Loads tenants that are new; what else the changes say of them is in there already.
async fn new_tenants(snapshot: &mut Snapshot, reader: &mut Reader, changes: &[Change]) -> Result<HashSet<TenantId>, StoreError> {
    let mut loaded = HashSet::new();
    for change in changes.iter().filter(|change| change.kind == ChangeKind::Tenant) {
        if !snapshot.tenants.contains_key(&change.tenant) && loaded.insert(change.tenant) {
            let graph = tenant_graph(reader, change.tenant).await?;
            snapshot.tenants.insert(change.tenant, graph);
            revocations(snapshot, reader, change.tenant).await?;
        }
    }
    Ok(loaded)
}

async fn tenant_graph(reader: &mut Reader, tenant: TenantId) -> Result<Graph, StoreError> {
    let mut directory = reader.directory();
    let mut objects: Vec<(Uuid, Node)> = Vec::new();
    objects.extend(directory.users(tenant, PageAfter::ALL).await?.iter().map(|user| (user.id.uuid(), user.into())));
    objects.extend(directory.groups(tenant, PageAfter::ALL).await?.iter().map(|group| (group.id.uuid(), group.into())));
    let principals = directory.service_principals(tenant, PageAfter::ALL).await?;
    objects.extend(principals.iter().map(|principal| (principal.id.uuid(), principal.into())));
    let edges: Vec<_> = directory.edges(tenant).await?.into_iter().map(|(group, member)| (group, member.id)).collect();
    Ok(Graph::load(objects, &edges))
}

/// The objects of a kind that changed, each once, in the order of their first change.
fn distinct<T, K>(changes: &[&Change], kind: ChangeKind, key: impl Fn(&T) -> K) -> Vec<(TenantId, T)>
where
    T: std::str::FromStr,
    K: Eq + Hash,
{
    let mut seen = HashSet::new();
    let of_kind = changes.iter().filter(|change| change.kind == kind);
    // An id that cannot be read was written by nobody: the store takes only typed ids.
    let ids = of_kind.filter_map(|change| Some((change.tenant, change.id.parse::<T>().ok()?)));
    ids.filter(|(tenant, id)| seen.insert((*tenant, key(id)))).collect()
}

impl Snapshot {
    fn graph(&mut self, tenant: TenantId) -> &mut Graph {
        self.tenants.entry(tenant).or_default()
    }
}
