//! One signing key: how it is read from its sealed form, and how a new one is made.

use std::time::Duration;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use aws_lc_rs::{digest, rsa};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD as BASE64URL};
use entrance_model::Timestamp;
use entrance_model::signin::keys::Times;
use entrance_store::{SealedKey, StoreError};
use rcgen::{CertificateParams, DistinguishedName, DnType};
use zeroize::Zeroizing;

/// A key, ready to sign and to verify.
pub(super) struct Key {
    pub(super) times: Times,
    pub(super) private: RsaKeyPair,
    pub(super) public: ParsedPublicKey,
    pub(super) header_v1: String,
    pub(super) header_v2: String,
    pub(super) n: String,
    pub(super) e: String,
    pub(super) certificate: String,
}

/// The times of a key that rests in the store.
pub(super) fn times(sealed: &SealedKey) -> Times {
    Times { name: sealed.name.clone(), created: sealed.created, starts: sealed.starts, ends: sealed.ends }
}

impl Key {
    /// Reads a key from its sealed form.
    pub(super) fn read(sealed: &SealedKey) -> Result<Self, StoreError> {
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
            times: times(sealed),
            private,
            public,
        })
    }
}

/// Makes an RSA-2048 key with a self-signed certificate. Costs tens of milliseconds.
pub(super) fn generate(now: Timestamp) -> SealedKey {
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
