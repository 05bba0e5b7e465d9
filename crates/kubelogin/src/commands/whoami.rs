//! `kubelogin whoami`: who a cluster will see. It reads what is cached and asks nobody.

use std::fmt::Write as _;

use entrance_client::cache::Subject;
use entrance_client::pop::PopKey;
use entrance_wire::oauth_client::Who;
use jiff::Timestamp;
use serde_json::json;

use super::kubeconfig::Kubeconfig;
use super::{env, kept, opened};
use crate::failure::Failure;
use crate::login::{Login, Way, pop};
use crate::options::{BadOption, Given, Opt, Settings};

pub(super) fn run(given: Given) -> Result<(), Failure> {
    let wants_json = kept::as_json(&given);
    let (context, settings) = if given.has(Opt::ServerId) { (None, Settings::of(given, &env)?) } else { of_kubeconfig(&given)? };
    if settings.text(Opt::ServerId).is_none() {
        return Err(BadOption::NoServer.into());
    }
    let mut way = Way::of(&settings, &env)?;
    let cache = opened(settings.cache(&env)?);
    if pop::asked(&settings)?.is_some() {
        way.bind(PopKey::of(&cache).map_err(Failure::GetToken)?.thumbprint());
    }
    let Some((account, request)) = way.kept_for() else {
        let login = settings.login.as_str();
        let hint = match settings.login {
            Login::AzureCli => "\nhint: `az account show` tells who that is",
            Login::Azd => "\nhint: `azd auth status` tells who that is",
            _ => "",
        };
        return Err(Failure::NotSignedIn(format!("with `--login {login}` no tokens are kept here{hint}")));
    };
    let now = Timestamp::now();
    let token = cache.token(&account, &request.resource, now);
    let known = cache.account(&account);
    if token.is_none() && known.is_none() {
        return Err(Failure::NotSignedIn(format!(
            "nobody is signed in for {} at {}\nhint: the next kubectl command asks for a sign-in",
            request.resource, account.authority
        )));
    }
    let who = token.as_ref().and_then(|token| Who::of(token.token.expose())).unwrap_or_default();
    let named = known.and_then(|known| known.user_name).or(Some(who.preferred_username).filter(|name| !name.is_empty()));
    let by_password = match &account.subject {
        Subject::WithPassword { name, .. } => Some(name.clone()),
        _ => None,
    };
    let named = named.or(by_password);
    let is_application = matches!(account.subject, Subject::Application(_)) && named.is_none();
    let expires = token.map(|token| token.expires);
    if wants_json {
        let answer = json!({
            "context": context,
            "userName": named,
            "objectId": (!who.oid.is_empty()).then_some(&who.oid),
            "tenantId": (!who.tid.is_empty()).then_some(&who.tid),
            "application": is_application,
            "authority": account.authority,
            "clientId": account.client,
            "resource": request.resource,
            "expires": expires.map(|at| at.to_string()),
        });
        return kept::print_json(&answer);
    }
    let mut out = String::new();
    let _ = match (&named, is_application) {
        (Some(name), _) => writeln!(out, "{name}"),
        (None, true) => writeln!(out, "application {}", account.client),
        (None, false) => writeln!(out, "{}", kept::name(None)),
    };
    if !who.oid.is_empty() {
        let _ = writeln!(out, "  object {} in tenant {}", who.oid, who.tid);
    }
    let _ = writeln!(out, "  by {}, application {}", account.authority, account.client);
    let _ = match expires {
        Some(at) => writeln!(out, "  for {} until {} ({})", request.resource, kept::time(at), kept::left(at, now)),
        None => writeln!(out, "  for {}: the next call gets a new token", request.resource),
    };
    kept::print(&out)
}

/// What kubectl would call this program with.
fn of_kubeconfig(given: &Given) -> Result<(Option<String>, Settings), Failure> {
    let nobody = |what: String| Failure::NotSignedIn(what);
    let config = Kubeconfig::load(given, &env);
    if let Some((file, reason)) = config.broken.first() {
        return Err(nobody(format!("the kubeconfig {} cannot be read: {reason}", file.display())));
    }
    let wanted = given.text(Opt::Context);
    let Some((name, context)) = config.context(wanted) else {
        return Err(nobody(match wanted {
            Some(name) => format!("no context exists with the name: {name:?}"),
            None => "the kubeconfig has no current context\nhint: name one with `--context`, or give `--server-id` and the rest"
                .into(),
        }));
    };
    let user = config.user_of(context).filter(|user| user.is_kubelogin() && !user.is_foreign());
    let Some(user) = user else {
        return Err(nobody(format!(
            "the user of context {name:?} does not sign in with this program\nhint: `kubectl auth whoami` asks the cluster itself"
        )));
    };
    let mut words = user.given();
    words.beaten_by(given);
    Ok((Some(name), Settings::of(words, &env)?))
}
