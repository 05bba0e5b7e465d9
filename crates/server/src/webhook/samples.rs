//! Which reviews are told one by one, and which are only counted.
//!
//! A client in a loop, or an attack, must not fill the audit log and must not make a review wait. So for each cluster and
//! each ending a few reviews a minute go on to the log through a queue that nobody waits for; the others, and those for
//! which the queue had no room, are counted, and the count is told once a minute. Told and counted together are all there
//! were.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

use entrance_model::Timestamp;
use entrance_model::id::{AppId, ClusterUid, PrincipalId, SessionId};
use entrance_model::review::Refusal;
use quick_cache::sync::Cache;
use tokio::sync::mpsc;

/// A review that goes on to the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) cluster: ClusterUid,
    pub(crate) at: Timestamp,
    pub(crate) ending: Ending,
    pub(crate) oid: Option<PrincipalId>,
    pub(crate) uti: Option<String>,
    pub(crate) app: Option<AppId>,
    pub(crate) session: Option<SessionId>,
}

/// How a review ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Somebody entered, with so many groups.
    Admitted { groups: usize },
    /// Somebody did not.
    Refused(Refusal),
}

/// Reviews that were not told one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeftOut {
    pub(crate) cluster: ClusterUid,
    /// The word of the refusal; `None` for admissions.
    pub(crate) why: Option<&'static str>,
    pub(crate) count: u64,
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
}

/// What was told and counted lately.
pub(super) struct Samples {
    to: mpsc::Sender<Told>,
    slots: Mutex<HashMap<(ClusterUid, Option<&'static str>), Slot>>,
    /// Tokens whose admission was told.
    seen: Cache<u64, ()>,
    hasher: RandomState,
}

#[derive(Default)]
struct Slot {
    minute: i64,
    told: u32,
    left_out: Option<Counted>,
}

struct Counted {
    count: u64,
    from: Timestamp,
    until: Timestamp,
}

impl Samples {
    pub(super) fn new() -> (Self, mpsc::Receiver<Told>) {
        let (to, told) = mpsc::channel(QUEUE);
        (Self { to, slots: Mutex::default(), seen: Cache::new(SEEN), hasher: RandomState::new() }, told)
    }

    /// Whether the admission of this token at this cluster is a new one.
    pub(super) fn is_new(&self, cluster: ClusterUid, token: &str) -> bool {
        self.seen.get(&self.hasher.hash_one((cluster, token))).is_none()
    }

    /// Tells a review, or counts it.
    pub(super) fn tell(&self, told: Told) {
        let (cluster, at) = (told.cluster, told.at);
        let (why, most) = match told.ending {
            Ending::Admitted { .. } => (None, ADMITTED),
            // Nothing is known but that somebody asked.
            Ending::Refused(why @ (Refusal::NotIntegrated | Refusal::NoToken)) => (Some(why.code()), 0),
            Ending::Refused(why) => (Some(why.code()), REFUSED),
        };
        let mark = told.uti.as_ref().filter(|_| why.is_none()).map(|uti| self.hasher.hash_one((cluster, uti.as_str())));
        let fits = self.slot(cluster, why, |slot| slot.fits(at, most));
        if fits && self.to.try_send(told).is_ok() {
            if let Some(mark) = mark {
                self.seen.insert(mark, ());
            }
        } else {
            self.slot(cluster, why, |slot| slot.count(at));
        }
    }

    /// Counts that are due: a minute after they began, or all of them.
    pub(super) fn due(&self, now: Timestamp, all: bool) -> Vec<LeftOut> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let minute_ago = now - jiff::SignedDuration::from_mins(1);
        let mut due = Vec::new();
        for ((cluster, why), slot) in slots.iter_mut() {
            if let Some(Counted { count, from, until }) =
                slot.left_out.take_if(|counted| all || counted.from <= minute_ago || counted.from > now)
            {
                due.push(LeftOut { cluster: *cluster, why: *why, count, from, until });
            }
        }
        let quiet = minute(minute_ago);
        slots.retain(|_, slot| slot.left_out.is_some() || slot.minute >= quiet);
        due
    }

    fn slot<T>(&self, cluster: ClusterUid, why: Option<&'static str>, with: impl FnOnce(&mut Slot) -> T) -> T {
        // Counts are whole after every change, so a panic elsewhere leaves them good.
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        with(slots.entry((cluster, why)).or_default())
    }
}

impl Slot {
    /// Whether one more is told in this minute.
    fn fits(&mut self, at: Timestamp, most: u32) -> bool {
        if self.minute != minute(at) {
            (self.minute, self.told) = (minute(at), 0);
        }
        self.told += u32::from(self.told <= most);
        self.told <= most
    }

    fn count(&mut self, at: Timestamp) {
        let counted = self.left_out.get_or_insert(Counted { count: 0, from: at, until: at });
        counted.count += 1;
        counted.until = at;
    }
}

fn minute(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

/// Refusals with one reason that one cluster tells in a minute.
pub(super) const REFUSED: u32 = 10;
/// Admissions that one cluster tells in a minute.
const ADMITTED: u32 = 300;
/// Reviews that wait to be written.
const QUEUE: usize = 1024;
/// Tokens that are remembered as told: about a megabyte.
const SEEN: usize = 65_536;

#[cfg(test)]
mod tests {
    use entrance_model::id::ClusterUid;
    use uuid::Uuid;

    use super::*;

    fn told(n: u128, second: i64, ending: Ending, uti: Option<&str>) -> Told {
        let at = Timestamp::from_second(second).expect("a time");
        let (cluster, uti) = (ClusterUid::from_uuid(Uuid::from_u128(n)), uti.map(str::to_owned));
        Told { cluster, at, ending, oid: None, uti, app: None, session: None }
    }

    #[test]
    fn what_was_told_and_what_was_counted_are_all_there_were() {
        let (samples, mut queue) = Samples::new();
        for n in 0..1_000_000_u32 {
            let why = if n % 4 == 0 { Refusal::Expired } else { Refusal::Signature };
            samples.tell(told((n % 3).into(), i64::from(n / 10_000), Ending::Refused(why), None));
        }
        let mut one_by_one = 0;
        while queue.try_recv().is_ok() {
            one_by_one += 1;
        }
        // Three clusters, two reasons, and two minutes that began in a hundred seconds.
        assert_eq!(one_by_one, 3 * 2 * 2 * u64::from(REFUSED));
        let later = Timestamp::from_second(1_000).expect("a time");
        let counted: u64 = samples.due(later, false).iter().map(|left_out| left_out.count).sum();
        assert_eq!(one_by_one + counted, 1_000_000);
        assert_eq!(samples.due(later, true), []);
        assert!(samples.slots.lock().expect("nobody panicked").is_empty(), "quiet clusters take no room");
    }

    #[test]
    fn a_queue_without_room_makes_nobody_wait_and_loses_no_count() {
        let (samples, queue) = Samples::new();
        for n in 0..5_000_u32 {
            samples.tell(told(n.into(), 0, Ending::Refused(Refusal::Expired), None));
        }
        let counted: u64 = samples.due(Timestamp::UNIX_EPOCH, true).iter().map(|left_out| left_out.count).sum();
        assert_eq!((queue.len(), counted), (QUEUE, 5_000 - QUEUE as u64));
    }

    #[test]
    fn the_admission_of_a_token_is_told_once_at_each_cluster() {
        let (samples, mut queue) = Samples::new();
        let entered = Ending::Admitted { groups: 1 };
        for (cluster, token) in [(1, "a"), (1, "a"), (2, "a"), (1, "b")] {
            let one = told(cluster, 0, entered, Some(token));
            if samples.is_new(one.cluster, token) {
                samples.tell(one);
            }
        }
        let tokens: Vec<_> = std::iter::from_fn(|| queue.try_recv().ok()).filter_map(|told| told.uti).collect();
        assert_eq!(tokens, ["a", "a", "b"]);
    }
}
