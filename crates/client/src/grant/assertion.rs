//! An application that proves itself with a certificate: it signs an assertion with the key (RFC 7523).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
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
        digest(&SHA256, &self.certificate).as_ref().to_vec()
    }

    fn assertion(&self, audience: &str, client: &str, legacy: bool, now: Timestamp) -> Result<String, SignInError> {
        let x5c = [STANDARD.encode(&self.certificate)];
        // The thumbprints are spelled as the original spells them: with padding.
        let (header, life) = if legacy {
            let x5t = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.certificate));
            (json!({ "alg": "RS256", "typ": "JWT", "x5c": x5c, "x5t": x5t }), LEGACY_LIFE)
        } else {
            (json!({ "alg": "PS256", "typ": "JWT", "x5c": x5c, "x5t#S256": STANDARD.encode(self.thumbprint()) }), LIFE)
        };
        let nbf = now.as_second();
        let jti = uuid::Uuid::new_v4().to_string();
        let claims = json!({ "aud": audience, "exp": nbf + life, "iss": client, "jti": jti, "nbf": nbf, "sub": client });
        let mut jwt = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let padding: &dyn RsaEncoding = if legacy { &RSA_PKCS1_SHA256 } else { &RSA_PSS_SHA256 };
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(padding, &SystemRandom::new(), jwt.as_bytes(), &mut signature)
            .map_err(|_| SignInError::Key("the private key cannot sign".into()))?;
        jwt.push('.');
        jwt.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(jwt)
    }
}

/// Signs the application in with its certificate.
pub async fn sign_in(http: &Http, request: &Request, certificate: &Certificate) -> Result<SignedIn, SignInError> {
    let endpoints = request.endpoints(http).await?;
    let assertion = certificate.assertion(endpoints.token.as_str(), &request.client_id, request.legacy, Timestamp::now())?;
    let (target, value) = request.target();
    let mut form = vec![
        ("client_assertion", assertion.as_str()),
        ("client_assertion_type", JWT_BEARER),
        ("client_id", &request.client_id),
        ("grant_type", "client_credentials"),
        (target, &value),
    ];
    if !request.legacy {
        form.push(("client_info", "1"));
    }
    token(http, request, &endpoints.token, &form).await
}

pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const LIFE: i64 = 600;
const LEGACY_LIFE: i64 = 24 * 3600;
