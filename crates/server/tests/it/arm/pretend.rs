//! Control planes that are only played: they remember what was asked of them, and fail when told to.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use entrance_model::cluster::door::{LeftBehind, Refused, Severed};
use entrance_model::cluster::{Ailment, Cluster, Condition, Door, Endpoint, Keys, Observed, Spec, Stage, Step, Versions};
use entrance_model::id::{ClusterUid, DoorId, PrincipalId};
use entrance_server::clusters::{Certificate, Doing, Driver, DriverError, Shutting};
use zeroize::Zeroizing;

/// The played control planes.
#[derive(Default)]
pub(crate) struct Pretend {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    planes: HashMap<ClusterUid, Observed>,
    steps: Vec<Step>,
    failing: Option<Step>,
    held: Option<Step>,
    ailing: Option<Ailment>,
    doors: Vec<DoorId>,
    shown: Vec<bool>,
    is_deaf: bool,
}

impl Pretend {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on this step fails; `None` ends it.
    pub(crate) fn fail(&self, step: Option<Step>) {
        self.state().failing = step;
    }

    /// What is seen from now on by whoever looks after the control planes.
    pub(crate) fn ail(&self, ailment: Option<Ailment>) {
        self.state().ailing = ailment;
    }

    /// From now on this step takes its time; `None` lets it go on.
    pub(crate) fn hold(&self, step: Option<Step>) {
        self.state().held = step;
    }

    /// The steps that were taken, oldest first.
    pub(crate) fn steps(&self) -> Vec<Step> {
        self.state().steps.clone()
    }

    /// How many control planes there are.
    pub(crate) fn count(&self) -> usize {
        self.state().planes.len()
    }

    /// Whether processes of any control plane live.
    pub(crate) fn lives(&self) -> bool {
        self.state().planes.values().any(|plane| plane.lives)
    }

    /// How many doors are open.
    pub(crate) fn doors(&self) -> usize {
        self.state().doors.len()
    }

    /// For each door that was shut, whether its very certificate was tried.
    pub(crate) fn shown(&self) -> Vec<bool> {
        self.state().shown.clone()
    }

    /// From now on no API server answers, or does again.
    pub(crate) fn deaf(&self, is_deaf: bool) {
        self.state().is_deaf = is_deaf;
    }

    fn take(&self, cluster: &Cluster, spec: &Spec, step: Step) -> Result<(), DriverError> {
        let mut state = self.state();
        state.steps.push(step);
        if state.failing == Some(step) {
            return Err(DriverError::ControlPlane("etcd did not come up".into()));
        }
        if step == Step::Erase {
            state.planes.remove(&cluster.uid);
            return Ok(());
        }
        let plane = state.planes.entry(cluster.uid).or_default();
        match step {
            Step::Prepare => plane.stage = Stage::Prepared,
            Step::Start => (plane.stage, plane.lives) = (Stage::Running, true),
            Step::Halt => (plane.stage, plane.lives) = (Stage::Incomplete, false),
            Step::AwaitReady => {
                plane.stage = Stage::Ready;
                plane.admins.get_or_insert_default();
            }
            Step::Nodes => plane.pools.clone_from(&spec.pools),
            Step::BindAdmins => plane.admins = Some(spec.admins().to_vec()),
            Step::MakeKeys => plane.keys.next = cluster.state.operation(),
            Step::SwapKeys => {
                (plane.stage, plane.lives) = (Stage::Prepared, false);
                plane.keys = Keys { in_use: plane.keys.next.take(), old: true, ..plane.keys };
            }
            Step::DropOldKeys => plane.keys.old = false,
            Step::RestoreKeys => {
                if plane.keys.old {
                    (plane.stage, plane.lives) = (Stage::Prepared, false);
                }
                plane.keys = Keys { signing: plane.keys.signing, ..Keys::default() };
            }
            Step::RenewSigningKey => plane.keys.signing = cluster.state.operation(),
            Step::Enforce | Step::Erase => {}
        }
        Ok(())
    }
}

fn now<'a, T: Send + 'a>(outcome: Result<T, DriverError>) -> Doing<'a, T> {
    Box::pin(async move { outcome })
}

impl Driver for Pretend {
    fn versions(&self) -> Versions {
        Versions::new(["1.36.4", "1.37.2"].iter().filter_map(|v| v.parse().ok()))
    }

    fn adopt(&self) -> Doing<'_, ()> {
        now(Ok(()))
    }

    fn leave(&self) -> Doing<'_, ()> {
        now(Ok(()))
    }

    fn observe<'a>(&'a self, cluster: &'a Cluster) -> Doing<'a, Observed> {
        now(Ok(self.state().planes.get(&cluster.uid).cloned().unwrap_or_default()))
    }

    fn look_after<'a>(&'a self, _: &'a Cluster, _: &'a Spec) -> Doing<'a, Condition> {
        now(Ok(self.state().ailing.clone().map_or(Condition::Well, Condition::Ill)))
    }

    fn apply<'a>(&'a self, cluster: &'a Cluster, spec: &'a Spec, step: Step) -> Doing<'a, ()> {
        Box::pin(async move {
            while self.state().held == Some(step) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            self.take(cluster, spec, step)
        })
    }

    fn endpoint<'a>(&'a self, _: &'a Cluster) -> Doing<'a, Endpoint> {
        now(Ok(Endpoint { url: "https://127.0.0.1:6443".into(), ca: "-----BEGIN CERTIFICATE-----\n".into() }))
    }

    fn issue<'a>(&'a self, _: &'a Cluster, holder: PrincipalId, door: DoorId, _: Duration) -> Doing<'a, Certificate> {
        let certificate = format!("CN={} O={}", Door::user(holder), Door::group(door));
        now(Ok(Certificate { certificate, key: Zeroizing::new("a key".into()) }))
    }

    fn open_break_glass<'a>(&'a self, _: &'a Cluster, door: &'a Door) -> Doing<'a, ()> {
        let mut state = self.state();
        if !state.doors.contains(&door.id) {
            state.doors.push(door.id);
        }
        now(Ok(()))
    }

    fn shut_break_glass<'a>(&'a self, _: &'a Cluster, shutting: Shutting<'a>) -> Doing<'a, Vec<Refused>> {
        let mut state = self.state();
        if state.is_deaf {
            return now(Err(DriverError::ControlPlane("the API server does not answer".into())));
        }
        state.doors.retain(|open| *open != shutting.door);
        state.shown.push(shutting.credential.is_some());
        now(Ok(vec![Refused { server: "https://127.0.0.1:6443".into(), without_binding_ms: 1, without_root_ms: 2, list_ms: 3 }]))
    }

    fn sever<'a>(&'a self, _: &'a Cluster) -> Doing<'a, Vec<Severed>> {
        let server = "https://127.0.0.1:6443".into();
        now(Ok(vec![Severed { server, ended: 1, began: 2, stream_ended_ms: 3, ready_ms: 4 }]))
    }

    fn left_behind<'a>(&'a self, _: &'a Cluster, _: &'a Door) -> Doing<'a, LeftBehind> {
        now(Ok(LeftBehind { other_writes: 7, ..LeftBehind::default() }))
    }
}
