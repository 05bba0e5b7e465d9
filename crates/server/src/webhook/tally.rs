//! Counts of what was answered, for metrics and the curious.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

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
}

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
