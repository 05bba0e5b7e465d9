//! What the commands about people have in common: the caches that there are, and how people and times are shown.

use entrance_client::cache::{Owner, Storage, TokenCache};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{env, opened};
use crate::failure::Failure;
use crate::options::{Given, Opt, cache};
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

/// Prints a result.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let shown = entrance_client::printable(text.trim_end());
    terminal::result(&shown).map_err(|source| Failure::Machine { doing: "printing".into(), source })
}
