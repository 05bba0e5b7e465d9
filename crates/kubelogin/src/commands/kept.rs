//! What the commands about people have in common: the caches that there are, and how people and times are shown.

use entrance_client::Trust;
use entrance_client::cache::{Inventory, KnownToken, Owner, Storage, TokenCache};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{env, opened};
use crate::failure::Failure;
use crate::options::{Given, Opt, cache, trust as trust_of};
use crate::terminal;

/// The cache that was named, or each that holds something: a key may lie in a file for one cluster and in the keyring for another.
pub(super) fn caches(given: &Given) -> Result<Vec<TokenCache>, Failure> {
    if given.has(Opt::CacheStorage) {
        return Ok(vec![opened(cache(given, &env)?)]);
    }
    let mut found = Vec::new();
    for storage in [Storage::File, Storage::Keyring] {
        let cache = cache(given, &env)?.kept_in(storage);
        if cache.has_entries() {
            found.push(cache);
        }
    }
    if found.is_empty() {
        found.push(opened(cache(given, &env)?));
    }
    Ok(found)
}

/// Somebody with everything of theirs.
pub(super) struct Entry<'a> {
    pub(super) owner: &'a Owner,
    pub(super) user_name: Option<&'a str>,
    pub(super) signed_in: Option<Timestamp>,
    pub(super) tokens: Vec<&'a KnownToken>,
}

/// The people, then tokens without a person who could renew them: those of applications, of people
/// who sign in with a password, and of people whose sign-in ended.
pub(super) fn entries(inventory: &Inventory) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = inventory
        .people
        .iter()
        .map(|person| Entry {
            owner: &person.owner,
            user_name: person.user_name.as_deref(),
            signed_in: Some(person.signed_in),
            tokens: Vec::new(),
        })
        .collect();
    for token in &inventory.tokens {
        if let Some(entry) = entries.iter_mut().find(|entry| *entry.owner == token.owner) {
            entry.tokens.push(token);
        } else {
            let user_name = token.owner.who.as_deref();
            entries.push(Entry { owner: &token.owner, user_name, signed_in: None, tokens: vec![token] });
        }
    }
    entries
}

/// Whose certificates the options name, else those that were believed at the sign-in.
pub(super) fn trust(given: &Given, at_sign_in: &Trust) -> Trust {
    let said = trust_of(given);
    if said == Trust::default() { at_sign_in.clone() } else { said }
}

/// The members that tell whose something is, the same in every answer.
pub(super) fn owner(owner: &Owner) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("authority".into(), owner.authority.clone().into());
    out.insert("clientId".into(), owner.client.clone().into());
    out.insert("legacy".into(), owner.legacy.into());
    out.insert("boundToKey".into(), owner.bound_to.clone().into());
    out
}

/// Where and with what somebody signed in.
pub(super) fn place(owner: &Owner) -> String {
    let version = if owner.legacy { ", v1 protocol" } else { "" };
    let bound = if owner.bound_to.is_some() { ", bound to a key" } else { "" };
    format!("{}, application {}{version}{bound}", owner.authority, owner.client)
}

/// A name, or what stands for one that no service told.
pub(super) fn name(name: Option<&str>) -> &str {
    name.filter(|name| !name.is_empty()).unwrap_or("(name not known)")
}

/// A point in time as people compare it with their watch, and as it sorts.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// How long a token still lives.
pub(super) fn left(until: Timestamp, now: Timestamp) -> String {
    let seconds = until.duration_since(now).as_secs();
    match seconds {
        ..=0 => "expired".into(),
        1..120 => format!("{seconds} s left"),
        _ => format!("{} min left", seconds / 60),
    }
}

/// Whether the result shall be JSON.
pub(super) fn as_json(given: &Given) -> bool {
    given.text(Opt::Output) == Some("json")
}

/// Prints a result for people.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    result(&entrance_client::printable(text.trim_end()))
}

/// Prints a result for programs.
pub(super) fn print_json(answer: &Value) -> Result<(), Failure> {
    result(&entrance_client::printable_json(&answer.to_string()))
}

fn result(text: &str) -> Result<(), Failure> {
    terminal::result(text).map_err(|source| Failure::Machine { doing: "printing".into(), source })
}
