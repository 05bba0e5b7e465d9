//! Checks that whoever presents a token holds the key it is bound to (S-430, S-431).

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use entrance_wire::oauth::pop::{Envelope, RsaKey};

use super::token::Confirmation;

/// The proof was made with another key than the token's, or the signature does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the proof was not made with the token's key")]
pub(crate) struct Forged;

/// The thumbprint of a key (RFC 7638), as `kid` names it.
pub(crate) fn thumbprint(key: &RsaKey) -> String {
    BASE64URL.encode(digest(&SHA256, key.canonical().as_bytes()))
}

/// Verifies an envelope against the key that its token is bound to. A token that is bound to none proves nothing.
///
/// Verify the token before: then nobody without one of ours makes us check signatures with keys they chose.
pub(crate) fn verify(envelope: &Envelope<'_>, bound: Option<&Confirmation>) -> Result<(), Forged> {
    let thumbprint = thumbprint(&envelope.key);
    if bound.is_none_or(|bound| bound.kid != thumbprint) || envelope.kid != thumbprint {
        return Err(Forged);
    }
    let key = PublicKeyComponents { n: envelope.key.modulus(), e: envelope.key.exponent() };
    key.verify(&RSA_PKCS1_2048_8192_SHA256, envelope.signed.as_bytes(), &envelope.signature).map_err(|_| Forged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        // The key of section 3.1, inside an envelope whose signature is of no matter here.
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let payload = format!(r#"{{"at":"a","ts":1,"u":"","nonce":"n","cnf":{{"jwk":{{"kty":"RSA","n":"{n}","e":"AQAB"}}}}}}"#);
        let header = BASE64URL.encode(r#"{"typ":"pop","alg":"RS256","kid":"k"}"#);
        let text = format!("{header}.{}.c2ln", BASE64URL.encode(payload));
        let envelope = Envelope::parse(&text).expect("an envelope");
        assert_eq!(thumbprint(&envelope.key), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert_eq!(verify(&envelope, None), Err(Forged));
    }
}
