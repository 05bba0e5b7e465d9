//! `kubelogin accounts`: who is signed in on this machine. Asks nobody.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::kept;
use crate::failure::Failure;
use crate::options::Given;

pub(super) fn run(given: &Given) -> Result<(), Failure> {
    let caches = kept::caches(given)?;
    let people: Vec<_> = caches.iter().flat_map(|cache| cache.inventory().people).collect();
    if kept::as_json(given) {
        let people: Vec<Value> = people
            .iter()
            .map(|person| {
                let mut out = serde_json::Map::new();
                out.insert("userName".into(), person.user_name.clone().into());
                out.extend(kept::owner(&person.owner));
                out.insert("signedIn".into(), person.signed_in.to_string().into());
                Value::Object(out)
            })
            .collect();
        return kept::print(&json!({ "accounts": people }).to_string());
    }
    if people.is_empty() {
        return kept::print("Nobody is signed in.");
    }
    let mut out = String::new();
    for person in &people {
        let _ = writeln!(
            out,
            "{}\n  {}\n  since {}",
            kept::name(person.user_name.as_deref()),
            kept::place(&person.owner),
            kept::time(person.signed_in)
        );
    }
    kept::print(&out)
}
