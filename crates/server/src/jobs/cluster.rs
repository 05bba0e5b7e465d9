//! Operations on a cluster: plan, take a step, write it down, until nothing is left to do; undo what failed.

use std::time::Duration;

use entrance_model::arm::Taken;
use entrance_model::cluster::door::Closing;
use entrance_model::cluster::{Cluster, Desired, Failure, Observed, Spec, Stage, Step, Work, plan};
use entrance_model::id::ClusterUid;
use entrance_store::{AuditEvent, Lease, StoreError};
use serde_json::json;

use super::ended;
use super::fall::{Moment, fall};
use crate::app::App;
use crate::clusters::doors::{self, By, DoorError};
use crate::clusters::sealing;

/// Works on the operation until it has ended.
pub(super) async fn work(app: &App, lease: &Lease, uid: ClusterUid) -> Result<(), StoreError> {
    let Some(cluster) = app.store.read().await?.arm().cluster(uid).await? else {
        // It went in the same commit as the operation that removed it; nothing is left to do.
        let mut tx = app.store.write().await?;
        tx.operations().end(lease, &lease.operation.steps, &ended(app, None)).await?;
        return tx.commit().await;
    };
    let mut job = Job { app, lease, cluster, steps: Vec::new() };
    let outcome = match lease.operation.work {
        Work::Create | Work::Update | Work::Start | Work::RotateCertificates | Work::RotateSigningKey => job.bring_up().await?,
        Work::Stop => job.halt(false).await?,
        Work::Delete => job.tear_down().await?,
        Work::Abort => job.undo().await?,
    };
    match outcome {
        Ok(()) => job.end(None).await,
        Err(why) => {
            tracing::warn!(cluster = %uid, operation = %lease.operation.id, why = %why.message, "operation failed");
            let why = match lease.operation.work {
                Work::Delete | Work::Abort => why,
                _ => match job.undo().await? {
                    Ok(()) => why,
                    Err(also) => Failure { message: format!("{} Undoing it failed too: {}", why.message, also.message), ..why },
                },
            };
            job.end(Some(why)).await
        }
    }
}

/// How often a plan is made before we say that it leads nowhere.
const ROUNDS: usize = 5;
/// How often one step is tried, and the pause between.
const TRIES: usize = 2;
const PAUSE: Duration = Duration::from_secs(1);

struct Job<'a> {
    app: &'a App,
    lease: &'a Lease,
    cluster: Cluster,
    steps: Vec<Taken>,
}

impl Job<'_> {
    async fn bring_up(&mut self) -> Result<Result<(), Failure>, StoreError> {
        let spec = match self.cluster.spec() {
            Ok(spec) => spec,
            Err(error) => return Ok(Err(Failure { code: "InvalidTemplate".to_owned(), message: error.to_string() })),
        };
        for _ in 0..ROUNDS {
            let observed = match self.observe().await {
                Ok(observed) => observed,
                Err(why) => return Ok(Err(why)),
            };
            let wanted = match self.lease.operation.work {
                Work::RotateCertificates => Desired::Rotated(&spec, self.lease.operation.id),
                Work::RotateSigningKey => Desired::Resigned(&spec, self.lease.operation.id),
                _ => Desired::Present(&spec),
            };
            let todo = plan(wanted, &observed);
            if todo.is_empty() {
                return match self.shut_doors(&spec).await? {
                    Ok(()) => Ok(self.tend_sealed_door(&spec).await),
                    Err(why) => Ok(Err(why)),
                };
            }
            if let Err(why) = self.take_all(&spec, &todo, false).await? {
                return Ok(Err(why));
            }
        }
        let message = "The control plane does not become what it shall be; look at its logs.".to_owned();
        Ok(Err(Failure { code: "ControlPlaneFailed".to_owned(), message }))
    }

    /// where local accounts are disabled, the operation ends once every old file is proved to be refused.
    async fn shut_doors(&self, spec: &Spec) -> Result<Result<(), Failure>, StoreError> {
        if spec.local_accounts {
            return Ok(Ok(()));
        }
        Ok(match doors::shut_all(self.app, &self.cluster).await {
            Ok(()) => Ok(()),
            Err(DoorError::Store(error)) => return Err(error),
            Err(error) => Err(Failure {
                code: "BreakGlassStillOpen".to_owned(),
                message: format!(
                    "A door that was closed could not be proved to be shut: {error}. It is tried again until it is."
                ),
            }),
        })
    }

    /// The operation ends with the sealed door as it shall be. Where there shall be none, that is proved; where a new one could not be made
    /// at once, it is tried again until it is.
    async fn tend_sealed_door(&self, spec: &Spec) -> Result<(), Failure> {
        match sealing::tend(self.app, &self.cluster).await {
            Ok(_) => Ok(()),
            Err(error) if spec.local_accounts && spec.entrance.recovery.is_some() => {
                tracing::warn!(cluster = %self.cluster.uid, %error, "the sealed door is not as it shall be yet");
                Ok(())
            }
            Err(error) => Err(Failure {
                code: "BreakGlassStillOpen".to_owned(),
                message: format!("The sealed door could not be proved to be shut: {error}. It is tried again until it is."),
            }),
        }
    }

    async fn tear_down(&mut self) -> Result<Result<(), Failure>, StoreError> {
        let observed = match self.observe().await {
            Ok(observed) => observed,
            // What cannot even be looked at is removed all the same.
            Err(_) => Observed { stage: Stage::Incomplete, ..Observed::default() },
        };
        match self.cluster.spec() {
            Ok(spec) => self.take_all(&spec, &plan(Desired::Absent, &observed), false).await,
            Err(error) => Ok(Err(Failure { code: "ControlPlaneFailed".to_owned(), message: error.to_string() })),
        }
    }

    /// Stops the processes and keeps the data.
    async fn halt(&mut self, undoing: bool) -> Result<Result<(), Failure>, StoreError> {
        let spec = match self.cluster.spec() {
            Ok(spec) => spec,
            Err(error) => return Ok(Err(Failure { code: "ControlPlaneFailed".to_owned(), message: error.to_string() })),
        };
        match self.observe().await {
            Ok(observed) => self.take_all(&spec, &plan(Desired::Stopped, &observed), undoing).await,
            Err(why) => Ok(Err(why)),
        }
    }

    /// what failed or was aborted leaves what was before: nothing after a creation, the former settings after a change,
    /// the former state after a stop or a start.
    async fn undo(&mut self) -> Result<Result<(), Failure>, StoreError> {
        let Some(before) = self.cluster.applied.clone() else { return self.tear_down().await };
        self.cluster.document = before;
        if let Err(why) = self.restore_keys().await? {
            return Ok(Err(why));
        }
        if self.cluster.is_stopped() { self.halt(true).await } else { self.back().await }
    }

    /// A rotation that did not come to its end: the old certificates count again.
    async fn restore_keys(&mut self) -> Result<Result<(), Failure>, StoreError> {
        let (Ok(spec), Ok(observed)) = (self.cluster.spec(), self.observe().await) else { return Ok(Ok(())) };
        if !observed.keys.old && observed.keys.next.is_none() {
            return Ok(Ok(()));
        }
        if let Err(why) = self.take_all(&spec, &[Step::RestoreKeys], true).await? {
            return Ok(Err(why));
        }
        self.enforce().await
    }

    async fn back(&mut self) -> Result<Result<(), Failure>, StoreError> {
        let Ok(spec) = self.cluster.spec() else { return Ok(Ok(())) };
        match self.observe().await {
            Ok(observed) => {
                let todo = plan(Desired::Present(&spec), &observed);
                self.take_all(&spec, &todo, true).await
            }
            Err(why) => Ok(Err(why)),
        }
    }

    async fn observe(&self) -> Result<Observed, Failure> {
        let observed = self.app.clusters.driver().observe(&self.cluster).await.map_err(|e| e.failure(None))?;
        let in_force = self.cluster.applied.as_ref() == Some(&self.cluster.document) && self.cluster.endpoint.is_some();
        Ok(Observed { in_force, ..observed })
    }

    async fn take_all(&mut self, spec: &Spec, todo: &[Step], undoing: bool) -> Result<Result<(), Failure>, StoreError> {
        let first = self.steps.len();
        self.steps.extend(todo.iter().map(|step| Taken { step: *step, undoing, done: None }));
        self.record().await?;
        for (at, step) in todo.iter().enumerate() {
            fall(self.app, *step, Moment::Before);
            if *step == Step::Enforce && !undoing {
                if let Err(why) = self.enforce().await? {
                    return Ok(Err(why));
                }
            } else if let Err(why) = self.take(spec, *step).await {
                return Ok(Err(why));
            }
            fall(self.app, *step, Moment::After);
            self.steps[first + at].done = Some(self.app.now().as_microsecond());
            self.record().await?;
        }
        Ok(Ok(()))
    }

    async fn take(&self, spec: &Spec, step: Step) -> Result<(), Failure> {
        let mut tries = 1;
        loop {
            match self.app.clusters.driver().apply(&self.cluster, spec, step).await {
                Ok(()) => return Ok(()),
                Err(error) if tries >= TRIES => return Err(error.failure(Some(step))),
                Err(error) => tracing::info!(cluster = %self.cluster.uid, %error, step = step.as_str(), "a step is tried again"),
            }
            tries += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// From here on sign-ins are judged by the new settings: one commit, which the directory in memory follows.
    async fn enforce(&mut self) -> Result<Result<(), Failure>, StoreError> {
        let endpoint = match self.app.clusters.driver().endpoint(&self.cluster).await {
            Ok(endpoint) => endpoint,
            Err(error) => return Ok(Err(error.failure(Some(Step::Enforce)))),
        };
        // Nobody seals a door for the old authority meanwhile.
        let _sealing = self.app.clusters.sealing.lock().await;
        let is_other_authority = self.cluster.endpoint.as_ref().is_some_and(|before| before.ca != endpoint.ca);
        self.cluster.endpoint = Some(endpoint);
        self.cluster.applied = Some(self.cluster.document.clone());
        let mut tx = self.app.store.write().await?;
        // The lease is checked in the same transaction: who lost it changes nothing.
        tx.operations().record(self.lease, &self.steps).await?;
        if is_other_authority && let Some(door) = tx.arm().sealed_door(self.cluster.uid).await? {
            // Its file names the old authority and its signer is gone; another one is sealed at once.
            tx.arm().forget_sealed_door(&door).await?;
        }
        tx.arm().update_cluster(&mut self.cluster).await?;
        tx.commit().await?;
        Ok(Ok(()))
    }

    async fn record(&self) -> Result<(), StoreError> {
        let mut tx = self.app.store.write().await?;
        tx.operations().record(self.lease, &self.steps).await?;
        tx.commit().await
    }

    /// One commit ends the operation and tells the cluster.
    async fn end(mut self, why: Option<Failure>) -> Result<(), StoreError> {
        let operation = &self.lease.operation;
        let now = self.app.now();
        let gone = operation.work == Work::Delete && why.is_none();
        let mut tx = self.app.store.write().await?;
        tx.operations().end(self.lease, &self.steps, &ended(self.app, why.clone())).await?;
        if gone {
            let by = By { oid: operation.started_by, why: json!({ "operation": operation.id }) };
            doors::close_all(&mut tx, &self.cluster, Closing::ClusterGone, &by, now).await?;
            if let Some(door) = tx.arm().sealed_door(self.cluster.uid).await? {
                tx.arm().forget_sealed_door(&door).await?;
            }
            tx.arm().delete_assignments_below(self.cluster.tenant, &self.cluster.address.scope()).await?;
            tx.arm().delete_cluster(&self.cluster).await?;
        } else {
            self.cluster.end(operation.id, why.clone().map_or(Ok(()), Err));
            self.cluster.modified = now;
            tx.arm().update_cluster(&mut self.cluster).await?;
        }
        let event = AuditEvent {
            kind: "operation.ended",
            tenant: Some(operation.tenant),
            actor: operation.started_by,
            target: Some(operation.scope.to_string()),
            detail: json!({ "operation": operation.id, "work": operation.work.as_str(), "why": why }),
        };
        tx.audit(now, &event).await?;
        tx.commit().await?;
        self.app.jobs.wake();
        Ok(())
    }
}
