//! Sealing at rest: AES-256-GCM-SIV under a key that lives outside the database.
//!
//! An envelope is `version (1) · key id (8) · nonce (12) · ciphertext and tag`. It is bound to its place (the context),
//! so that a sealed value moved to another row does not open. The key id inside allows another key later.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hmac, rand};
use zeroize::Zeroizing;

/// Why a secret could not be sealed or opened.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SealError {
    /// The key file cannot be used.
    #[error("the sealing key `{path}` cannot be used: {why}")]
    KeyFile {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The value was sealed under another key.
    #[error("the value was sealed under another key; start with the key file that belongs to this data directory")]
    OtherKey,
    /// The value was changed, moved, or is no sealed value.
    #[error("the sealed value was damaged or moved")]
    Damaged,
}

/// The key everything secret is sealed with. Cheap to clone; the key itself is wiped with the last clone.
#[derive(Clone)]
pub struct SealingKey {
    id: [u8; 8],
    key: Arc<LessSafeKey>,
    /// Derived, for what is tagged and stays readable.
    tags: Arc<hmac::Key>,
}

const VERSION: u8 = 1;
const HEAD: usize = 1 + 8 + NONCE_LEN;

impl SealingKey {
    /// Reads the key file of a data directory that exists.
    pub fn load(path: &Path) -> Result<Self, SealError> {
        if !path.exists() {
            return Err(SealError::KeyFile { path: path.display().to_string(), why: "there is no such file".to_owned() });
        }
        Self::load_or_create(path)
    }

    /// Reads the key file, or makes it (mode 0600) when it does not exist.
    pub fn load_or_create(path: &Path) -> Result<Self, SealError> {
        let fail = |why: &dyn std::fmt::Display| SealError::KeyFile { path: path.display().to_string(), why: why.to_string() };
        let mut secret = Zeroizing::new([0_u8; 32]);
        match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(mut file) => {
                rand::fill(secret.as_mut()).map_err(|_| fail(&"no randomness"))?;
                file.write_all(secret.as_ref()).and_then(|()| file.sync_all()).map_err(|e| fail(&e))?;
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                let mut file = std::fs::File::open(path).map_err(|e| fail(&e))?;
                let meta = file.metadata().map_err(|e| fail(&e))?;
                if meta.permissions().mode() & 0o077 != 0 {
                    return Err(fail(&"others may read it; run `chmod 600` on it"));
                }
                if meta.len() != 32 {
                    return Err(fail(&"it must hold exactly 32 bytes"));
                }
                file.read_exact(secret.as_mut()).map_err(|e| fail(&e))?;
            }
            Err(e) => return Err(fail(&e)),
        }
        Ok(Self::from_bytes(&secret))
    }

    /// A key from its bytes.
    ///
    /// # Panics
    ///
    /// Never: the array has the length that the algorithm asks for.
    pub fn from_bytes(secret: &[u8; 32]) -> Self {
        let mut id = [0_u8; 8];
        let digest = digest::digest(&digest::SHA256, &[b"entrance sealing key id", secret.as_slice()].concat());
        id.copy_from_slice(&digest.as_ref()[..8]);
        let key = UnboundKey::new(&AES_256_GCM_SIV, secret).expect("the key has the length of the algorithm");
        let tags = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), b"entrance tags 1");
        let tags = Arc::new(hmac::Key::new(hmac::HMAC_SHA256, tags.as_ref()));
        Self { id, key: Arc::new(LessSafeKey::new(key)), tags }
    }

    /// A tag that only the holder of this key can make (HMAC-SHA-256 under a derived key).
    pub(crate) fn tag(&self, bytes: &[u8]) -> Vec<u8> {
        hmac::sign(&self.tags, bytes).as_ref().to_vec()
    }

    /// Whether the tag was made under this key for these bytes.
    pub(crate) fn is_tag(&self, bytes: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.tags, bytes, tag).is_ok()
    }

    /// Seals a secret for one place.
    pub fn seal(&self, secret: &[u8], context: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0_u8; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| SealError::Damaged)?;
        let mut envelope = Vec::with_capacity(HEAD + secret.len() + 16);
        envelope.push(VERSION);
        envelope.extend_from_slice(&self.id);
        envelope.extend_from_slice(&nonce);
        let mut body = Zeroizing::new(secret.to_vec());
        let tag = self
            .key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut body)
            .map_err(|_| SealError::Damaged)?;
        envelope.extend_from_slice(&body);
        envelope.extend_from_slice(tag.as_ref());
        Ok(envelope)
    }

    /// Opens what was sealed for this place.
    pub fn open(&self, envelope: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        if envelope.len() < HEAD + 16 || envelope[0] != VERSION {
            return Err(SealError::Damaged);
        }
        if envelope[1..9] != self.id {
            return Err(SealError::OtherKey);
        }
        let nonce = Nonce::try_assume_unique_for_key(&envelope[9..HEAD]).map_err(|_| SealError::Damaged)?;
        let mut body = Zeroizing::new(envelope[HEAD..].to_vec());
        let length = self.key.open_in_place(nonce, Aad::from(context), &mut body).map_err(|_| SealError::Damaged)?.len();
        body.truncate(length);
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_in_its_place_and_under_its_key() {
        let key = SealingKey::from_bytes(&[7; 32]);
        let sealed = key.seal(b"secret", b"row 1").expect("seals");
        assert_eq!(key.open(&sealed, b"row 1").expect("opens").as_slice(), b"secret");
        assert!(matches!(key.open(&sealed, b"row 2"), Err(SealError::Damaged)));
        assert!(matches!(SealingKey::from_bytes(&[8; 32]).open(&sealed, b"row 1"), Err(SealError::OtherKey)));
        assert!(!sealed.windows(6).any(|w| w == b"secret"));
    }
}
