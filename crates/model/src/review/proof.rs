//! Proof of possession: when and where the proof of a token's key counts (S-431).

use super::{Gate, Refusal};
use crate::Timestamp;

/// What a proof says, once its signature was found good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof<'a> {
    /// `ts`: when it was made, Unix seconds.
    pub made: i64,
    /// `u`: which cluster it was made for.
    pub place: &'a str,
}

impl Proof<'_> {
    /// For so many seconds after it was made a proof counts. The original allows 15 minutes; a proof is made for each start
    /// of a program, so five are plenty.
    pub const LIFE: i64 = 5 * 60;
    /// So many seconds the clock of whoever made it may be ahead.
    pub const AHEAD: i64 = 60;

    /// Whether the proof counts here and now. Whether it counted before already is for the caller to know.
    pub fn check(&self, gate: &Gate, now: Timestamp) -> Result<(), Refusal> {
        if !gate.is_called(self.place) {
            return Err(Refusal::ProofElsewhere);
        }
        let age = now.as_second().saturating_sub(self.made);
        if age > Self::LIFE {
            return Err(Refusal::ProofOld);
        }
        if age < -Self::AHEAD {
            return Err(Refusal::ProofNotYet);
        }
        Ok(())
    }
}
