//! Who sees how reviews end: everything that counts, samples or remembers them hangs on this one place.

use std::sync::Arc;

use entrance_model::Timestamp;
use entrance_model::id::{AppId, ClusterUid, PrincipalId, SessionId};
use entrance_model::review::Refusal;

use super::tally::{Outcome, Tally};
use crate::authority::token::AccessToken;

/// Sees how reviews end.
#[derive(Default)]
pub struct Witness {
    tally: Arc<Tally>,
}

/// Whom a review was about: what a token said whose signature was good. Nothing is known of other tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct About<'t> {
    /// The person or the application.
    pub oid: Option<PrincipalId>,
    /// The id of the token.
    pub uti: Option<&'t str>,
    /// The client.
    pub app: Option<AppId>,
    /// The sign-in it comes from.
    pub session: Option<SessionId>,
}

impl<'t> From<&'t AccessToken> for About<'t> {
    fn from(token: &'t AccessToken) -> Self {
        Self { oid: Some(token.oid), uti: Some(&token.uti), app: Some(token.app_id), session: token.sid }
    }
}

impl Witness {
    /// Somebody may enter.
    pub fn admitted(&self, cluster: ClusterUid, _now: Timestamp, about: &About<'_>, groups: usize) {
        self.tally.count(Outcome::Admitted);
        tracing::debug!(%cluster, oid = ?about.oid, groups, "token admitted");
    }

    /// Somebody may not.
    pub fn refused(&self, cluster: ClusterUid, _now: Timestamp, why: Refusal, about: &About<'_>) {
        self.tally.count(Outcome::Refused(why));
        tracing::debug!(%cluster, oid = ?about.oid, why = why.code(), "token refused");
    }

    /// There was no time or no room to answer, or nothing to decide by.
    pub fn shed(&self, cluster: ClusterUid) {
        self.tally.count(Outcome::Shed);
        tracing::debug!(%cluster, "a review was not answered");
    }

    /// The counts.
    pub fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }
}
