//! The life of a cluster: at most one operation works on it, and a failure leaves it usable as it was.

use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::arm::Ruled;
use crate::id::OperationId;

/// What an operation does to a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Work {
    /// Makes it.
    Create,
    /// Changes it, or brings it back in line.
    Update,
    /// Removes it.
    Delete,
    /// Starts one that was stopped.
    Start,
    /// Stops it and keeps its data.
    Stop,
    /// Makes every key and certificate anew.
    RotateCertificates,
    /// Makes the key anew that service account tokens are signed with.
    RotateSigningKey,
    /// Undoes the operation that was under way.
    Abort,
}

impl Work {
    /// The word that errors use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::RotateCertificates => "rotateCertificates",
            Self::RotateSigningKey => "rotateSigningKey",
            Self::Abort => "abort",
        }
    }

    const ALL: [Self; 8] = [
        Self::Create,
        Self::Update,
        Self::Delete,
        Self::Start,
        Self::Stop,
        Self::RotateCertificates,
        Self::RotateSigningKey,
        Self::Abort,
    ];
}

impl FromStr for Work {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|work| work.as_str() == text).ok_or_else(|| format!("unknown work `{text}`"))
    }
}

/// Whether a cluster's control plane is meant to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Power {
    /// It is.
    #[default]
    Running,
    /// It was stopped; its data is kept.
    Stopped,
}

impl Power {
    /// `powerState.code`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Stopped => "Stopped",
        }
    }
}

impl FromStr for Power {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Running, Self::Stopped]
            .into_iter()
            .find(|power| power.as_str() == text)
            .ok_or_else(|| format!("unknown power state `{text}`"))
    }
}

/// Why an operation failed, in words a person can act on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What clients branch on.
    pub code: String,
    /// What happened, and what would help.
    pub message: String,
}

impl Failure {
    /// What an operation says that was aborted.
    pub fn aborted() -> Self {
        let message = "The operation was aborted, and what it had done was undone.".to_owned();
        Self { code: Self::ABORTED.to_owned(), message }
    }

    /// Whether the operation was aborted.
    pub fn is_aborted(&self) -> bool {
        self.code == Self::ABORTED
    }

    const ABORTED: &'static str = "OperationCanceled";
}

/// Where a cluster stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// An operation works on it.
    Working {
        /// What it does.
        work: Work,
        /// Which one.
        operation: OperationId,
        /// Since when.
        since: Timestamp,
    },
    /// It is what it shall be.
    Ready,
    /// The last operation failed; the cluster is as it was before.
    Failed {
        /// Why.
        why: Failure,
        /// There is something that works: it failed later than at its creation.
        usable: bool,
    },
    /// The last operation was aborted; the cluster is as it was before.
    Canceled {
        /// There is something that works: it was not its creation.
        usable: bool,
    },
    /// It is gone: nothing is left of it.
    Gone,
}

/// another operation is under way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Not now: operation {} on {what} has been running since {since:.0}. Wait until it ends.", .work.as_str())]
pub struct Busy {
    /// What runs.
    pub work: Work,
    /// On which cluster.
    pub what: String,
    /// Since when.
    pub since: Timestamp,
}

impl Ruled for Busy {
    fn rule(&self) -> &'static str {
        if self.work == Work::Delete { "R-032" } else { "R-024" }
    }
    fn status(&self) -> u16 {
        409
    }
    fn code(&self) -> &'static str {
        "OperationNotAllowed"
    }
}

/// Why an operation does not begin now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    ///
    #[error(transparent)]
    Busy(#[from] Busy),
    ///
    #[error("The cluster is stopped; start it first.")]
    Stopped,
    ///
    #[error("There is nothing left to abort: {0}.")]
    NothingToAbort(&'static str),
}

impl Ruled for NotNow {
    fn rule(&self) -> &'static str {
        match self {
            Self::Busy(busy) => busy.rule(),
            Self::Stopped => "R-031",
            Self::NothingToAbort(_) => "R-033",
        }
    }
    fn status(&self) -> u16 {
        match self {
            Self::Busy(busy) => busy.status(),
            Self::Stopped => 400,
            Self::NothingToAbort(_) => 409,
        }
    }
    fn code(&self) -> &'static str {
        "OperationNotAllowed"
    }
}

impl State {
    /// Begins an operation, if none is under way.
    pub fn begin(self, work: Work, operation: OperationId, what: &str, now: Timestamp) -> Result<Self, Busy> {
        match self {
            Self::Working { work, since, .. } => Err(Busy { work, what: what.to_owned(), since }),
            Self::Ready | Self::Failed { .. } | Self::Canceled { .. } | Self::Gone => {
                Ok(Self::Working { work, operation, since: now })
            }
        }
    }

    /// Ends the operation that is under way; another operation's end changes nothing. `made` says whether the cluster was
    /// ever there.
    #[must_use]
    pub fn end(self, by: OperationId, outcome: Result<(), Failure>, made: bool) -> Self {
        match self {
            Self::Working { work, operation, .. } if operation == by => match (outcome, work) {
                (Ok(()), Work::Delete) => Self::Gone,
                (Ok(()), Work::Abort) => Self::Canceled { usable: made },
                (Ok(()), _) => Self::Ready,
                (Err(why), work) => Self::Failed { why, usable: made && work != Work::Delete },
            },
            other => other,
        }
    }

    /// `provisioningState`.
    pub fn provisioning(&self) -> &'static str {
        match self {
            Self::Working { work, .. } => match work {
                Work::Create => "Creating",
                Work::Update | Work::RotateCertificates | Work::RotateSigningKey => "Updating",
                Work::Delete => "Deleting",
                Work::Start => "Starting",
                Work::Stop => "Stopping",
                Work::Abort => "Canceling",
            },
            Self::Gone => "Deleting",
            Self::Ready => "Succeeded",
            Self::Failed { .. } => "Failed",
            Self::Canceled { .. } => "Canceled",
        }
    }

    /// whether there is a control plane that credentials would be good for.
    pub fn has_control_plane(&self) -> bool {
        match self {
            Self::Working { work, .. } => !matches!(work, Work::Create | Work::Delete),
            Self::Ready => true,
            Self::Failed { usable, .. } | Self::Canceled { usable } => *usable,
            Self::Gone => false,
        }
    }

    /// The operation that is under way.
    pub fn operation(&self) -> Option<OperationId> {
        match self {
            Self::Working { operation, .. } => Some(*operation),
            Self::Ready | Self::Failed { .. } | Self::Canceled { .. } | Self::Gone => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> OperationId {
        OperationId::from_uuid(uuid::Uuid::from_u128(n))
    }

    #[test]
    fn r_024_one_operation_at_a_time() {
        let now = Timestamp::UNIX_EPOCH;
        let creating = State::Gone.begin(Work::Create, id(1), "c1", now).expect("nothing runs");
        let busy = creating.clone().begin(Work::Update, id(2), "c1", now).expect_err("something runs");
        assert_eq!((busy.rule(), busy.status(), busy.code()), ("R-024", 409, "OperationNotAllowed"));
        assert_eq!(
            busy.to_string(),
            "Not now: operation create on c1 has been running since 1970-01-01T00:00:00Z. Wait until it ends."
        );
        assert_eq!(creating.clone().end(id(2), Ok(()), false), creating, "an operation that lost its turn ends nothing");
        assert_eq!(creating.end(id(1), Ok(()), true).provisioning(), "Succeeded");
    }

    #[test]
    fn r_129_a_failed_update_leaves_a_usable_cluster_and_a_failed_create_does_not() {
        let why = Failure { code: "ControlPlaneFailed".to_owned(), message: "etcd did not come up".to_owned() };
        for (work, usable) in [(Work::Update, true), (Work::Start, true), (Work::Stop, true), (Work::Create, false)] {
            let begun = State::Ready.begin(work, id(1), "c1", Timestamp::UNIX_EPOCH).expect("nothing runs");
            let state = begun.end(id(1), Err(why.clone()), usable);
            assert_eq!((state.provisioning(), state.has_control_plane()), ("Failed", usable));
            assert!(state.begin(Work::Update, id(2), "c1", Timestamp::UNIX_EPOCH).is_ok(), "and can be tried again");
        }
    }
}
