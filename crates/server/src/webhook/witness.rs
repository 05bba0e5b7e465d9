//! Who sees how reviews end: everything that counts, samples or remembers them hangs on this one place.
//!
//! It is asked on the path of a review, so it takes memory and never waits: counts are always exact, the last refusals of
//! everybody stay at hand for those who ask why, and what is to be written goes on through a queue ([`samples`]).
//!
//! [`samples`]: super::samples

use std::sync::Arc;
use std::time::Duration;

use entrance_model::Timestamp;
use entrance_model::id::{AppId, ClusterUid, PrincipalId, SessionId};
use entrance_model::review::Refusal;
use quick_cache::sync::Cache;
use tokio::sync::mpsc;

use super::samples::{Ending, LeftOut, Samples, Told};
use super::tally::{Outcome, Tally};
use crate::authority::token::AccessToken;

/// Sees how reviews end.
pub struct Witness {
    tally: Arc<Tally>,
    recent: Cache<(ClusterUid, PrincipalId), Arc<[Recent]>>,
    samples: Samples,
}

impl Default for Witness {
    /// One that nobody reads the queue of.
    fn default() -> Self {
        Self::new().0
    }
}

/// A refusal that happened lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recent {
    /// When it happened last.
    pub at: Timestamp,
    /// Why.
    pub why: Refusal,
    /// The id of the token.
    pub uti: Option<String>,
    /// How often, in a row, the same token was refused for the same reason.
    pub times: u64,
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
    /// A witness, and the queue of what it tells.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Told>) {
        let (samples, told) = Samples::new();
        (Self { tally: Arc::default(), recent: Cache::new(REMEMBERED), samples }, told)
    }

    /// Somebody may enter.
    pub fn admitted(&self, cluster: ClusterUid, now: Timestamp, about: &About<'_>, groups: usize) {
        self.tally.count(Outcome::Admitted);
        if about.uti.is_none_or(|uti| self.samples.is_new(cluster, uti)) {
            self.samples.tell(about.told(cluster, now, Ending::Admitted { groups }));
        }
        tracing::debug!(%cluster, oid = ?about.oid, groups, "token admitted");
    }

    /// Somebody may not.
    pub fn refused(&self, cluster: ClusterUid, now: Timestamp, why: Refusal, about: &About<'_>) {
        self.tally.count(Outcome::Refused(why));
        if let Some(oid) = about.oid {
            self.remember((cluster, oid), Recent { at: now, why, uti: about.uti.map(str::to_owned), times: 1 });
        }
        self.samples.tell(about.told(cluster, now, Ending::Refused(why)));
        tracing::debug!(%cluster, oid = ?about.oid, why = why.code(), "token refused");
    }

    /// There was no time or no room to answer, or nothing to decide by.
    pub fn shed(&self, cluster: ClusterUid) {
        self.tally.count(Outcome::Shed);
        tracing::debug!(%cluster, "a review was not answered");
    }

    /// A review took so long, from its head to its answer.
    pub fn took(&self, time: Duration) {
        self.tally.took(time);
    }

    /// The counts.
    pub fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    /// Why somebody was refused at a cluster the last time; `None` when they were not, or too long ago.
    pub fn recent(&self, cluster: ClusterUid, oid: PrincipalId) -> Option<Recent> {
        self.recents(cluster, oid).first().cloned()
    }

    /// The last refusals of somebody at a cluster, the newest first.
    pub fn recents(&self, cluster: ClusterUid, oid: PrincipalId) -> Arc<[Recent]> {
        self.recent.get(&(cluster, oid)).unwrap_or_default()
    }

    /// Counts of reviews that were not told one by one.
    pub(crate) fn left_out(&self, now: Timestamp, all: bool) -> Vec<LeftOut> {
        self.samples.due(now, all)
    }

    fn remember(&self, key: (ClusterUid, PrincipalId), refusal: Recent) {
        let before = self.recent.get(&key).unwrap_or_default();
        let repeats = before.first().is_some_and(|last| last.why == refusal.why && last.uti == refusal.uti);
        let times = if repeats { before[0].times + 1 } else { 1 };
        let rest = before.iter().skip(usize::from(repeats)).take(EACH - 1).cloned();
        self.recent.insert(key, std::iter::once(Recent { times, ..refusal }).chain(rest).collect());
    }
}

impl About<'_> {
    fn told(&self, cluster: ClusterUid, at: Timestamp, ending: Ending) -> Told {
        let Self { oid, uti, app, session } = *self;
        Told { cluster, at, ending, oid, uti: uti.map(str::to_owned), app, session }
    }
}

/// People and applications whose last refusals are remembered.
const REMEMBERED: usize = 10_000;
/// Refusals that are remembered of each.
const EACH: usize = 8;

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_last_refusals_of_somebody_are_at_hand_and_take_little_room() {
        let (witness, cluster) = (Witness::default(), ClusterUid::from_uuid(Uuid::from_u128(1)));
        let oid = PrincipalId::from_uuid(Uuid::from_u128(2));
        let at = |second| Timestamp::from_second(second).expect("a time");
        assert_eq!(witness.recent(cluster, oid), None);
        for second in 0..20 {
            let uti = (second / 2).to_string();
            let about = About { oid: Some(oid), uti: Some(&uti), ..About::default() };
            witness.refused(cluster, at(second), Refusal::Disabled, &about);
        }
        let newest = Recent { at: at(19), why: Refusal::Disabled, uti: Some("9".into()), times: 2 };
        assert_eq!(witness.recent(cluster, oid), Some(newest));
        assert_eq!(witness.recents(cluster, oid).len(), EACH);
        for n in 0..100_000 {
            let about = About { oid: Some(PrincipalId::from_uuid(Uuid::from_u128(n))), ..About::default() };
            witness.refused(cluster, at(20), Refusal::UnknownPerson, &about);
        }
        assert!(witness.recent.len() <= REMEMBERED);
        assert_eq!(witness.tally().refused().values().sum::<u64>(), 100_020);
    }
}
