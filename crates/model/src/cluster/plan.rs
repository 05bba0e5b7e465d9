//! From what is there to what shall be: steps that may be done twice.
//!
//! The plan is made again before every step that matters and after every restart, so nothing depends on how far somebody
//! believes to have come.

use serde::{Deserialize, Serialize};

use super::pools::Pool;
use super::spec::Spec;
use crate::id::{GroupId, OperationId};

/// What shall be.
#[derive(Debug, Clone, Copy)]
pub enum Desired<'a> {
    /// A control plane like this.
    Present(&'a Spec),
    /// No process of it, and all of its data.
    Stopped,
    /// A control plane like this, with the keys and certificates that this operation made.
    Rotated(&'a Spec, OperationId),
    /// A control plane like this, which signs service account tokens with the key that this operation made.
    Resigned(&'a Spec, OperationId),
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

/// Which keys and certificates a control plane has, by the operations that made them; those of its birth have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keys {
    /// Those in use.
    pub in_use: Option<OperationId>,
    /// Those that are complete and lie beside them.
    pub next: Option<OperationId>,
    /// Those before are still there.
    pub old: bool,
    /// The key that service account tokens are signed with.
    pub signing: Option<OperationId>,
}

/// What is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    /// How far the control plane has come.
    pub stage: Stage,
    /// A process of it lives.
    pub lives: bool,
    /// Which keys and certificates it has.
    pub keys: Keys,
    /// The pools that nodes are simulated for.
    pub pools: Vec<Pool>,
    /// The subjects of the admin binding; `None` while the API server cannot be asked.
    pub admins: Option<Vec<GroupId>>,
    /// The document in force is the desired one.
    pub in_force: bool,
}

impl Observed {
    /// What is there when nothing is left to do.
    pub fn as_wished(spec: &Spec) -> Self {
        Self {
            stage: Stage::Ready,
            lives: true,
            keys: Keys::default(),
            pools: spec.pools.clone(),
            admins: Some(spec.admins().to_vec()),
            in_force: true,
        }
    }
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
    /// Makes new keys and certificates beside those in use.
    MakeKeys,
    /// Stops the processes and puts the new keys and certificates in the place of the old.
    SwapKeys,
    /// Proves that the old certificates open nothing, and removes them.
    DropOldKeys,
    /// Puts the old keys and certificates back, or throws away new ones that were never used.
    RestoreKeys,
    /// Signs service account tokens with a new key; the old one still verifies.
    RenewSigningKey,
    /// Lets the document take effect: from here on sign-ins are judged by it.
    Enforce,
    /// Stops the processes and keeps the data.
    Halt,
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
            Self::MakeKeys => "make new keys and certificates",
            Self::SwapKeys => "put the new keys and certificates in place",
            Self::DropOldKeys => "prove that the old certificates open nothing and remove them",
            Self::RestoreKeys => "put the old keys and certificates back",
            Self::RenewSigningKey => "sign service account tokens with a new key",
            Self::Enforce => "put the settings in force",
            Self::Halt => "stop the control plane and keep its data",
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
        Desired::Absent => {
            return if observed.stage > Stage::Nothing || observed.lives { vec![Step::Erase] } else { Vec::new() };
        }
        // What is stopped lacks nothing but the wish to run.
        Desired::Stopped => {
            return if observed.stage > Stage::Incomplete || observed.lives { vec![Step::Halt] } else { Vec::new() };
        }
        Desired::Present(spec) => spec,
        Desired::Rotated(spec, by) => return rotate(spec, by, observed),
        Desired::Resigned(spec, by) => {
            let renewal = if observed.keys.signing == Some(by) { Vec::new() } else { vec![Step::RenewSigningKey] };
            return renewal.into_iter().chain(plan(Desired::Present(spec), observed)).collect();
        }
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

/// The new keys are complete before anything is touched, and the old ones are there until the new ones are in force: whoever
/// is killed in between goes on, or back.
fn rotate(spec: &Spec, by: OperationId, observed: &Observed) -> Vec<Step> {
    let keys = observed.keys;
    let mut steps = Vec::new();
    if keys.in_use == Some(by) {
        steps.extend(plan(Desired::Present(spec), observed));
    } else {
        if keys.next != Some(by) {
            steps.push(Step::MakeKeys);
        }
        steps.push(Step::SwapKeys);
        let stopped = Observed { stage: Stage::Prepared, lives: false, ..observed.clone() };
        steps.extend(plan(Desired::Present(spec), &stopped));
    }
    if keys.in_use != Some(by) || keys.old {
        // The authority that people trust is another one, also when everything else was in force.
        steps.retain(|step| *step != Step::Enforce);
        steps.extend([Step::Enforce, Step::DropOldKeys]);
    }
    steps
}

// The order in which groups are bound changes nothing.
fn same_groups(bound: &[GroupId], wanted: &[GroupId]) -> bool {
    bound.len() == wanted.len() && wanted.iter().all(|group| bound.contains(group))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::document::Document;
    use super::*;

    fn spec() -> Spec {
        let document =
            json!({"location": "eastus", "properties": {"dnsPrefix": "c1", "agentPoolProfiles": [{"name": "nodepool1"}]}});
        let document: Document = serde_json::from_value(document).expect("a document");
        Spec::read(&document).expect("readable")
    }

    #[test]
    fn r_580_a_rotation_goes_on_from_wherever_it_was_left() {
        let spec = spec();
        let by = OperationId::from_uuid(uuid::Uuid::from_u128(1));
        let before = OperationId::from_uuid(uuid::Uuid::from_u128(2));
        let observed = |keys, stage| Observed {
            stage,
            lives: stage > Stage::Prepared,
            keys,
            pools: spec.pools.clone(),
            admins: (stage == Stage::Ready).then(|| spec.admins().to_vec()),
            in_force: true,
        };
        let plan = |keys, stage| plan(Desired::Rotated(&spec, by), &observed(keys, stage));
        let born = Keys::default();
        let rest = [Step::SwapKeys, Step::Start, Step::AwaitReady, Step::Enforce, Step::DropOldKeys];
        assert_eq!(plan(born, Stage::Ready), [&[Step::MakeKeys][..], &rest].concat());
        assert_eq!(plan(Keys { next: Some(by), ..born }, Stage::Ready), rest);
        assert_eq!(
            plan(Keys { next: Some(before), ..born }, Stage::Ready)[0],
            Step::MakeKeys,
            "another operation's keys do not count"
        );
        let swapped = Keys { in_use: Some(by), old: true, ..born };
        assert_eq!(plan(swapped, Stage::Prepared)[..2], [Step::Start, Step::AwaitReady]);
        assert_eq!(
            plan(swapped, Stage::Ready),
            [Step::Enforce, Step::DropOldKeys],
            "the authority is told, whatever else was in force"
        );
        assert_eq!(plan(Keys { old: false, ..swapped }, Stage::Ready), []);
    }

    #[test]
    fn r_584_a_new_signing_key_touches_nothing_else() {
        let spec = spec();
        let by = OperationId::from_uuid(uuid::Uuid::from_u128(1));
        let mut observed = Observed::as_wished(&spec);
        assert_eq!(plan(Desired::Resigned(&spec, by), &observed), [Step::RenewSigningKey]);
        observed.keys.signing = Some(by);
        assert_eq!(plan(Desired::Resigned(&spec, by), &observed), []);
    }
}
