//! The file format of `age` (age-encryption.org/v1) for its native keys, on the crypto library that we have.
//!
//! A file has a header that says for whom it is, with a key for one file, and a body in chunks of 64 KiB. Each file that is
//! written here is for one key. Other programs read what is written here and the other way round; a journey test holds us
//! to that.

use std::fmt::Write as _;
use std::str::FromStr;

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, PrivateKey, UnparsedPublicKey, X25519};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use entrance_model::recovery::shares::Secret;
use entrance_model::recovery::{RecoveryKey, bech32};
use zeroize::Zeroizing;

/// The secret half of a key. Has no `Debug` and is wiped when dropped.
pub struct Identity {
    secret: Secret,
    public: RecoveryKey,
}

/// Why a file cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AgeError {
    /// It is no such file at all, or what is readable of it is broken.
    #[error("it is no age file that can be read here")]
    Unreadable,
    /// It is for somebody else.
    #[error("it is encrypted to another key")]
    OtherKey,
    /// Somebody or something changed it.
    #[error("it was changed or damaged since it was encrypted")]
    Damaged,
}

/// A text that is no secret key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadIdentity {
    /// It is the public half.
    #[error("this is the public half of a key; the secret one begins with `AGE-SECRET-KEY-1`")]
    Public,
    /// It is a file that needs a passphrase first.
    #[error("this key is protected by a passphrase; decrypt it with `age -d` first")]
    Protected,
    /// It is something else.
    #[error("there is no line that begins with `AGE-SECRET-KEY-1`, or that line is misspelt")]
    Missing,
}

impl Identity {
    /// A new key.
    pub fn generate() -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        rand::fill(secret.as_mut()).expect("the machine has randomness");
        Self::from_secret(secret)
    }

    /// The key with this secret.
    pub fn from_secret(secret: Secret) -> Self {
        let public = private(&secret).compute_public_key().expect("every 32 bytes are a secret on this curve");
        let public = <[u8; 32]>::try_from(public.as_ref()).expect("a public key on this curve has 32 bytes");
        Self { secret, public: RecoveryKey::from_bytes(public) }
    }

    /// The secret.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The public half.
    pub fn public(&self) -> RecoveryKey {
        self.public
    }

    /// The secret half as `age` writes it.
    pub fn to_text(&self) -> Zeroizing<String> {
        let lower = Zeroizing::new(bech32::encode(SECRET, self.secret.as_ref()));
        Zeroizing::new(lower.to_ascii_uppercase())
    }
}

impl FromStr for Identity {
    type Err = BadIdentity;

    /// Reads a key file: comments and empty lines do not matter, the first key counts.
    fn from_str(text: &str) -> Result<Self, BadIdentity> {
        if text.trim_start().starts_with(BEGIN) || text.starts_with(VERSION) {
            return Err(BadIdentity::Protected);
        }
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let line = lines.next().ok_or(BadIdentity::Missing)?;
        if line.starts_with("age1") {
            return Err(BadIdentity::Public);
        }
        let bytes = bech32::decode(SECRET, line).map(Zeroizing::new).ok_or(BadIdentity::Missing)?;
        let secret = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| BadIdentity::Missing)?;
        Ok(Self::from_secret(Zeroizing::new(secret)))
    }
}

/// Encrypts to one key; the result is text.
pub fn seal(plain: &[u8], to: &RecoveryKey) -> String {
    let mut file_key = Zeroizing::new([0; FILE_KEY]);
    rand::fill(file_key.as_mut()).expect("the machine has randomness");
    let ours = Identity::generate();
    let wrapped = {
        let wrap = wrapping(ours.secret(), to, ours.public(), *to).expect("a `RecoveryKey` agrees with every secret");
        sealed(&wrap, [0; 12], file_key.as_ref())
    };
    let mut file = String::new();
    let _ = write!(
        file,
        "{VERSION}\n-> X25519 {}\n{}\n---",
        STANDARD_NO_PAD.encode(ours.public().as_bytes()),
        STANDARD_NO_PAD.encode(wrapped)
    );
    let mac = hmac::sign(&header_key(&file_key), file.as_bytes());
    let _ = writeln!(file, " {}", STANDARD_NO_PAD.encode(mac.as_ref()));
    let mut file = file.into_bytes();
    let mut salt = [0; 16];
    rand::fill(&mut salt).expect("the machine has randomness");
    file.extend(salt);
    let key = derive(&salt, file_key.as_ref(), "payload");
    let mut chunks = plain.chunks(CHUNK).peekable();
    let mut at = 0;
    loop {
        let chunk = chunks.next().unwrap_or_default();
        let last = chunks.peek().is_none();
        file.extend(sealed(&key, chunk_nonce(at, last), chunk));
        if last {
            return armored(&file);
        }
        at += 1;
    }
}

/// Decrypts a text that [`seal`] or `age --armor` made.
pub fn open(text: &str, with: &Identity) -> Result<Zeroizing<Vec<u8>>, AgeError> {
    let file = unarmored(text).ok_or(AgeError::Unreadable)?;
    let header = Header::read(&file).ok_or(AgeError::Unreadable)?;
    let file_key = header.stanzas.iter().find_map(|stanza| stanza.open(with)).ok_or(AgeError::OtherKey)?;
    hmac::verify(&header_key(&file_key), header.covered, &header.mac).map_err(|_| AgeError::Damaged)?;
    let (salt, mut body) = header.body.split_at_checked(16).ok_or(AgeError::Damaged)?;
    let key = derive(salt, file_key.as_ref(), "payload");
    let mut plain = Zeroizing::new(Vec::with_capacity(body.len()));
    let mut at = 0;
    loop {
        let (chunk, rest) = body.split_at_checked(CHUNK + TAG).unwrap_or((body, &[]));
        let last = rest.is_empty();
        let opened = unsealed(&key, chunk_nonce(at, last), chunk).ok_or(AgeError::Damaged)?;
        // An empty end after other chunks would give one content two spellings.
        if opened.is_empty() && at > 0 {
            return Err(AgeError::Damaged);
        }
        plain.extend_from_slice(&opened);
        if last {
            return Ok(plain);
        }
        (body, at) = (rest, at + 1);
    }
}

struct Header<'a> {
    stanzas: Vec<Stanza>,
    covered: &'a [u8],
    mac: Vec<u8>,
    body: &'a [u8],
}

/// One way to the file's key.
struct Stanza {
    ephemeral: RecoveryKey,
    wrapped: Vec<u8>,
}

impl<'a> Header<'a> {
    fn read(file: &'a [u8]) -> Option<Self> {
        let mut rest = file;
        let mut line = || {
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            let (line, after) = rest.split_at(end);
            rest = &after[1..];
            std::str::from_utf8(line).ok()
        };
        (line()? == VERSION).then_some(())?;
        let (mut stanzas, mut kinds) = (Vec::new(), 0);
        let mac = loop {
            let text = line()?;
            if let Some(mac) = text.strip_prefix("--- ") {
                break STANDARD_NO_PAD.decode(mac).ok()?;
            }
            let arguments = text.strip_prefix("-> ")?;
            let mut body = Vec::new();
            // The first short line, which may be empty, ends a stanza.
            loop {
                let part = line()?;
                (part.len() <= COLUMNS).then_some(())?;
                body.extend(STANDARD_NO_PAD.decode(part).ok()?);
                if part.len() < COLUMNS {
                    break;
                }
            }
            kinds += 1;
            (kinds <= MOST_STANZAS).then_some(())?;
            if let Some(ephemeral) = arguments.strip_prefix("X25519 ") {
                let ephemeral = <[u8; 32]>::try_from(STANDARD_NO_PAD.decode(ephemeral).ok()?).ok()?;
                (body.len() == FILE_KEY + TAG).then_some(())?;
                stanzas.push(Stanza { ephemeral: RecoveryKey::from_bytes(ephemeral), wrapped: body });
            }
        };
        let header = file.len() - rest.len();
        // The code covers everything up to the three dashes.
        let covered = &file[..file[..header].windows(4).rposition(|four| four == b"--- ")? + 3];
        Some(Self { stanzas, covered, mac, body: rest })
    }
}

impl Stanza {
    fn open(&self, with: &Identity) -> Option<Zeroizing<[u8; FILE_KEY]>> {
        let wrap = wrapping(with.secret(), &self.ephemeral, self.ephemeral, with.public())?;
        let opened = unsealed(&wrap, [0; 12], &self.wrapped)?;
        <[u8; FILE_KEY]>::try_from(opened.as_slice()).ok().map(Zeroizing::new)
    }
}

/// The key that a file's key is wrapped with; `None` for a point at which all secrets agree.
fn wrapping(secret: &Secret, peer: &RecoveryKey, ephemeral: RecoveryKey, recipient: RecoveryKey) -> Option<Secret> {
    let salt = [ephemeral.as_bytes().as_slice(), recipient.as_bytes()].concat();
    let peer = UnparsedPublicKey::new(&X25519, peer.as_bytes());
    agreement::agree(&private(secret), peer, (), |shared| Ok(derive(&salt, shared, &format!("{VERSION}/X25519")))).ok()
}

fn private(secret: &Secret) -> PrivateKey {
    PrivateKey::from_private_key(&X25519, secret.as_ref()).expect("every 32 bytes are a secret on this curve")
}

fn header_key(file_key: &Zeroizing<[u8; FILE_KEY]>) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, derive(&[], file_key.as_ref(), "header").as_ref())
}

fn derive(salt: &[u8], from: &[u8], purpose: &str) -> Secret {
    let mut out = Zeroizing::new([0; 32]);
    let extracted = Salt::new(HKDF_SHA256, salt).extract(from);
    let purpose = [purpose.as_bytes()];
    let expanded = extracted.expand(&purpose, HKDF_SHA256).expect("32 bytes are not too many");
    expanded.fill(out.as_mut()).expect("32 bytes were asked for");
    out
}

fn aead(key: &Secret) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key.as_ref()).expect("the key has 32 bytes"))
}

fn sealed(key: &Secret, nonce: [u8; 12], plain: &[u8]) -> Vec<u8> {
    let mut out = plain.to_vec();
    let nonce = Nonce::assume_unique_for_key(nonce);
    aead(key).seal_in_place_append_tag(nonce, Aad::empty(), &mut out).expect("a chunk is not too long");
    out
}

fn unsealed(key: &Secret, nonce: [u8; 12], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(sealed.to_vec());
    let length = aead(key).open_in_place(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut out).ok()?.len();
    out.truncate(length);
    Some(out)
}

fn chunk_nonce(at: u32, last: bool) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[7..11].copy_from_slice(&at.to_be_bytes());
    nonce[11] = u8::from(last);
    nonce
}

fn armored(file: &[u8]) -> String {
    let text = STANDARD.encode(file);
    let mut out = format!("{BEGIN}\n");
    for line in text.as_bytes().chunks(COLUMNS) {
        out.extend(line.iter().copied().map(char::from));
        out.push('\n');
    }
    let _ = writeln!(out, "{END}");
    out
}

fn unarmored(text: &str) -> Option<Vec<u8>> {
    let inside = text.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let lines: Vec<&str> = inside.lines().skip(1).collect();
    let (last, full) = lines.split_last()?;
    let shaped = full.iter().all(|line| line.len() == COLUMNS) && (1..=COLUMNS).contains(&last.len());
    shaped.then(|| STANDARD.decode(lines.concat()).ok())?
}

const VERSION: &str = "age-encryption.org/v1";
const SECRET: &str = "age-secret-key-";
const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END: &str = "-----END AGE ENCRYPTED FILE-----";
const COLUMNS: usize = 64;
const CHUNK: usize = 64 << 10;
const TAG: usize = 16;
const FILE_KEY: usize = 16;
const MOST_STANZAS: usize = 64;

#[cfg(test)]
#[path = "age_tests.rs"]
mod tests;
