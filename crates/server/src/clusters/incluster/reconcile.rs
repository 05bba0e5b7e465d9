//! Keeps the bindings as they shall be, cluster by cluster, by watching them.
//!
//! What shall be comes from the directory in memory: the admin groups of the cluster and the doors that are open; beside
//! them our own roles. It is compared when a role or a binding changes, when the directory does, when a door ends by
//! itself, and now and then in case nobody told.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use entrance_model::Timestamp;
use entrance_model::id::{ClusterUid, TenantId};
use entrance_store::{Store, StoreError};
use futures_util::StreamExt as _;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::api::ListParams;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch};
use kube::{Api, Client, ResourceExt as _};
use tokio_util::sync::CancellationToken;

use super::reach::Reach;
use super::repairs::{Found, Repair, Repairs};
use super::sealed::{SEALED_DOOR, SealedRights, is_standing, standing_binding};
use super::{ADMIN_BINDING, InClusterError, admin_binding, bindings, bindings_of, door_binding, import};
use crate::clock::Clock;
use crate::clusters::local::{NODES, OPERATOR, Rights};
use crate::clusters::references::References;
use crate::directory::Directory;
use crate::tasks::Tasks;

/// Keeps what is ours inside all clusters, and follows what they refer to.
pub struct Reconcilers {
    inner: Arc<Inner>,
    running: Mutex<HashMap<ClusterUid, CancellationToken>>,
    tasks: Tasks,
}

/// What keeping needs.
pub struct Keeping {
    /// What shall be, as it is committed.
    pub store: Store,
    /// What shall be, in memory.
    pub people: Directory,
    /// What time it is.
    pub clock: Clock,
    /// The way into the clusters.
    pub reach: Arc<dyn Reach>,
    /// Where what they refer to is shown.
    pub references: References,
}

struct Inner {
    with: Keeping,
    repairs: Repairs,
}

impl Reconcilers {
    /// No loop runs yet.
    pub fn new(with: Keeping, tasks: Tasks) -> Self {
        Self { inner: Arc::new(Inner { with, repairs: Repairs::default() }), running: Mutex::default(), tasks }
    }

    /// How often something had to be put right.
    pub fn repairs(&self) -> &Repairs {
        &self.inner.repairs
    }

    /// Keeps and follows a cluster from now on. Starting twice is starting once.
    pub fn start(&self, cluster: ClusterUid) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.contains_key(&cluster) {
            return;
        }
        let stop = CancellationToken::new();
        running.insert(cluster, stop.clone());
        let (inner, stopped) = (Arc::clone(&self.inner), stop.clone());
        self.tasks.spawn("reconcile", async move {
            tokio::select! {
                () = inner.keep(cluster) => {}
                () = stopped.cancelled() => {}
            }
        });
        let inner = Arc::clone(&self.inner);
        self.tasks.spawn("references", async move {
            let Keeping { store, reach, references, .. } = &inner.with;
            tokio::select! {
                () = references.follow(cluster, store, reach) => {}
                () = stop.cancelled() => {}
            }
        });
    }

    /// Leaves a cluster alone. Fine for one that is not kept.
    pub fn stop(&self, cluster: ClusterUid) {
        if let Some(stop) = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&cluster) {
            stop.cancel();
        }
    }
}

/// What shall be, by name, and when it changes by itself.
struct Wanted {
    tenant: TenantId,
    bindings: BTreeMap<String, ClusterRoleBinding>,
    next_end: Option<Timestamp>,
}

impl Inner {
    async fn keep(&self, cluster: ClusterUid) {
        let mut pause = FIRST_PAUSE;
        loop {
            let since = self.with.clock.now();
            match self.session(cluster).await {
                Ok(()) => pause = FIRST_PAUSE,
                Err(error) => {
                    tracing::warn!(%cluster, %error, "the bindings of a cluster are not kept at the moment");
                    // A session that lived for a while was a good one.
                    if self.with.clock.now().duration_since(since).as_secs() > 60 {
                        pause = FIRST_PAUSE;
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Works with one credential until it is time for the next.
    async fn session(&self, cluster: ClusterUid) -> Result<(), InClusterError> {
        let client = self.with.reach.client(cluster).await?;
        let mut moved = self.with.people.changes();
        let config = || watcher::Config::default().timeout(WATCH);
        let bindings =
            watch(bindings_of(&client), config()).default_backoff().map(|event| event.map(|event| concerns_us(&event)));
        let roles = watch(roles_of(&client), config()).default_backoff().map(|event| event.map(|event| is_our_role(&event)));
        let events = futures_util::stream::select(bindings, roles);
        tokio::pin!(events);
        let end = tokio::time::sleep(CREDENTIAL);
        tokio::pin!(end);
        let mut failures = 0;
        loop {
            let next_end = self.reconcile(cluster, &client).await?;
            let untold = tokio::time::sleep(UNTOLD);
            tokio::pin!(untold);
            loop {
                tokio::select! {
                    event = events.next() => match event {
                        Some(Ok(true)) => {
                            failures = 0;
                            break;
                        }
                        Some(Ok(false)) => failures = 0,
                        Some(Err(error)) => {
                            failures += 1;
                            if failures > TOLERATED {
                                return Err(InClusterError::Connect(error.to_string()));
                            }
                        }
                        None => return Ok(()),
                    },
                    changed = moved.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return Ok(()),
                    },
                    () = self.until(next_end) => break,
                    () = &mut untold => break,
                    () = &mut end => return Ok(()),
                }
            }
        }
    }

    /// Writes what is missing, undoes what was edited, removes what shall not be; tells when to look again without being asked.
    async fn reconcile(&self, cluster: ClusterUid, client: &Client) -> Result<Option<Timestamp>, InClusterError> {
        let Some(wanted) = self.wanted(cluster).await? else { return Ok(None) };
        let tenant = wanted.tenant;
        let tell = async |object: &str, found| {
            let repair = Repair { cluster, tenant, object, found };
            self.repairs.tell(&self.with.store, self.with.clock.now(), &repair).await;
        };
        let found = match self.look(client).await {
            Err(InClusterError::Api(kube::Error::Api(status))) if status.code == 403 => {
                // Our own rights were taken away.
                self.with.reach.restore_rights(cluster).await?;
                tell(OPERATOR, Found::Missing).await;
                // The authorizer learns of it a moment later.
                tokio::time::sleep(SETTLE).await;
                self.look(client).await?
            }
            found => found?,
        };
        if let Some(name) = found.damaged_rights() {
            self.with.reach.restore_rights(cluster).await?;
            tell(name, Found::Changed).await;
        }
        // Before anything is removed: what was opened while we were away is a door like others from now on.
        let (store, now) = (&self.with.store, self.with.clock.now());
        let unknown = |error: StoreError| InClusterError::Unknown(error.to_string());
        let taken = import::take_over(store, cluster, found.bindings.values(), now).await.map_err(unknown)?;
        let wanted = if taken { self.wanted(cluster).await?.unwrap_or(wanted) } else { wanted };
        for (name, binding) in &wanted.bindings {
            let before = found.bindings.get(name);
            if !before.is_some_and(|found| bindings::is_as_wanted(found, binding)) {
                super::ensure(client, binding).await?;
                if name == SEALED_DOOR && before.is_none_or(is_standing) {
                    // Another door was sealed: what is there is only older, not wrong.
                    continue;
                }
                tell(name, if before.is_some() { Found::Changed } else { Found::Missing }).await;
            }
        }
        for (name, binding) in found.bindings.iter().filter(|(name, _)| is_ours(name) && !wanted.bindings.contains_key(*name)) {
            import::tell_of_stray(store, cluster, binding, now).await.map_err(unknown)?;
            super::remove(client, name).await?;
            if !is_standing(binding) {
                tell(name, Found::Stray).await;
            }
        }
        Ok(wanted.next_end)
    }

    async fn look(&self, client: &Client) -> Result<Inside, InClusterError> {
        let bindings = bindings_of(client).list(&ListParams::default()).await?;
        let mut roles = Vec::new();
        for rights in Rights::all() {
            roles.push(roles_of(client).get_opt(rights.name()).await?);
        }
        let sealed = SealedRights::look(client).await?;
        Ok(Inside { bindings: bindings.into_iter().map(|binding| (binding.name_any(), binding)).collect(), roles, sealed })
    }

    /// What shall be, by what is committed now: a door's binding may be seen before the directory here knows the door.
    async fn wanted(&self, cluster: ClusterUid) -> Result<Option<Wanted>, InClusterError> {
        let Keeping { store, people, clock, .. } = &self.with;
        let unknown = |error: &dyn std::fmt::Display| InClusterError::Unknown(error.to_string());
        let mut reader = store.read().await.map_err(|error| unknown(&error))?;
        let head = reader.feed_position().await.map_err(|error| unknown(&error))?.head;
        let record = reader.arm().cluster(cluster).await.map_err(|error| unknown(&error))?;
        let sealed = reader.arm().sealed_door(cluster).await.map_err(|error| unknown(&error))?;
        drop(reader);
        let reached = tokio::time::timeout(PATIENCE, people.reached(head)).await;
        reached.map_err(|_| unknown(&"the directory in memory is behind"))?;
        let now = clock.now();
        let snapshot = people.snapshot(now).map_err(|error| unknown(&error))?;
        let (Some(facts), Some(record)) = (snapshot.cluster(cluster), record) else { return Ok(None) };
        let doors = snapshot.open_doors(cluster, now);
        let next_end = doors.iter().filter_map(|door| Some(door.opening()?.until)).min();
        let standing = sealed.filter(|_| facts.local_accounts).map(|sealed| standing_binding(sealed.id));
        let doors = doors.iter().map(|door| door_binding(door.id));
        let all = facts.admins.iter().map(|admins| admin_binding(admins)).chain(doors).chain(standing);
        let bindings = all.map(|binding| (binding.name_any(), binding)).collect();
        Ok(Some(Wanted { tenant: record.tenant, bindings, next_end }))
    }

    /// Waits for a moment of our own clock.
    async fn until(&self, moment: Option<Timestamp>) {
        match moment {
            None => std::future::pending().await,
            Some(moment) => {
                let left = moment.duration_since(self.with.clock.now());
                tokio::time::sleep(left.try_into().unwrap_or(Duration::ZERO)).await;
            }
        }
    }
}

/// What is there.
struct Inside {
    bindings: BTreeMap<String, ClusterRoleBinding>,
    /// In the order of [`Rights::all`].
    roles: Vec<Option<ClusterRole>>,
    /// Whether a sealed door's role and the rule that it opens by are as they shall be.
    sealed: bool,
}

impl Inside {
    /// The first of our own rights that is not as it shall be.
    fn damaged_rights(&self) -> Option<&'static str> {
        let mut all = Rights::all().into_iter().zip(&self.roles);
        let damaged = all.find(|(rights, role)| {
            let role_fits = role.as_ref().is_some_and(|role| rights.is_role(role));
            !(role_fits && self.bindings.get(rights.name()).is_some_and(|binding| rights.is_binding(binding)))
        });
        let damaged = damaged.map(|(rights, _)| if rights.name() == OPERATOR { OPERATOR } else { NODES });
        damaged.or((!self.sealed).then_some(SEALED_DOOR))
    }
}

fn roles_of(client: &Client) -> Api<ClusterRole> {
    Api::all(client.clone())
}

/// Whether a binding of this name is there only as long as we say so.
fn is_ours(name: &str) -> bool {
    name == SEALED_DOOR || bindings::door_of(name).is_some()
}

/// Whether something happened to a binding that is ours to keep. The list at the start of a watch counts once, at its end.
fn concerns_us(event: &Event<ClusterRoleBinding>) -> bool {
    match event {
        Event::Apply(binding) | Event::Delete(binding) => {
            let name = binding.name_any();
            [ADMIN_BINDING, OPERATOR, NODES].contains(&name.as_str()) || is_ours(&name)
        }
        Event::Init | Event::InitApply(_) => false,
        Event::InitDone => true,
    }
}

fn is_our_role(event: &Event<ClusterRole>) -> bool {
    match event {
        Event::Apply(role) | Event::Delete(role) => [OPERATOR, NODES, SEALED_DOOR].contains(&role.name_any().as_str()),
        Event::Init | Event::InitApply(_) | Event::InitDone => false,
    }
}

/// A credential lives for a day at most; a new one is taken long before.
const CREDENTIAL: Duration = Duration::from_hours(6);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_secs(10);
const SETTLE: Duration = Duration::from_millis(500);
/// A watch that was cut without a word is noticed when it does not end in time, seconds.
const WATCH: u32 = 25;
/// After so long it is compared even if nobody told that anything changed.
const UNTOLD: Duration = Duration::from_secs(30);
/// The watch begins again by itself; after so many failures in a row perhaps the credential is the reason.
const TOLERATED: usize = 5;
