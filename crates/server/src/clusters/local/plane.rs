//! One control plane under supervision.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use entrance_model::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::home::{ClusterHome, Record};
use super::keep::{Order, keep};
use super::part::PartState;
use super::pki::OPERATOR_LIFE;
use super::{Binary, Clock, LocalError, Part, Progress, Step, api, pki, rights};

/// What all tasks of one cluster share.
pub(super) struct Shared {
    pub(super) binary: Binary,
    pub(super) home: ClusterHome,
    pub(super) record: watch::Sender<Record>,
    pub(super) progress: watch::Sender<Progress>,
    clock: Clock,
    client: Mutex<Option<(kube::Client, Timestamp)>>,
}

impl Shared {
    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// A client with Entrance's own credential, renewed at half its life.
    pub(super) fn client(&self) -> Result<kube::Client, LocalError> {
        let now = self.now();
        let mut kept = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((client, until)) = kept.as_ref()
            && *until > now
        {
            return Ok(client.clone());
        }
        let identity = pki::issue_operator(&self.home, now)?;
        let client = api::client(&self.home, &self.record.borrow(), &identity)?;
        *kept = Some((client.clone(), now + OPERATOR_LIFE / 2));
        Ok(client)
    }

    /// Sets our rights, with an identity that exists for this call only.
    pub(super) async fn bootstrap(&self) -> Result<(), LocalError> {
        let identity = pki::issue_bootstrap(&self.home, self.now())?;
        let record = self.record.borrow().clone();
        rights::bootstrap(&api::client(&self.home, &record, &identity)?).await
    }

    /// Changes the progress, and wakes those who wait for it only if it is another.
    pub(super) fn report(&self, change: impl FnOnce(&mut Progress)) {
        self.progress.send_if_modified(|progress| {
            let before = progress.clone();
            change(progress);
            *progress != before
        });
    }

    pub(super) fn see(&self, part: Part, change: impl FnOnce(&mut PartState)) {
        self.report(|progress| change(progress.part_mut(part)));
    }
}

/// A control plane whose processes we keep.
pub(super) struct Plane {
    shared: Arc<Shared>,
    tasks: Vec<(Part, watch::Sender<Order>, JoinHandle<()>)>,
    renewal: JoinHandle<()>,
    since: Mutex<Option<Instant>>,
}

impl Plane {
    /// Adopts what lives and starts what does not.
    pub(super) fn supervise(binary: Binary, home: ClusterHome, record: Record, clock: Clock) -> Self {
        let shared = Arc::new(Shared {
            binary,
            home,
            record: watch::Sender::new(record),
            progress: watch::Sender::new(Progress::default()),
            clock,
            client: Mutex::new(None),
        });
        let tasks = Part::ALL.into_iter().map(|part| {
            let (orders, told) = watch::channel(Order::Run);
            (part, orders, tokio::spawn(keep(Arc::clone(&shared), part, told)))
        });
        let tasks = tasks.collect();
        let renewal = tokio::spawn(renew(Arc::clone(&shared)));
        Self { shared, tasks, renewal, since: Mutex::new(None) }
    }

    /// Tells the processes what the cluster is now; those whose arguments change start anew.
    pub(super) fn change(&self, record: Record) {
        self.shared.record.send_if_modified(|now| {
            let other = *now != record;
            *now = record;
            other
        });
    }

    /// A waiter for milestones, which outlives locks around this plane.
    pub(super) fn progress(&self) -> watch::Receiver<Progress> {
        self.shared.progress.subscribe()
    }

    /// For how long it has not been ready, as far as those know who look now and then.
    pub(super) fn unready_for(&self) -> Duration {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if self.shared.progress.borrow().reached(Step::Rbac) {
            *since = None;
            return Duration::ZERO;
        }
        since.get_or_insert_with(Instant::now).elapsed()
    }

    /// A client with Entrance's own credential.
    pub(super) fn client(&self) -> Result<kube::Client, LocalError> {
        self.shared.client()
    }

    /// What all tasks of the cluster share.
    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Ends the supervision; the order says what becomes of the processes. The last to start ends first.
    pub(super) async fn end(mut self, order: Order) {
        self.renewal.abort();
        // What it was just writing is written before anybody changes the keys.
        let _ = (&mut self.renewal).await;
        if order == Order::Kill {
            // No order in it: nobody needs what they would still write.
            for (_, orders, _) in &self.tasks {
                orders.send_replace(order);
            }
        }
        while let Some((part, orders, task)) = self.tasks.pop() {
            orders.send_replace(order);
            if let Err(error) = task.await {
                tracing::error!(cluster = %self.shared.home.uid(), %part, %error, "a supervisor of the control plane broke");
            }
        }
    }
}

/// Waits for a milestone; gives up when it takes too long or a part keeps ending.
pub(super) async fn wait_for(mut progress: watch::Receiver<Progress>, step: Step, patience: Duration) -> Result<(), LocalError> {
    let settled = progress.wait_for(|now| now.reached(step) || now.crashing().is_some());
    match tokio::time::timeout(patience, settled).await {
        Ok(Ok(now)) if now.reached(step) => Ok(()),
        Ok(Ok(now)) => {
            let (part, why) = now.crashing().unwrap_or((Part::ApiServer, String::new()));
            Err(LocalError::Crashing { part, why })
        }
        // Too late, or the supervision ended meanwhile: either way it did not come.
        Ok(Err(_)) | Err(_) => Err(LocalError::TooSlow { what: step.milestone(), after: patience }),
    }
}

/// Certificates are renewed long before they end; the processes read the files again by themselves.
async fn renew(plane: Arc<Shared>) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        let record = plane.record.borrow().clone();
        if let Err(error) = pki::ensure(&plane.home, &record, plane.now()) {
            tracing::error!(cluster = %plane.home.uid(), %error, "the control plane's certificates could not be renewed");
        }
    }
}

const RENEWAL: Duration = Duration::from_hours(24);
