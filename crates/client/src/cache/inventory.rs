//! What lies in the cache: for people who want to know, and for signing somebody out.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::files::{make_folder, unfinished, write_private};
use super::people::StoredPerson;
use super::seal::Key;
use super::{Account, Storage, StoredToken, Subject, TokenCache, open_with};
use crate::{Secret, Trust};

/// Whose something is, as it stands inside the sealed files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Host with port, and tenant.
    pub authority: String,
    /// The application that signed in.
    pub client: String,
    /// The person's name in lower case; nobody's where the application signed itself in.
    pub who: Option<String>,
    /// Of the v1 protocol.
    pub legacy: bool,
    /// The key that its tokens are bound to.
    pub bound_to: Option<String>,
}

/// Somebody who is signed in.
pub struct KnownPerson {
    /// Whom it is about.
    pub owner: Owner,
    /// The name as the service spells it.
    pub user_name: Option<String>,
    /// When they signed in first.
    pub signed_in: Timestamp,
    /// What has to be revoked at a sign-out.
    pub refresh_token: Secret,
    /// The authorities by which the service was believed.
    pub trust: Trust,
}

/// An access token, without itself.
#[derive(Debug, Clone)]
pub struct KnownToken {
    /// Whose.
    pub owner: Owner,
    /// What it opens.
    pub resource: String,
    /// When it ends.
    pub expires: Timestamp,
}

/// Everything that is there.
pub struct Inventory {
    /// The people, by name.
    pub people: Vec<KnownPerson>,
    /// The tokens, the one that lives longest first.
    pub tokens: Vec<KnownToken>,
    /// Files that do not open: damaged, or sealed with a key that is gone.
    pub unreadable: usize,
}

impl Owner {
    pub(super) fn of(account: &Account) -> Self {
        Self {
            authority: account.authority.clone(),
            client: account.client.clone(),
            who: None,
            legacy: account.legacy,
            bound_to: account.bound_to.clone(),
        }
    }

    /// The account that means exactly this one.
    pub fn account(&self) -> Account {
        Account {
            authority: self.authority.clone(),
            client: self.client.clone(),
            subject: self.who.clone().map_or(Subject::Person(None), Subject::Exactly),
            legacy: self.legacy,
            bound_to: self.bound_to.clone(),
        }
    }
}

impl TokenCache {
    /// Everything that is there.
    pub fn inventory(&self) -> Inventory {
        let (bad_people, people) = self.all::<StoredPerson>("person");
        let (bad_tokens, tokens) = self.all::<StoredToken>("token");
        let time = |second| Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut people: Vec<KnownPerson> = people
            .into_iter()
            .map(|(_, person)| KnownPerson {
                signed_in: time(person.signed_in),
                owner: person.owner,
                user_name: person.user_name,
                refresh_token: person.refresh_token.into(),
                trust: Trust { file: person.trust.map(Into::into), data: person.trust_data },
            })
            .collect();
        let key = |owner: &Owner| (owner.who.clone(), owner.authority.clone(), owner.client.clone());
        people.sort_by_key(|person| key(&person.owner));
        let mut tokens: Vec<KnownToken> = tokens
            .into_iter()
            .map(|(_, token)| KnownToken { expires: time(token.expires), owner: token.owner, resource: token.resource })
            .collect();
        tokens.sort_by(|a, b| b.expires.cmp(&a.expires).then_with(|| a.resource.cmp(&b.resource)));
        // Calls that ask differently for one person keep a copy each.
        tokens.dedup_by(|a, b| a.owner == b.owner && a.resource == b.resource);
        Inventory { people, tokens, unreadable: bad_people + bad_tokens }
    }

    /// Removes everything of one person at one place.
    pub fn forget_person(&self, owner: &Owner) {
        for (path, found) in self.all::<StoredPerson>("person").1 {
            if found.owner == *owner {
                let _ = std::fs::remove_file(path);
            }
        }
        self.forget_tokens(|token| token.owner == *owner);
        if let Some(who) = &owner.who {
            let still_here = self.inventory().people.iter().any(|other| other.owner.who.as_ref() == Some(who));
            if !still_here {
                self.forget_choices(who);
            }
        }
    }

    /// Removes everything: tokens, people, notes, and the key that sealed them.
    pub fn forget_everything(&self) -> std::io::Result<()> {
        for name in [self.storage.folder(), "told"] {
            match std::fs::remove_dir_all(self.folder.join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Key::forget(&self.folder, self.storage);
        Ok(())
    }

    /// Makes and removes a file of a few bytes, as a sign-in would.
    pub fn try_to_write(&self) -> std::io::Result<()> {
        if self.storage == Storage::Nothing {
            return Ok(());
        }
        make_folder(&self.folder)?;
        let file = unfinished(&self.folder.join("try"));
        write_private(&file, &[0; 4096])?;
        std::fs::remove_file(&file)
    }

    /// Whether there is a key, and so anything that can be read.
    pub fn has_key(&self) -> bool {
        Key::read(&self.folder, self.storage).is_some()
    }

    /// Whether the folder holds entries of this storage at all.
    pub fn has_entries(&self) -> bool {
        self.storage != Storage::Nothing && self.files("token").chain(self.files("person")).next().is_some()
    }

    /// How many files do not open, and what is in those that do.
    pub(super) fn all<T: for<'de> Deserialize<'de>>(&self, extension: &'static str) -> (usize, Vec<(PathBuf, T)>) {
        let key = Key::read(&self.folder, self.storage);
        let (mut bad, mut found) = (0, Vec::new());
        for path in self.files(extension) {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let opened = key.as_ref().and_then(|key| open_with(key, &name, &self.sealed(&name)?));
            match opened {
                Some(value) => found.push((path, value)),
                None => bad += 1,
            }
        }
        (bad, found)
    }

    fn files(&self, extension: &'static str) -> impl Iterator<Item = PathBuf> + use<> {
        let entries = std::fs::read_dir(self.entries()).into_iter().flatten().flatten().map(|entry| entry.path());
        entries.filter(move |path| path.extension().is_some_and(|found| found == extension))
    }
}
