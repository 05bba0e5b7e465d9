//! Encryption under a password: PBES2 (RFC 8018) as programs write it now, and the ways of PKCS#12 (RFC 7292, appendices B and C)
//! as they wrote it before.
//!
//! Hashes and AES are those of the one crypto library. DES and RC2 are only ever used to open what lies there already.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{AES_128, AES_192, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::digest;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2;
use des::cipher::{Block, BlockCipherDecrypt, KeyInit};
use zeroize::Zeroizing;

use super::KeyError;
use super::ber::{OID, Reader, SEQUENCE, dotted};

type Plain = Zeroizing<Vec<u8>>;

/// Opens what was sealed with `algorithm` (the inside of an `AlgorithmIdentifier`).
pub(super) fn open(algorithm: Reader<'_>, password: &str, sealed: &[u8]) -> Result<Plain, KeyError> {
    let mut algorithm = algorithm;
    let damaged = KeyError::Damaged("how it is encrypted");
    let oid = algorithm.expect(OID).ok_or(damaged.clone())?;
    let mut parameters = algorithm.enter(SEQUENCE).ok_or(damaged.clone())?;
    if oid == PBES2 {
        return pbes2(parameters, password, sealed);
    }
    let Some((_, old)) = OLD.iter().find(|(known, _)| *known == oid) else { return Err(KeyError::Unknown(dotted(oid))) };
    let (salt, rounds) = (parameters.octets().ok_or(damaged.clone())?, parameters.number().ok_or(damaged)?);
    let rounds = bounded(rounds)?;
    // An empty password is spelled as nothing by some programs, and as an empty text with its end by others.
    let spellings = if password.is_empty() { vec![bmp(password), Zeroizing::new(Vec::new())] } else { vec![bmp(password)] };
    spellings.iter().find_map(|spelled| old.open(spelled, &salt, rounds, sealed)).ok_or(KeyError::Password)
}

fn pbes2(mut parameters: Reader<'_>, password: &str, sealed: &[u8]) -> Result<Plain, KeyError> {
    let damaged = || KeyError::Damaged("how it is encrypted");
    let derivation = parameters.enter(SEQUENCE).ok_or_else(damaged)?;
    let mut scheme = parameters.enter(SEQUENCE).ok_or_else(damaged)?;
    let oid = scheme.expect(OID).ok_or_else(damaged)?;
    let iv = scheme.octets().ok_or_else(damaged)?;
    let aes: Option<(&'static Algorithm, usize)> = match oid {
        AES_128_CBC => Some((&AES_128, 16)),
        AES_192_CBC => Some((&AES_192, 24)),
        AES_256_CBC => Some((&AES_256, 32)),
        DES_EDE3_CBC => None,
        other => return Err(KeyError::Unknown(dotted(other))),
    };
    let key = derived(derivation, password.as_bytes(), aes.map_or(24, |(_, length)| length))?;
    match aes {
        Some((algorithm, _)) => aes_cbc(algorithm, &key, &iv, sealed).ok_or(KeyError::Password),
        None => des::TdesEde3::new_from_slice(&key).ok().and_then(|des| cbc(&des, &iv, sealed)).ok_or(KeyError::Password),
    }
}

/// A key by PBKDF2, as an `AlgorithmIdentifier` describes it.
pub(super) fn derived(mut algorithm: Reader<'_>, password: &[u8], length: usize) -> Result<Plain, KeyError> {
    let damaged = || KeyError::Damaged("how its key is derived");
    let oid = algorithm.expect(OID).ok_or_else(damaged)?;
    if oid != PBKDF2 {
        return Err(KeyError::Unknown(dotted(oid)));
    }
    let mut parameters = algorithm.enter(SEQUENCE).ok_or_else(damaged)?;
    let (salt, rounds) = (parameters.octets().ok_or_else(damaged)?, parameters.number().ok_or_else(damaged)?);
    let _length = parameters.number();
    let function = match parameters.enter(SEQUENCE).and_then(|mut function| function.expect(OID)) {
        None | Some(HMAC_SHA1) => pbkdf2::PBKDF2_HMAC_SHA1,
        Some(HMAC_SHA256) => pbkdf2::PBKDF2_HMAC_SHA256,
        Some(HMAC_SHA384) => pbkdf2::PBKDF2_HMAC_SHA384,
        Some(HMAC_SHA512) => pbkdf2::PBKDF2_HMAC_SHA512,
        Some(other) => return Err(KeyError::Unknown(dotted(other))),
    };
    let mut key = Zeroizing::new(vec![0; length]);
    pbkdf2::derive(function, bounded(rounds)?, &salt, password, &mut key);
    Ok(key)
}

/// A file that asks for hours of work is not read.
pub(super) fn bounded(rounds: u64) -> Result<NonZeroU32, KeyError> {
    let rounds = u32::try_from(rounds).ok().filter(|rounds| *rounds <= MOST_ROUNDS).and_then(NonZeroU32::new);
    rounds.ok_or(KeyError::Damaged("the number of its rounds"))
}

/// The ways of PKCS#12's appendix C that people still have files of.
enum Old {
    TripleDes,
    Rc2 { key: usize, bits: usize },
}

impl Old {
    fn open(&self, password: &[u8], salt: &[u8], rounds: NonZeroU32, sealed: &[u8]) -> Option<Plain> {
        let part = |purpose, length| pkcs12_kdf(&digest::SHA1_FOR_LEGACY_USE_ONLY, purpose, password, salt, rounds, length);
        let iv = part(Purpose::Iv, 8);
        match self {
            Self::TripleDes => cbc(&des::TdesEde3::new_from_slice(&part(Purpose::Key, 24)).ok()?, &iv, sealed),
            Self::Rc2 { key, bits } => cbc(&rc2::Rc2::new_with_eff_key_len(&part(Purpose::Key, *key), *bits), &iv, sealed),
        }
    }
}

/// What a derived value is for: the byte that keeps them apart.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// The derivation of RFC 7292, appendix B.2.
pub(super) fn pkcs12_kdf(
    hash: &'static digest::Algorithm,
    purpose: Purpose,
    password: &[u8],
    salt: &[u8],
    rounds: NonZeroU32,
    length: usize,
) -> Plain {
    let block = hash.block_len();
    let mut input = Zeroizing::new(Vec::new());
    for part in [salt, password] {
        let filled = part.len().div_ceil(block) * block;
        input.extend(part.iter().cycle().take(filled));
    }
    let mut out = Zeroizing::new(Vec::with_capacity(length + hash.output_len()));
    while out.len() < length {
        let mut first = digest::Context::new(hash);
        first.update(&vec![purpose as u8; block]);
        first.update(&input);
        let mut round = first.finish();
        for _ in 1..rounds.get() {
            round = digest::digest(hash, round.as_ref());
        }
        out.extend_from_slice(round.as_ref());
        // Each block of the input plus the round's result plus one.
        for chunk in input.chunks_exact_mut(block) {
            let mut carry = 1;
            for (at, byte) in chunk.iter_mut().enumerate().rev() {
                let sum = u16::from(*byte) + u16::from(round.as_ref()[at % hash.output_len()]) + carry;
                *byte = sum.to_be_bytes()[1];
                carry = sum >> 8;
            }
        }
    }
    out.truncate(length);
    out
}

/// A password as PKCS#12 spells it: two bytes a character, with an end.
pub(super) fn bmp(password: &str) -> Plain {
    Zeroizing::new(password.encode_utf16().chain([0]).flat_map(u16::to_be_bytes).collect())
}

fn aes_cbc(algorithm: &'static Algorithm, key: &[u8], iv: &[u8], sealed: &[u8]) -> Option<Plain> {
    let iv = FixedLength::<16>::from(<[u8; 16]>::try_from(iv).ok()?);
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(algorithm, key).ok()?).ok()?;
    let mut text = Zeroizing::new(sealed.to_vec());
    let length = key.decrypt(&mut text, DecryptionContext::Iv128(iv)).ok()?.len();
    text.truncate(length);
    Some(text)
}

/// Cipher block chaining with PKCS#7 padding, for ciphers of eight bytes.
fn cbc<C: BlockCipherDecrypt>(cipher: &C, iv: &[u8], sealed: &[u8]) -> Option<Plain> {
    if sealed.is_empty() || !sealed.len().is_multiple_of(8) || iv.len() != 8 {
        return None;
    }
    let mut out = Zeroizing::new(Vec::with_capacity(sealed.len()));
    let mut before = iv;
    for chunk in sealed.chunks_exact(8) {
        let mut block = Block::<C>::default();
        block.copy_from_slice(chunk);
        cipher.decrypt_block(&mut block);
        out.extend(block.iter().zip(before).map(|(byte, mask)| byte ^ mask));
        before = chunk;
    }
    let padding = usize::from(*out.last()?);
    let text = out.len().checked_sub(padding).filter(|_| (1..=8).contains(&padding))?;
    out[text..].iter().all(|byte| usize::from(*byte) == padding).then_some(())?;
    out.truncate(text);
    Some(out)
}

const MOST_ROUNDS: u32 = 10_000_000;

// 1.2.840.113549.1.5
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
// 1.2.840.113549.2 and .3
pub(super) const HMAC_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x07];
pub(super) const HMAC_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09];
pub(super) const HMAC_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0a];
pub(super) const HMAC_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0b];
const DES_EDE3_CBC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07];
// 2.16.840.1.101.3.4.1
const AES_128_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x02];
const AES_192_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x16];
const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];
// 1.2.840.113549.1.12.1: with SHA-1, and three keys of DES, RC2 with 128 bits, RC2 with 40.
const OLD: [(&[u8], Old); 3] = [
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x03], Old::TripleDes),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x05], Old::Rc2 { key: 16, bits: 128 }),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x06], Old::Rc2 { key: 5, bits: 40 }),
];
