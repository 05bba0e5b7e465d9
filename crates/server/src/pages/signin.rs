//! The sign-in page (W-3.1): name and password on one page, the same answer for everyone who is not let in.

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use entrance_model::id::SessionId;
use entrance_model::signin::revocation::Target;
use entrance_model::signin::session::{BROWSER_IDLE, BrowserSession, Place, Session};
use entrance_model::signin::{Aadsts, Method};
use entrance_store::authority::Versioned;
use entrance_wire::oauth::form::Form;
use uuid::Uuid;

use super::cookies::{self, DeviceCookie, FlowCookie};
use super::flow::{Flow, Purpose};
use super::page::{Frame, render, see_other, shown};
use super::words::{EN, Words, around};
use super::{PageError, query};
use crate::authority::ctx::{Ctx, event};
use crate::authority::refused::Refused;
use crate::authority::{credentials, secret};

#[derive(Template)]
#[template(path = "signin.html")]
struct SignInPage<'a> {
    frame: Frame,
    t: &'static Words,
    to_app: (&'static str, &'static str),
    app: String,
    flow: &'a str,
    csrf: String,
    login: &'a str,
    error: Option<&'static str>,
}

/// The words that lead from the page to the application.
pub(super) fn to_app(flow: &Flow) -> (&'static str, &'static str) {
    match flow.purpose {
        Purpose::Authorize { .. } => around(EN.to_continue, "{app}"),
        Purpose::Device { .. } => around(EN.to_continue_device, "{app}"),
    }
}

async fn page(
    ctx: &Ctx,
    headers: &HeaderMap,
    id: &str,
    cookie: &FlowCookie,
    flow: &Flow,
    login: &str,
    error: Option<&'static str>,
) -> Response {
    let page = SignInPage {
        frame: Frame::of(ctx, headers, Some(flow.tenant)).await,
        t: &EN,
        to_app: to_app(flow),
        app: shown(&flow.app),
        flow: id,
        csrf: cookie.csrf(id),
        login,
        error,
    };
    render(StatusCode::OK, &page, flow.form_action().as_deref())
}

/// `GET /signin?flow=`.
pub(super) async fn get(ctx: &Ctx, headers: &HeaderMap, text: &str) -> Result<Response, PageError> {
    let (id, cookie, flow) = Flow::open(ctx, headers, query(text, "flow").as_deref()).await?;
    Ok(page(ctx, headers, &id, &cookie, &flow.state, flow.state.hint(), None).await)
}

/// `POST /signin`.
pub(super) async fn post(ctx: &Ctx, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let (id, cookie, flow) = Flow::open(ctx, headers, form.get("flow")).await?;
    if !cookie.is_csrf(&id, form.get("csrf")) {
        return Err(PageError::Forged);
    }
    if flow.state.outcome.is_some() {
        return Err(Aadsts::FlowTokenExpired.into());
    }
    let tenant = flow.state.tenant(ctx).await?;
    let name = form.get("login").unwrap_or_default();
    let decision = ctx.decision("signin", tenant.id, None);
    // What is revoked while the password is looked at meets this sign-in too.
    let known = ctx.app.store.read().await?.authority().revocation_head(tenant.id).await?;
    match credentials::check(ctx, &tenant, name, form.get("passwd").unwrap_or_default()).await {
        Ok(proven) => begin_session(ctx, headers, &id, flow, proven.user(), known).await,
        Err(refused) => {
            let mut decision = decision;
            decision.interactive = true;
            ctx.record(decision, &refused).await;
            let error = match refused.number {
                Aadsts::InvalidUserNameOrPassword => EN.sign_in_wrong,
                Aadsts::IdsLocked => EN.sign_in_paused,
                _ => return Err(refused.into()),
            };
            let shown = if name.len() <= 256 { name } else { "" };
            Ok(page(ctx, headers, &id, &cookie, &flow.state, shown, Some(error)).await)
        }
    }
}

/// Begins a session under a new cookie (S-805), and remembers it in the flow.
async fn begin_session(
    ctx: &Ctx,
    headers: &HeaderMap,
    id: &str,
    flow: Versioned<Flow>,
    user: &entrance_model::directory::User,
    known: i64,
) -> Result<Response, PageError> {
    let now = ctx.now();
    let session =
        BrowserSession { id: SessionId::from_uuid(Uuid::new_v4()), user: user.id, at: now, how: vec![Method::Pwd], seen: now };
    let cookie = secret::opaque();
    let browser = secret::sha256(&cookie);
    let mut after = flow.state;
    after.session = Some(session.id);
    let mut decision = ctx.decision("signin", after.tenant, None);
    decision.user = Some(user.id.into());
    decision.interactive = true;
    decision.session = Some(session.id);
    "password".clone_into(&mut decision.reason);
    let device = DeviceCookie::or_new(headers);
    let kept = Session {
        id: session.id,
        user: user.id,
        place: Place::Browser,
        device: device.id(),
        parent: None,
        app: None,
        address: ctx.address(),
        agent: ctx.info.user_agent.clone(),
        began: now,
        seen: now,
        seen_from: ctx.address(),
        until: now + BROWSER_IDLE,
        ended: None,
    };
    let mut tx = ctx.app.store.write().await?;
    let mut authority = tx.authority();
    let person = authority.revocation_of(after.tenant, &Target::Person(user.id)).await?;
    if person.is_some_and(|revocation| revocation.number > known) {
        return Err(Refused::from(Aadsts::FreshTokenNeeded).of(user.id).because("revoked in this moment").into());
    }
    authority.insert_session(after.tenant, &kept).await?;
    if let Some(before) = cookies::browser(headers) {
        authority.move_browser(&before, &browser).await?;
    }
    authority.insert_browser_session(after.tenant, &browser, &session).await?;
    authority.swap_flow(id, flow.version, &after).await?;
    authority.decided(now, &decision).await?;
    let detail = serde_json::json!({ "address": ctx.address(), "how": "password" });
    tx.audit(now, &event("signIn.succeeded", after.tenant, Some(user.id.into()), session.id.to_string(), detail)).await?;
    tx.commit().await?;
    let mut response = see_other(&after.next(id));
    cookies::set_session(response.headers_mut(), &cookie);
    device.set(response.headers_mut());
    Ok(response)
}
