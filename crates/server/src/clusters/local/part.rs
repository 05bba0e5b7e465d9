//! The parts of a control plane, the steps in which it comes to life, and how far it is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One process of a control plane, in the order in which they start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The database.
    Etcd,
    /// kube-apiserver.
    ApiServer,
    /// kube-controller-manager.
    ControllerManager,
    /// kube-scheduler.
    Scheduler,
    /// The simulated nodes.
    Nodes,
}

impl Part {
    /// All of them, in the order in which they start; they stop in the opposite order.
    pub const ALL: [Self; 5] = [Self::Etcd, Self::ApiServer, Self::ControllerManager, Self::Scheduler, Self::Nodes];

    /// The command of the `controlplane` program.
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "apiserver",
            Self::ControllerManager => "controller-manager",
            Self::Scheduler => "scheduler",
            Self::Nodes => "nodes",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.command())
    }
}

/// A step on the way to a running cluster. Each may be repeated at any time, also after a kill in the middle of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The folder and the port.
    Home,
    /// Keys and certificates.
    Pki,
    /// Configuration files.
    Config,
    /// The database answers.
    Etcd,
    /// The API server's process lives.
    ApiServer,
    /// The API server answers `/readyz`.
    Ready,
    /// Entrance has its rights inside.
    Rbac,
    /// Controllers and scheduler run.
    Controllers,
    /// The simulated nodes run.
    Nodes,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Self; 9] = [
        Self::Home,
        Self::Pki,
        Self::Config,
        Self::Etcd,
        Self::ApiServer,
        Self::Ready,
        Self::Rbac,
        Self::Controllers,
        Self::Nodes,
    ];

    /// What is true once it is done, for sentences like "the control plane is not … after 60 s".
    pub(super) fn milestone(self) -> &'static str {
        match self {
            Self::Home | Self::Pki | Self::Config => "written down",
            Self::Etcd => "connected to its database",
            Self::ApiServer => "started",
            Self::Ready => "ready",
            Self::Rbac => "open to Entrance",
            Self::Controllers => "controlled",
            Self::Nodes => "in possession of its nodes",
        }
    }
}

/// How far a cluster is, and how its processes are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    parts: [PartState; 5],
    /// The database accepts connections.
    pub etcd: bool,
    /// The API server answered `/readyz` when it was last asked.
    pub ready: bool,
    /// Entrance's rights are in place.
    pub rbac: bool,
}

/// How one process is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartState {
    /// Its process id, while it lives.
    pub pid: Option<u32>,
    /// How often it ended early, one time after the other. Zero again once it has lived for a while.
    pub failures: u32,
    /// How it ended last, and what its log said.
    pub last_end: Option<String>,
}

impl Progress {
    /// How `part` is.
    pub fn part(&self, part: Part) -> &PartState {
        &self.parts[part as usize]
    }

    pub(super) fn part_mut(&mut self, part: Part) -> &mut PartState {
        &mut self.parts[part as usize]
    }

    /// Whether what `step` promises is true now.
    pub fn reached(&self, step: Step) -> bool {
        let lives = |part| self.part(part).pid.is_some();
        match step {
            Step::Home | Step::Pki | Step::Config => true,
            Step::Etcd => self.etcd,
            Step::ApiServer => lives(Part::ApiServer),
            Step::Ready => self.ready,
            Step::Rbac => self.ready && self.rbac,
            Step::Controllers => lives(Part::ControllerManager) && lives(Part::Scheduler),
            Step::Nodes => lives(Part::Nodes),
        }
    }

    /// The first part that has failed so often that waiting for it is pointless.
    pub(super) fn crashing(&self) -> Option<(Part, String)> {
        let failed = Part::ALL.into_iter().find(|part| {
            let state = self.part(*part);
            // While it lives, the latest attempt may be the good one.
            state.failures >= HOPELESS && state.pid.is_none()
        })?;
        Some((failed, self.part(failed).last_end.clone().unwrap_or_default()))
    }
}

/// Some five seconds of attempts, given the back-off.
const HOPELESS: u32 = 5;
