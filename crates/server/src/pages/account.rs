//! The account picker (W-3.2): who is signed in in this browser already.

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use entrance_model::id::SessionId;
use entrance_wire::oauth::form::Form;

use super::flow::{self, Flow};
use super::page::{Frame, render, see_other, shown};
use super::signin::to_app;
use super::texts::{Mark, Rich, Texts};
use super::{PageError, ago, query, steps};
use crate::authority::ctx::Ctx;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    frame: Frame,
    t: Texts,
    to_app: Rich,
    flow: &'a str,
    csrf: String,
    accounts: Vec<Account>,
}

struct Account {
    id: SessionId,
    name: String,
    upn: String,
    since: String,
    action: Rich,
}

/// `GET /signin/account?flow=`.
pub(super) async fn get(ctx: &Ctx, headers: &HeaderMap, text: &str) -> Result<Response, PageError> {
    let (id, cookie, flow) = Flow::open(ctx, headers, query(text, "flow").as_deref()).await?;
    let flow = flow.state;
    let sessions = flow::sessions(ctx, headers, flow.tenant).await?;
    if sessions.is_empty() {
        return Ok(see_other(&format!("/signin?flow={id}")));
    }
    let t = Texts::of(ctx, headers);
    let accounts = sessions
        .iter()
        .map(|(session, user)| {
            let name = shown(&user.display_name);
            Account {
                id: session.id,
                action: t.rich("continue-as", &[("name", Mark::name(&name))]),
                name,
                upn: shown(user.upn.as_str()),
                since: t.with("signed-in-ago", &[("ago", ago(t, session.at, ctx.now()))]),
            }
        })
        .collect();
    let page = AccountPage {
        frame: Frame::of(ctx, headers, Some(flow.tenant)).await,
        t,
        to_app: to_app(t, &flow),
        flow: &id,
        csrf: cookie.csrf(&id),
        accounts,
    };
    Ok(render(StatusCode::OK, &page, flow.form_action().as_deref()))
}

/// `POST /signin/account`.
pub(super) async fn post(ctx: &Ctx, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let (id, cookie, flow) = Flow::open(ctx, headers, form.get("flow")).await?;
    if !cookie.is_csrf(&id, form.get("csrf")) {
        return Err(PageError::Forged);
    }
    let chosen: Option<SessionId> = form.get("account").and_then(|id| id.parse().ok());
    let sessions = flow::sessions(ctx, headers, flow.state.tenant).await?;
    // One that ended meanwhile, or belongs to another browser: sign in.
    let Some((session, _)) = sessions.into_iter().find(|(session, _)| Some(session.id) == chosen) else {
        return Ok(see_other(&format!("/signin?flow={id}")));
    };
    let now = ctx.now();
    let mut after = flow.state;
    after.session = Some(session.id);
    let mut tx = ctx.app.store.write().await?;
    let mut authority = tx.authority();
    authority.browser_session_seen(after.tenant, session.id, now).await?;
    authority.swap_flow(&id, flow.version, &after).await?;
    tx.commit().await?;
    let next = steps::next(ctx, headers, &id, &after).await?;
    Ok(see_other(&next))
}
