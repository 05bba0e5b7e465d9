//! The key and the certificate of an application, from whatever file people keep them in.
//!
//! PEM with PKCS#8 (plain or encrypted), PKCS#1 or SEC1 keys, and PKCS#12 of old and new programs. RSA from 2048 bits, and the
//! curves P-256, P-384 and P-521.

mod ber;
mod cipher;
mod pem;
mod pkcs12;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
};
use zeroize::Zeroizing;

/// Why a file with a key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No key in it. (The beginning is what the original says.)
    #[error("failed to decode a pem block from private key: {0}")]
    NoKey(&'static str),
    /// A key that cannot sign.
    #[error("the private key is neither RSA of 2048 bits or more nor on a curve P-256, P-384 or P-521")]
    Kind,
    /// A key without its certificate.
    #[error("no certificate in the file belongs to the private key")]
    NoCertificate,
    /// Not the structure that its name promises.
    #[error("the file is damaged, or no PKCS#12: {0} cannot be read")]
    Damaged(&'static str),
    /// The password does not open it.
    #[error("the password does not open the file\nhint: give it with `--client-certificate-password`")]
    Password,
    /// Protected, and no password was given.
    #[error("the private key is protected by a password\nhint: give it with `--client-certificate-password`")]
    NoPassword,
    /// Protected in a way that we do not know.
    #[error(
        "the file is protected in a way that is not known here ({0})\nhint: `openssl pkcs8 -topk8` or `openssl pkcs12 -export` writes one that is"
    )]
    Unknown(String),
}

/// A key and the certificate that belongs to it.
pub struct Certificate {
    key: Key,
    certificate: Vec<u8>,
}

enum Key {
    Rsa(rsa::KeyPair),
    Ec(EcdsaKeyPair, &'static str),
}

/// A private key as it lies in a file.
struct PrivateKey {
    der: Zeroizing<Vec<u8>>,
    form: Form,
}

#[derive(Clone, Copy)]
enum Form {
    Pkcs8,
    Pkcs1,
    Sec1,
}

/// What was found in a file.
#[derive(Default)]
struct Found {
    keys: Vec<PrivateKey>,
    certificates: Vec<Vec<u8>>,
}

impl Certificate {
    /// Reads a file: PEM if it says so, PKCS#12 otherwise. From several certificates the key's own is taken.
    pub fn read(file: &[u8], password: Option<&str>) -> Result<Self, KeyError> {
        let found =
            if pem::is_one(file) { pem::read(file, password)? } else { pkcs12::read(file, password.unwrap_or_default())? };
        let key = found.keys.first().ok_or(KeyError::NoKey("there is no private key in the file"))?;
        let key = Key::read(key).ok_or(KeyError::Kind)?;
        // The public key stands in its certificate byte for byte.
        let public = key.public();
        let its_own = |certificate: &Vec<u8>| certificate.windows(public.len()).any(|part| part == public);
        let certificate = found.certificates.into_iter().find(its_own).ok_or(KeyError::NoCertificate)?;
        Ok(Self { key, certificate })
    }

    /// The certificate in DER.
    pub(crate) fn der(&self) -> &[u8] {
        &self.certificate
    }

    /// The name of the signature: the original's for RSA, the curve's own for the others.
    pub(crate) fn algorithm(&self, legacy: bool) -> &'static str {
        match &self.key {
            Key::Rsa(_) if legacy => "RS256",
            Key::Rsa(_) => "PS256",
            Key::Ec(_, algorithm) => algorithm,
        }
    }

    /// Signs for a JWS; `None` where the key cannot.
    pub(crate) fn sign(&self, text: &[u8], legacy: bool) -> Option<Vec<u8>> {
        match &self.key {
            Key::Rsa(key) => {
                let padding: &dyn RsaEncoding = if legacy { &RSA_PKCS1_SHA256 } else { &RSA_PSS_SHA256 };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(padding, &SystemRandom::new(), text, &mut signature).ok()?;
                Some(signature)
            }
            Key::Ec(key, _) => Some(key.sign(&SystemRandom::new(), text).ok()?.as_ref().to_vec()),
        }
    }
}

impl Key {
    fn read(key: &PrivateKey) -> Option<Self> {
        let curve = |algorithm: &'static EcdsaSigningAlgorithm| match key.form {
            Form::Pkcs8 => EcdsaKeyPair::from_pkcs8(algorithm, &key.der).ok(),
            Form::Sec1 => EcdsaKeyPair::from_private_key_der(algorithm, &key.der).ok(),
            Form::Pkcs1 => None,
        };
        let rsa = match key.form {
            Form::Pkcs8 => rsa::KeyPair::from_pkcs8(&key.der).ok(),
            Form::Pkcs1 => rsa::KeyPair::from_der(&key.der).ok(),
            Form::Sec1 => None,
        };
        rsa.map(Self::Rsa)
            .or_else(|| curve(&ECDSA_P256_SHA256_FIXED_SIGNING).map(|key| Self::Ec(key, "ES256")))
            .or_else(|| curve(&ECDSA_P384_SHA384_FIXED_SIGNING).map(|key| Self::Ec(key, "ES384")))
            .or_else(|| curve(&ECDSA_P521_SHA512_FIXED_SIGNING).map(|key| Self::Ec(key, "ES512")))
    }

    fn public(&self) -> &[u8] {
        match self {
            Self::Rsa(key) => key.public_key().as_ref(),
            Self::Ec(key, _) => key.public_key().as_ref(),
        }
    }
}

#[cfg(test)]
mod tests;
