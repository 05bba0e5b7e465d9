//! Public keys of others, and the algorithms we accept: signatures only, no secrets shared with anyone.

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// A key that verifies. Which kind it is decides which algorithms it takes.
pub(in crate::authority) enum PublicKey {
    /// PKCS#1 or SPKI.
    Rsa(Vec<u8>),
    /// Modulus and exponent.
    RsaParts(PublicKeyComponents<Vec<u8>>),
    /// An uncompressed point of P-256, P-384 or P-521.
    Ec(Vec<u8>),
}

/// One key of a JWKS document.
#[derive(Debug, Deserialize)]
pub(in crate::authority) struct Jwk {
    kty: String,
    #[serde(default)]
    pub(in crate::authority) kid: Option<String>,
    #[serde(default)]
    r#use: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

/// A JWKS document.
#[derive(Debug, Deserialize)]
pub(crate) struct Jwks {
    pub(in crate::authority) keys: Vec<Jwk>,
}

impl Jwks {
    /// The keys that a token may mean: those with its key id, or all when it names none.
    pub(in crate::authority) fn named<'k>(&'k self, kid: Option<&'k str>) -> impl Iterator<Item = &'k Jwk> {
        self.keys.iter().filter(move |key| kid.is_none() || key.kid.as_deref() == kid)
    }

    /// Whether there is such a key.
    pub(in crate::authority) fn knows(&self, kid: Option<&str>) -> bool {
        self.named(kid).next().is_some()
    }

    /// What an administrator sees of them: id, type and whether we can verify with it.
    pub(crate) fn summary(&self) -> Vec<(Option<String>, String, bool)> {
        let one = |key: &Jwk| (key.kid.clone(), key.kty.clone(), PublicKey::of_jwk(key).is_some());
        self.keys.iter().map(one).collect()
    }
}

impl PublicKey {
    /// The key of a certificate, with the time it may be used: from and until, Unix seconds.
    pub(in crate::authority) fn of_certificate(der: &[u8]) -> Option<(Self, i64, i64)> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let spki = certificate.public_key();
        let bytes = spki.subject_public_key.data.to_vec();
        let key = match spki.parsed().ok()? {
            x509_parser::public_key::PublicKey::RSA(_) => Self::Rsa(bytes),
            x509_parser::public_key::PublicKey::EC(_) => Self::Ec(bytes),
            _ => return None,
        };
        let validity = certificate.validity();
        Some((key, validity.not_before.timestamp(), validity.not_after.timestamp()))
    }

    /// The key of a JWKS document.
    pub(in crate::authority) fn of_jwk(jwk: &Jwk) -> Option<Self> {
        if jwk.r#use.as_deref().is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let part = |text: &Option<String>| text.as_deref().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        match jwk.kty.as_str() {
            "RSA" => Some(Self::RsaParts(PublicKeyComponents { n: part(&jwk.n)?, e: part(&jwk.e)? })),
            "EC" if matches!(jwk.crv.as_deref(), Some("P-256" | "P-384" | "P-521")) => {
                Some(Self::Ec([vec![4], part(&jwk.x)?, part(&jwk.y)?].concat()))
            }
            _ => None,
        }
    }

    /// Whether the signature of a compact JWS fits.
    pub(in crate::authority) fn verifies(&self, algorithm: &str, token: &str) -> bool {
        let Some((signed, signature)) = token.rsplit_once('.') else { return false };
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        let rsa: Option<&signature::RsaParameters> = match algorithm {
            "RS256" => Some(&RSA_PKCS1_2048_8192_SHA256),
            "RS384" => Some(&RSA_PKCS1_2048_8192_SHA384),
            "RS512" => Some(&RSA_PKCS1_2048_8192_SHA512),
            "PS256" => Some(&RSA_PSS_2048_8192_SHA256),
            "PS384" => Some(&RSA_PSS_2048_8192_SHA384),
            "PS512" => Some(&RSA_PSS_2048_8192_SHA512),
            _ => None,
        };
        match (self, rsa, algorithm) {
            (Self::Rsa(key), Some(rsa), _) => UnparsedPublicKey::new(rsa, key).verify(signed.as_bytes(), &signature).is_ok(),
            (Self::RsaParts(key), Some(rsa), _) => key.verify(rsa, signed.as_bytes(), &signature).is_ok(),
            (Self::Ec(key), None, "ES256") => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(signed.as_bytes(), &signature).is_ok()
            }
            (Self::Ec(key), None, "ES512") => {
                UnparsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, key).verify(signed.as_bytes(), &signature).is_ok()
            }
            (Self::Ec(key), None, "ES384") => {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, key).verify(signed.as_bytes(), &signature).is_ok()
            }
            _ => false,
        }
    }
}
