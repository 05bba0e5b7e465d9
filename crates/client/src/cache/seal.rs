//! Sealing at rest: AES-256-GCM-SIV with a key that lies beside the sealed files, readable by its owner only, or in the kernel's keyring.
//!
//! It protects against copies of single files, backups without the key and curious eyes, not against somebody who can read as this person.

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;
use zeroize::Zeroizing;

use super::files::{make_folder, replace, unfinished, write_private};
use super::storage::{Storage, keyring, name};

/// The folder's key.
pub(super) struct Key(RandomizedNonceKey);

/// Version, nonce, text with tag.
pub(super) struct Sealed(pub(super) Vec<u8>);

impl Key {
    /// The key, if there is a sound one.
    pub(super) fn read(folder: &Path, storage: Storage) -> Option<Self> {
        match storage {
            Storage::File => Self::read_file(folder),
            Storage::Keyring => Self::of(&keyring::read(&name(folder)).ok()??),
            Storage::Nothing => None,
        }
    }

    /// The key, made when there is none. Two processes that make one at the same time end with the same.
    pub(super) fn make(folder: &Path, storage: Storage) -> std::io::Result<Self> {
        match storage {
            Storage::File => Self::make_file(folder),
            Storage::Keyring => Self::make_in_keyring(folder),
            Storage::Nothing => Err(std::io::Error::other("nothing is kept here")),
        }
    }

    /// Forgets the key: whatever it sealed can never be opened again.
    pub(super) fn forget(folder: &Path, storage: Storage) {
        match storage {
            Storage::File => drop(std::fs::remove_file(folder.join(FILE))),
            Storage::Keyring => keyring::forget(&name(folder)),
            Storage::Nothing => {}
        }
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != LENGTH {
            return None;
        }
        RandomizedNonceKey::new(&AES_256_GCM_SIV, bytes).ok().map(Self)
    }

    fn make_in_keyring(folder: &Path) -> std::io::Result<Self> {
        let known = keyring::read(&name(folder)).map_err(std::io::Error::other)?;
        if let Some(key) = known.and_then(|bytes| Self::of(&bytes)) {
            return Ok(key);
        }
        let bytes = random()?;
        keyring::keep(&name(folder), &bytes).map_err(std::io::Error::other)?;
        // Read back: another process may have put another one there at the same time.
        Self::read(folder, Storage::Keyring).ok_or_else(|| std::io::Error::other("the keyring does not give the key back"))
    }

    fn read_file(folder: &Path) -> Option<Self> {
        let file = folder.join(FILE);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            if std::fs::metadata(&file).ok()?.permissions().mode() & 0o077 != 0 {
                return None;
            }
        }
        Self::of(&Zeroizing::new(std::fs::read(file).ok()?))
    }

    fn make_file(folder: &Path) -> std::io::Result<Self> {
        if let Some(key) = Self::read_file(folder) {
            return Ok(key);
        }
        make_folder(folder)?;
        let file = folder.join(FILE);
        let bytes = random()?;
        if file.exists() {
            // What is there is damaged or was readable by others.
            replace(&file, &bytes)?;
        } else {
            let beside = unfinished(&file);
            write_private(&beside, &bytes)?;
            // Unlike a rename this does not replace the key that another process made meanwhile.
            let linked = std::fs::hard_link(&beside, &file);
            let _ = std::fs::remove_file(&beside);
            match linked {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(_) => replace(&file, &bytes)?,
                Ok(()) => {}
            }
        }
        Self::read_file(folder).ok_or_else(|| std::io::Error::other("the key file cannot be read back"))
    }

    /// Seals `text` for the file `name`: the same bytes under another name do not open.
    pub(super) fn seal(&self, name: &str, text: &[u8]) -> std::io::Result<Sealed> {
        let mut body = text.to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(name.as_bytes()), &mut body)
            .map_err(|_| std::io::Error::other("sealing failed"))?;
        let mut bytes = Vec::with_capacity(1 + NONCE_LEN + body.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(nonce.as_ref());
        bytes.extend_from_slice(&body);
        Ok(Sealed(bytes))
    }

    /// Opens what [`Key::seal`] made for `name`.
    pub(super) fn open(&self, name: &str, sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
        let (version, rest) = sealed.0.split_first()?;
        if *version != VERSION {
            return None;
        }
        let (nonce, body) = rest.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = self.0.open_in_place(nonce, Aad::from(name.as_bytes()), &mut body).ok()?.len();
        body.truncate(length);
        Some(body)
    }
}

fn random() -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; LENGTH]);
    rand::fill(&mut bytes).map_err(|_| std::io::Error::other("no randomness"))?;
    Ok(bytes)
}

const FILE: &str = "key";
const LENGTH: usize = 32;
const VERSION: u8 = 1;
