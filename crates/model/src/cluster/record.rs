//! A managed cluster as it is remembered.

use std::fmt;

use jiff::Timestamp;
use uuid::Uuid;

use super::document::Document;
use super::spec::Spec;
use super::state::State;
use super::unacceptable::Unacceptable;
use super::versions::KubernetesVersion;
use crate::arm::{ClusterAddress, Location};
use crate::id::{AppId, ClusterUid, PrincipalId, TenantId};

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
}
