//! From what is there to what shall be: steps that may be done twice.
//!
//! The plan is made again before every step that matters and after every restart, so nothing depends on how far somebody
//! believes to have come.

use serde::{Deserialize, Serialize};

use super::pools::Pool;
use super::spec::Spec;
use crate::id::GroupId;

/// What shall be.
#[derive(Debug, Clone, Copy)]
pub enum Desired<'a> {
    /// A control plane like this.
    Present(&'a Spec),
    /// Nothing.
    Absent,
}

/// How far a control plane has come; each stage holds what those before it hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Stage {
    /// There is no trace of it.
    #[default]
    Nothing,
    /// Something is there, but not everything it needs to start.
    Incomplete,
    /// Keys, certificates and configuration are complete.
    Prepared,
    /// The processes run.
    Running,
    /// The API server says that it is ready.
    Ready,
}

/// What is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    /// How far the control plane has come.
    pub stage: Stage,
    /// The pools that nodes are simulated for.
    pub pools: Vec<Pool>,
    /// The subjects of the admin binding; `None` while the API server cannot be asked.
    pub admins: Option<Vec<GroupId>>,
    /// The document in force is the desired one.
    pub in_force: bool,
}

/// One step. Doing it again does no harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// Makes keys, certificates and configuration files.
    Prepare,
    /// Starts the processes, or finds them running.
    Start,
    /// Waits until the API server is ready.
    AwaitReady,
    /// Brings the simulated nodes in line with the pools.
    Nodes,
    /// Writes the admin groups' binding.
    BindAdmins,
    /// Lets the document take effect: from here on sign-ins are judged by it.
    Enforce,
    /// Stops the processes and removes every file.
    Erase,
}

impl Step {
    /// What people read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare keys and configuration",
            Self::Start => "start the control plane",
            Self::AwaitReady => "wait until the API server is ready",
            Self::Nodes => "bring the nodes in line",
            Self::BindAdmins => "bind the admin groups",
            Self::Enforce => "put the settings in force",
            Self::Erase => "stop the control plane and remove its files",
        }
    }
}

/// The steps that are left.
///
/// The admin binding comes before the settings take effect, so that nobody is let in who then finds the door behind
/// the door closed; nothing in here restarts an API server that runs.
pub fn plan(desired: Desired<'_>, observed: &Observed) -> Vec<Step> {
    let spec = match desired {
        Desired::Absent => return if observed.stage > Stage::Nothing { vec![Step::Erase] } else { Vec::new() },
        Desired::Present(spec) => spec,
    };
    let mut steps = Vec::new();
    if observed.stage < Stage::Prepared {
        steps.push(Step::Prepare);
    }
    if observed.stage < Stage::Running {
        steps.push(Step::Start);
    }
    if observed.stage < Stage::Ready {
        steps.push(Step::AwaitReady);
    }
    if observed.pools != spec.pools {
        steps.push(Step::Nodes);
    }
    if !observed.admins.as_ref().is_some_and(|bound| same_groups(bound, spec.admins())) {
        steps.push(Step::BindAdmins);
    }
    if !observed.in_force || !steps.is_empty() {
        steps.push(Step::Enforce);
    }
    steps
}

// The order in which groups are bound changes nothing.
fn same_groups(bound: &[GroupId], wanted: &[GroupId]) -> bool {
    bound.len() == wanted.len() && wanted.iter().all(|group| bound.contains(group))
}
