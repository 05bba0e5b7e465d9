//! An application that proves itself with a certificate: it signs an assertion with the key (RFC 7523).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::json;

use super::{Request, token};
use crate::key::Certificate;
use crate::{Http, SignInError, SignedIn};

impl Certificate {
    /// What makes this certificate different from another, for the cache's key.
    pub fn fingerprint(&self) -> String {
        crate::text::hex(&self.thumbprint())
    }

    fn thumbprint(&self) -> Vec<u8> {
        digest(&SHA256, self.der()).as_ref().to_vec()
    }

    fn assertion(&self, audience: &str, client: &str, legacy: bool, now: Timestamp) -> Result<String, SignInError> {
        let (algorithm, x5c) = (self.algorithm(legacy), [STANDARD.encode(self.der())]);
        // The thumbprints are spelled as the original spells them: with padding, and each protocol in its own alphabet.
        let (header, life) = if legacy {
            let x5t = URL_SAFE.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, self.der()));
            (json!({ "alg": algorithm, "typ": "JWT", "x5c": x5c, "x5t": x5t }), LEGACY_LIFE)
        } else {
            let x5t = STANDARD.encode(self.thumbprint());
            (json!({ "alg": algorithm, "typ": "JWT", "x5c": x5c, "x5t#S256": x5t }), LIFE)
        };
        let nbf = now.as_second();
        let jti = uuid::Uuid::new_v4().to_string();
        let claims = json!({ "aud": audience, "exp": nbf + life, "iss": client, "jti": jti, "nbf": nbf, "sub": client });
        let mut jwt = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.sign(jwt.as_bytes(), legacy);
        let signature = signature.ok_or_else(|| SignInError::Key("the private key cannot sign".into()))?;
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
