//! `kubelogin logout`: ends sign-ins, here and at the service.
//!
//! The service is told first, for a few seconds at most; whatever it says, nothing of the person stays on this machine.

use std::time::Duration;

use entrance_client::authority::Authority;
use entrance_client::cache::{KnownPerson, Owner, TokenCache};
use entrance_client::grant::revoke::{self, Outcome};
use entrance_client::{Http, SignInError};

use super::kept;
use crate::failure::Failure;
use crate::options::{Given, Opt};
use crate::terminal;

pub(super) fn run(given: &Given) -> Result<(), Failure> {
    let caches = kept::caches(given)?;
    let people = caches.iter().flat_map(|cache| {
        let inventory = cache.inventory();
        let people = kept::entries(&inventory).into_iter().filter(|entry| entry.owner.who.is_some());
        people.map(|entry| (cache, entry.owner.clone(), kept::name(entry.user_name).to_owned())).collect::<Vec<_>>()
    });
    let chosen = chosen(given, people.collect())?;
    let mut trouble = Vec::new();
    for (cache, owner, who) in &chosen {
        // Somebody who renews their token right now finishes first, and what they kept goes too.
        let _lock = cache.lock_person(&owner.account(), A_REFRESH);
        let person = cache.inventory().people.into_iter().find(|person| person.owner == *owner);
        let told = person.map(|person| tell(given, &person));
        cache.forget_person(owner);
        match told {
            // Who signs in with a password left nothing that could be given back.
            None => terminal::say(&format!("{who} is signed out here.")),
            Some(Ok(Outcome::Revoked)) => terminal::say(&format!("{who} is signed out.")),
            Some(Ok(Outcome::NotOffered)) => terminal::warn(&format!(
                "{who} is signed out here; {} has no way to end a sign-in from outside, so end it on its own pages.",
                host(owner)
            )),
            Some(Err(error)) => {
                terminal::warn(&format!("{who} is signed out here, but {} could not be told.", host(owner)));
                trouble.push(error);
            }
        }
    }
    if given.is_on(Opt::All) {
        for cache in &caches {
            let doing = || format!("cannot clear {}", cache.folder().display());
            cache.forget_everything().map_err(|source| Failure::Machine { doing: doing(), source })?;
        }
    } else if chosen.is_empty() {
        terminal::say("Nobody is signed in here.");
    }
    match trouble.into_iter().next() {
        Some(error) => Err(Failure::NotRevoked(error.to_string())),
        None => Ok(()),
    }
}

/// Somebody, where they are kept, and the name to call them by.
type Known<'a> = (&'a TokenCache, Owner, String);

/// Whom it is about: who was named, everybody, or the only one there is.
fn chosen<'a>(given: &Given, people: Vec<Known<'a>>) -> Result<Vec<Known<'a>>, Failure> {
    if given.is_on(Opt::All) {
        return Ok(people);
    }
    if let Some(name) = given.text(Opt::Account) {
        let wanted = name.to_lowercase();
        let found: Vec<_> = people.into_iter().filter(|(_, owner, _)| owner.who.as_ref() == Some(&wanted)).collect();
        return if found.is_empty() { Err(Failure::NoSuchAccount(name.to_owned())) } else { Ok(found) };
    }
    let mut names: Vec<String> = people.iter().map(|(_, _, name)| name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() > 1 { Err(Failure::WhichAccount(names)) } else { Ok(people) }
}

/// Gives the refresh token back to its service.
fn tell(given: &Given, person: &KnownPerson) -> Result<Outcome, SignInError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| SignInError::Machine { doing: "starting", source })?;
    let told = runtime.block_on(async {
        let authority = Authority::read(&person.owner.authority)?;
        let http = Http::new(&kept::trust(given, &person.trust), super::AGENT)?;
        let told = revoke::revoke(&http, &authority, &person.owner.client, &person.refresh_token);
        tokio::time::timeout(PATIENCE, told).await.unwrap_or(Err(SignInError::TimedOut(PATIENCE)))
    });
    runtime.shutdown_background();
    told
}

fn host(owner: &Owner) -> &str {
    let authority = owner.authority.trim_start_matches("https://");
    authority.split('/').next().unwrap_or(authority)
}

const PATIENCE: Duration = Duration::from_secs(10);
const A_REFRESH: Duration = Duration::from_secs(3);
