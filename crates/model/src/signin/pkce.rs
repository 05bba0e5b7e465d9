//! Proof keys for code exchange (RFC 7636), in both directions (S-106, S-210): whoever sends a challenge must send the
//! verifier, and whoever sends a verifier must have sent a challenge.

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use super::Aadsts;

/// The challenge of an authorization request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Challenge {
    /// The hash of the verifier.
    S256(String),
    /// The verifier itself: it protects nothing against someone who sees the request.
    Plain(String),
}

/// What is demanded of one application.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PkceRules {
    /// A challenge may be the verifier itself.
    pub plain: bool,
    /// A client that proves itself may come without a challenge.
    pub none: bool,
}

/// Why a challenge or verifier is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PkceError {
    /// No challenge, or none that protects.
    #[error("a code challenge with method `S256` is needed")]
    Missing,
    /// Not 43 to 128 characters of base64url.
    #[error("the code challenge has to be 43 to 128 characters of base64url")]
    Size,
    /// A verifier without a challenge, or the reverse.
    #[error("a code verifier has to come exactly for a code with a challenge")]
    Verifier,
    /// The verifier belongs to another challenge.
    #[error("the code verifier does not fit the challenge")]
    Mismatch,
}

impl PkceError {
    /// Its number.
    pub const fn number(self) -> Aadsts {
        match self {
            Self::Missing => Aadsts::MissingCodeChallenge,
            Self::Size => Aadsts::InvalidCodeChallengeSize,
            Self::Verifier => Aadsts::InvalidCodeVerifier,
            Self::Mismatch => Aadsts::CodeVerifierMismatch,
        }
    }
}

fn is_proof_text(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

impl Challenge {
    /// Reads `code_challenge` and `code_challenge_method`; a missing method means `plain`.
    pub fn parse(challenge: Option<&str>, method: Option<&str>, rules: PkceRules) -> Result<Option<Self>, PkceError> {
        let Some(challenge) = challenge else {
            return if rules.none && method.is_none() { Ok(None) } else { Err(PkceError::Missing) };
        };
        if !is_proof_text(challenge) {
            return Err(PkceError::Size);
        }
        match method {
            Some("S256") => Ok(Some(Self::S256(challenge.to_owned()))),
            None | Some("plain") if rules.plain => Ok(Some(Self::Plain(challenge.to_owned()))),
            _ => Err(PkceError::Missing),
        }
    }

    /// Checks the verifier of the token request. `s256` is base64url(SHA-256(verifier)) of what was sent.
    pub fn check(this: Option<&Self>, sent: Option<Verifier<'_>>) -> Result<(), PkceError> {
        match (this, sent) {
            (None, None) => Ok(()),
            (Some(challenge), Some(verifier)) if is_proof_text(verifier.text) => {
                let (challenge, proof) = match challenge {
                    Self::S256(challenge) => (challenge, verifier.s256),
                    Self::Plain(challenge) => (challenge, verifier.text),
                };
                if challenge.as_bytes().ct_eq(proof.as_bytes()).into() { Ok(()) } else { Err(PkceError::Mismatch) }
            }
            (Some(_), Some(_)) => Err(PkceError::Mismatch),
            (None, Some(_)) | (Some(_), None) => Err(PkceError::Verifier),
        }
    }
}

/// A verifier as it was sent, with its hash.
#[derive(Clone, Copy)]
pub struct Verifier<'a> {
    /// What was sent.
    pub text: &'a str,
    /// base64url(SHA-256(text)), without padding.
    pub s256: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    // The pair of RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    const STRICT: PkceRules = PkceRules { plain: false, none: false };

    #[test]
    fn s_106_only_s256_and_only_the_right_size() {
        assert!(Challenge::parse(Some(CHALLENGE), Some("S256"), STRICT).is_ok());
        assert_eq!(Challenge::parse(Some(CHALLENGE), None, STRICT), Err(PkceError::Missing));
        assert_eq!(Challenge::parse(Some(CHALLENGE), Some("plain"), STRICT), Err(PkceError::Missing));
        assert_eq!(Challenge::parse(None, Some("S256"), STRICT), Err(PkceError::Missing));
        assert_eq!(Challenge::parse(None, None, STRICT), Err(PkceError::Missing));
        assert_eq!(Challenge::parse(Some("short"), Some("S256"), STRICT), Err(PkceError::Size));
        assert_eq!(Challenge::parse(Some(&"a".repeat(129)), Some("S256"), STRICT), Err(PkceError::Size));
    }

    #[test]
    fn s_106_an_application_may_be_allowed_less_and_a_method_without_a_challenge_stays_wrong() {
        let lax = PkceRules { plain: true, none: true };
        assert_eq!(Challenge::parse(Some(VERIFIER), None, lax), Ok(Some(Challenge::Plain(VERIFIER.into()))));
        assert_eq!(Challenge::parse(Some(VERIFIER), Some("S512"), lax), Err(PkceError::Missing));
        assert_eq!(Challenge::parse(None, None, lax), Ok(None));
        assert_eq!(Challenge::parse(None, Some("S256"), lax), Err(PkceError::Missing));
        let plain = Challenge::Plain(VERIFIER.into());
        assert_eq!(Challenge::check(Some(&plain), Some(Verifier { text: VERIFIER, s256: CHALLENGE })), Ok(()));
        let hashed = Verifier { text: CHALLENGE, s256: VERIFIER };
        assert_eq!(Challenge::check(Some(&plain), Some(hashed)), Err(PkceError::Mismatch));
    }

    #[test]
    fn s_210_and_o_02_the_proof_is_checked_in_both_directions() {
        let challenge = Challenge::S256(CHALLENGE.into());
        let right = Verifier { text: VERIFIER, s256: CHALLENGE };
        assert_eq!(Challenge::check(Some(&challenge), Some(right)), Ok(()));
        assert_eq!(Challenge::check(Some(&challenge), None), Err(PkceError::Verifier));
        assert_eq!(Challenge::check(None, Some(right)), Err(PkceError::Verifier));
        let other = Verifier { text: VERIFIER, s256: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN" };
        assert_eq!(Challenge::check(Some(&challenge), Some(other)), Err(PkceError::Mismatch));
        // A verifier that is too short is no proof, even where its hash fits.
        assert_eq!(Challenge::check(Some(&challenge), Some(Verifier { text: "x", s256: CHALLENGE })), Err(PkceError::Mismatch));
    }
}
