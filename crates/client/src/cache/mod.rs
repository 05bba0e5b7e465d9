//! Tokens on disk, sealed, shared by all processes of one person.
//!
//! An access token is one file and an account (its refresh token) is another, so that the warm path reads one small file. Files are
//! replaced by rename and never edited; whoever signs in holds the account's lock, so that parallel processes ask once.

mod lock;
mod seal;
mod told;

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use lock::{AccountLock, NoLock};
use seal::{Key, Sealed};
pub use told::{Caller, HandedOut};

use crate::{Secret, SignedIn};

/// The folder.
pub struct TokenCache {
    folder: PathBuf,
}

/// Whose tokens: everything that must be equal for a refresh token to be the right one.
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
    /// The application itself, with the fingerprint of what it proves itself with (a changed secret is never answered from here).
    Application(String),
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
    /// The cache in `folder`; nothing is read or made yet.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The token for `resource`, if it lives longer than [`MARGIN`].
    pub fn token(&self, account: &Account, resource: &str, now: Timestamp) -> Option<CachedToken> {
        self.any_token(account, resource).filter(|found| found.expires > now + MARGIN)
    }

    /// The token for `resource`, if it lives at all: better than nothing when the service cannot be reached.
    pub fn fading_token(&self, account: &Account, resource: &str, now: Timestamp) -> Option<CachedToken> {
        self.any_token(account, resource).filter(|found| found.expires > now + SignedDuration::from_secs(10))
    }

    /// The person's refresh token.
    pub fn account(&self, account: &Account) -> Option<CachedAccount> {
        let stored: StoredAccount = self.open(&account_file(account))?;
        Some(CachedAccount { refresh_token: stored.refresh_token.into(), user_name: stored.user_name })
    }

    /// Keeps what a sign-in gave. The caller holds the account's lock.
    pub fn keep(&self, account: &Account, resource: &str, got: &SignedIn) -> Result<(), CacheError> {
        let store = || -> std::io::Result<()> {
            let key = Key::make(&self.folder)?;
            let token = StoredToken { access_token: got.access_token.expose().to_owned(), expires: got.expires.as_second() };
            self.seal(&key, &token_file(account, resource), &token)?;
            if let (Some(refresh_token), Subject::Person(_)) = (&got.refresh_token, &account.subject) {
                let stored = StoredAccount {
                    authority: account.authority.clone(),
                    client: account.client.clone(),
                    refresh_token: refresh_token.expose().to_owned(),
                    user_name: got.user_name.clone(),
                };
                self.seal(&key, &account_file(account), &stored)?;
            }
            Ok(())
        };
        store().map_err(|source| CacheError { folder: self.folder.clone(), source })
    }

    /// Forgets the person's refresh token and the token for `resource`.
    pub fn forget(&self, account: &Account, resource: &str) {
        for name in [account_file(account), token_file(account, resource)] {
            let _ = std::fs::remove_file(self.tokens().join(name));
        }
    }

    /// Forgets the token for `resource`; the account stays.
    pub fn forget_token(&self, account: &Account, resource: &str) {
        let _ = std::fs::remove_file(self.tokens().join(token_file(account, resource)));
    }

    /// Waits for the right to sign this account in; `waiting` is called once when that takes a while.
    pub fn lock(&self, account: &Account, limit: std::time::Duration, waiting: impl FnMut()) -> Result<AccountLock, NoLock> {
        make_folder(&self.tokens()).map_err(|_| NoLock::Impossible)?;
        AccountLock::take(&self.tokens().join(format!("{}.lock", id(&[&base(account)]))), limit, waiting)
    }

    /// Deletes the folder with everything in it; an absent one is fine.
    pub fn remove(&self) -> std::io::Result<()> {
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
        let key = Key::make(&self.folder)?;
        self.seal(&key, name, value)
    }

    fn any_token(&self, account: &Account, resource: &str) -> Option<CachedToken> {
        let stored: StoredToken = self.open(&token_file(account, resource))?;
        let expires = Timestamp::from_second(stored.expires).ok()?;
        Some(CachedToken { token: stored.access_token.into(), expires })
    }

    fn open<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Option<T> {
        let sealed = std::fs::read(self.tokens().join(name)).ok().filter(|bytes| bytes.len() <= LARGEST)?;
        let key = Key::read(&self.folder)?;
        let text = key.open(name, &Sealed(sealed))?;
        serde_json::from_slice(&text).ok()
    }

    fn seal<T: Serialize>(&self, key: &Key, name: &str, value: &T) -> std::io::Result<()> {
        make_folder(&self.tokens())?;
        let text = zeroize::Zeroizing::new(serde_json::to_vec(value)?);
        let Sealed(bytes) = key.seal(name, &text)?;
        replace(&self.tokens().join(name), &bytes)
    }

    fn tokens(&self) -> PathBuf {
        self.folder.join("tokens")
    }
}

/// A token with less life than this is replaced before it is used.
pub const MARGIN: SignedDuration = SignedDuration::from_mins(5);

const LARGEST: usize = 1 << 20;

#[derive(Serialize, Deserialize)]
struct StoredToken {
    access_token: String,
    expires: i64,
}

#[derive(Serialize, Deserialize)]
struct StoredAccount {
    authority: String,
    client: String,
    refresh_token: String,
    user_name: Option<String>,
}

fn base(account: &Account) -> String {
    let (kind, who) = match &account.subject {
        Subject::Person(hint) => ("person", hint.as_deref().unwrap_or_default().to_lowercase()),
        Subject::Application(fingerprint) => ("application", fingerprint.clone()),
    };
    let version = if account.legacy { "v1" } else { "v2" };
    let bound = account.bound_to.as_deref().map_or_else(String::new, |key| format!("\n{key}"));
    format!("{}\n{}\n{kind}\n{who}\n{version}{bound}", account.authority, account.client)
}

fn account_file(account: &Account) -> String {
    format!("{}.account", id(&[&base(account)]))
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

fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes beside the file and renames: a reader sees the old or the new one, whole.
fn replace(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let beside = file.with_extension(format!("{}.new", std::process::id()));
    let written = write_private(&beside, bytes).and_then(|()| std::fs::rename(&beside, file));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written
}

fn write_private(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(bytes)
}

#[cfg(test)]
mod tests;
