//! After a refusal: kubectl called again for a token that is still good, so the cluster said `Unauthorized` to it.
//!
//! The server is asked why, at most once a minute for one token and never by a call that is its process's first. Its answer
//! is printed once for each process that was refused; a token that is of no use any more is replaced instead of repeated.

use std::time::Duration;

use entrance_client::authority::is_well_known;
use entrance_client::cache::{Caller, HandedOut, TokenCache};
use entrance_client::{Http, Secret, SignInError, why};
use entrance_wire::exec_credential::ExecInfo;
use entrance_wire::why::Why;
use url::Url;

use crate::options::Settings;
use crate::terminal;

/// What to do with the token that is at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Advice {
    /// Give it.
    Give,
    /// It is of no use; another one may be.
    GetAnother,
}

/// Looks whether the caller was refused with this token, and says why. The ordinary call makes one small note and ends here.
pub(crate) fn look(settings: &Settings, info: &ExecInfo, cache: &TokenCache, token: &Secret) -> Advice {
    // A call by hand repeats itself for other reasons.
    if !info.is_from_kubectl {
        return Advice::Give;
    }
    let Some((host, caller)) = host(settings).zip(Caller::parent()) else { return Advice::Give };
    let HandedOut::Again { told } = cache.hand_out(&caller, token) else { return Advice::Give };
    let why = cache.said_lately(token).unwrap_or_else(|| {
        let said = ask(settings, info, &host, token);
        cache.keep_said(token, said.as_ref());
        said
    });
    let Some(why) = why else { return Advice::Give };
    if !told {
        say(&why);
        cache.was_told(&caller, token);
    }
    if why.asks_for_another_token() { Advice::GetAnother } else { Advice::Give }
}

/// The server that was named; others than ours have nothing to tell.
fn host(settings: &Settings) -> Option<Url> {
    let host = Url::parse(&settings.authority_host().ok()?).ok()?;
    (host.scheme() == "https" && !is_well_known(host.host_str()?)).then_some(host)
}

fn ask(settings: &Settings, info: &ExecInfo, host: &Url, token: &Secret) -> Option<Why> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let asked = runtime.block_on(async {
        let http = Http::new(&settings.trust().unwrap_or_default(), crate::commands::AGENT)?;
        let asked = tokio::time::timeout(PATIENCE, why::why(&http, host, token, info.server.as_deref())).await;
        asked.unwrap_or(Err(SignInError::TimedOut(PATIENCE)))
    });
    runtime.shutdown_background();
    match asked {
        // Let in as far as the server knows: it may be another cluster of the same process, so only a refusal is worth a word.
        Ok(why) => (!why.allowed || why.code.is_some()).then_some(why),
        Err(SignInError::Refused(refusal)) if refusal.error == "invalid_token" => Some(Why {
            allowed: false,
            check: Some("signature".into()),
            code: Some("signature".into()),
            message: "the server does not know this sign-in any more".into(),
            action: Some(entrance_wire::why::SIGN_IN.into()),
            next_step: Some("sign in again".into()),
            at: jiff::Timestamp::now().to_string(),
        }),
        Err(error @ (SignInError::Unreachable { .. } | SignInError::TimedOut(_) | SignInError::Untrusted { .. })) => Some(Why {
            allowed: true,
            check: None,
            code: Some("unknown".into()),
            message: format!(
                "the reason is not known, because {}",
                match error {
                    SignInError::TimedOut(_) => format!("{} does not answer", host.host_str().unwrap_or_default()),
                    other => first_line(&other.to_string()),
                }
            ),
            action: None,
            next_step: Some("while Entrance is away, clusters refuse people; try again when it answers".into()),
            at: jiff::Timestamp::now().to_string(),
        }),
        Err(_) => None,
    }
}

fn say(why: &Why) {
    let next = why.next_step.as_deref().filter(|next| !next.is_empty()).map(first_line);
    let message = format!("The cluster refused this sign-in: {}.", first_line(why.message.trim_end_matches('.')));
    terminal::refused(&message, next.as_deref(), why.code.as_deref());
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}

/// Somebody waits for kubectl meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);
