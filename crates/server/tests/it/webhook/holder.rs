//! Somebody with a key of their own: a program that proves it, or a forger.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use aws_lc_rs::{digest, rsa};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};
use uuid::Uuid;

use super::world::World;

/// A program that holds a key, as kubelogin does.
pub(super) struct Holder {
    pair: RsaKeyPair,
    /// The public key.
    pub(super) jwk: Value,
    pub(super) thumbprint: String,
}

impl Holder {
    pub(super) fn new() -> Self {
        let made = rsa::KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let der = aws_lc_rs::encoding::AsDer::as_der(&made).expect("it has a DER form");
        let pair = RsaKeyPair::from_pkcs8(der.as_ref()).expect("it is read back");
        let parts: PublicKeyComponents<Vec<u8>> = pair.public_key().into();
        let (n, e) = (BASE64URL.encode(&parts.n), BASE64URL.encode(&parts.e));
        let canonical = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
        let thumbprint = BASE64URL.encode(digest::digest(&digest::SHA256, canonical.as_bytes()));
        let jwk = json!({"e": e, "kty": "RSA", "n": n, "alg": "RS256", "kid": thumbprint});
        Self { pair, jwk, thumbprint }
    }

    /// A token for alice that is bound to the key.
    pub(super) fn token(&self, world: &World) -> String {
        world.token(|claims| claims["cnf"] = json!({"kid": self.thumbprint}))
    }

    /// A token wrapped for a cluster, now.
    pub(super) fn wrap(&self, world: &World, token: &str) -> String {
        self.wrap_with(world, token, |_, _| {})
    }

    pub(super) fn wrap_with(&self, world: &World, token: &str, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let mut header = json!({"typ": "pop", "alg": "RS256", "kid": self.thumbprint});
        let mut payload = json!({
            "at": token, "ts": world.clock.now().as_second(), "u": world.cluster.address.to_string(), "cnf": {"jwk": self.jwk},
            "nonce": Uuid::new_v4().simple().to_string(),
        });
        change(&mut header, &mut payload);
        self.sign(&header, &payload)
    }

    /// Any JWS, signed with RS256.
    pub(super) fn sign(&self, header: &Value, payload: &Value) -> String {
        let signed = format!("{}.{}", BASE64URL.encode(header.to_string()), BASE64URL.encode(payload.to_string()));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).expect("it signs");
        format!("{signed}.{}", BASE64URL.encode(signature))
    }
}
