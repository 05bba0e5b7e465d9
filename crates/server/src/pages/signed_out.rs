//! Signing out of this browser (W-3.7, S-120).

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use entrance_model::signin::resource::Kind;
use entrance_wire::oauth::form::Form;

use super::PageError;
use super::cookies::{self, FlowCookie};
use super::page::{Frame, render, see_other};
use super::texts::Texts;
use crate::authority::ctx::Ctx;
use crate::authority::refused::Refused;

/// What the form's proof is for.
const PURPOSE: &str = "signout";

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOutPage {
    frame: Frame,
    t: Texts,
    message: String,
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
    let minutes = Kind::Cluster.user_token_life() / 60;
    let t = Texts::of(ctx, headers);
    let message = t.with("signed-out-text", &[("minutes", minutes)]);
    render(StatusCode::OK, &SignedOutPage { frame: Frame::of(ctx, headers, None).await, t, message }, None)
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
    if let Some(browser) = cookies::browser(headers) {
        let mut tx = ctx.app.store.write().await?;
        tx.authority().end_browser(&browser).await?;
        tx.commit().await?;
    }
    let mut response = see_other(to);
    cookies::drop_session(response.headers_mut());
    Ok(response)
}
