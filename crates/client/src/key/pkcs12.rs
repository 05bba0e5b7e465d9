//! PKCS#12 (RFC 7292): a key and its certificates in one file, `.pfx` or `.p12`.
//!
//! The password proves itself against the file's own check sum first, so that a wrong one is told from a damaged file.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA224, SHA256, SHA384, SHA512};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::ber::{AROUND_0, INSTEAD_0, OID, Reader, SEQUENCE, dotted};
use super::cipher::{self, HMAC_SHA1, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512, Purpose};
use super::{Form, Found, KeyError, PrivateKey, pem};

/// All keys and certificates of the file.
pub(super) fn read(file: &[u8], password: &str) -> Result<Found, KeyError> {
    let damaged = || KeyError::Damaged("its outer part");
    let mut outer = Reader::new(file).enter(SEQUENCE).ok_or_else(damaged)?;
    outer.number().filter(|version| *version == 3).ok_or_else(damaged)?;
    let mut content = outer.enter(SEQUENCE).ok_or_else(damaged)?;
    let kind = content.expect(OID).ok_or_else(damaged)?;
    if kind != DATA {
        return Err(KeyError::Unknown(dotted(kind)));
    }
    let safe = content.enter(AROUND_0).and_then(|mut inside| inside.octets()).ok_or_else(damaged)?;
    if let Some(check) = outer.enter(SEQUENCE)
        && !is_right(check, password, &safe)?
    {
        return Err(if password.is_empty() { KeyError::NoPassword } else { KeyError::Password });
    }
    let mut found = Found::default();
    let mut contents = Reader::new(&safe).enter(SEQUENCE).ok_or_else(damaged)?;
    while !contents.is_empty() {
        let bags = contents.enter(SEQUENCE).ok_or_else(damaged).and_then(|content| opened(content, password))?;
        gather(&bags, password, &mut found, DEEPEST)?;
    }
    Ok(found)
}

/// Does the password fit the check sum?
fn is_right(mut check: Reader<'_>, password: &str, safe: &[u8]) -> Result<bool, KeyError> {
    let damaged = || KeyError::Damaged("its check sum");
    let mut sum = check.enter(SEQUENCE).ok_or_else(damaged)?;
    let mut algorithm = sum.enter(SEQUENCE).ok_or_else(damaged)?;
    let told = sum.octets().ok_or_else(damaged)?;
    let oid = algorithm.expect(OID).ok_or_else(damaged)?;
    if oid == PBMAC1 {
        let mut parameters = algorithm.enter(SEQUENCE).ok_or_else(damaged)?;
        let derivation = parameters.enter(SEQUENCE).ok_or_else(damaged)?;
        let function = parameters.enter(SEQUENCE).and_then(|mut function| function.expect(OID)).ok_or_else(damaged)?;
        let function = match function {
            HMAC_SHA1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            HMAC_SHA256 => hmac::HMAC_SHA256,
            HMAC_SHA384 => hmac::HMAC_SHA384,
            HMAC_SHA512 => hmac::HMAC_SHA512,
            other => return Err(KeyError::Unknown(dotted(other))),
        };
        let key = cipher::derived(derivation, password.as_bytes(), told.len())?;
        return Ok(hmac::verify(&hmac::Key::new(function, &key), safe, &told).is_ok());
    }
    let (hash, function): (&'static digest::Algorithm, hmac::Algorithm) = match oid {
        SHA1_OID => (&SHA1_FOR_LEGACY_USE_ONLY, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        SHA224_OID => (&SHA224, hmac::HMAC_SHA224),
        SHA256_OID => (&SHA256, hmac::HMAC_SHA256),
        SHA384_OID => (&SHA384, hmac::HMAC_SHA384),
        SHA512_OID => (&SHA512, hmac::HMAC_SHA512),
        other => return Err(KeyError::Unknown(dotted(other))),
    };
    let salt = check.octets().ok_or_else(damaged)?;
    let rounds = cipher::bounded(check.number().unwrap_or(1))?;
    let fits = |spelled: &[u8]| {
        let key = cipher::pkcs12_kdf(hash, Purpose::Mac, spelled, &salt, rounds, hash.output_len());
        hmac::verify(&hmac::Key::new(function, &key), safe, &told).is_ok()
    };
    Ok(fits(&cipher::bmp(password)) || password.is_empty() && fits(&[]))
}

/// The bags of one part, which is plain or encrypted as a whole.
fn opened(mut content: Reader<'_>, password: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let damaged = || KeyError::Damaged("one of its parts");
    let kind = content.expect(OID).ok_or_else(damaged)?;
    let mut inside = content.enter(AROUND_0).ok_or_else(damaged)?;
    match kind {
        DATA => inside.octets().ok_or_else(damaged),
        ENCRYPTED_DATA => {
            let mut parts = inside.enter(SEQUENCE).ok_or_else(damaged)?;
            let _version = parts.number();
            let mut sealed = parts.enter(SEQUENCE).ok_or_else(damaged)?;
            let _kind = sealed.expect(OID);
            let algorithm = sealed.enter(SEQUENCE).ok_or_else(damaged)?;
            let text = sealed.octets_as(INSTEAD_0).ok_or_else(damaged)?;
            cipher::open(algorithm, password, &text)
        }
        other => Err(KeyError::Unknown(dotted(other))),
    }
}

fn gather(bags: &[u8], password: &str, found: &mut Found, depth: usize) -> Result<(), KeyError> {
    let damaged = || KeyError::Damaged("one of its bags");
    let mut bags = Reader::new(bags).enter(SEQUENCE).ok_or_else(damaged)?;
    while !bags.is_empty() {
        let mut bag = bags.enter(SEQUENCE).ok_or_else(damaged)?;
        let kind = bag.expect(OID).ok_or_else(damaged)?;
        let value = bag.expect(AROUND_0).ok_or_else(damaged)?;
        // 1.2.840.113549.1.12.10.1.…
        match kind.strip_prefix(BAGS) {
            Some([1]) => found.keys.push(PrivateKey { der: Zeroizing::new(value.to_vec()), form: Form::Pkcs8 }),
            Some([2]) => found.keys.push(PrivateKey { der: pem::decrypted(value, password)?, form: Form::Pkcs8 }),
            Some([3]) => {
                let mut parts = Reader::new(value).enter(SEQUENCE).ok_or_else(damaged)?;
                if parts.expect(OID) == Some(X509) {
                    let der = parts.enter(AROUND_0).and_then(|mut inside| inside.octets()).ok_or_else(damaged)?;
                    found.certificates.push(der.to_vec());
                }
            }
            Some([6]) if depth > 0 => gather(value, password, found, depth - 1)?,
            // Revocation lists and secrets are of no use here.
            _ => {}
        }
    }
    Ok(())
}

const DEEPEST: usize = 4;

// 1.2.840.113549.1.7
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const ENCRYPTED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06];
// 1.2.840.113549.1.12.10.1
const BAGS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01];
// 1.2.840.113549.1.9.22.1
const X509: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01];
// 1.2.840.113549.1.5.14
const PBMAC1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0e];
const SHA1_OID: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
// 2.16.840.1.101.3.4.2
const SHA256_OID: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA384_OID: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const SHA512_OID: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
const SHA224_OID: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x04];
