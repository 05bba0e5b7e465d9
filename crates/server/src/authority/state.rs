//! What the token service keeps in memory: nothing that a restart may not lose.

use entrance_model::Timestamp;
use entrance_model::signin::device::Pace;
use quick_cache::sync::Cache;

/// State in memory.
pub(crate) struct State {
    /// How fast each device polls, by the hash of its code.
    paces: Cache<String, Pace>,
}

const DEVICES: usize = 10_000;

impl Default for State {
    fn default() -> Self {
        Self { paces: Cache::new(DEVICES) }
    }
}

impl State {
    /// Counts a poll of a device; tells whether it should slow down.
    pub(crate) fn poll(&self, hash: &str, now: Timestamp) -> bool {
        let (pace, slow) = self.paces.get(hash).unwrap_or_default().poll(now);
        self.paces.insert(hash.to_owned(), pace);
        slow
    }
}
