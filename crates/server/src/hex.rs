//! Digests as people and directories write them: lower-case hexadecimal digits.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

/// The bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}"); // a `String` never refuses
        hex
    })
}

/// SHA-256: what is kept of secrets, and how certificates are named.
pub(crate) fn sha256_hex(content: &[u8]) -> String {
    hex(digest(&SHA256, content).as_ref())
}

/// SHA-1: how older clients name certificates; a name, not a protection.
pub(crate) fn sha1_hex(content: &[u8]) -> String {
    hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, content).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standards() {
        assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(sha1_hex(b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    }
}
