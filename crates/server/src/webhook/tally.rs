//! Counts of what was answered, for metrics and the curious.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use entrance_model::review::Refusal;

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The token speaks for somebody.
    Admitted,
    /// It does not.
    Refused(Refusal),
    /// There was no time or no room to answer, or nothing to decide by.
    Shed,
}

/// The counts of one listener.
#[derive(Debug, Default)]
pub struct Tally {
    admitted: AtomicU64,
    shed: AtomicU64,
    refused: Mutex<BTreeMap<&'static str, u64>>,
    times: Times,
}

/// How long reviews took: for each bound, how many took at most that and more than the bound before.
#[derive(Debug, Default)]
struct Times {
    within: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

/// The bounds of the times, in microseconds. The last one is the budget of a review.
pub(crate) const BOUNDS: [u64; 10] = [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000];

impl Tally {
    pub(super) fn count(&self, outcome: Outcome) {
        match outcome {
            Outcome::Admitted => drop(self.admitted.fetch_add(1, Ordering::Relaxed)),
            Outcome::Shed => drop(self.shed.fetch_add(1, Ordering::Relaxed)),
            Outcome::Refused(why) => {
                *self.refused.lock().unwrap_or_else(PoisonError::into_inner).entry(why.code()).or_default() += 1;
            }
        }
    }

    pub(super) fn took(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|bound| micros <= *bound).unwrap_or(BOUNDS.len());
        self.times.within[bucket].fetch_add(1, Ordering::Relaxed);
        self.times.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// How many reviews took at most each of the bounds, and in the last place any time; and all times together, in
    /// microseconds.
    pub(crate) fn times(&self) -> ([u64; BOUNDS.len() + 1], u64) {
        let (mut sum, mut up_to) = (0, [0; BOUNDS.len() + 1]);
        for (total, within) in up_to.iter_mut().zip(&self.times.within) {
            sum += within.load(Ordering::Relaxed);
            *total = sum;
        }
        (up_to, self.times.micros.load(Ordering::Relaxed))
    }

    /// How many tokens were admitted.
    pub fn admitted(&self) -> u64 {
        self.admitted.load(Ordering::Relaxed)
    }

    /// How many questions got no answer.
    pub fn shed(&self) -> u64 {
        self.shed.load(Ordering::Relaxed)
    }

    /// How many tokens were refused, by the word of their reason.
    pub fn refused(&self) -> BTreeMap<&'static str, u64> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
