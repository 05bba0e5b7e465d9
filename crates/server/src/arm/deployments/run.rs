//! The runner of deployments: makes resources in their order, writes down each, and goes on with what a server before it left.
//!
//! A resource is written down as begun, with the id of the operation that will make it, before it is begun. So a server that was
//! killed in between finds out whether it was. Every write compares the revision: a second runner would lose, and stop.

use std::collections::{BTreeMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use entrance_model::id::{OperationId, RequestId};
use entrance_model::template::{Deployment, Made, MadeState, NotYet, Plan, Program, Progress, Template, World, normal};
use entrance_store::{AuditEvent, StoreError};
use entrance_wire::jsonc::{Budget, parse};
use serde_json::{Value, json};
use uuid::Uuid;

use super::fault::{Fault, failed};
use super::kinds::{Kind, Pace, look, may_pass};
use crate::app::App;
use crate::arm::ctx::Ctx;
use crate::arm::error::Refusal;
use crate::http::RequestInfo;

/// How often the store is asked even when nobody woke us, and how often something under way is looked at.
const LOOK: Duration = Duration::from_millis(500);
const WATCH: Duration = Duration::from_millis(100);
/// How often a begin is tried that meets something passing.
const TRIES: usize = 20;

/// Starts the runner.
pub(crate) fn start(app: &Arc<App>) {
    let runner = Arc::clone(app);
    app.tasks.spawn("deployments", async move { run(&runner).await });
}

async fn run(app: &Arc<App>) {
    let taken: Arc<Mutex<HashSet<OperationId>>> = Arc::default();
    loop {
        match open(app).await {
            Ok(open) => {
                for id in open {
                    if taken.lock().unwrap_or_else(PoisonError::into_inner).insert(id) {
                        let (worker, taken) = (Arc::clone(app), Arc::clone(&taken));
                        app.tasks.spawn("deployment", async move {
                            if let Err(error) = work(&worker, id).await {
                                tracing::warn!(deployment = %id, %error, "a deployment was left, and is taken up again");
                                tokio::time::sleep(LOOK).await;
                            }
                            taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                        });
                    }
                }
            }
            Err(error) => tracing::error!(%error, "deployments could not be looked for"),
        }
        let _ = tokio::time::timeout(LOOK, app.deployments.notified()).await;
    }
}

async fn open(app: &App) -> Result<Vec<OperationId>, StoreError> {
    app.store.read().await?.arm().open_deployments().await
}

/// Works on a deployment until it has ended.
async fn work(app: &Arc<App>, id: OperationId) -> Result<(), StoreError> {
    let mut reader = app.store.read().await?;
    let Some(deployment) = reader.arm().deployment(id).await?.filter(|found| !found.progress.has_ended()) else { return Ok(()) };
    let read = program(&mut reader, &deployment, app).await?;
    drop(reader);
    let mut job = Job { app, deployment, known: BTreeMap::new(), text: String::new() };
    match read {
        Ok((program, plan, text)) => {
            job.text = text;
            job.carry_out(&program, &plan).await
        }
        // It was read once; what cannot be read now ends it, so that it does not go on for ever.
        Err(fault) => job.end(Progress::Failed, Some(fault.error), None).await,
    }
}

async fn program(
    reader: &mut entrance_store::Reader,
    deployment: &Deployment,
    app: &App,
) -> Result<Result<(Arc<Program>, Arc<Plan>, String), Fault>, StoreError> {
    let id = deployment.id;
    let (Some(text), Some(input)) = (reader.arm().deployment_template(id).await?, reader.arm().deployment_input(id).await?)
    else {
        return Ok(Err(Refusal::Internal(id.to_string()).into()));
    };
    let Ok(location) = input.location.parse() else { return Ok(Err(Refusal::Internal(id.to_string()).into())) };
    let world = World {
        subscription: deployment.address.subscription,
        subscription_name: input.subscription_name,
        tenant: deployment.tenant,
        group: deployment.address.group.clone(),
        location,
        tags: input.tags,
        deployment: deployment.address.name.to_string(),
        deployer: deployment.started_by,
        now: deployment.started,
        seed: id.uuid(),
        base: app.base().to_owned(),
    };
    let evaluated = tokio::task::spawn_blocking(move || {
        let node = parse(&text, Budget::default()).map_err(|bad| Fault::json(&bad))?;
        let program = Template::read(&node.value()).and_then(|template| Program::with(template, &input.parameters, world));
        let outcome = program.and_then(|program| program.plan().map(|plan| (Arc::new(program), Arc::new(plan))));
        outcome.map_err(|error| Fault::template(&error, &text)).map(|(program, plan)| (program, plan, text))
    });
    Ok(evaluated.await.unwrap_or_else(|error| Err(Refusal::Internal(error.to_string()).into())))
}

struct Job<'a> {
    app: &'a Arc<App>,
    deployment: Deployment,
    /// Resources as they are, by their keys.
    known: BTreeMap<String, Value>,
    /// The template as it was written, for the places of mistakes.
    text: String,
}

/// A value that may need others first.
enum Evaluated {
    Ready(Value),
    Waits,
}

impl Job<'_> {
    async fn carry_out(&mut self, program: &Arc<Program>, plan: &Arc<Plan>) -> Result<(), StoreError> {
        self.deployment.progress = Progress::Running;
        self.write().await?;
        loop {
            let is_stopping = self.is_stopping().await?;
            let mut has_moved = self.watch(is_stopping).await?;
            if !is_stopping {
                has_moved |= self.begin_ready(program, plan).await?;
            }
            let states = || self.deployment.resources.iter().map(|made| &made.state);
            if !has_moved && !states().any(|state| matches!(state, MadeState::Working(_))) {
                return self.finish(program, plan, is_stopping).await;
            }
            if !has_moved {
                tokio::time::sleep(WATCH).await;
            }
        }
    }

    async fn is_stopping(&self) -> Result<bool, StoreError> {
        let found = self.app.store.read().await?.arm().deployment(self.deployment.id).await?;
        // One that was forgotten with its group loses its next write.
        Ok(found.is_none_or(|found| found.is_stopping))
    }

    /// Whoever asked, as they are now.
    async fn caller(&self) -> Result<Ctx, Fault> {
        let Deployment { tenant, started_by, started_as, correlation, started, .. } = &self.deployment;
        let info = RequestInfo {
            id: RequestId::from_uuid(*correlation),
            client_request_id: None,
            peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            is_relayed: true,
            started: *started,
            user_agent: None,
        };
        let caller = Ctx::going_on(self.app, info, (*tenant, *started_by, started_as.clone())).await?;
        caller.ok_or_else(|| {
            let scope = self.deployment.address.id();
            let (name, oid) = (started_as.clone(), started_by.to_string());
            Fault::no_longer(&name, &oid, &scope)
        })
    }

    /// Looks at everything under way. `true`: something ended.
    async fn watch(&mut self, is_stopping: bool) -> Result<bool, StoreError> {
        let mut has_moved = false;
        for at in 0..self.deployment.resources.len() {
            let made = &self.deployment.resources[at];
            let MadeState::Working(operation) = made.state else { continue };
            let outcome = match self.caller().await {
                Ok(ctx) => {
                    let kind = Kind::named(&made.id);
                    if is_stopping && let Some(kind) = kind {
                        let _ = kind.stop(&ctx, operation).await;
                    }
                    match kind {
                        Some(kind) => kind.watch(&ctx, operation).await,
                        None => Ok(None),
                    }
                }
                Err(fault) => Err(fault),
            };
            let state = match outcome {
                Ok(Some(Pace::GoesOn)) => continue,
                Ok(Some(Pace::Done)) => MadeState::Done,
                Ok(Some(Pace::Failed(error))) => MadeState::Failed(error),
                // It was written down as begun, and then the server was killed: it begins now.
                Ok(None) => MadeState::Waiting,
                Err(fault) if may_pass(&fault) => continue,
                Err(fault) => MadeState::Failed(fault.error),
            };
            self.settle(at, state);
            has_moved = true;
        }
        if has_moved {
            self.write().await?;
        }
        Ok(has_moved)
    }

    fn settle(&mut self, at: usize, state: MadeState) {
        let made = &mut self.deployment.resources[at];
        if matches!(state, MadeState::Done | MadeState::Failed(_)) {
            made.ended = Some(self.app.now().as_microsecond());
        }
        made.state = state;
    }

    /// Begins everything whose turn it is. `true`: something was begun or could not be.
    async fn begin_ready(&mut self, program: &Arc<Program>, plan: &Arc<Plan>) -> Result<bool, StoreError> {
        let mut has_moved = false;
        for place in 0..plan.resources.len() {
            let resource = &plan.resources[place];
            let Some(at) = self.of(&resource.id) else { continue };
            if self.deployment.resources[at].state != MadeState::Waiting || !self.is_free(plan, place) {
                continue;
            }
            let outcome = self.begin(program, plan, place, at).await?;
            let state = match outcome {
                Ok(None) => continue,
                Ok(Some(Pace::GoesOn)) => None,
                Ok(Some(Pace::Done)) => Some(MadeState::Done),
                Ok(Some(Pace::Failed(error))) => Some(MadeState::Failed(error)),
                Err(fault) => Some(MadeState::Failed(program.hide(fault.error))),
            };
            has_moved = true;
            if let Some(state) = state {
                self.settle(at, state);
                self.write().await?;
            }
        }
        Ok(has_moved)
    }

    fn of(&self, id: &str) -> Option<usize> {
        self.deployment.resources.iter().position(|made| normal(&made.id) == normal(id))
    }

    fn is_free(&self, plan: &Plan, place: usize) -> bool {
        plan.resources[place].after.iter().all(|before| {
            let before = &plan.resources[*before];
            // One that is only looked at has nothing to wait for but what it stands in.
            before.is_existing || self.of(&before.id).is_some_and(|at| self.deployment.resources[at].state == MadeState::Done)
        })
    }

    /// Begins one. `None`: it needs another one first.
    async fn begin(
        &mut self,
        program: &Arc<Program>,
        plan: &Arc<Plan>,
        place: usize,
        at: usize,
    ) -> Result<Result<Option<Pace>, Fault>, StoreError> {
        let resource = &plan.resources[place];
        let body = if let Some(body) = &resource.body {
            body.clone()
        } else {
            let (program, plan_again) = (Arc::clone(program), Arc::clone(plan));
            let body = self.evaluate(plan, move |known| program.body(&plan_again, place, known)).await;
            match body {
                Ok(Evaluated::Ready(body)) => body,
                Ok(Evaluated::Waits) => return Ok(Ok(None)),
                Err(fault) => return Ok(Err(fault)),
            }
        };
        let operation = OperationId::from_uuid(Uuid::new_v4());
        self.deployment.resources[at].state = MadeState::Working(operation);
        self.deployment.resources[at].begun = Some(self.app.now().as_microsecond());
        self.write().await?;
        let mut tries = 1;
        loop {
            let outcome = match (self.caller().await, Kind::of(resource)) {
                (Ok(ctx), Ok(kind)) => kind.begin(&ctx, resource, body.clone(), operation, self.deployment.id).await,
                (Err(fault), _) | (_, Err(fault)) => Err(fault),
            };
            match outcome {
                Err(fault) if may_pass(&fault) && tries < TRIES => tokio::time::sleep(WATCH).await,
                outcome => return Ok(outcome.map(Some)),
            }
            tries += 1;
        }
    }

    /// Evaluates with what is known, and gets to know what is there.
    async fn evaluate(
        &mut self,
        plan: &Plan,
        value: impl Fn(&BTreeMap<String, Value>) -> Result<Value, NotYet> + Clone + Send + 'static,
    ) -> Result<Evaluated, Fault> {
        for _ in 0..=MOST_LOOKED_AT {
            let (known, evaluate) = (self.known.clone(), value.clone());
            let evaluated = tokio::task::spawn_blocking(move || evaluate(&known)).await;
            let id = match evaluated.map_err(|error| Refusal::Internal(error.to_string()))? {
                Ok(value) => return Ok(Evaluated::Ready(value)),
                Err(NotYet::Wrong(error)) => return Err(Fault::template(&error, &self.text)),
                Err(NotYet::Needs(id)) => id,
            };
            let planned = plan.resources.iter().find(|resource| normal(&resource.id) == id && !resource.is_existing);
            if planned.is_some() && self.of(&id).is_none_or(|at| self.deployment.resources[at].state != MadeState::Done) {
                return Ok(Evaluated::Waits);
            }
            let found = look(&self.caller().await?, &id).await?;
            self.known.insert(id, found);
        }
        Err(Fault::request(&format!("An expression refers to more than {MOST_LOOKED_AT} resources.")))
    }

    /// Nothing is under way and nothing can begin any more.
    async fn finish(&mut self, program: &Arc<Program>, plan: &Arc<Plan>, is_stopping: bool) -> Result<(), StoreError> {
        let failures: Vec<Value> = self.deployment.resources.iter().filter_map(failure).collect();
        let is_complete = self.deployment.resources.iter().all(|made| made.state == MadeState::Done);
        for at in 0..self.deployment.resources.len() {
            if self.deployment.resources[at].state == MadeState::Waiting {
                self.settle(at, MadeState::LeftOut);
            }
        }
        if is_stopping && !is_complete {
            return self.end(Progress::Canceled, None, None).await;
        }
        if !is_complete {
            let message = "At least one resource could not be made; `az deployment operation group list` shows them all. What was \
                made stays; deploy again once the cause is gone.";
            return self.end(Progress::Failed, Some(failed("DeploymentFailed", message, &failures)), None).await;
        }
        let (of_outputs, plan_again) = (Arc::clone(program), Arc::clone(plan));
        let outputs = self.evaluate(plan, move |known| of_outputs.outputs(&plan_again, known)).await;
        match outputs {
            Ok(Evaluated::Ready(outputs)) => self.end(Progress::Succeeded, None, Some(outputs)).await,
            Ok(Evaluated::Waits) => {
                let message = "The outputs refer to a resource that is not there.";
                self.end(Progress::Failed, Some(failed("DeploymentFailed", message, &[])), None).await
            }
            Err(fault) => {
                let message = "Everything was made, and the outputs could not be evaluated.";
                let error = failed("DeploymentOutputEvaluationFailed", message, &[program.hide(fault.error)]);
                self.end(Progress::Failed, Some(error), None).await
            }
        }
    }

    async fn write(&mut self) -> Result<(), StoreError> {
        let mut tx = self.app.store.write().await?;
        tx.arm().update_deployment(&mut self.deployment).await?;
        tx.commit().await
    }

    async fn end(&mut self, progress: Progress, error: Option<Value>, outputs: Option<Value>) -> Result<(), StoreError> {
        let now = self.app.now();
        self.deployment.progress = progress;
        self.deployment.outputs = outputs;
        self.deployment.ended = Some(now);
        let code = error.as_ref().map(|error| error["code"].clone());
        self.deployment.error = error;
        let event = AuditEvent {
            kind: "deployment.ended",
            tenant: Some(self.deployment.tenant),
            actor: Some(self.deployment.started_by),
            target: Some(self.deployment.address.id()),
            detail: json!({ "deployment": self.deployment.id, "state": progress.as_str(), "code": code }),
        };
        let mut tx = self.app.store.write().await?;
        tx.arm().update_deployment(&mut self.deployment).await?;
        tx.audit(now, &event).await?;
        tx.commit().await?;
        tracing::info!(deployment = %self.deployment.id, state = progress.as_str(), "deployment ended");
        Ok(())
    }
}

/// How many resources one expression may look at.
const MOST_LOOKED_AT: usize = 800;

fn failure(made: &Made) -> Option<Value> {
    let MadeState::Failed(error) = &made.state else { return None };
    let mut shown = error.clone();
    shown["target"] = json!(made.id);
    Some(shown)
}
