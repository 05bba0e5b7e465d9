//! `kubelogin logout`: ends sign-ins, here and at the service.
//!
//! The service is told first, for a few seconds at most; whatever it says, nothing of the person stays on this machine.

use std::time::Duration;

use entrance_client::authority::Authority;
use entrance_client::cache::{KnownPerson, TokenCache};
use entrance_client::grant::revoke::{self, Outcome};
use entrance_client::{Http, SignInError, Trust};

use super::kept;
use crate::failure::Failure;
use crate::options::{Given, Opt};
use crate::terminal;

pub(super) fn run(given: &Given) -> Result<(), Failure> {
    let caches = kept::caches(given)?;
    let people: Vec<(&TokenCache, KnownPerson)> =
        caches.iter().flat_map(|cache| cache.inventory().people.into_iter().map(move |person| (cache, person))).collect();
    let chosen = chosen(given, people)?;
    let mut trouble = Vec::new();
    for (cache, person) in &chosen {
        let who = kept::name(person.user_name.as_deref());
        // Somebody who renews their token right now finishes first, and what they kept goes too.
        let _lock = cache.lock_person(&person.owner.account(), A_REFRESH);
        let newest = cache.inventory().people.into_iter().find(|newest| newest.owner == person.owner);
        let told = tell(given, newest.as_ref().unwrap_or(person));
        cache.forget_person(person);
        match told {
            Ok(Outcome::Revoked) => terminal::say(&format!("{who} is signed out.")),
            Ok(Outcome::NotOffered) => terminal::warn(&format!(
                "{who} is signed out here; {} has no way to end a sign-in from outside, so end it on its own pages.",
                host(person)
            )),
            Err(error) => {
                terminal::warn(&format!("{who} is signed out here, but {} could not be told.", host(person)));
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

/// Whom it is about: who was named, everybody, or the only one there is.
fn chosen<'a>(given: &Given, people: Vec<(&'a TokenCache, KnownPerson)>) -> Result<Vec<(&'a TokenCache, KnownPerson)>, Failure> {
    if given.is_on(Opt::All) {
        return Ok(people);
    }
    if let Some(name) = given.text(Opt::Account) {
        let wanted = name.to_lowercase();
        let found: Vec<_> = people.into_iter().filter(|(_, person)| person.owner.who.as_ref() == Some(&wanted)).collect();
        return if found.is_empty() { Err(Failure::NoSuchAccount(name.to_owned())) } else { Ok(found) };
    }
    let mut names: Vec<String> = people.iter().map(|(_, person)| kept::name(person.user_name.as_deref()).to_owned()).collect();
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
        let file = given.text(Opt::CertificateAuthority).or(person.trust.as_deref());
        let http = Http::new(&Trust { file: file.map(Into::into), ..Trust::default() }, super::AGENT)?;
        let told = revoke::revoke(&http, &authority, &person.owner.client, &person.refresh_token);
        tokio::time::timeout(PATIENCE, told).await.unwrap_or(Err(SignInError::TimedOut(PATIENCE)))
    });
    runtime.shutdown_background();
    told
}

fn host(person: &KnownPerson) -> &str {
    let authority = person.owner.authority.trim_start_matches("https://");
    authority.split('/').next().unwrap_or(authority)
}

const PATIENCE: Duration = Duration::from_secs(10);
const A_REFRESH: Duration = Duration::from_secs(3);
