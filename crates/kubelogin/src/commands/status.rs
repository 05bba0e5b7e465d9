//! `kubelogin status`: what lies in the cache, for whom, until when. Asks nobody and shows no token.

use std::fmt::Write as _;

use entrance_client::cache::{Inventory, TokenCache};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::kept::{self, Entry, entries};
use crate::failure::Failure;
use crate::options::Given;

pub(super) fn run(given: &Given) -> Result<(), Failure> {
    let now = Timestamp::now();
    let caches: Vec<_> = kept::caches(given)?.into_iter().map(|cache| (cache.inventory(), cache)).collect();
    if kept::as_json(given) {
        let caches: Vec<Value> = caches.iter().map(|(inventory, cache)| as_json(cache, inventory, now)).collect();
        return kept::print_json(&json!({ "caches": caches }));
    }
    let mut out = String::new();
    for (inventory, cache) in &caches {
        as_text(&mut out, cache, inventory, now);
    }
    kept::print(&out)
}

fn as_json(cache: &TokenCache, inventory: &Inventory, now: Timestamp) -> Value {
    let shown = |entry: &Entry<'_>| {
        let mut out = Map::new();
        if entry.owner.who.is_some() {
            out.insert("userName".into(), entry.user_name.into());
        }
        out.extend(kept::owner(entry.owner));
        out.insert("signedIn".into(), entry.signed_in.map(|at| at.to_string()).into());
        out.insert("renewsByItself".into(), entry.signed_in.is_some().into());
        let tokens: Vec<Value> = entry
            .tokens
            .iter()
            .map(
                |token| json!({ "resource": token.resource, "expires": token.expires.to_string(), "valid": token.expires > now }),
            )
            .collect();
        out.insert("tokens".into(), tokens.into());
        Value::Object(out)
    };
    let entries = entries(inventory);
    let (people, applications): (Vec<&Entry<'_>>, Vec<&Entry<'_>>) = entries.iter().partition(|entry| entry.owner.who.is_some());
    json!({
        "folder": cache.folder().display().to_string(),
        "backend": cache.storage().as_str(),
        "unreadableEntries": inventory.unreadable,
        "accounts": people.into_iter().map(shown).collect::<Vec<_>>(),
        "applications": applications.into_iter().map(shown).collect::<Vec<_>>(),
    })
}

fn as_text(out: &mut String, cache: &TokenCache, inventory: &Inventory, now: Timestamp) {
    let key = match cache.storage().as_str() {
        "keyring" => "encrypted, key in the kernel's keyring",
        "none" => "nothing is kept",
        _ => "encrypted, key in a file",
    };
    let _ = writeln!(out, "Token cache: {} ({key})", cache.folder().display());
    if inventory.unreadable > 0 {
        let _ = writeln!(out, "  {} entries do not open any more; the next sign-in replaces them", inventory.unreadable);
    }
    let entries = entries(inventory);
    if entries.is_empty() {
        out.push_str("Nobody is signed in.\n");
    }
    for entry in entries {
        let who = if entry.owner.who.is_some() { kept::name(entry.user_name) } else { "An application by itself" };
        let _ = writeln!(out, "\n{who}\n  {}", kept::place(entry.owner));
        match entry.signed_in {
            Some(at) => {
                let _ = writeln!(out, "  signed in since {}; new tokens come by themselves", kept::time(at));
            }
            None if entry.owner.who.is_some() => out.push_str("  after the last token a new sign-in is needed\n"),
            None => {}
        }
        for token in entry.tokens {
            let _ =
                writeln!(out, "  {} until {} ({})", token.resource, kept::time(token.expires), kept::left(token.expires, now));
        }
    }
}
