//! `kubelogin accounts`: who is signed in on this machine. Asks nobody.

use std::fmt::Write as _;

use entrance_client::cache::TokenCache;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::kept::{self, Entry};
use crate::failure::Failure;
use crate::options::Given;

pub(super) fn run(given: &Given) -> Result<(), Failure> {
    let caches = kept::caches(given)?;
    let inventories: Vec<_> = caches.iter().map(TokenCache::inventory).collect();
    let now = Timestamp::now();
    // With a token alone somebody is signed in while it lives.
    let is_here = |entry: &Entry<'_>| entry.signed_in.is_some() || entry.tokens.iter().any(|token| token.expires > now);
    let people = inventories.iter().flat_map(kept::entries).filter(|entry| entry.owner.who.is_some() && is_here(entry));
    let people: Vec<_> = people.collect();
    if kept::as_json(given) {
        let people: Vec<Value> = people
            .iter()
            .map(|person| {
                let mut out = serde_json::Map::new();
                out.insert("userName".into(), person.user_name.into());
                out.extend(kept::owner(person.owner));
                out.insert("signedIn".into(), person.signed_in.map(|at| at.to_string()).into());
                Value::Object(out)
            })
            .collect();
        return kept::print_json(&json!({ "accounts": people }));
    }
    if people.is_empty() {
        return kept::print("Nobody is signed in.");
    }
    let mut out = String::new();
    for person in &people {
        let since = person.signed_in.map_or_else(|| "by a token alone".to_owned(), |at| format!("since {}", kept::time(at)));
        let _ = writeln!(out, "{}\n  {}\n  {since}", kept::name(person.user_name), kept::place(person.owner));
    }
    kept::print(&out)
}
