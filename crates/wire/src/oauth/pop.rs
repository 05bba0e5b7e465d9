//! Access tokens wrapped in the proof of a key (S-431), before anything in them is believed.
//!
//! A client that holds a key signs its access token together with the time, the cluster it wants and a number used once.
//! Only that one form is read: RS256, an RSA key inside, no header that points anywhere else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::jws::NotAToken;

/// A wrapped token that was taken apart and not verified.
// Without `Debug` on purpose: what is inside is a secret.
pub struct Envelope<'t> {
    /// What the signature covers.
    pub signed: &'t str,
    /// The signature.
    pub signature: Vec<u8>,
    /// The key's name as the header says it.
    pub kid: String,
    /// The access token.
    pub token: String,
    /// `ts`: when the proof was made, Unix seconds.
    pub made: i64,
    /// `u`: which cluster it was made for.
    pub place: String,
    /// The number used once.
    pub nonce: String,
    /// The public key.
    pub key: RsaKey,
}

/// A public RSA key as a JWK has it, each part as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsaKey {
    n: String,
    e: String,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    typ: String,
    alg: String,
    kid: String,
}

#[derive(Deserialize)]
struct Payload {
    at: String,
    ts: i64,
    u: String,
    cnf: Confirmation,
    nonce: String,
}

#[derive(Deserialize)]
struct Confirmation {
    jwk: Jwk,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    n: String,
    e: String,
    #[serde(default)]
    alg: Option<String>,
}

impl<'t> Envelope<'t> {
    /// Takes a wrapped token apart. The caller bounds its length.
    pub fn parse(text: &'t str) -> Result<Self, NotAToken> {
        let (signed, signature) = text.rsplit_once('.').ok_or(NotAToken)?;
        let (header, payload) = signed.split_once('.').ok_or(NotAToken)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| NotAToken);
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| NotAToken)?;
        if header.typ != "pop" || header.alg != "RS256" {
            return Err(NotAToken);
        }
        let payload: Payload = serde_json::from_slice(&decode(payload)?).map_err(|_| NotAToken)?;
        if payload.nonce.is_empty() || payload.nonce.len() > LONGEST_NONCE {
            return Err(NotAToken);
        }
        Ok(Self {
            signed,
            signature: decode(signature)?,
            kid: header.kid,
            token: payload.at,
            made: payload.ts,
            place: payload.u,
            nonce: payload.nonce,
            key: RsaKey::read(payload.cnf.jwk)?,
        })
    }
}

impl RsaKey {
    fn read(jwk: Jwk) -> Result<Self, NotAToken> {
        if jwk.kty != "RSA" || jwk.alg.is_some_and(|alg| alg != "RS256") {
            return Err(NotAToken);
        }
        let part = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| NotAToken);
        let (modulus, exponent) = (part(&jwk.n)?, part(&jwk.e)?);
        if !SIZES.contains(&modulus.len()) || exponent.len() > LONGEST_EXPONENT {
            return Err(NotAToken);
        }
        Ok(Self { n: jwk.n, e: jwk.e, modulus, exponent })
    }

    /// The modulus, big-endian.
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// The exponent, big-endian.
    pub fn exponent(&self) -> &[u8] {
        &self.exponent
    }

    /// The text whose SHA-256 is the key's thumbprint (RFC 7638): the required members in order, without blanks.
    pub fn canonical(&self) -> String {
        // Both are base64url: nothing in them has to be escaped.
        format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, self.e, self.n)
    }
}

/// Clients send 32 digits.
const LONGEST_NONCE: usize = 128;
/// 2048 to 4096 bits: smaller ones are too weak, larger ones cost too much to check.
const SIZES: std::ops::RangeInclusive<usize> = 256..=512;
/// 65537 has three bytes; a long exponent only makes checking slow.
const LONGEST_EXPONENT: usize = 4;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn envelope(header: &Value, payload: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2ln", encode(header), encode(payload))
    }

    fn header() -> Value {
        json!({"typ": "pop", "alg": "RS256", "kid": "k"})
    }

    fn payload() -> Value {
        let n = URL_SAFE_NO_PAD.encode([0xc5; 256]);
        json!({"at": "a.b.c", "ts": 1, "u": "/x", "cnf": {"jwk": {"e": "AQAB", "kty": "RSA", "n": n, "alg": "RS256", "kid": "k"}}, "nonce": "n"})
    }

    fn reads(header: &Value, payload: &Value) -> bool {
        Envelope::parse(&envelope(header, payload)).is_ok()
    }

    #[test]
    fn s_431_the_form_that_clients_send_is_read() {
        let text = envelope(&header(), &payload());
        let read = Envelope::parse(&text).map_err(|_| "no envelope").expect("an envelope");
        assert_eq!((read.token.as_str(), read.made, read.place.as_str(), read.nonce.as_str()), ("a.b.c", 1, "/x", "n"));
        assert_eq!(read.key.exponent(), [1, 0, 1]);
        assert!(read.key.canonical().starts_with(r#"{"e":"AQAB","kty":"RSA","n":"xcXF"#));
    }

    #[test]
    fn the_thumbprint_of_rfc_7638_section_3_1() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let key = RsaKey::read(Jwk { kty: "RSA".into(), n: n.into(), e: "AQAB".into(), alg: None }).expect("a key");
        assert_eq!(key.canonical(), format!(r#"{{"e":"AQAB","kty":"RSA","n":"{n}"}}"#));
    }

    #[test]
    fn other_algorithms_other_keys_and_headers_that_point_elsewhere_are_no_envelopes() {
        for (name, value) in [
            ("alg", json!("none")),
            ("alg", json!("HS256")),
            ("alg", json!("rs256")),
            ("typ", json!("JWT")),
            ("jwk", json!({})),
            ("jku", json!("https://evil.example/")),
            ("x5c", json!([])),
            ("crit", json!(["exp"])),
        ] {
            let mut other = header();
            other[name] = value;
            assert!(!reads(&other, &payload()), "{other}");
        }
        let kinds = [
            ("kty", json!("EC")),
            ("kty", json!("oct")),
            ("alg", json!("PS256")),
            ("n", json!("AQAB")),
            ("e", json!("AQABAQAB")),
        ];
        for (name, value) in kinds.into_iter().chain([("n", json!(URL_SAFE_NO_PAD.encode([0xc5; 513]))), ("n", json!("a+/b"))]) {
            let mut other = payload();
            other["cnf"]["jwk"][name] = value;
            assert!(!reads(&header(), &other), "{other}");
        }
        let values = [
            ("ts", json!(1.5)),
            ("ts", json!("1")),
            ("ts", json!(1e30)),
            ("at", json!(1)),
            ("nonce", json!("")),
            ("u", json!(null)),
        ];
        for (name, value) in values.into_iter().chain([("nonce", json!("n".repeat(129)))]) {
            let mut other = payload();
            other[name] = value;
            assert!(!reads(&header(), &other), "{other}");
        }
    }

    #[test]
    fn a_member_that_stands_there_twice_makes_no_envelope() {
        let twice = payload().to_string().replacen("\"u\":\"/x\"", "\"u\":\"/x\",\"u\":\"/y\"", 1);
        let text = format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header().to_string()), URL_SAFE_NO_PAD.encode(twice));
        assert!(Envelope::parse(&text).is_err());
    }
}
