//! A managed cluster as it is remembered.

use std::fmt;

use jiff::Timestamp;
use uuid::Uuid;

use super::document::Document;
use super::spec::Spec;
use super::state::{Failure, NotNow, Power, State, Work};
use super::unacceptable::Unacceptable;
use super::versions::KubernetesVersion;
use crate::arm::{ClusterAddress, Location};
use crate::id::{AppId, ClusterUid, OperationId, PrincipalId, TenantId};

/// The tag of one state of a resource; every change makes another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Etag(Uuid);

impl Etag {
    /// The tag of a cluster's nth state: no two clusters and no two states share one.
    pub fn of(uid: ClusterUid, version: i64) -> Self {
        Self(Uuid::new_v5(&uid.uuid(), format!("etag/{version}").as_bytes()))
    }

    /// whether a client means this state. Quotes and the weak mark do not matter.
    pub fn is(&self, sent: &str) -> bool {
        let bare = sent.trim().trim_start_matches("W/").trim_matches('"');
        bare == "*" || bare.eq_ignore_ascii_case(&self.to_string())
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.as_hyphenated(), f)
    }
}

/// Where a cluster's API server answers, and whom to trust there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `https://…`, as kubeconfigs name it.
    pub url: String,
    /// The cluster's certificate authority, PEM.
    pub ca: String,
}

/// A managed cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Its `resourceUID`.
    pub uid: ClusterUid,
    /// Where it is.
    pub address: ClusterAddress,
    /// The subscription's tenant.
    pub tenant: TenantId,
    /// What it shall be.
    pub document: Document,
    /// What is in force: the last document that was put through, and what sign-ins are judged by.
    pub applied: Option<Document>,
    /// The version that runs, or will.
    pub version: KubernetesVersion,
    /// Where it stands.
    pub state: State,
    /// Whether its control plane is meant to run.
    pub power: Power,
    /// Where its API server answers; known once it was started.
    pub endpoint: Option<Endpoint>,
    /// Counts its states, for the etag and for writers who race.
    pub revision: i64,
    /// When it was made.
    pub created: Timestamp,
    /// By whom.
    pub created_by: Option<PrincipalId>,
    /// When it was last changed.
    pub modified: Timestamp,
    /// By whom.
    pub modified_by: Option<PrincipalId>,
}

impl Cluster {
    /// What it shall be, typed.
    pub fn spec(&self) -> Result<Spec, Unacceptable> {
        Spec::read(&self.document)
    }

    /// What is in force, typed; `None` before it was first put through.
    pub fn in_force(&self) -> Option<Spec> {
        self.applied.as_ref().and_then(|document| Spec::read(document).ok())
    }

    /// Where it is.
    ///
    /// # Panics
    /// Never for a cluster that was accepted: [`create`](super::create) writes the location in its canonical form.
    pub fn location(&self) -> Location {
        self.document.text("location").and_then(|text| text.parse().ok()).expect("`create` wrote a canonical location")
    }

    /// Its present tag.
    pub fn etag(&self) -> Etag {
        Etag::of(self.uid, self.revision)
    }

    /// The application that its tokens are made for.
    pub fn server_app(&self) -> Option<AppId> {
        self.spec().ok().map(|spec| spec.entrance.audience.server_app(self.uid))
    }

    /// Begins an operation, if none is under way and the cluster is not stopped.
    pub fn begin(&mut self, work: Work, operation: OperationId, now: Timestamp) -> Result<(), NotNow> {
        let begun = self.state.clone().begin(work, operation, self.address.name.as_str(), now)?;
        if self.power == Power::Stopped && !matches!(work, Work::Start | Work::Delete) {
            return Err(NotNow::Stopped);
        }
        self.state = begun;
        Ok(())
    }

    /// Gives the operation that is under way up, for one that undoes it; tells which one was given up.
    ///
    /// A creation is undone as if nothing had ever been in force. A change that is in force already is not undone: what
    /// was before it is not known any more.
    pub fn abort(&mut self, by: OperationId, now: Timestamp) -> Result<OperationId, NotNow> {
        let State::Working { work, operation, .. } = self.state else {
            return Err(NotNow::NothingToAbort("no operation is under way"));
        };
        match work {
            Work::Delete => return Err(NotNow::NothingToAbort("what is being deleted cannot be brought back")),
            Work::RotateSigningKey => return Err(NotNow::NothingToAbort("a new signing key is in use at once")),
            Work::Update if self.applied.as_ref() == Some(&self.document) && self.endpoint.is_some() => {
                return Err(NotNow::NothingToAbort("the change is in force already"));
            }
            Work::Create => (self.applied, self.endpoint) = (None, None),
            Work::Update | Work::Start | Work::Stop | Work::RotateCertificates | Work::Abort => {}
        }
        self.state = State::Working { work: Work::Abort, operation: by, since: now };
        Ok(operation)
    }

    /// Ends an operation, and with it what the operation was about.
    pub fn end(&mut self, by: OperationId, outcome: Result<(), Failure>) {
        if let (State::Working { work, operation, .. }, Ok(())) = (&self.state, &outcome)
            && *operation == by
        {
            match work {
                Work::Start => self.power = Power::Running,
                Work::Stop => self.power = Power::Stopped,
                _ => {}
            }
        }
        self.state = self.state.clone().end(by, outcome, self.applied.is_some());
    }

    /// The operation that is under way, if it is of this kind: clients repeat what they got no answer to.
    pub fn is_already(&self, doing: Work) -> Option<OperationId> {
        match self.state {
            State::Working { work, operation, .. } if work == doing => Some(operation),
            _ => None,
        }
    }

    /// nothing inside it can be asked or changed now.
    pub fn is_stopped(&self) -> bool {
        self.power == Power::Stopped
    }
}
