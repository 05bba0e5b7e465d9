//! An application that proves itself with a certificate: it signs an assertion with the key (RFC 7523).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;

use super::{Request, token};
use crate::{Http, SignInError, SignedIn};

/// A key and the certificate that belongs to it.
pub struct Certificate {
    key: KeyPair,
    certificate: Vec<u8>,
}

impl Certificate {
    /// Reads one PEM text with both, in any order; from several certificates the key's own is taken.
    pub fn from_pem(pem: &[u8]) -> Result<Self, SignInError> {
        let bad = |what: &str| SignInError::Key(format!("failed to decode a pem block from private key: {what}"));
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| bad("no private key in PEM"))?;
        let key = match &key {
            PrivateKeyDer::Pkcs8(der) => KeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(bad("only RSA keys can sign this assertion")),
        };
        let key = key.map_err(|_| bad("not an RSA key of 2048 bits or more"))?;
        let public = key.public_key().as_ref().to_vec();
        // The public key stands in its certificate byte for byte.
        let certificate = CertificateDer::pem_slice_iter(pem)
            .filter_map(Result::ok)
            .find(|certificate| certificate.windows(public.len()).any(|part| part == public))
            .ok_or_else(|| SignInError::Key("no certificate in the file belongs to the private key".into()))?;
        Ok(Self { key, certificate: certificate.to_vec() })
    }

    /// What makes this certificate different from another, for the cache's key.
    pub fn fingerprint(&self) -> String {
        crate::text::hex(&self.thumbprint())
    }

    fn thumbprint(&self) -> Vec<u8> {
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.certificate).as_ref().to_vec()
    }

    fn assertion(&self, audience: &str, client: &str, now: Timestamp) -> Result<String, SignInError> {
        // The thumbprint is spelled as the original spells it: with padding.
        let header = json!({ "alg": "PS256", "typ": "JWT", "x5c": [STANDARD.encode(&self.certificate)], "x5t#S256": STANDARD.encode(self.thumbprint()) });
        let nbf = now.as_second();
        let claims = json!({ "aud": audience, "exp": nbf + LIFE, "iss": client, "jti": uuid::Uuid::new_v4().to_string(), "nbf": nbf, "sub": client });
        let mut jwt = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), jwt.as_bytes(), &mut signature)
            .map_err(|_| SignInError::Key("the private key cannot sign".into()))?;
        jwt.push('.');
        jwt.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(jwt)
    }
}

/// Signs the application in with its certificate.
pub async fn sign_in(http: &Http, request: &Request, certificate: &Certificate) -> Result<SignedIn, SignInError> {
    let endpoints = request.endpoints(http).await?;
    let assertion = certificate.assertion(endpoints.token.as_str(), &request.client_id, Timestamp::now())?;
    let scope = request.scope();
    let form = [
        ("client_assertion", assertion.as_str()),
        ("client_assertion_type", JWT_BEARER),
        ("client_id", &request.client_id),
        ("client_info", "1"),
        ("grant_type", "client_credentials"),
        ("scope", &scope),
    ];
    token(http, &endpoints.token, &form).await
}

pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const LIFE: i64 = 600;
