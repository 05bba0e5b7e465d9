//! Keeps the bindings as they shall be, cluster by cluster, by watching them.
//!
//! What shall be comes from the directory in memory: the admin groups of the cluster and the doors that are open. It is
//! compared when a binding changes, when the directory does, and when a door ends by itself.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use entrance_model::Timestamp;
use entrance_model::id::ClusterUid;
use entrance_store::Store;
use futures_util::StreamExt as _;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::ListParams;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch};
use kube::{Client, ResourceExt as _};
use tokio_util::sync::CancellationToken;

use super::{ADMIN_BINDING, InClusterError, admin_binding, bindings, bindings_of, door_binding};
use crate::clock::Clock;
use crate::directory::Directory;
use crate::tasks::Tasks;

/// Makes a client with our own credential for a cluster. Credentials are short-lived, so it is asked again now and then.
pub type Connect = Arc<dyn Fn(ClusterUid) -> Pin<Box<dyn Future<Output = Result<Client, InClusterError>> + Send>> + Send + Sync>;

/// The reconcile loops of all clusters.
pub struct Reconcilers {
    inner: Arc<Inner>,
    running: Mutex<HashMap<ClusterUid, CancellationToken>>,
    tasks: Tasks,
}

struct Inner {
    store: Store,
    people: Directory,
    clock: Clock,
    connect: Connect,
}

impl Reconcilers {
    /// No loop runs yet.
    pub fn new(store: Store, people: Directory, clock: Clock, tasks: Tasks, connect: Connect) -> Self {
        Self { inner: Arc::new(Inner { store, people, clock, connect }), running: Mutex::default(), tasks }
    }

    /// Keeps a cluster's bindings from now on. Starting twice is starting once.
    pub fn start(&self, cluster: ClusterUid) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.contains_key(&cluster) {
            return;
        }
        let stop = CancellationToken::new();
        running.insert(cluster, stop.clone());
        let inner = Arc::clone(&self.inner);
        self.tasks.spawn("reconcile", async move {
            tokio::select! {
                () = inner.keep(cluster) => {}
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
    bindings: BTreeMap<String, ClusterRoleBinding>,
    next_end: Option<Timestamp>,
}

impl Inner {
    async fn keep(&self, cluster: ClusterUid) {
        let mut pause = FIRST_PAUSE;
        loop {
            let since = self.clock.now();
            match self.session(cluster).await {
                Ok(()) => pause = FIRST_PAUSE,
                Err(error) => {
                    tracing::warn!(%cluster, %error, "the bindings of a cluster are not kept at the moment");
                    // A session that lived for a while was a good one.
                    if self.clock.now().duration_since(since).as_secs() > 60 {
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
        let client = (self.connect)(cluster).await?;
        let mut moved = self.people.changes();
        let events = watch(bindings_of(&client), watcher::Config::default()).default_backoff();
        tokio::pin!(events);
        let end = tokio::time::sleep(CREDENTIAL);
        tokio::pin!(end);
        let mut failures = 0;
        loop {
            let next_end = self.reconcile(cluster, &client).await?;
            loop {
                tokio::select! {
                    event = events.next() => match event {
                        Some(Ok(event)) => {
                            failures = 0;
                            if concerns_us(&event) {
                                break;
                            }
                        }
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
                    () = &mut end => return Ok(()),
                }
            }
        }
    }

    /// Writes what is missing, undoes what was edited, removes what shall not be; tells when to look again without being asked.
    async fn reconcile(&self, cluster: ClusterUid, client: &Client) -> Result<Option<Timestamp>, InClusterError> {
        let Some(wanted) = self.wanted(cluster).await? else { return Ok(None) };
        let found = bindings_of(client).list(&ListParams::default()).await?;
        let found: BTreeMap<String, ClusterRoleBinding> =
            found.into_iter().map(|binding| (binding.name_any(), binding)).collect();
        for (name, binding) in &wanted.bindings {
            if !found.get(name).is_some_and(|found| bindings::is_as_wanted(found, binding)) {
                super::ensure(client, binding).await?;
                tracing::info!(%cluster, binding = name, "a binding was put right");
            }
        }
        for name in found.keys().filter(|name| bindings::door_of(name).is_some() && !wanted.bindings.contains_key(*name)) {
            super::remove(client, name).await?;
            tracing::info!(%cluster, binding = name, "the binding of a closed door was removed");
        }
        Ok(wanted.next_end)
    }

    /// What shall be, by what is committed now: a door's binding may be seen before the directory here knows the door.
    async fn wanted(&self, cluster: ClusterUid) -> Result<Option<Wanted>, InClusterError> {
        let unknown = |error: &dyn std::fmt::Display| InClusterError::Unknown(error.to_string());
        let mut reader = self.store.read().await.map_err(|error| unknown(&error))?;
        let head = reader.feed_position().await.map_err(|error| unknown(&error))?.head;
        drop(reader);
        let reached = tokio::time::timeout(PATIENCE, self.people.reached(head)).await;
        reached.map_err(|_| unknown(&"the directory in memory is behind"))?;
        let now = self.clock.now();
        let snapshot = self.people.snapshot(now).map_err(|error| unknown(&error))?;
        let Some(facts) = snapshot.cluster(cluster) else { return Ok(None) };
        let doors = snapshot.open_doors(cluster, now);
        let next_end = doors.iter().filter_map(|door| Some(door.opening()?.until)).min();
        let all = facts.admins.iter().map(|admins| admin_binding(admins)).chain(doors.iter().map(|door| door_binding(door.id)));
        Ok(Some(Wanted { bindings: all.map(|binding| (binding.name_any(), binding)).collect(), next_end }))
    }

    /// Waits for a moment of our own clock.
    async fn until(&self, moment: Option<Timestamp>) {
        match moment {
            None => std::future::pending().await,
            Some(moment) => {
                let left = moment.duration_since(self.clock.now());
                tokio::time::sleep(left.try_into().unwrap_or(Duration::ZERO)).await;
            }
        }
    }
}

/// Whether something happened to a binding that is ours to keep. The list at the start of a watch counts once, at its end.
fn concerns_us(event: &Event<ClusterRoleBinding>) -> bool {
    match event {
        Event::Apply(binding) | Event::Delete(binding) => {
            let name = binding.name_any();
            name == ADMIN_BINDING || bindings::door_of(&name).is_some()
        }
        Event::Init | Event::InitApply(_) => false,
        Event::InitDone => true,
    }
}

/// A credential lives for a day at most; a new one is taken long before.
const CREDENTIAL: Duration = Duration::from_hours(6);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_secs(10);
/// The watch begins again by itself; after so many failures in a row perhaps the credential is the reason.
const TOLERATED: usize = 5;
