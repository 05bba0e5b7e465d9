//! The sign-in page (W-3.1): name and password on one page, the same answer for everyone who is not let in.

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use entrance_model::signin::{Aadsts, Method};
use entrance_wire::oauth::form::Form;

use super::begin::{self, Proof};
use super::cookies::FlowCookie;
use super::flow::{Flow, Purpose};
use super::page::{Frame, render, shown};
use super::texts::{Mark, Rich, Texts};
use super::{PageError, query};
use crate::authority::credentials;
use crate::authority::ctx::Ctx;

#[derive(Template)]
#[template(path = "signin.html")]
struct SignInPage<'a> {
    frame: Frame,
    t: Texts,
    to_app: Rich,
    flow: &'a str,
    csrf: String,
    login: &'a str,
    error: Option<String>,
}

/// The words that lead from the page to the application.
pub(super) fn to_app(t: Texts, flow: &Flow) -> Rich {
    let app = shown(&flow.app);
    let app = [("app", Mark::strong(&app))];
    match flow.purpose {
        Purpose::Authorize { .. } | Purpose::AdminConsent { .. } | Purpose::Own { .. } => t.rich("to-continue", &app),
        Purpose::Device { .. } => t.rich("to-continue-device", &app),
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
    let t = Texts::of(ctx, headers);
    let page = SignInPage {
        frame: Frame::of(ctx, headers, Some(flow.tenant)).await,
        t,
        to_app: to_app(t, flow),
        flow: id,
        csrf: cookie.csrf(id),
        login,
        error: error.map(|key| t.say(key)),
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
        Ok(proven) => {
            let proof = Proof { how: vec![Method::Pwd], word: "password", keep: false, known };
            begin::session(ctx, headers, &id, flow, proven.user(), proof).await
        }
        Err(refused) => {
            let mut decision = decision;
            decision.interactive = true;
            ctx.record(decision, &refused).await;
            let error = match refused.number {
                Aadsts::InvalidUserNameOrPassword => "sign-in-wrong",
                Aadsts::IdsLocked => "sign-in-paused",
                _ => return Err(refused.into()),
            };
            let shown = if name.len() <= 256 { name } else { "" };
            Ok(page(ctx, headers, &id, &cookie, &flow.state, shown, Some(error)).await)
        }
    }
}
