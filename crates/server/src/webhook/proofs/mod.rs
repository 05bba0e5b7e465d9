//! Which proofs of possession were used: each counts once (S-431), also after the server was killed and started again.
//!
//! Only digests are kept, for as long as a proof could count, and never more than the room there is. A use is written to
//! the [`journal`] before it is answered. Whatever is forgotten moves a floor, and proofs from before the floor are refused:
//! so a clock that is set back, or a machine that lost what it had not written, makes nothing usable twice.

mod journal;

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use entrance_model::Timestamp;
use entrance_model::id::PrincipalId;
use entrance_model::review::{Proof, Refusal};

use journal::Journal;

/// The used proofs cannot be read or kept.
#[derive(Debug, thiserror::Error)]
#[error("`{path}`, which holds the used proofs of possession, cannot be used: {source}")]
pub struct ProofsError {
    /// The folder.
    path: PathBuf,
    /// What the system said.
    source: io::Error,
}

/// The used proofs of this server.
pub struct Proofs {
    memory: Mutex<Memory>,
    /// `None` remembers in memory only.
    journal: Option<Journal>,
}

/// A proof that is about to be used.
#[derive(Debug, Clone, Copy)]
pub struct Use<'a> {
    /// The thumbprint of the key.
    pub key: &'a str,
    /// The number used once.
    pub nonce: &'a str,
    /// When it was made, Unix seconds.
    pub made: i64,
    /// Who uses it.
    pub holder: PrincipalId,
}

impl Proofs {
    /// Reads what was used before, and keeps what is used from now on in a folder.
    pub fn open(folder: &Path, now: Timestamp) -> Result<Self, ProofsError> {
        Self::open_in(folder, now, boot().as_deref())
    }

    fn open_in(folder: &Path, now: Timestamp, boot: Option<&str>) -> Result<Self, ProofsError> {
        let (journal, kept) =
            Journal::open(folder, now.as_second(), boot).map_err(|source| ProofsError { path: folder.to_owned(), source })?;
        let mut memory = Memory::new(kept.floor, ROOM);
        memory.old.newest = kept.used.iter().map(|(_, made)| *made).max().unwrap_or(i64::MIN);
        memory.old.used = kept.used.into_iter().map(|(digest, _)| digest).collect();
        memory.current.began = now.as_second();
        Ok(Self { memory: Mutex::new(memory), journal: Some(journal) })
    }

    /// Remembers used proofs for as long as it lives; for tests and benchmarks.
    #[doc(hidden)]
    pub fn in_memory() -> Self {
        Self { memory: Mutex::new(Memory::new(i64::MIN, ROOM)), journal: None }
    }

    /// Uses a proof, which must be good otherwise: the answer is `Ok` once in all time, and only when that is written down.
    pub async fn claim(&self, proof: Use<'_>, now: Timestamp) -> Result<(), Refusal> {
        let digest = proof.digest();
        let written = {
            // A panic elsewhere leaves at worst a proof that counts as used and was not.
            let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            if memory.turn(now.as_second())
                && let Some(journal) = &self.journal
            {
                journal.turn(memory.floor);
            }
            memory.take(digest, &proof)?;
            // Under the lock, so that what is turned is what was written before.
            self.journal.as_ref().map(|journal| journal.write(digest, proof.made))
        };
        let Some(written) = written else { return Ok(()) };
        // No word means that the thread ended or has too much to do.
        if matches!(written.await, Ok(true)) { Ok(()) } else { Err(Refusal::ProofUnrecorded) }
    }
}

/// A digest that two proofs share only if they have the same key and the same number.
type Digest = [u8; 16];

impl Use<'_> {
    fn digest(&self) -> Digest {
        let mut context = Context::new(&SHA256);
        context.update(self.key.as_bytes());
        context.update(&[0]); // a thumbprint has no such byte, so the parts cannot be moved against each other
        context.update(self.nonce.as_bytes());
        let mut digest = Digest::default();
        digest.copy_from_slice(&context.finish().as_ref()[..16]);
        digest
    }
}

/// Two periods: what was used in the present one, and in the one before.
struct Memory {
    current: Period,
    old: Period,
    /// Proofs made before this second are refused: some of them may have been forgotten.
    floor: i64,
    room: usize,
}

struct Period {
    began: i64,
    used: HashSet<Digest>,
    /// The latest `ts` among them.
    newest: i64,
    by_holder: HashMap<PrincipalId, u32>,
}

impl Default for Period {
    fn default() -> Self {
        Self { began: i64::MIN, used: HashSet::new(), newest: i64::MIN, by_holder: HashMap::new() }
    }
}

impl Memory {
    fn new(floor: i64, room: usize) -> Self {
        Self { current: Period::default(), old: Period::default(), floor, room }
    }

    /// Begins a new period when the present one is over; says whether it did. A clock that was set back ends no period.
    fn turn(&mut self, now: i64) -> bool {
        if now.saturating_sub(self.current.began) < PERIOD {
            return false;
        }
        let ended = std::mem::replace(&mut self.current, Period { began: now, ..Period::default() });
        let forgotten = std::mem::replace(&mut self.old, ended);
        self.floor = self.floor.max(forgotten.newest.saturating_add(1));
        true
    }

    fn take(&mut self, digest: Digest, proof: &Use<'_>) -> Result<(), Refusal> {
        if proof.made < self.floor {
            return Err(Refusal::ProofOld);
        }
        if self.old.used.contains(&digest) || self.current.used.contains(&digest) {
            return Err(Refusal::ProofUsed);
        }
        let uses = self.current.by_holder.entry(proof.holder).or_default();
        if *uses >= PER_HOLDER || self.current.used.len() >= self.room {
            return Err(Refusal::ProofUnrecorded);
        }
        *uses += 1;
        self.current.newest = self.current.newest.max(proof.made);
        self.current.used.insert(digest);
        Ok(())
    }
}

/// Which start of the machine this is. What was not yet on the disk when it ended is lost.
fn boot() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty() && !id.contains(char::is_whitespace))
}

/// A proof that is forgotten after one or two periods is over in any case.
const PERIOD: i64 = Proof::LIFE + Proof::AHEAD + 60;
/// Proofs in one period: about ten megabytes of memory at most, six on the disk.
const ROOM: usize = 262_144;
/// Proofs of one person or application in a period, forty a second, so that nobody takes the room of all.
const PER_HOLDER: u32 = 16_384;

#[cfg(test)]
mod tests;
