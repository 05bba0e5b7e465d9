//! `--login chained`: one kubeconfig for pipelines, machines and people. What the environment offers comes first, a person last.
//!
//! A way that is not offered here is passed over. One that is offered and refused ends the search: somebody meant it, and a person's
//! sign-in in its place would hide the mistake.

use super::{Env, Login, Way};
use crate::options::{Opt, Settings};
use crate::terminal;

/// The ways that this environment offers, in their order.
pub(crate) fn offered(settings: &Settings, env: Env<'_>) -> Vec<(Login, Way)> {
    let mut ways = Vec::new();
    for login in ORDER {
        if !is_named(login, settings, env) {
            pass_over(login, "nothing here speaks for it");
            continue;
        }
        match Way::by(login, settings, env) {
            Ok(way) => ways.push((login, way)),
            Err(reason) => pass_over(login, &reason.to_string()),
        }
    }
    ways
}

/// Says why a way was not the one.
pub(crate) fn pass_over(login: Login, reason: &str) {
    terminal::detail(2, &format!("chained: not {}: {}", login.as_str(), reason.lines().next().unwrap_or_default()));
}

/// Does anything but the application and the tenant, which every way has, speak for it?
fn is_named(login: Login, settings: &Settings, env: Env<'_>) -> bool {
    let has = |id| settings.text(id).is_some();
    let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
    match login {
        Login::Spn => has(Opt::ClientSecret) || has(Opt::ClientCertificate),
        Login::Ropc => has(Opt::Username) && has(Opt::Password),
        Login::WorkloadIdentity => {
            has(Opt::FederatedTokenFile) || set("ACTIONS_ID_TOKEN_REQUEST_URL") && set("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
        }
        _ => true,
    }
}

const ORDER: [Login; 6] = [Login::Spn, Login::Ropc, Login::WorkloadIdentity, Login::Msi, Login::AzureCli, Login::Interactive];
