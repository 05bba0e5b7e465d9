//! `kubelogin get-token`: what kubectl calls.
//!
//! The cache is asked first, with nothing else set up. Only a miss takes the account's lock, starts a runtime and talks to the network; whoever
//! waited for the lock looks into the cache again, so that many processes that start together ask the person once.

use std::fmt::Write as _;
use std::time::Duration;

use entrance_client::cache::{Account, AccountLock, CachedToken, NoLock, Subject, TokenCache};
use entrance_client::grant::{self, Request};
use entrance_client::pop::PopKey;
use entrance_client::{Http, SignInError, SignedIn};
use entrance_wire::exec_credential::{ExecInfo, credential};
use jiff::Timestamp;

use super::limit::Limit;
use super::{env, opened};
use crate::failure::Failure;
use crate::login::{Login, Way, chained, pop};
use crate::options::{BadOption, FLAGS, Given, Opt, Settings, Takes};
use crate::refused::{self, Advice};
use crate::terminal::{self, Stderr, quoted};

pub(super) fn run(given: Given) -> Result<(), Failure> {
    let settings = Settings::of(given, &env)?;
    if settings.text(Opt::ServerId).is_none() {
        return Err(BadOption::NoServer.into());
    }
    let run = Limit::from_now(settings.timeout);
    if settings.login == Login::Chained {
        return chained(&settings, run);
    }
    let mut way = Way::of(&settings, &env)?;
    let cache = opened(settings.cache(&env)?);
    let bound = Bound::of(&settings, &cache)?;
    if let Some(bound) = &bound {
        way.bind(bound.key.thumbprint());
    }
    // Read before anybody signs in: an answer that kubectl will not take is not worth a prompt.
    let info = ExecInfo::read(env("KUBERNETES_EXEC_INFO").as_deref())?;
    let call = Call { settings: &settings, way: &way, info: &info, run };
    // A bound token is worth nothing without its proof, also to who would tell the reason.
    let got = if bound.is_none() { call.token_that_opens(&cache)? } else { call.token(&cache)? };
    give(&info, got, bound.as_ref())
}

/// The first way that gives a token. What an earlier call found at the end of the chain is not looked for again, as long as nothing
/// before it speaks up.
fn chained(settings: &Settings, run: Limit) -> Result<(), Failure> {
    let cache = opened(settings.cache(&env)?);
    let info = ExecInfo::read(env("KUBERNETES_EXEC_INFO").as_deref())?;
    let ways = chained::offered(settings, &env);
    let is_known = |(_, way): &(Login, Way)| {
        way.kept_for().is_some_and(|(account, request)| {
            cache.account(&account).is_some() || cache.token(&account, &request.resource, Timestamp::now()).is_some()
        })
    };
    for (at, (login, way)) in ways.iter().enumerate() {
        if way.is_a_guess() && ways[at..].iter().any(is_known) {
            chained::pass_over(*login, "an earlier call came to the one after it");
            continue;
        }
        match (Call { settings, way, info: &info, run }).token_that_opens(&cache) {
            Ok(got) => {
                terminal::detail(2, &format!("chained: {} it is", login.as_str()));
                return give(&info, got, None);
            }
            Err(Failure::GetToken(reason)) if way.is_a_guess() => chained::pass_over(*login, &reason.to_string()),
            Err(other) => return Err(other),
        }
    }
    // Not even a person can be asked: the reason is what is missing for that.
    Way::of(settings, &env)?;
    Err(Failure::GetToken(SignInError::Federation(
        "no way to sign in is offered here\nhint: `-v 2` tells what was looked for".into(),
    )))
}

fn give(info: &ExecInfo, got: CachedToken, bound: Option<&Bound>) -> Result<(), Failure> {
    let expires = Timestamp::from_second(got.expires.as_second()).unwrap_or(got.expires);
    let token = match bound {
        Some(bound) => bound.key.proof(&got.token, &bound.cluster, Timestamp::now()).map_err(Failure::GetToken)?,
        None => got.token,
    };
    terminal::result(&credential(info.version, token.expose(), &expires.to_string()))
        .map_err(|source| Failure::Machine { doing: "printing the token".into(), source })
}

/// The key that the token is bound to, and the cluster that each proof names.
struct Bound {
    key: PopKey,
    cluster: String,
}

impl Bound {
    fn of(settings: &Settings, cache: &TokenCache) -> Result<Option<Self>, Failure> {
        let Some(cluster) = pop::asked(settings)? else { return Ok(None) };
        let key = PopKey::of(cache).map_err(Failure::GetToken)?;
        Ok(Some(Self { key, cluster }))
    }
}

struct Call<'a> {
    settings: &'a Settings,
    way: &'a Way,
    info: &'a ExecInfo,
    /// For the whole run, whatever it has to wait for.
    run: Limit,
}

/// What a miss needs to know about the cache.
struct Kept<'a> {
    cache: &'a TokenCache,
    account: &'a Account,
    request: &'a Request,
}

/// A token that came over the network.
enum Got {
    /// With a refresh token, and kept already.
    Renewed(SignedIn),
    /// By signing in.
    New(SignedIn),
}

impl Call<'_> {
    /// A token, and another one if the cluster does not take the first.
    fn token_that_opens(&self, cache: &TokenCache) -> Result<CachedToken, Failure> {
        let got = self.token(cache)?;
        if refused::look(self.settings, self.info, cache, &got.token) == Advice::GetAnother
            && let Some((account, request)) = self.way.kept_for()
        {
            cache.forget_token(&account, &request.resource);
            return self.token(cache);
        }
        Ok(got)
    }

    fn token(&self, cache: &TokenCache) -> Result<CachedToken, Failure> {
        Ok(match (self.way.ask_child(self.run.left()), self.way.kept_for()) {
            (Some(answer), _) => fresh(answer.map_err(Failure::GetToken)?),
            (None, Some((account, request))) => self.kept(cache, &account, request)?,
            (None, None) => {
                let (Got::Renewed(got) | Got::New(got)) = self.over_the_network(None).map_err(Failure::GetToken)?;
                fresh(got)
            }
        })
    }

    fn kept(&self, cache: &TokenCache, account: &Account, request: &Request) -> Result<CachedToken, Failure> {
        if let Some(hit) = cache.token(account, &request.resource, Timestamp::now()) {
            return Ok(hit);
        }
        let failed = |error| if self.way.asks_a_person() { Failure::Authenticate(error) } else { Failure::GetToken(error) };
        if cache.account(account).is_none() {
            self.somebody_can_be_asked().map_err(failed)?;
        }
        let lock = self.lock(cache, account).map_err(failed)?;
        if let Some(hit) = cache.token(account, &request.resource, Timestamp::now()) {
            return Ok(hit);
        }
        let got = match self.over_the_network(Some(&Kept { cache, account, request })).map_err(failed)? {
            Got::Renewed(got) => return Ok(fresh(got)),
            Got::New(got) => got,
        };
        let somebody_else = self.somebody_else(&got);
        // Whoever signed in stays signed in, under their own name.
        let theirs = Account { subject: Subject::Exactly(got.user_name.clone().unwrap_or_default()), ..account.clone() };
        let owner = if somebody_else.is_some() { &theirs } else { account };
        keep(cache, owner, request, &got);
        drop(lock);
        match somebody_else {
            Some(error) => Err(failed(error)),
            None => Ok(fresh(got)),
        }
    }

    /// The right to sign the account in; `None` where there are no locks. Whoever holds it may be waiting for a person, so a call that
    /// cannot ask one waits only as long as a refresh takes.
    fn lock(&self, cache: &TokenCache, account: &Account) -> Result<Option<AccountLock>, SignInError> {
        let limit = self.limit().unwrap_or_else(|| Limit::from_now(A_PERSON));
        let alone = self.somebody_can_be_asked().err();
        let patience = if alone.is_some() { limit.at_most(A_REFRESH) } else { limit };
        match cache.lock(account, patience.left(), || terminal::say("Another kubelogin is signing in; waiting for it.")) {
            Ok(lock) => Ok(Some(lock)),
            Err(NoLock::Busy) => Err(alone.unwrap_or_else(|| limit.is_over())),
            Err(NoLock::Impossible) => Ok(None),
        }
    }

    /// A cluster must not be entered as another person than the one it was asked for; a hint is only a hint.
    fn somebody_else(&self, got: &SignedIn) -> Option<SignInError> {
        if !self.way.asks_a_person() {
            return None;
        }
        let (wanted, who) = (self.settings.person()?, got.user_name.as_deref()?);
        if wanted.eq_ignore_ascii_case(who) || wanted.to_lowercase() == who.to_lowercase() {
            return None;
        }
        if self.settings.text(Opt::Account).is_none() {
            terminal::warn(&format!("{who} signed in, not {wanted}."));
            return None;
        }
        Some(SignInError::SomebodyElse { who: who.to_owned(), wanted: wanted.to_owned() })
    }

    fn over_the_network(&self, kept: Option<&Kept<'_>>) -> Result<Got, SignInError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| SignInError::Machine { doing: "starting", source })?;
        let done = runtime.block_on(async {
            let http = Http::new(&self.settings.trust().unwrap_or_default(), super::AGENT)?;
            if let Some(kept) = kept
                && let Some(got) = self.refreshed(&http, kept).await?
            {
                return Ok(Got::Renewed(got));
            }
            self.somebody_can_be_asked()?;
            let work = self.way.sign_in(&http, &Stderr);
            match self.limit() {
                Some(limit) => limit.within(work).await,
                None => work.await,
            }
            .map(Got::New)
        });
        // A browser's launcher may still be waiting for its browser.
        runtime.shutdown_background();
        done
    }

    /// The refresh token's answer; `None` where only a person helps.
    async fn refreshed(&self, http: &Http, kept: &Kept<'_>) -> Result<Option<SignedIn>, SignInError> {
        if kept.cache.account(kept.account).is_none() {
            return Ok(None);
        }
        // Calls that name one person differently share the refresh token, which is good once.
        let limit = self.limit().unwrap_or_else(|| Limit::from_now(self.settings.timeout));
        let lock = kept.cache.lock_person(kept.account, limit.left());
        let Some(known) = kept.cache.account(kept.account) else { return Ok(None) };
        let answer = match lock {
            Err(NoLock::Busy) => Err(limit.is_over()),
            _ => limit.within(grant::refresh(http, kept.request, &known.refresh_token)).await,
        };
        match answer {
            Ok(mut got) => {
                terminal::detail(2, "a refresh token gave the token");
                got.refresh_token = got.refresh_token.or(Some(known.refresh_token));
                got.user_name = got.user_name.or(known.user_name);
                // While the lock is held: whoever waits for it must find the new refresh token.
                keep(kept.cache, kept.account, kept.request, &got);
                Ok(Some(got))
            }
            Err(error) if error.needs_a_person() => {
                if error.ends_the_sign_in() {
                    kept.cache.forget(kept.account, &kept.request.resource);
                } else {
                    kept.cache.forget_token(kept.account, &kept.request.resource);
                }
                let why = error.to_string();
                terminal::say(&format!(
                    "The earlier sign-in is not accepted any more: {}",
                    why.lines().next().unwrap_or_default()
                ));
                Ok(None)
            }
            Err(error) => match kept.cache.fading_token(kept.account, &kept.request.resource, Timestamp::now()) {
                Some(last) => Ok(Some(SignedIn {
                    access_token: last.token,
                    expires: last.expires,
                    refresh_token: Some(known.refresh_token),
                    user_name: known.user_name,
                })),
                None => Err(error),
            },
        }
    }

    /// A person has the time that their code lives, unless a time for the run was chosen; everything else has the run's.
    fn limit(&self) -> Option<Limit> {
        if self.settings.login == Login::Chained && self.way.is_a_guess() {
            return Some(self.run.at_most(A_GUESS));
        }
        (self.settings.timeout_is_chosen || !self.way.asks_a_person()).then_some(self.run)
    }

    /// A prompt that nobody reads would only look like a hanging program.
    fn somebody_can_be_asked(&self) -> Result<(), SignInError> {
        let alone = self.way.asks_a_person()
            && self.info.interactive == Some(false)
            && !terminal::somebody_is_there()
            && env("KUBELOGIN_FORCE_PROMPT").is_none_or(|value| value != "1");
        if alone { Err(SignInError::NobodyToAsk { command: self.command() }) } else { Ok(()) }
    }

    /// This call, to be run by hand. A way that asks a person has no secrets among its options, and those that it does not need are left out.
    fn command(&self) -> String {
        const SECRET: [Opt; 3] = [Opt::ClientSecret, Opt::ClientCertificatePassword, Opt::Password];
        let mut out = String::from("kubelogin get-token");
        for flag in FLAGS.iter().filter(|flag| self.settings.mentions(flag.id) && !SECRET.contains(&flag.id)) {
            let _ = match flag.takes {
                Takes::Switch => write!(out, " --{}={}", flag.name, self.settings.is_on(flag.id)),
                _ => write!(out, " --{} {}", flag.name, quoted(self.settings.flag(flag.id).unwrap_or_default())),
            };
        }
        out
    }
}

/// A cache that cannot be written costs a sign-in at the next call, and nothing else.
fn keep(cache: &TokenCache, account: &Account, request: &Request, got: &SignedIn) {
    if let Err(error) = cache.keep(account, &request.resource, got) {
        terminal::warn(&format!("{error}; the next call signs in again."));
    }
}

fn fresh(got: SignedIn) -> CachedToken {
    CachedToken { token: got.access_token, expires: got.expires }
}

/// How long to look for a machine's identity that nothing speaks for.
const A_GUESS: Duration = Duration::from_secs(1);
/// How long to wait for another process whose person is signing in.
const A_PERSON: Duration = Duration::from_mins(16);
/// How long to wait for another process's refresh, with its tries again.
const A_REFRESH: Duration = Duration::from_secs(10);
