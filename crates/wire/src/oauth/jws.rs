//! Other people's signed tokens, before anything in them is believed: one compact JWS of a bounded size (R-23).

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use base64::engine::{DecodePaddingMode, general_purpose::STANDARD};
use base64::{alphabet, engine::general_purpose};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::strict::Strict;

/// A JWS that was taken apart and not verified.
#[derive(Debug, Clone)]
pub struct Unverified {
    /// Its header.
    pub header: Header,
    /// Its claims.
    pub claims: Map<String, Value>,
}

/// The parts of a header that choose a key. `jku`, `jwk` and `x5u` are never read.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Header {
    /// The algorithm the token says it has.
    pub alg: String,
    /// The key's name.
    #[serde(default)]
    pub kid: Option<String>,
    /// SHA-1 thumbprint of the certificate.
    #[serde(default)]
    pub x5t: Option<String>,
    /// SHA-256 thumbprint of the certificate.
    #[serde(default, rename = "x5t#S256")]
    pub x5t_s256: Option<String>,
}

/// The text is no token that could be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a compact signed token")]
pub struct NotAToken;

/// The longest assertion.
pub const LONGEST: usize = 64 * 1024;

impl Unverified {
    /// Takes a compact JWS apart.
    pub fn parse(token: &str) -> Result<Self, NotAToken> {
        if token.len() > LONGEST {
            return Err(NotAToken);
        }
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NotAToken);
        };
        if signature.is_empty() {
            return Err(NotAToken);
        }
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| NotAToken);
        let object = |part: &str| match serde_json::from_slice(&decode(part)?) {
            Ok(Strict(Value::Object(members))) => Ok(members),
            _ => Err(NotAToken),
        };
        let (header, claims) = (object(header)?, object(payload)?);
        // Extensions that must be understood: we understand none.
        if header.contains_key("crit") {
            return Err(NotAToken);
        }
        let header = serde_json::from_value(Value::Object(header)).map_err(|_| NotAToken)?;
        Ok(Self { header, claims })
    }

    /// A claim that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// A time claim in Unix seconds. Some clients write fractions.
    pub fn seconds(&self, name: &str) -> Option<i64> {
        let value = self.claims.get(name)?;
        #[expect(clippy::cast_possible_truncation, reason = "a float beyond i64 saturates, and is refused as too far away")]
        value.as_i64().or_else(|| value.as_f64().map(|float| float.floor() as i64))
    }

    /// The audiences: one text, or a list.
    pub fn audiences(&self) -> Vec<&str> {
        match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

/// Reads a thumbprint: base64url or standard base64, with or without padding (S-241).
pub fn thumbprint(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig =
        general_purpose::GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let url = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
    let standard = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    url.decode(text).or_else(|_| standard.decode(text)).or_else(|_| STANDARD.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn r_23_only_one_compact_token_without_extensions() {
        assert!(Unverified::parse(&token(r#"{"alg":"RS256"}"#, "{}")).is_ok());
        for bad in [
            token(r#"{"alg":"RS256","crit":["x"]}"#, "{}"),
            token(r#"{"alg":"RS256","crit":null}"#, "{}"),
            token(r#"{"alg":"RS256"}"#, "[]"),
            token(r#"{"alg":"RS256","alg":"none"}"#, "{}"),
            token(r#"{"alg":"RS256"}"#, r#"{"sub":"a","sub":"b"}"#),
            token(r#"{"alg":"RS256"}"#, r#"{"act":{"sub":"a","sub":"b"}}"#),
            token("{}", "{}"),
            "a.b".into(),
            "a.b.c.d".into(),
            "e30.e30.".into(),
            "x".repeat(LONGEST + 1),
        ] {
            assert!(Unverified::parse(&bad).is_err());
        }
    }

    #[test]
    fn s_241_times_may_have_fractions_and_thumbprints_either_alphabet() {
        let token = Unverified::parse(&token(r#"{"alg":"RS256"}"#, r#"{"exp":1600000000.75,"aud":["a"]}"#)).expect("a token");
        assert_eq!(token.seconds("exp"), Some(1_600_000_000));
        assert_eq!(token.audiences(), ["a"]);
        let bytes = vec![0xfb, 0xff, 0x01, 0x02];
        for text in ["-_8BAg", "-_8BAg==", "+/8BAg", "+/8BAg=="] {
            assert_eq!(thumbprint(text), Some(bytes.clone()), "{text}");
        }
    }
}
