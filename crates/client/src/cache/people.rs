//! The people of the cache: who a call means, their refresh tokens, and which call chose whom.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::seal::Key;
use super::{Account, AccountLock, CachedAccount, NoLock, Owner, StoredToken, Subject, TokenCache, base, id, place};
use crate::SignedIn;

impl TokenCache {
    /// The person that this account means, if they signed in before.
    ///
    /// Without a name that is whoever signed in for a call without a name last, or the only one there is.
    pub fn account(&self, account: &Account) -> Option<CachedAccount> {
        let stored = self.person(account)?;
        Some(CachedAccount { refresh_token: stored.refresh_token.into(), user_name: stored.user_name })
    }

    /// Waits for the right to use this person's refresh token, which is good once: two calls that name them differently share it.
    pub fn lock_person(&self, account: &Account, limit: Duration) -> Result<AccountLock, NoLock> {
        let who = self.who(account).unwrap_or_default();
        self.lock_file(&format!("{}.person.lock", id(&[&place(account), &who])), limit, || ())
    }

    /// Forgets the person's refresh token and every token of theirs at this place.
    pub fn forget(&self, account: &Account, resource: &str) {
        self.forget_token(account, resource);
        let Some(who) = self.who(account) else { return };
        let _ = std::fs::remove_file(self.entries().join(person_file(account, &who)));
        let owner = Owner { who: Some(who), ..Owner::of(account) };
        self.forget_tokens(|token| token.owner == owner);
    }

    /// Keeps a person and that this account means them; gives the name they are filed under.
    pub(super) fn keep_person(&self, key: &Key, account: &Account, got: &SignedIn) -> std::io::Result<String> {
        let hint = hint(account);
        let who = got.user_name.as_deref().map(str::to_lowercase).or_else(|| hint.clone()).unwrap_or_default();
        if hint.as_ref() != Some(&who) {
            let before = self.open::<Choice>(&choice_file(account)).map(|choice| choice.who);
            if let Some(other) = before.filter(|before| *before != who) {
                // Somebody else signed in for the same calls: none of them may go on as the one before.
                let owner = Owner { who: Some(other), ..Owner::of(account) };
                self.forget_tokens(|token| token.owner == owner);
            }
            self.seal(key, &choice_file(account), &Choice { who: who.clone() })?;
        }
        if let Some(refresh_token) = &got.refresh_token {
            let file = person_file(account, &who);
            let known: Option<StoredPerson> = self.open(&file);
            let stored = StoredPerson {
                refresh_token: refresh_token.expose().to_owned(),
                user_name: got.user_name.clone(),
                signed_in: known.map_or_else(|| jiff::Timestamp::now().as_second(), |known| known.signed_in),
                owner: Owner { who: Some(who.clone()), ..Owner::of(account) },
                trust: self.trust.file.as_deref().and_then(Path::to_str).map(ToOwned::to_owned),
                trust_data: self.trust.data.clone(),
            };
            self.seal(key, &file, &stored)?;
        }
        Ok(who)
    }

    pub(super) fn forget_tokens(&self, which: impl Fn(&StoredToken) -> bool) {
        for (path, token) in self.all::<StoredToken>("token").1 {
            if which(&token) {
                let _ = std::fs::remove_file(path);
            }
        }
    }

    /// Forgets which calls meant this person.
    pub(super) fn forget_choices(&self, who: &str) {
        for (path, choice) in self.all::<Choice>("choice").1 {
            if choice.who == who {
                let _ = std::fs::remove_file(path);
            }
        }
    }

    fn person(&self, account: &Account) -> Option<StoredPerson> {
        if matches!(account.subject, Subject::Application(_) | Subject::WithPassword { .. }) {
            return None;
        }
        self.open(&person_file(account, &self.who(account)?))
    }

    /// The name that the account means.
    fn who(&self, account: &Account) -> Option<String> {
        if let Subject::Exactly(name) = &account.subject {
            return Some(name.to_lowercase());
        }
        if let Some(choice) = self.open::<Choice>(&choice_file(account)) {
            return Some(choice.who);
        }
        if let Some(hint) = hint(account) {
            return Some(hint);
        }
        let here = Owner::of(account);
        let mut found = self.all::<StoredPerson>("person").1.into_iter().map(|(_, person)| person.owner);
        let mut here = std::iter::from_fn(|| found.find(|owner| Owner { who: None, ..owner.clone() } == here));
        let only = here.next()?;
        if here.next().is_some() { None } else { only.who }
    }
}

/// The name in lower case, as services compare it.
fn hint(account: &Account) -> Option<String> {
    match &account.subject {
        Subject::Person(hint) => hint.as_deref().filter(|hint| !hint.is_empty()).map(str::to_lowercase),
        Subject::Exactly(name) => Some(name.to_lowercase()),
        Subject::Application(_) | Subject::WithPassword { .. } => None,
    }
}

fn person_file(account: &Account, who: &str) -> String {
    format!("{}.person", id(&["person", &place(account), who]))
}

fn choice_file(account: &Account) -> String {
    format!("{}.choice", id(&["choice", &base(account)]))
}

/// Somebody who signed in.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredPerson {
    pub(super) refresh_token: String,
    pub(super) user_name: Option<String>,
    pub(super) signed_in: i64,
    pub(super) owner: Owner,
    pub(super) trust: Option<String>,
    #[serde(default)]
    pub(super) trust_data: Option<String>,
}

/// Whom a call means.
#[derive(Serialize, Deserialize)]
pub(super) struct Choice {
    pub(super) who: String,
}
