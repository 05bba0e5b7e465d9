//! Tokens that were verified, and tokens that can never become good.
//!
//! A token that comes again costs a hash and a look-up instead of a signature check. Only the token's hash is kept, with the
//! claims that were signed or with a reason that no change of the directory could lift, and never more than the room there
//! is. What the token opens is not remembered: the directory and the cluster's settings are asked at every review.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use entrance_model::review::Refusal;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::authority::keys::Verified;
use crate::authority::token::AccessToken;

/// The SHA-256 of a token.
pub(super) type TokenHash = [u8; 32];

/// Tokens whose signature was found good.
pub(super) struct Genuine {
    known: Cache<TokenHash, Known, Size>,
}

#[derive(Clone)]
struct Known {
    token: Arc<Verified<AccessToken>>,
    /// Of the key ring that verified it.
    generation: u64,
    size: usize,
}

#[derive(Clone)]
struct Size;

impl Weighter<TokenHash, Known> for Size {
    fn weight(&self, _: &TokenHash, known: &Known) -> u64 {
        known.size as u64
    }
}

impl Genuine {
    /// Room for tokens of so many bytes of text together; their claims take about as much.
    pub(super) fn new(bytes: usize) -> Self {
        Self { known: Cache::with_weighter(bytes / USUAL, bytes as u64, Size) }
    }

    /// The claims of a token that was verified by the same keys.
    pub(super) fn recall(&self, token: &TokenHash, generation: u64) -> Option<Arc<Verified<AccessToken>>> {
        self.known.get(token).filter(|known| known.generation == generation).map(|known| known.token)
    }

    /// Remembers a verified token. `generation` was read before it was verified.
    pub(super) fn remember(&self, hash: TokenHash, token: &Arc<Verified<AccessToken>>, generation: u64, size: usize) {
        self.known.insert(hash, Known { token: Arc::clone(token), generation, size });
    }

    #[cfg(test)]
    pub(super) fn weight(&self) -> u64 {
        self.known.weight()
    }
}

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

/// The usual length of a token.
const USUAL: usize = 1_024;
const FOR: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::keys::{Because, Header, KeyRing, TokenError};

    #[test]
    fn a_final_refusal_is_remembered_for_ten_seconds_and_others_not_at_all() {
        let (refused, start) = (Refused::new(100), Instant::now());
        refused.remember(hash("a"), Refusal::Signature, start);
        refused.remember(hash("b"), Refusal::Disabled, start);
        assert_eq!(refused.recall(&hash("a"), start + Duration::from_millis(9_999)), Some(Refusal::Signature));
        assert_eq!(refused.recall(&hash("a"), start + FOR), None);
        assert_eq!(refused.recall(&hash("b"), start), None);
    }

    #[tokio::test]
    async fn a_verified_token_is_remembered_until_a_key_is_taken_away_and_within_its_room() {
        use entrance_store::{SealingKey, Store};
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("entrance.db"), SealingKey::from_bytes(&[1; 32])).await.expect("opens");
        let now = entrance_model::Timestamp::now();
        let keys = KeyRing::open(&store, now).await.expect("keys");
        let claims = serde_json::json!({
            "aud": "a", "iss": "i", "iat": now.as_second(), "nbf": 0, "exp": now.as_second() + 60, "ver": "1.0", "idtyp": "user",
            "tid": uuid::Uuid::nil(), "oid": uuid::Uuid::nil(), "appid": uuid::Uuid::nil(), "uti": "t",
        });
        let text = keys.sign(&claims, Header::V1);
        let token = Arc::new(keys.verify(&text, now).expect("a good token"));
        let genuine = Genuine::new(64 * 1_024);
        genuine.remember(hash(&text), &token, keys.generation(), text.len());
        assert!(genuine.recall(&hash(&text), keys.generation()).is_some());

        let kid = serde_json::to_value(keys.published(None)).expect("JSON")[0]["kid"].as_str().expect("text").to_owned();
        keys.retire(&store, &kid, &Because::default(), now).await.expect("retires");
        assert!(genuine.recall(&hash(&text), keys.generation()).is_none());
        assert_eq!(keys.verify(&text, now).map(drop), Err(TokenError::Signature));
        let again = KeyRing::open(&store, now).await.expect("keys");
        assert_eq!(again.verify(&text, now).map(drop), Err(TokenError::Signature), "also after a restart");
        assert_eq!(again.published(None).len(), 2);

        for n in 0..10_000_u32 {
            genuine.remember(hash(&n.to_string()), &token, 0, 1_024);
        }
        assert!(genuine.weight() <= 64 * 1_024, "{}", genuine.weight());
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
