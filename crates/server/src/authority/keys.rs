//! The keys that tokens are signed with (S-026, S-027, S-810), and the only place that verifies them.
//!
//! RS256 only, the algorithm belongs to the key and is never taken from the header. Two keys or more are always
//! published: the one that signs and the next one. Private keys rest sealed in the store.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use aws_lc_rs::{digest, rsa};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD as BASE64URL};
use entrance_model::Timestamp;
use entrance_store::{SealedKey, Store, StoreError};
use rcgen::{CertificateParams, DistinguishedName, DnType};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::token::AccessToken;

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

struct Key {
    kid: String,
    private: RsaKeyPair,
    public: ParsedPublicKey,
    header_v1: String,
    header_v2: String,
    n: String,
    e: String,
    certificate: String,
}

struct Ring {
    /// The first one signs; all verify.
    keys: Vec<Key>,
    /// Moves when a key is taken away.
    generation: u64,
}

/// The signing keys of this server. Cheap to clone.
#[derive(Clone)]
pub struct KeyRing {
    ring: Arc<ArcSwap<Ring>>,
    purpose: Arc<str>,
    random: Arc<SystemRandom>,
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
/// A key that signs and the one after it.
const PUBLISHED: usize = 2;
/// The longest token of ours, also in a proof of possession.
pub(crate) const MAX_TOKEN: usize = 16 * 1024;

impl KeyRing {
    /// Reads the keys of the token service, and makes the missing ones.
    pub async fn open(store: &Store, now: Timestamp) -> Result<Self, StoreError> {
        Self::open_for(store, PURPOSE, now).await
    }

    /// Reads the keys of another issuer, and makes the missing ones.
    pub(crate) async fn open_for(store: &Store, purpose: &str, now: Timestamp) -> Result<Self, StoreError> {
        let keys = load(store, purpose, now).await?;
        Ok(Self {
            ring: Arc::new(ArcSwap::from_pointee(Ring { keys, generation: 0 })),
            purpose: purpose.into(),
            random: Arc::new(SystemRandom::new()),
        })
    }

    /// Takes a key away for good, as after it leaked: what it signed is refused from now on, here and after every restart.
    /// A new key takes its place.
    pub async fn retire(&self, store: &Store, kid: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = store.write().await?;
        tx.keys().end(&self.purpose, kid, now).await?;
        tx.commit().await?;
        let keys = load(store, &self.purpose, now).await?;
        self.ring.store(Arc::new(Ring { keys, generation: self.generation() + 1 }));
        Ok(())
    }

    /// Moves whenever a key is taken away. What was verified under another generation has to be verified again.
    pub fn generation(&self) -> u64 {
        self.ring.load().generation
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
        let publish = |key: &Key| PublishedKey {
            kty: "RSA",
            r#use: "sig",
            kid: key.kid.clone(),
            x5t: key.kid.clone(),
            n: key.n.clone(),
            e: key.e.clone(),
            x5c: [key.certificate.clone()],
            issuer: issuer.map(str::to_owned),
        };
        ring.keys.iter().map(publish).collect()
    }
}

/// The keys of a purpose that are in use; missing ones are made.
async fn load(store: &Store, purpose: &str, now: Timestamp) -> Result<Vec<Key>, StoreError> {
    let mut sealed = store.read().await?.keys().all(purpose).await?;
    sealed.retain(|key| key.ends.is_none_or(|ends| now < ends));
    if sealed.len() < PUBLISHED {
        let missing = PUBLISHED - sealed.len();
        let made = tokio::task::spawn_blocking(move || (0..missing).map(|_| generate(now)).collect::<Vec<_>>())
            .await
            .expect("making keys does not panic");
        let mut tx = store.write().await?;
        for key in &made {
            tx.keys().insert(purpose, key).await?;
        }
        tx.commit().await?;
        sealed.extend(made);
    }
    sealed.iter().map(Key::read).collect()
}

impl Key {
    fn read(sealed: &SealedKey) -> Result<Self, StoreError> {
        let corrupt =
            |why: &dyn std::fmt::Display| StoreError::Corrupt { table: "sealed_key", column: "private", why: why.to_string() };
        let private = RsaKeyPair::from_pkcs8(&sealed.private).map_err(|e| corrupt(&e))?;
        let spki = private.public_key().as_ref().to_vec();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, spki).parse().map_err(|e| corrupt(&e))?;
        let parts: PublicKeyComponents<Vec<u8>> = private.public_key().into();
        let kid = sealed.name.clone();
        let header = |with_x5t: bool| {
            let mut header = serde_json::json!({ "typ": "JWT", "alg": "RS256" });
            if with_x5t {
                header["x5t"] = kid.clone().into();
            }
            header["kid"] = kid.clone().into();
            BASE64URL.encode(header.to_string())
        };
        Ok(Self {
            header_v1: header(true),
            header_v2: header(false),
            n: BASE64URL.encode(&parts.n),
            e: BASE64URL.encode(&parts.e),
            certificate: BASE64.encode(&sealed.certificate),
            private,
            public,
            kid,
        })
    }
}

/// Makes an RSA-2048 key with a self-signed certificate. Costs tens of milliseconds.
fn generate(now: Timestamp) -> SealedKey {
    let pair = rsa::KeyPair::generate(KeySize::Rsa2048).expect("the library makes RSA keys");
    let private = Zeroizing::new(pair.as_der().expect("a new key has a DER form").as_ref().to_vec());
    let signer = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&private.as_slice().into(), &rcgen::PKCS_RSA_SHA256)
        .expect("rcgen takes a PKCS#8 key of the same library");
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Entrance token signing");
    let second =
        |at: Timestamp| time::OffsetDateTime::from_unix_timestamp(at.as_second()).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    params.not_before = second(now.checked_sub(Duration::from_hours(1)).unwrap_or(now));
    params.not_after = second(now.checked_add(Duration::from_hours(24 * 365 * 5)).unwrap_or(now));
    let certificate = params.self_signed(&signer).expect("the parameters are complete").der().to_vec();
    // S-026: kid and x5t are the SHA-1 thumbprint of the certificate; an identifier, not a protection.
    let kid = BASE64URL.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &certificate));
    SealedKey { name: kid, private, certificate, created: now, starts: now, ends: None }
}
