//! What the token service keeps in memory: nothing that a restart may not lose.

use entrance_model::Timestamp;
use entrance_model::signin::device::Pace;
use quick_cache::sync::Cache;

use super::floods::Floods;
use super::memory::Memory;
use super::strangers::Strangers;
use crate::config::{SignInRate, WriteRate};

/// State in memory.
pub(crate) struct State {
    /// How fast each device polls, by the hash of its code.
    paces: Cache<String, Pace>,
    /// Keeps floods of tries out.
    pub(crate) floods: Floods,
    /// Keeps strangers from filling the store.
    pub(crate) strangers: Strangers,
    /// What is read for every token.
    pub(crate) memory: Memory,
}

const DEVICES: usize = 10_000;

impl State {
    /// Nothing yet.
    pub(crate) fn new(rate: SignInRate, writes: WriteRate) -> Self {
        let (floods, strangers) = (Floods::new(rate), Strangers::new(writes));
        Self { paces: Cache::new(DEVICES), floods, strangers, memory: Memory::new() }
    }

    /// Counts a poll of a device; tells whether it should slow down.
    pub(crate) fn poll(&self, hash: &str, now: Timestamp) -> bool {
        let (pace, slow) = self.paces.get(hash).unwrap_or_default().poll(now);
        self.paces.insert(hash.to_owned(), pace);
        slow
    }
}
