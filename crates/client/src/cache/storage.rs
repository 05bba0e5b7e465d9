//! Where the key lies that opens the cache.
//!
//! In a file beside the sealed ones it survives a restart and works everywhere. In the kernel's keyring it is in no backup and on no disk, and is
//! gone after a restart of the machine. Each has its own folder of entries, so that neither makes the other's unreadable.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// Where the key lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Storage {
    /// In a file that only its owner reads.
    #[default]
    File,
    /// In the kernel's keyring of this person (Linux).
    Keyring,
    /// Nowhere: nothing is kept at all.
    Nothing,
}

/// The word names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place for the token cache; `auto`, `keyring`, `file` and `none` are")]
pub struct BadStorage(String);

impl Storage {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Keyring => "keyring",
            Self::Nothing => "none",
        }
    }

    /// The folder of the entries, below the cache's own.
    pub(super) const fn folder(self) -> &'static str {
        match self {
            Self::File | Self::Nothing => "tokens",
            Self::Keyring => "tokens-keyring",
        }
    }
}

impl FromStr for Storage {
    type Err = BadStorage;
    fn from_str(word: &str) -> Result<Self, BadStorage> {
        match word {
            // A file keeps what a keyring loses at the next start, and needs nothing from the machine.
            "auto" | "file" | "" => Ok(Self::File),
            "keyring" => Ok(Self::Keyring),
            "none" => Ok(Self::Nothing),
            other => Err(BadStorage(other.to_owned())),
        }
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The keyring cannot be used here; why, in a few words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the kernel's keyring cannot be used here ({0})")]
pub struct NoKeyring(pub(super) String);

/// The name of a cache's key in the keyring. It tells nothing about the folder.
pub(super) fn name(folder: &Path) -> String {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    format!("kubelogin:{}", super::id(&[&folder.display().to_string()]))
}

#[cfg(target_os = "linux")]
pub(super) mod keyring {
    //! The keyring of this person, which all of their processes share.

    use linux_keyutils::{KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission};
    use zeroize::Zeroizing;

    use super::NoKeyring;

    /// The key of this name; `None` if there is none.
    pub(in super::super) fn read(name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, NoKeyring> {
        match ring()?.search(name) {
            Ok(key) => Ok(Some(Zeroizing::new(key.read_to_vec().map_err(cannot)?))),
            Err(KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked) => Ok(None),
            Err(error) => Err(cannot(error)),
        }
    }

    /// Keeps a key; one of this name is replaced.
    pub(in super::super) fn keep(name: &str, bytes: &[u8]) -> Result<(), NoKeyring> {
        let key = ring()?.add_key(name, bytes).map_err(cannot)?;
        // Sessions of the same person that do not possess the keyring (cron, another login) may read it too.
        let ours = KeyPermissionsBuilder::builder().posessor(Permission::ALL).user(Permission::ALL).build();
        key.set_perms(ours).map_err(cannot)
    }

    /// Forgets a key; an absent one is fine.
    pub(in super::super) fn forget(name: &str) {
        if let Ok(key) = ring().and_then(|ring| ring.search(name).map_err(cannot)) {
            let _ = key.invalidate();
        }
    }

    fn ring() -> Result<KeyRing, NoKeyring> {
        KeyRing::from_special_id(KeyRingIdentifier::User, true).map_err(cannot)
    }

    fn cannot(error: KeyError) -> NoKeyring {
        NoKeyring(match error {
            KeyError::AccessDenied | KeyError::PermissionDenied => "it is not allowed, as in many containers".to_owned(),
            KeyError::OperationNotSupported | KeyError::Unknown(38) => "this kernel has none".to_owned(),
            KeyError::QuotaExceeded => "this person's quota of keys is used up".to_owned(),
            other => other.to_string(),
        })
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) mod keyring {
    //! Other systems have keyrings of their own, which are not used.

    use zeroize::Zeroizing;

    use super::NoKeyring;

    pub(in super::super) fn read(_: &str) -> Result<Option<Zeroizing<Vec<u8>>>, NoKeyring> {
        Err(NoKeyring("it exists on Linux only".to_owned()))
    }

    pub(in super::super) fn keep(_: &str, _: &[u8]) -> Result<(), NoKeyring> {
        Err(NoKeyring("it exists on Linux only".to_owned()))
    }

    pub(in super::super) fn forget(_: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_understood_and_others_are_named() {
        for (word, storage) in
            [("auto", Storage::File), ("file", Storage::File), ("keyring", Storage::Keyring), ("none", Storage::Nothing)]
        {
            assert_eq!(word.parse(), Ok(storage));
        }
        assert_eq!(
            "tpm".parse::<Storage>().expect_err("unknown").to_string(),
            "`tpm` is no place for the token cache; `auto`, `keyring`, `file` and `none` are"
        );
    }
}
