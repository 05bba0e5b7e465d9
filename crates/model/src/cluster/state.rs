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
}

impl Work {
    /// The word that errors use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl FromStr for Work {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Create, Self::Update, Self::Delete]
            .into_iter()
            .find(|work| work.as_str() == text)
            .ok_or_else(|| format!("unknown work `{text}`"))
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

impl State {
    /// Begins an operation, if none is under way.
    pub fn begin(self, work: Work, operation: OperationId, what: &str, now: Timestamp) -> Result<Self, Busy> {
        match self {
            Self::Working { work, since, .. } => Err(Busy { work, what: what.to_owned(), since }),
            Self::Ready | Self::Failed { .. } | Self::Gone => Ok(Self::Working { work, operation, since: now }),
        }
    }

    /// Ends the operation that is under way; another operation's end changes nothing.
    #[must_use]
    pub fn end(self, by: OperationId, outcome: Result<(), Failure>) -> Self {
        match self {
            Self::Working { work, operation, .. } if operation == by => match (outcome, work) {
                (Ok(()), Work::Create | Work::Update) => Self::Ready,
                (Ok(()), Work::Delete) => Self::Gone,
                (Err(why), work) => Self::Failed { why, usable: work == Work::Update },
            },
            other => other,
        }
    }

    /// `provisioningState`.
    pub fn provisioning(&self) -> &'static str {
        match self {
            Self::Working { work: Work::Create, .. } => "Creating",
            Self::Working { work: Work::Update, .. } => "Updating",
            Self::Working { work: Work::Delete, .. } | Self::Gone => "Deleting",
            Self::Ready => "Succeeded",
            Self::Failed { .. } => "Failed",
        }
    }

    /// whether there is a control plane that credentials would be good for.
    pub fn has_control_plane(&self) -> bool {
        match self {
            Self::Working { work, .. } => *work == Work::Update,
            Self::Ready => true,
            Self::Failed { usable, .. } => *usable,
            Self::Gone => false,
        }
    }

    /// The operation that is under way.
    pub fn operation(&self) -> Option<OperationId> {
        match self {
            Self::Working { operation, .. } => Some(*operation),
            Self::Ready | Self::Failed { .. } | Self::Gone => None,
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
        assert_eq!(creating.clone().end(id(2), Ok(())), creating, "an operation that lost its turn ends nothing");
        assert_eq!(creating.end(id(1), Ok(())).provisioning(), "Succeeded");
    }

    #[test]
    fn r_129_a_failed_update_leaves_a_usable_cluster_and_a_failed_create_does_not() {
        let why = Failure { code: "ControlPlaneFailed".to_owned(), message: "etcd did not come up".to_owned() };
        for (work, usable) in [(Work::Update, true), (Work::Create, false)] {
            let state =
                State::Ready.begin(work, id(1), "c1", Timestamp::UNIX_EPOCH).expect("nothing runs").end(id(1), Err(why.clone()));
            assert_eq!((state.provisioning(), state.has_control_plane()), ("Failed", usable));
            assert!(state.begin(Work::Update, id(2), "c1", Timestamp::UNIX_EPOCH).is_ok(), "and can be tried again");
        }
    }
}
