//! The keys that tokens are signed with (S-026, S-027, S-810), and the only place that verifies them.
//!
//! RS256 only, the algorithm belongs to the key and is never taken from the header. Two keys or more are always
//! published: the one that signs and the next one. Private keys rest sealed in the store. Keys change by the calendar of
//! `entrance_model::signin::keys`; `calendar` follows it.

mod calendar;
mod key;

use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use entrance_model::Timestamp;
use entrance_model::signin::keys::{State, Times, signer, state};
use entrance_store::{Store, StoreError};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::token::AccessToken;
pub(crate) use calendar::follow;
pub use calendar::{Because, Changed};
use key::Key;

/// Something that only [`KeyRing::verify`] builds: the signature and the times were checked.
#[derive(Debug, Clone)]
pub struct Verified<T>(T);

impl<T> std::ops::Deref for Verified<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a compact JWS of the form we make.
    #[error("the token is malformed")]
    Malformed,
    /// Signed by a key we do not have, or wrongly.
    #[error("the signature does not match a key of this server")]
    Signature,
    /// Past its end, or not valid yet.
    #[error("the token ended at {0}")]
    Expired(Timestamp),
    /// Not valid yet.
    #[error("the token is not valid yet")]
    NotYet,
}

/// Which header a token carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// `typ`, `alg`, `kid`: v2 tokens.
    V2,
    /// The same with `x5t`: v1 tokens.
    V1,
}

struct Ring {
    /// The first one signs; all verify.
    keys: Vec<Arc<Key>>,
    /// Moves when a key is taken away.
    generation: u64,
}

impl Ring {
    fn times(&self) -> Vec<Times> {
        self.keys.iter().map(|key| key.times.clone()).collect()
    }

    /// These keys, the one that signs first.
    fn of(mut keys: Vec<Arc<Key>>, generation: u64, now: Timestamp) -> Self {
        let times: Vec<Times> = keys.iter().map(|key| key.times.clone()).collect();
        let signs = signer(&times, now).map(|key| key.name.clone());
        keys.sort_by_key(|key| Some(&key.times.name) != signs.as_ref());
        Self { keys, generation }
    }
}

/// The signing keys of this server. Cheap to clone.
#[derive(Clone)]
pub struct KeyRing {
    ring: Arc<ArcSwap<Ring>>,
    purpose: Arc<str>,
    random: Arc<SystemRandom>,
    /// One change at a time.
    changing: Arc<Mutex<()>>,
}

/// One key of a JWKS document.
#[derive(Debug, Serialize)]
pub struct PublishedKey {
    kty: &'static str,
    r#use: &'static str,
    kid: String,
    x5t: String,
    n: String,
    e: String,
    x5c: [String; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
}

const PURPOSE: &str = "token-signing";
/// The longest token of ours, also in a proof of possession.
pub(crate) const MAX_TOKEN: usize = 16 * 1024;

impl KeyRing {
    /// Reads the keys of the token service, and makes the missing ones.
    pub async fn open(store: &Store, now: Timestamp) -> Result<Self, StoreError> {
        Self::open_for(store, PURPOSE, now).await
    }

    /// Reads the keys of another issuer, and makes the missing ones.
    pub(crate) async fn open_for(store: &Store, purpose: &str, now: Timestamp) -> Result<Self, StoreError> {
        let ring = Self {
            ring: Arc::new(ArcSwap::from_pointee(Ring { keys: Vec::new(), generation: 0 })),
            purpose: purpose.into(),
            random: Arc::new(SystemRandom::new()),
            changing: Arc::default(),
        };
        ring.reload(store, now).await?;
        Ok(ring)
    }

    /// Moves whenever a key is taken away. What was verified under another generation has to be verified again.
    pub fn generation(&self) -> u64 {
        self.ring.load().generation
    }

    /// The keys that are published, the one that signs first, and what each is now.
    pub fn list(&self, now: Timestamp) -> Vec<(Times, State)> {
        let times = self.ring.load().times();
        let told = times.iter().filter_map(|key| Some((key.clone(), state(&times, &key.name, now)?)));
        told.collect()
    }

    /// Signs claims with the current key. Costs a quarter of a millisecond: do it before a transaction, not in it.
    ///
    /// # Panics
    ///
    /// Never with claims of ours: they have only text keys.
    pub fn sign(&self, claims: &impl Serialize, header: Header) -> String {
        let ring = self.ring.load();
        let key = &ring.keys[0];
        let mut token = match header {
            Header::V1 => key.header_v1.clone(),
            Header::V2 => key.header_v2.clone(),
        };
        token.push('.');
        BASE64URL.encode_string(serde_json::to_vec(claims).expect("claims have only text keys"), &mut token);
        let mut signature = vec![0; key.private.public_modulus_len()];
        key.private
            .sign(&RSA_PKCS1_SHA256, self.random.as_ref(), token.as_bytes(), &mut signature)
            .expect("a 2048-bit key signs any message");
        token.push('.');
        BASE64URL.encode_string(&signature, &mut token);
        token
    }

    /// Verifies a token of ours: form, signature, times. Audience and issuer are for the caller to judge.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Verified<AccessToken>, TokenError> {
        let claims: AccessToken = self.verify_claims(token)?;
        claims.in_time(now)?;
        Ok(Verified(claims))
    }

    /// Verifies form and signature, and reads the claims, whatever kind of token of ours it is. Times are not checked.
    pub fn verify_claims<T: for<'de> Deserialize<'de>>(&self, token: &str) -> Result<T, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        if payload.contains('.') {
            return Err(TokenError::Malformed);
        }
        let ring = self.ring.load();
        // Our own headers are encoded once per key, so a header of ours is one of those texts, letter for letter.
        // Nothing in a foreign header (`alg`, `jku`, `jwk`, `crit`) is ever read.
        let key = ring.keys.iter().find(|key| key.header_v1 == header || key.header_v2 == header).ok_or(TokenError::Signature)?;
        let signature = BASE64URL.decode(signature).map_err(|_| TokenError::Malformed)?;
        key.public.verify_sig(signed.as_bytes(), &signature).map_err(|_| TokenError::Signature)?;
        let payload = BASE64URL.decode(payload).map_err(|_| TokenError::Malformed)?;
        serde_json::from_slice(&payload).map_err(|_| TokenError::Malformed)
    }

    /// The published keys; `issuer` stands in the v2 document only.
    pub fn published(&self, issuer: Option<&str>) -> Vec<PublishedKey> {
        let ring = self.ring.load();
        let publish = |key: &Arc<Key>| PublishedKey {
            kty: "RSA",
            r#use: "sig",
            kid: key.times.name.clone(),
            x5t: key.times.name.clone(),
            n: key.n.clone(),
            e: key.e.clone(),
            x5c: [key.certificate.clone()],
            issuer: issuer.map(str::to_owned),
        };
        ring.keys.iter().map(publish).collect()
    }
}
