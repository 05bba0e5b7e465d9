//! How long an issuer's keys count, and when they are fetched again.
//!
//! A day at most. A key that is not known may be new, so the keys are fetched once more, but not more often than every
//! five minutes: otherwise whoever sends invented key names makes us ask the issuer as often as they like.

use jiff::{SignedDuration, Timestamp};

/// What was fetched from an issuer, and when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fetches {
    /// When keys were fetched last.
    pub fetched: Option<Timestamp>,
    /// When that was tried last, with success or without.
    pub tried: Option<Timestamp>,
}

/// What to do for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The keys at hand count.
    Use,
    /// The keys are fetched first; if that fails, what is at hand counts while it is young enough.
    Fetch,
    /// The keys at hand do not fit, or are too old, and it is too early to ask again.
    Refuse,
}

/// Keys older than this count for nothing.
pub const OLDEST: SignedDuration = SignedDuration::from_hours(24);
/// Keys older than this are fetched again, while there is time for it to fail.
const RENEW: SignedDuration = SignedDuration::from_hours(12);
/// The pause between two fetches for unknown keys.
const AGAIN: SignedDuration = SignedDuration::from_mins(5);
/// The pause after a fetch that failed.
const AFTER_FAILURE: SignedDuration = SignedDuration::from_secs(30);

impl Fetches {
    /// What to do for a token; `knows_key`: among the keys at hand is the one that it names.
    pub fn next(self, knows_key: bool, now: Timestamp) -> Next {
        let since = |at: Option<Timestamp>| at.map(|at| now.duration_since(at));
        let age = since(self.fetched).filter(|age| *age < OLDEST);
        let has_failed = self.tried > self.fetched;
        let waited = since(self.tried).unwrap_or(SignedDuration::MAX);
        match age {
            Some(age) if knows_key && (age < RENEW || waited < AGAIN) => Next::Use,
            Some(_) if knows_key => Next::Fetch,
            Some(_) if waited >= AGAIN => Next::Fetch,
            None if !has_failed || waited >= AFTER_FAILURE => Next::Fetch,
            _ => Next::Refuse,
        }
    }

    /// Whether the keys at hand still count after a fetch that failed.
    pub fn still_count(self, now: Timestamp) -> bool {
        self.fetched.is_some_and(|at| now.duration_since(at) < OLDEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    fn fetches(fetched: Option<i64>, tried: Option<i64>) -> Fetches {
        Fetches { fetched: fetched.map(at), tried: tried.map(at) }
    }

    #[test]
    fn s_242_keys_count_for_a_day_and_are_renewed_before_it_ends() {
        assert_eq!(Fetches::default().next(false, at(0)), Next::Fetch);
        let held = fetches(Some(0), Some(0));
        assert_eq!(held.next(true, at(60)), Next::Use);
        assert_eq!(held.next(true, at(12 * 60)), Next::Fetch);
        let failing = fetches(Some(0), Some(13 * 60));
        assert_eq!(failing.next(true, at(13 * 60 + 1)), Next::Use, "one failure does not end what counts");
        assert!(failing.still_count(at(23 * 60)) && !failing.still_count(at(24 * 60)));
        assert_eq!(fetches(Some(0), Some(24 * 60)).next(true, at(24 * 60)), Next::Refuse);
    }

    #[test]
    fn s_242_an_unknown_key_asks_the_issuer_at_most_every_five_minutes() {
        let held = fetches(Some(0), Some(0));
        assert_eq!(held.next(false, at(4)), Next::Refuse);
        assert_eq!(held.next(false, at(5)), Next::Fetch);
        assert_eq!(fetches(Some(5), Some(5)).next(false, at(9)), Next::Refuse);
        assert_eq!(fetches(Some(0), Some(8)).next(false, at(9)), Next::Refuse, "a failure counts as a try");
    }

    #[test]
    fn an_issuer_that_does_not_answer_is_left_alone_for_half_a_minute() {
        let failed = fetches(None, Some(10));
        assert_eq!(failed.next(false, at(10)), Next::Refuse);
        assert_eq!(failed.next(false, at(11)), Next::Fetch);
    }
}
