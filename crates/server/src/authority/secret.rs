//! Random values that are handed out, and the hashes that are kept of them.

use aws_lc_rs::{digest, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// `N` random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the system has randomness");
    bytes
}

/// A new opaque value: 256 random bits as base64url.
pub(crate) fn opaque() -> String {
    URL_SAFE_NO_PAD.encode(random::<32>())
}

/// A new unique id of a token (S-8 `uti`): 128 random bits.
pub(crate) fn unique() -> String {
    URL_SAFE_NO_PAD.encode(random::<16>())
}

/// SHA-256 as base64url: what is kept of an opaque value, and what PKCE compares.
pub(crate) fn sha256(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// HMAC-SHA256.
pub(crate) fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    tag.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// HMAC-SHA256 as base64url.
pub(crate) fn mac_text(key: &[u8], message: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(mac(key, message))
}

/// The left half of SHA-256 as base64url (`c_hash` of `OpenID` Connect Core §3.3.2.11).
pub(crate) fn half_hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest::digest(&digest::SHA256, text.as_bytes()).as_ref()[..16])
}
