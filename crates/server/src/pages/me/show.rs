//! The page itself.

use std::collections::HashMap;

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use entrance_model::Timestamp;
use entrance_model::id::{AppId, MethodId, SessionId};
use entrance_model::signin::factors::{Factor, Kind};
use entrance_model::signin::session::{Place, Session};
use entrance_store::Reader;

use super::{Me, grants, sessions};
use crate::authority::ctx::Ctx;
use crate::authority::factors::passkeys;
use crate::pages::page::{Frame, render, shown};
use crate::pages::texts::Texts;
use crate::pages::{PageError, ago, app_name, cookies};

#[derive(Template)]
#[template(path = "me.html")]
struct MePage {
    frame: Frame,
    t: Texts,
    csrf: String,
    name: String,
    upn: String,
    done: Option<String>,
    sessions: Vec<ShownSession>,
    grants: Vec<grants::ShownGrant>,
    passkeys: Vec<ShownFactor>,
    can_add_passkey: bool,
    totp: Option<ShownFactor>,
    has_factor: bool,
    codes: String,
    languages: Vec<Choice>,
    themes: Vec<Choice>,
}

struct ShownSession {
    id: SessionId,
    what: String,
    agent: String,
    address: String,
    since: String,
    at: String,
    used: String,
    is_current: bool,
}

struct ShownFactor {
    id: MethodId,
    name: String,
    added: String,
    at: String,
    used: String,
    alarmed: bool,
}

struct Choice {
    value: &'static str,
    words: String,
    selected: bool,
}

/// What was just done, as the page says it: a closed list, so that a link cannot put words here.
const DONE: [(&str, &str); 8] = [
    ("added", "me-done-added"),
    ("codes", "me-done-codes"),
    ("ended", "me-done-ended"),
    ("password", "me-done-password"),
    ("preferences", "me-done-preferences"),
    ("removed", "me-done-removed"),
    ("renamed", "me-done-renamed"),
    ("withdrawn", "me-done-withdrawn"),
];

/// `GET /me`.
pub(super) async fn page(ctx: &Ctx, headers: &HeaderMap, me: &Me, done: Option<&str>) -> Result<Response, PageError> {
    let t = Texts::of(ctx, headers);
    let mut reader = ctx.app.store.read().await?;
    let now = ctx.now();
    let live = reader.authority().sessions(me.tenant, Some(me.user.id), now, sessions::MOST).await?;
    let mut names = HashMap::new();
    let mut list = Vec::new();
    for session in live.iter().filter(|session| session.is_live(now)) {
        list.push(session_of(t, me, &mut reader, &mut names, session, now).await?);
    }
    // The browser in front of the person comes first.
    list.sort_by_key(|session| !session.is_current);
    let grants = grants::list(me, &mut reader).await?;
    let all = reader.factors().list(me.tenant, me.user.id).await?;
    let methods = reader.factors().methods(me.tenant, me.user.id).await?;
    drop(reader);
    let of_kind = |kind: Kind| all.iter().filter(move |factor| factor.kind == kind).map(|factor| factor_of(t, factor, now));
    let passkeys: Vec<ShownFactor> = of_kind(Kind::Passkey).collect();
    let language = cookies::language(headers).unwrap_or_default();
    let theme = cookies::theme(headers).unwrap_or_default();
    let page = MePage {
        frame: Frame::of(ctx, headers, Some(me.tenant)).await,
        t,
        csrf: me.csrf.clone(),
        name: shown(&me.user.display_name),
        upn: shown(me.user.upn.as_str()),
        done: done.and_then(|done| DONE.iter().find(|(word, _)| *word == done)).map(|(_, key)| t.say(key)),
        sessions: list,
        grants,
        can_add_passkey: passkeys::are_possible(&ctx.app) && passkeys.len() < passkeys::MOST,
        passkeys,
        totp: of_kind(Kind::Totp).next(),
        has_factor: methods.is_good(),
        codes: if methods.any() { t.with("me-codes-left", &[("left", methods.recovery_codes)]) } else { t.say("me-codes-none") },
        languages: [("", "me-language-auto"), ("en", "language-en"), ("de", "language-de"), ("ja", "language-ja")]
            .map(|(value, key)| Choice { value, words: t.say(key), selected: value == language })
            .into(),
        themes: [("", "me-theme-auto"), ("light", "me-theme-light"), ("dark", "me-theme-dark")]
            .map(|(value, key)| Choice { value, words: t.say(key), selected: value == theme })
            .into(),
    };
    Ok(render(StatusCode::OK, &page, None))
}

fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn factor_of(t: Texts, factor: &Factor, now: Timestamp) -> ShownFactor {
    let used = factor.used.map_or_else(|| t.say("me-never-used"), |at| t.with("me-used", &[("ago", ago(t, at, now))]));
    ShownFactor {
        id: factor.id,
        name: if factor.kind == Kind::Passkey { shown(&factor.name) } else { t.say("me-totp-name") },
        added: t.with("me-added", &[("ago", ago(t, factor.created, now))]),
        at: iso(factor.created),
        used,
        alarmed: factor.alarmed.is_some(),
    }
}

async fn session_of(
    t: Texts,
    me: &Me,
    reader: &mut Reader,
    names: &mut HashMap<AppId, String>,
    session: &Session,
    now: Timestamp,
) -> Result<ShownSession, PageError> {
    let app = match session.app {
        None => None,
        Some(id) => Some(if let Some(known) = names.get(&id) {
            known.clone()
        } else {
            let found = reader.directory().service_principal_of(me.tenant, id).await?;
            let registered = found.map(|principal| principal.display_name).unwrap_or_default();
            let name = shown(&app_name(t, id, &registered));
            names.insert(id, name.clone());
            name
        }),
    };
    let place = match session.place {
        Place::Browser => t.say("me-place-browser"),
        Place::DeviceCode => t.say("me-place-device"),
        Place::Password => t.say("me-place-password"),
    };
    Ok(ShownSession {
        id: session.id,
        what: app.map_or_else(|| place.clone(), |app| format!("{place}: {app}")),
        agent: session.agent.as_deref().map(shown).unwrap_or_default(),
        address: session.seen_from.clone(),
        since: t.with("me-began", &[("ago", ago(t, session.began, now))]),
        at: iso(session.began),
        used: t.with("me-used", &[("ago", ago(t, session.seen, now))]),
        is_current: session.id == me.session.id,
    })
}
