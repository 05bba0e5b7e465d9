//! Signing out of this browser (W-3.7, S-120).

use std::collections::BTreeSet;

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use entrance_wire::oauth::form::Form;
use url::Url;

use super::PageError;
use super::cookies::{self, FlowCookie};
use super::page::{Frame, render, see_other};
use super::texts::Texts;
use crate::authority::ctx::Ctx;
use crate::authority::refused::Refused;

/// What the form's proof is for.
const PURPOSE: &str = "signout";
/// More than one browser's worth of applications.
const MOST: usize = 20;
/// How many seconds the frames get before the browser goes on.
const PAUSE: u32 = 3;

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOutPage {
    frame: Frame,
    t: Texts,
    message: String,
}

#[derive(Template)]
#[template(path = "signing_out.html")]
struct TellingPage<'a> {
    frame: Frame,
    t: Texts,
    message: String,
    frames: Vec<&'a str>,
    to: &'a str,
}

#[derive(Template)]
#[template(path = "sign_out.html")]
struct SignOutPage {
    frame: Frame,
    t: Texts,
    csrf: String,
}

/// `GET /signedout`.
pub(super) async fn get(ctx: &Ctx, headers: &HeaderMap) -> Response {
    let t = Texts::of(ctx, headers);
    let message = message(ctx, t);
    render(StatusCode::OK, &SignedOutPage { frame: Frame::of(ctx, headers, None).await, t, message }, None)
}

/// What signing out means for kubectl.
fn message(ctx: &Ctx, t: Texts) -> String {
    t.with("signed-out-text", &[("minutes", ctx.app.config.cluster_token_minutes)])
}

/// The question before a sign-out that nobody proved to mean.
pub(crate) async fn ask(ctx: &Ctx, headers: &HeaderMap) -> Response {
    let cookie = FlowCookie::or_new(headers);
    let page = SignOutPage { frame: Frame::of(ctx, headers, None).await, t: Texts::of(ctx, headers), csrf: cookie.csrf(PURPOSE) };
    let mut response = render(StatusCode::OK, &page, None);
    cookie.set(response.headers_mut());
    response
}

/// `POST /signedout`.
pub(super) async fn post(ctx: &Ctx, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let cookie = FlowCookie::of(headers).ok_or(PageError::Forged)?;
    if !cookie.is_csrf(PURPOSE, form.get("csrf")) {
        return Err(PageError::Forged);
    }
    Ok(end(ctx, headers, "/signedout").await?)
}

/// Ends every session of this browser and leads on.
pub(crate) async fn end(ctx: &Ctx, headers: &HeaderMap, to: &str) -> Result<Response, Refused> {
    let mut frames = Vec::new();
    if let Some(browser) = cookies::browser(headers) {
        frames = told(ctx, &browser).await?;
        let mut tx = ctx.app.store.write().await?;
        tx.authority().end_browser(&browser).await?;
        tx.commit().await?;
    }
    let mut response = if frames.is_empty() { see_other(to) } else { tell(ctx, headers, &frames, to).await };
    cookies::drop_session(response.headers_mut());
    Ok(response)
}

/// The addresses of the applications that were used in this browser and want to know when it is signed out.
async fn told(ctx: &Ctx, browser: &str) -> Result<Vec<Url>, Refused> {
    let mut reader = ctx.app.store.read().await?;
    let mut frames = Vec::new();
    for (tenant, session) in reader.authority().browser_sessions(browser).await? {
        for app in reader.authority().apps_of_session(tenant, session.user, session.id).await? {
            let registration = reader.directory().application_by_app_id(tenant, app).await?;
            let address = registration.and_then(|app| app.redirects.logout).and_then(|address| Url::parse(&address).ok());
            let Some(mut address) = address.filter(|address| address.scheme() == "https" && address.host().is_some()) else {
                continue;
            };
            // OpenID Connect Front-Channel Logout 1.0 §3.
            let (iss, sid) = (ctx.app.issuer_v2(tenant), session.id.to_string());
            address.query_pairs_mut().append_pair("iss", &iss).append_pair("sid", &sid);
            frames.push(address);
        }
    }
    frames.truncate(MOST);
    Ok(frames)
}

/// The page that tells them, each in a frame of its own, and leads on.
async fn tell(ctx: &Ctx, headers: &HeaderMap, frames: &[Url], to: &str) -> Response {
    let t = Texts::of(ctx, headers);
    let page = TellingPage {
        frame: Frame::of(ctx, headers, None).await,
        t,
        message: message(ctx, t),
        frames: frames.iter().map(Url::as_str).collect(),
        to,
    };
    let mut response = render(StatusCode::OK, &page, None);
    let origins: BTreeSet<String> = frames.iter().map(|frame| frame.origin().ascii_serialization()).collect();
    let origins = origins.into_iter().collect::<Vec<_>>().join(" ");
    let headers = response.headers_mut();
    let policy = headers.get(header::CONTENT_SECURITY_POLICY).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // Nothing but these frames comes from another origin, here and on no other page.
    let policy = policy.replacen("default-src 'none';", &format!("default-src 'none'; frame-src {origins};"), 1);
    if let (Ok(policy), Ok(refresh)) = (HeaderValue::from_str(&policy), HeaderValue::from_str(&format!("{PAUSE}; url={to}"))) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        headers.insert(header::REFRESH, refresh);
    }
    response
}
