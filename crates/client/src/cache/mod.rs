//! Tokens on disk, sealed, shared by all processes of one person.
//!
//! An access token is one file and a person (their refresh token) is another, so that the warm path reads one small file. Files are
//! replaced by rename and never edited; whoever signs in holds a lock, so that parallel processes ask once.
//!
//! A call asks for an [`Account`]: a token service, an application, and perhaps a name. Which person that is, is a file of its own: two calls
//! that ask differently and mean the same person share one refresh token, which is good once only.

mod files;
mod inventory;
mod lock;
mod people;
mod seal;
mod storage;
mod told;

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use files::{make_folder, replace};
pub use inventory::{Inventory, KnownPerson, KnownToken, Owner};
pub use lock::{AccountLock, NoLock};
use seal::{Key, Sealed};
pub use storage::{BadStorage, NoKeyring, Storage};
pub use told::{Caller, HandedOut};

use crate::{Secret, SignedIn, Trust};

/// The folder, and where its key lies.
#[derive(Clone)]
pub struct TokenCache {
    folder: PathBuf,
    storage: Storage,
    /// Kept with a person, so that who signs them out later believes the same server.
    trust: Trust,
}

/// Whose tokens: everything that must be equal for a token to be the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Host with port, and tenant.
    pub authority: String,
    /// The application that signs in.
    pub client: String,
    /// Who signs in with it.
    pub subject: Subject,
    /// v1 and v2 tokens are not the same.
    pub legacy: bool,
    /// The key that the tokens are bound to: they are worthless with another, and others are no substitute.
    pub bound_to: Option<String>,
}

/// Who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A person; the name if it was given beforehand.
    Person(Option<String>),
    /// This person and nobody else.
    Exactly(String),
    /// The application itself, with the fingerprint of what it proves itself with (a changed secret is never answered from here).
    Application(String),
    /// A person whose password is at hand, with its fingerprint for the same reason. No refresh token is kept for them.
    WithPassword {
        /// The name that was given with the password.
        name: String,
        /// Of the password.
        fingerprint: String,
    },
}

/// An access token that is still good for a while.
pub struct CachedToken {
    /// The token.
    pub token: Secret,
    /// When it ends.
    pub expires: Timestamp,
}

/// What is known about a person between two tokens.
pub struct CachedAccount {
    /// Gets the next access token.
    pub refresh_token: Secret,
    /// Who it is.
    pub user_name: Option<String>,
}

/// The cache could not keep something. Signing in goes on without it.
#[derive(Debug, thiserror::Error)]
#[error("the token cache {} cannot be written: {source}", folder.display())]
pub struct CacheError {
    folder: PathBuf,
    source: std::io::Error,
}

impl TokenCache {
    /// The cache in `folder`, with its key beside it; nothing is read or made yet.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), storage: Storage::File, trust: Trust::default() }
    }

    /// The same cache with its key elsewhere.
    #[must_use]
    pub fn kept_in(self, storage: Storage) -> Self {
        Self { storage, ..self }
    }

    /// The authorities by which the token service is believed.
    #[must_use]
    pub fn trusting(self, trust: Trust) -> Self {
        Self { trust, ..self }
    }

    /// Falls back to a key in a file where the keyring cannot be used, and says why.
    pub fn or_in_a_file(&mut self) -> Option<NoKeyring> {
        if self.storage != Storage::Keyring {
            return None;
        }
        let why = storage::keyring::read(&storage::name(&self.folder)).err()?;
        self.storage = Storage::File;
        Some(why)
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where its key lies.
    pub fn storage(&self) -> Storage {
        self.storage
    }

    /// The token for `resource`, if it lives longer than [`MARGIN`].
    pub fn token(&self, account: &Account, resource: &str, now: Timestamp) -> Option<CachedToken> {
        self.any_token(account, resource).filter(|found| found.expires > now + MARGIN)
    }

    /// The token for `resource`, if it lives at all: better than nothing when the service cannot be reached.
    pub fn fading_token(&self, account: &Account, resource: &str, now: Timestamp) -> Option<CachedToken> {
        self.any_token(account, resource).filter(|found| found.expires > now + SignedDuration::from_secs(10))
    }

    /// Keeps what a sign-in gave. The caller holds the account's lock.
    pub fn keep(&self, account: &Account, resource: &str, got: &SignedIn) -> Result<(), CacheError> {
        if self.storage == Storage::Nothing {
            return Ok(());
        }
        let store = || -> std::io::Result<()> {
            let key = Key::make(&self.folder, self.storage)?;
            let who = match &account.subject {
                Subject::Person(_) | Subject::Exactly(_) => Some(self.keep_person(&key, account, got)?),
                Subject::WithPassword { name, .. } => Some(name.to_lowercase()),
                Subject::Application(_) => None,
            };
            let token = StoredToken {
                access_token: got.access_token.expose().to_owned(),
                expires: got.expires.as_second(),
                owner: Owner { who, ..Owner::of(account) },
                resource: resource.to_owned(),
            };
            if std::process::id().is_multiple_of(SWEEP_EVERY) {
                files::sweep_unfinished(&self.entries());
            }
            self.seal(&key, &token_file(account, resource), &token)
        };
        store().map_err(|source| CacheError { folder: self.folder.clone(), source })
    }

    /// Forgets the token for `resource`; the account stays.
    pub fn forget_token(&self, account: &Account, resource: &str) {
        let _ = std::fs::remove_file(self.entries().join(token_file(account, resource)));
    }

    /// Waits for the right to sign this account in; `waiting` is called once when that takes a while.
    pub fn lock(&self, account: &Account, limit: std::time::Duration, waiting: impl FnMut()) -> Result<AccountLock, NoLock> {
        self.lock_file(&format!("{}.lock", id(&[&base(account)])), limit, waiting)
    }

    /// Deletes the folder with everything in it; an absent one is fine.
    pub fn remove(&self) -> std::io::Result<()> {
        Key::forget(&self.folder, Storage::Keyring);
        match std::fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Something else that was kept here under this name.
    pub(crate) fn thing<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Option<T> {
        self.open(name)
    }

    /// Keeps something else under a name.
    pub(crate) fn keep_thing<T: Serialize>(&self, name: &str, value: &T) -> std::io::Result<()> {
        let key = Key::make(&self.folder, self.storage)?;
        self.seal(&key, name, value)
    }

    /// Waits for the right to make what is kept under a name.
    pub(crate) fn lock_thing(&self, name: &str, limit: std::time::Duration) -> Result<AccountLock, NoLock> {
        self.lock_file(&format!("{name}.lock"), limit, || ())
    }

    fn lock_file(&self, name: &str, limit: std::time::Duration, waiting: impl FnMut()) -> Result<AccountLock, NoLock> {
        if self.storage == Storage::Nothing {
            return Err(NoLock::Impossible);
        }
        make_folder(&self.entries()).map_err(|_| NoLock::Impossible)?;
        AccountLock::take(&self.entries().join(name), limit, waiting)
    }

    fn any_token(&self, account: &Account, resource: &str) -> Option<CachedToken> {
        let stored: StoredToken = self.open(&token_file(account, resource))?;
        let expires = Timestamp::from_second(stored.expires).ok()?;
        Some(CachedToken { token: stored.access_token.into(), expires })
    }

    fn open<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Option<T> {
        if self.storage == Storage::Nothing {
            return None;
        }
        let sealed = self.sealed(name)?;
        open_with(&Key::read(&self.folder, self.storage)?, name, &sealed)
    }

    fn sealed(&self, name: &str) -> Option<Sealed> {
        let file = self.entries().join(name);
        // Looked at first: what is too large is not read at all.
        std::fs::metadata(&file).ok().filter(|facts| facts.len() <= LARGEST)?;
        std::fs::read(file).ok().map(Sealed)
    }

    fn seal<T: Serialize>(&self, key: &Key, name: &str, value: &T) -> std::io::Result<()> {
        make_folder(&self.entries())?;
        let text = zeroize::Zeroizing::new(serde_json::to_vec(value)?);
        let Sealed(bytes) = key.seal(name, &text)?;
        replace(&self.entries().join(name), &bytes)
    }

    fn entries(&self) -> PathBuf {
        self.folder.join(self.storage.folder())
    }
}

fn open_with<T: for<'de> Deserialize<'de>>(key: &Key, name: &str, sealed: &Sealed) -> Option<T> {
    let text = key.open(name, sealed)?;
    serde_json::from_slice(&text).ok()
}

/// A token with less life than this is replaced before it is used.
pub const MARGIN: SignedDuration = SignedDuration::from_mins(5);

const LARGEST: u64 = 1 << 20;
const SWEEP_EVERY: u32 = 16;

#[derive(Serialize, Deserialize)]
struct StoredToken {
    access_token: String,
    expires: i64,
    owner: Owner,
    resource: String,
}

/// What is asked for, as the names of files spell it.
fn base(account: &Account) -> String {
    let (kind, who) = match &account.subject {
        Subject::Person(hint) => ("person", hint.as_deref().unwrap_or_default().to_lowercase()),
        Subject::Exactly(name) => ("exactly", name.to_lowercase()),
        Subject::Application(fingerprint) => ("application", fingerprint.clone()),
        Subject::WithPassword { name, fingerprint } => ("password", format!("{}\n{fingerprint}", name.to_lowercase())),
    };
    format!("{}\n{kind}\n{who}", place(account))
}

/// Where somebody signs in, whoever it is.
fn place(account: &Account) -> String {
    let version = if account.legacy { "v1" } else { "v2" };
    let bound = account.bound_to.as_deref().unwrap_or_default();
    format!("{}\n{}\n{version}\n{bound}", account.authority, account.client)
}

fn token_file(account: &Account, resource: &str) -> String {
    format!("{}.token", id(&[&base(account), resource]))
}

/// A file name that tells nobody anything.
fn id(parts: &[&str]) -> String {
    let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for part in parts {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    crate::text::hex(&digest.finish().as_ref()[..16])
}

#[cfg(test)]
mod tests;
