//! Proof of possession (Microsoft's "signed HTTP request" as clusters read it): the access token is bound to a key that only
//! this person's cache holds, and each use is signed with it for one cluster, once.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::cache::TokenCache;
use crate::{Secret, SignInError};

/// The key that tokens are bound to.
pub struct PopKey {
    key: KeyPair,
    jwk: Jwk,
}

/// The public key, as it travels in each proof.
#[derive(Clone, Serialize)]
struct Jwk {
    e: String,
    kty: &'static str,
    n: String,
    alg: &'static str,
    kid: String,
}

#[derive(Serialize)]
struct Header<'a> {
    typ: &'static str,
    alg: &'static str,
    kid: &'a str,
}

#[derive(Serialize)]
struct Payload<'a> {
    at: &'a str,
    ts: i64,
    u: &'a str,
    cnf: Confirmation<'a>,
    nonce: String,
}

#[derive(Serialize)]
struct Confirmation<'a> {
    jwk: &'a Jwk,
}

/// As it lies in the cache, sealed.
#[derive(Serialize, Deserialize)]
struct Stored {
    pkcs8: String,
}

impl PopKey {
    /// The cache's key; made when there is none, by one process for all that start together. Where it cannot be kept it is good for
    /// this one call.
    pub fn of(cache: &TokenCache) -> Result<Self, SignInError> {
        if let Some(key) = Self::kept(cache) {
            return Ok(key);
        }
        // Each key has tokens, locks and prompts of its own: two of them would ask the person twice.
        let _lock = cache.lock_thing(FILE, MAKING);
        if let Some(key) = Self::kept(cache) {
            return Ok(key);
        }
        let bad = || SignInError::Key("no key for proofs of possession can be made".into());
        let made = KeyPair::generate(KeySize::Rsa2048).map_err(|_| bad())?;
        let pkcs8 = made.as_der().map_err(|_| bad())?;
        let pkcs8: &Pkcs8V1Der<'_> = &pkcs8;
        // A cache that cannot be written costs a sign-in at each call, and nothing else.
        let _ = cache.keep_thing(FILE, &Stored { pkcs8: STANDARD.encode(pkcs8.as_ref()) });
        // Read back: where there are no locks, another process may have been the last.
        Self::kept(cache).or_else(|| Self::read(pkcs8.as_ref())).ok_or_else(bad)
    }

    fn kept(cache: &TokenCache) -> Option<Self> {
        let stored = cache.thing::<Stored>(FILE)?;
        Self::read(&Zeroizing::new(STANDARD.decode(stored.pkcs8).ok()?))
    }

    fn read(pkcs8: &[u8]) -> Option<Self> {
        let key = KeyPair::from_pkcs8(pkcs8).ok()?;
        let n = key.public_key().as_ref().strip_prefix(BEFORE_N)?.strip_suffix(AFTER_N)?;
        let (n, e) = (URL_SAFE_NO_PAD.encode(n), "AQAB".to_owned());
        // RFC 7638: the members in this order and nothing between them.
        let print = digest(&SHA256, format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#).as_bytes());
        let kid = URL_SAFE_NO_PAD.encode(print);
        Some(Self { key, jwk: Jwk { e, kty: "RSA", n, alg: "RS256", kid } })
    }

    /// What a token names it by.
    pub fn thumbprint(&self) -> &str {
        &self.jwk.kid
    }

    /// A proof for one use of a token that is bound to this key: good at one cluster, for minutes, once.
    pub fn proof(&self, token: &Secret, cluster: &str, now: Timestamp) -> Result<Secret, SignInError> {
        let bad = || SignInError::Key("the key for proofs of possession cannot sign".into());
        let mut nonce = [0; 16];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| bad())?;
        let header = Header { typ: "pop", alg: "RS256", kid: self.thumbprint() };
        let payload = Payload {
            at: token.expose(),
            ts: now.as_second(),
            u: cluster,
            cnf: Confirmation { jwk: &self.jwk },
            nonce: crate::text::hex(&nonce),
        };
        let part = |json: Result<Vec<u8>, serde_json::Error>| json.map(|json| URL_SAFE_NO_PAD.encode(json)).map_err(|_| bad());
        let mut jws = format!("{}.{}", part(serde_json::to_vec(&header))?, part(serde_json::to_vec(&payload))?);
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), jws.as_bytes(), &mut signature).map_err(|_| bad())?;
        jws.push('.');
        jws.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(Secret::new(jws))
    }
}

/// `req_cnf` of a token request: which key the token shall be bound to.
pub(crate) fn confirmation(thumbprint: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!(r#"{{"kid":"{thumbprint}","xms_ksl":"sw"}}"#))
}

const FILE: &str = "pop.key";
/// How long to wait for another process that makes the key; a slow machine takes seconds.
const MAKING: Duration = Duration::from_secs(10);
/// A public key of 2048 bits in DER (RFC 8017, A.1.1): the modulus stands between these, and the exponent is always 65537.
const BEFORE_N: &[u8] = &[0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00];
const AFTER_N: &[u8] = &[0x02, 0x03, 0x01, 0x00, 0x01];

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
    use serde_json::Value;

    use super::*;

    fn json(part: &str) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
    }

    #[test]
    fn s_431_a_proof_carries_the_token_the_cluster_and_the_key_and_is_new_each_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = TokenCache::at(folder.path());
        let key = PopKey::of(&cache).expect("a key");
        let now = Timestamp::from_second(1_700_000_000).expect("a time");
        let proof = key.proof(&Secret::new("a.b.c".into()), "/subscriptions/\"1\"", now).expect("signs");
        let parts: Vec<&str> = proof.expose().split('.').collect();
        let (header, payload) = (json(parts[0]), json(parts[1]));
        assert_eq!((&header["typ"], &header["alg"], &header["kid"]), (&"pop".into(), &"RS256".into(), &key.thumbprint().into()));
        assert_eq!(
            (&payload["at"], &payload["ts"], &payload["u"]),
            (&"a.b.c".into(), &1_700_000_000.into(), &"/subscriptions/\"1\"".into())
        );
        let jwk = &payload["cnf"]["jwk"];
        let n = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().expect("text")).expect("base64url");
        let public = RsaPublicKeyComponents { n: n.as_slice(), e: &[1, 0, 1][..] };
        let signature = URL_SAFE_NO_PAD.decode(parts[2]).expect("base64url");
        let signed = format!("{}.{}", parts[0], parts[1]);
        public.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).expect("the signature fits");
        assert_eq!(payload["nonce"].as_str().map(str::len), Some(32));
        let again = key.proof(&Secret::new("a.b.c".into()), "/subscriptions/1", now).expect("signs");
        assert_ne!(json(again.expose().split('.').nth(1).expect("a payload"))["nonce"], payload["nonce"]);
        assert_eq!(PopKey::of(&cache).expect("the same key").thumbprint(), key.thumbprint(), "it is kept");
    }

    #[test]
    fn row_3_many_that_make_the_key_at_once_have_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let print = || PopKey::of(&TokenCache::at(folder.path())).expect("a key").thumbprint().to_owned();
        let made: Vec<String> = std::thread::scope(|scope| {
            let making: Vec<_> = (0..8).map(|_| scope.spawn(print)).collect();
            making.into_iter().map(|one| one.join().expect("made")).collect()
        });
        assert!(made.iter().all(|print| *print == made[0]), "{made:?}");
    }

    #[test]
    fn s_430_the_request_names_the_key() {
        assert_eq!(json(&confirmation("K")), serde_json::json!({"kid": "K", "xms_ksl": "sw"}));
    }
}
