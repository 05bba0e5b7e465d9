//! The token services: reachable, believed, on the same time; and whether those who are signed in still are.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use entrance_client::authority::Authority;
use entrance_client::cache::{KnownPerson, TokenCache};
use entrance_client::grant::{self, Request};
use entrance_client::{Http, SignInError, Trust};

use super::Report;
use crate::commands::kubeconfig::Kubeconfig;
use crate::commands::{AGENT, env, kept};
use crate::options::{Given, Opt, Settings};

/// A token service and how it is believed.
type Services = BTreeMap<String, Trust>;

pub(super) fn look(report: &mut Report, given: &Given, config: &Kubeconfig) {
    let caches = kept::caches(given).unwrap_or_default();
    let people: Vec<(&TokenCache, KnownPerson)> =
        caches.iter().flat_map(|cache| cache.inventory().people.into_iter().map(move |person| (cache, person))).collect();
    let services = services(report, given, config, &people);
    if services.is_empty() {
        return report.odd(
            "token service",
            "none is named by the kubeconfig or the options",
            "name one with `--authority-host` and `-t`",
        );
    }
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    runtime.block_on(async {
        let mut reachable = BTreeSet::new();
        for (authority, trust) in &services {
            if reach(report, authority, trust).await {
                reachable.insert(authority.as_str());
            }
        }
        for (cache, person) in &people {
            if reachable.contains(person.owner.authority.as_str()) {
                still_signed_in(report, given, cache, person).await;
            }
        }
    });
    runtime.shutdown_background();
}

/// Those of the kubeconfig's users, of who is signed in, and of the options.
fn services(report: &mut Report, given: &Given, config: &Kubeconfig, people: &[(&TokenCache, KnownPerson)]) -> Services {
    let mut found = Services::new();
    let users = config.exec_users();
    let of_users = users.iter().filter(|user| user.is_kubelogin() && !user.is_foreign()).map(|user| {
        let mut words = user.given();
        words.beaten_by(given);
        (format!("user {:?}", user.name), words)
    });
    let mut options = Given::default();
    options.beaten_by(given);
    let of_options = (given.has(Opt::AuthorityHost) || given.has(Opt::Environment)).then(|| ("the options".to_owned(), options));
    for (whose, words) in of_users.chain(of_options) {
        let settings = match Settings::of(words, &env) {
            Ok(settings) => settings,
            Err(error) => {
                report.failed("kubeconfig", format!("{whose}: {error}"), "correct it, or convert it again");
                continue;
            }
        };
        // Without a tenant there is nothing to ask: machines' identities and other programs.
        let Some(tenant) = settings.text(Opt::TenantId) else { continue };
        match settings.authority_host().and_then(|host| Ok((Authority::new(&host, tenant), settings.trust()?))) {
            Ok((Ok(authority), trust)) => drop(found.insert(authority.to_string(), trust)),
            Ok((Err(error), _)) => report.failed("kubeconfig", format!("{whose}: {error}"), "correct it, or convert it again"),
            Err(error) => report.failed("kubeconfig", format!("{whose}: {error}"), "correct it, or convert it again"),
        }
    }
    for (_, person) in people {
        found.entry(person.owner.authority.clone()).or_insert_with(|| kept::trust(given, &person.trust));
    }
    found
}

async fn reach(report: &mut Report, name: &str, trust: &Trust) -> bool {
    const CHECK: &str = "token service";
    let asked = async {
        let authority = Authority::read(name)?;
        let http = Http::new(trust, AGENT)?;
        within(authority.discover(&http)).await?;
        Ok::<_, SignInError>(http.clock_difference())
    };
    match asked.await {
        Ok(difference) => {
            report.good(CHECK, format!("{name} answers"));
            if let Some(ahead) = difference.map(|difference| difference.as_secs()) {
                if ahead.abs() > CLOCK {
                    let word = if ahead > 0 { "behind" } else { "ahead of" };
                    report.failed(
                        "clock",
                        format!("this machine is {} s {word} {name}", ahead.abs()),
                        "set it right; tokens are refused otherwise",
                    );
                } else {
                    report.good("clock", format!("within {CLOCK} s of {name}"));
                }
            }
            true
        }
        Err(error) => {
            let text = error.to_string();
            let (what, hint) = text.split_once("\nhint: ").unwrap_or((&text, "check network, proxy and address"));
            report.failed(CHECK, format!("{name}: {what}"), hint);
            false
        }
    }
}

/// Does what the next call would do: gets a token with the refresh token, and keeps both.
async fn still_signed_in(report: &mut Report, given: &Given, cache: &TokenCache, person: &KnownPerson) {
    const CHECK: &str = "sign-in";
    let who = kept::name(person.user_name.as_deref()).to_owned();
    let account = person.owner.account();
    let Ok(_lock) = cache.lock_person(&account, PATIENCE) else {
        return report.odd(CHECK, format!("{who} is being signed in right now"), "look again when that is done");
    };
    let inventory = cache.inventory();
    let Some(token) = inventory.tokens.iter().find(|token| token.owner == person.owner) else {
        return report.odd(
            CHECK,
            format!("{who} has used no cluster since the sign-in"),
            "the next kubectl command shows whether it is good",
        );
    };
    let Some(known) = cache.account(&account) else { return };
    let trust = kept::trust(given, &person.trust);
    let asked = async {
        let request = Request {
            authority: Authority::read(&person.owner.authority)?,
            client_id: person.owner.client.clone(),
            resource: token.resource.clone(),
            legacy: person.owner.legacy,
            bound_to: person.owner.bound_to.clone(),
        };
        let http = Http::new(&trust, AGENT)?;
        let mut got = within(grant::refresh(&http, &request, &known.refresh_token)).await?;
        got.refresh_token = got.refresh_token.or(Some(known.refresh_token));
        got.user_name = got.user_name.or(known.user_name);
        Ok::<_, SignInError>(got)
    };
    match asked.await {
        Ok(got) => match cache.clone().trusting(trust).keep(&account, &token.resource, &got) {
            Ok(()) => report.good(CHECK, format!("{who} is signed in; a new token came")),
            Err(error) => report.failed(CHECK, error.to_string(), "free some space, or name another folder with `--cache-dir`"),
        },
        Err(error) if error.needs_a_person() => {
            let said = error.to_string();
            let first = said.lines().next().unwrap_or_default();
            report.failed(
                CHECK,
                format!("{who} has to sign in again: {first}"),
                "the next kubectl command in a terminal asks for it",
            );
        }
        Err(error) => report.failed(CHECK, format!("{who}: {error}"), "try again; the token at hand is used meanwhile"),
    }
}

async fn within<T>(work: impl Future<Output = Result<T, SignInError>>) -> Result<T, SignInError> {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or(Err(SignInError::TimedOut(PATIENCE)))
}

const PATIENCE: Duration = Duration::from_secs(10);
/// As much as tokens forgive.
const CLOCK: i64 = 60;
