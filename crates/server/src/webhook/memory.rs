//! Tokens that can never become good, remembered for a moment.
//!
//! A client that repeats a bad token, or a flood of copies, costs a hash and a look-up instead of a signature check. Only
//! the token's hash is kept, only reasons that no change of the directory could lift, and never more than the room there is.

use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use entrance_model::review::Refusal;
use quick_cache::sync::Cache;

/// The SHA-256 of a token.
pub(super) type TokenHash = [u8; 32];

/// What was refused lately.
pub(super) struct Refused {
    known: Cache<TokenHash, (Instant, Refusal)>,
}

impl Refused {
    pub(super) fn new(room: usize) -> Self {
        Self { known: Cache::new(room) }
    }

    /// Why this token was refused, if it was a moment ago.
    pub(super) fn recall(&self, token: &TokenHash, now: Instant) -> Option<Refusal> {
        let (at, why) = self.known.get(token)?;
        (now.saturating_duration_since(at) < FOR).then_some(why)
    }

    /// Remembers a refusal, if it is final.
    pub(super) fn remember(&self, token: TokenHash, why: Refusal, now: Instant) {
        if why.is_final() {
            self.known.insert(token, (now, why));
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }
}

pub(super) fn hash(token: &str) -> TokenHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

const FOR: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_final_refusal_is_remembered_for_ten_seconds_and_others_not_at_all() {
        let (refused, start) = (Refused::new(100), Instant::now());
        refused.remember(hash("a"), Refusal::Signature, start);
        refused.remember(hash("b"), Refusal::Disabled, start);
        assert_eq!(refused.recall(&hash("a"), start + Duration::from_millis(9_999)), Some(Refusal::Signature));
        assert_eq!(refused.recall(&hash("a"), start + FOR), None);
        assert_eq!(refused.recall(&hash("b"), start), None);
    }

    #[test]
    fn a_million_different_tokens_find_no_more_room_than_there_is() {
        let (refused, start) = (Refused::new(1_000), Instant::now());
        for n in 0..1_000_000_u32 {
            let mut token = [0; 32];
            token[..4].copy_from_slice(&n.to_le_bytes());
            refused.remember(token, Refusal::Malformed, start);
        }
        assert!(refused.len() <= 1_000, "{}", refused.len());
    }
}
