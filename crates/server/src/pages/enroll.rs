//! Setting up a second factor (W-3.3): a passkey first, or an authenticator app; then ten recovery codes, shown once. The
//! same forms stand in a sign-in (`/signin/enroll`) and on a person's own page (`/me/add`).

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use entrance_model::directory::{Tenant, User};
use entrance_model::signin::factors::{RecoveryCode, passkey_name};
use entrance_model::signin::steps::Methods;
use entrance_model::signin::{Aadsts, Method};
use entrance_wire::oauth::form::Form;
use zeroize::Zeroizing;

use super::page::{Frame, protect, render, shown};
use super::texts::Texts;
use super::{PageError, qr, sealed_form};
use crate::authority::ctx::Ctx;
use crate::authority::factors::passkeys::{Failed, Offer};
use crate::authority::factors::{passkeys, recovery, totp};

/// Where the forms stand, and for whom.
pub(super) struct Host<'a> {
    pub(super) ctx: &'a Ctx,
    pub(super) headers: &'a HeaderMap,
    pub(super) tenant: Tenant,
    pub(super) user: &'a User,
    pub(super) methods: Methods,
    /// Where the forms go.
    pub(super) action: &'static str,
    /// What they carry beside their own fields.
    pub(super) hidden: Vec<(&'static str, String)>,
    /// What everything sealed is bound to: the session.
    pub(super) bound: String,
    /// Where their end may lead beside our own origin.
    pub(super) form_action: Option<String>,
    /// Only a passkey will do.
    pub(super) only_passkey: bool,
    /// Where *Back* leads.
    pub(super) back: Option<&'static str>,
}

/// What came of a form.
pub(super) enum Taken {
    /// A factor was set up.
    Added(&'static [Method], &'static str),
    /// The form again, with this text.
    Again(&'static str),
}

#[derive(Template)]
#[template(path = "enroll.html")]
struct EnrollPage<'a> {
    frame: Frame,
    t: Texts,
    why: String,
    upn: String,
    action: &'static str,
    hidden: &'a [(&'static str, String)],
    passkey: Option<Offer>,
    suggested: String,
    totp: Option<App>,
    back: Option<&'static str>,
    error: Option<String>,
}

/// A new authenticator app.
struct App {
    path: String,
    size: usize,
    text: Zeroizing<String>,
    sealed: String,
}

#[derive(Template)]
#[template(path = "recovery.html")]
struct RecoveryPage<'a> {
    frame: Frame,
    t: Texts,
    action: &'static str,
    hidden: &'a [(&'static str, String)],
    codes: Vec<String>,
    sealed: String,
    error: Option<String>,
}

const APP: &str = "authenticator app";
const CODES: &str = "recovery codes";

/// The page on which factors are set up.
pub(super) async fn page(host: &Host<'_>, error: Option<&str>) -> Result<Response, PageError> {
    let Host { ctx, headers, tenant, user, .. } = host;
    let t = Texts::of(ctx, headers);
    let app = if host.only_passkey {
        None
    } else {
        let secret = totp::new_secret();
        let invitation = totp::Invitation::of(&secret, tenant, user);
        let qr::Drawing { path, size } = qr::draw(&invitation.address);
        let sealed = sealed_form::seal(ctx, &format!("{APP}/{}", host.bound), &secret.as_slice());
        Some(App { path, size, text: invitation.text, sealed })
    };
    let page = EnrollPage {
        frame: Frame::of(ctx, headers, Some(tenant.id)).await,
        t,
        why: t.say(if host.back.is_some() { "enroll-why-me" } else { "enroll-why" }),
        upn: shown(user.upn.as_str()),
        action: host.action,
        hidden: &host.hidden,
        passkey: passkeys::offer_registration(ctx, tenant.id, user, &host.bound).await?,
        suggested: t.say("passkey-name-suggested"),
        totp: app,
        back: host.back,
        error: error.map(|key| t.say(key)),
    };
    Ok(render(StatusCode::OK, &page, host.form_action.as_deref()))
}

/// Takes what the page's forms bring.
pub(super) async fn take(host: &Host<'_>, form: &Form) -> Result<Taken, PageError> {
    let Host { ctx, tenant, user, .. } = host;
    if form.get("step") == Some("passkey") {
        let Some(name) = passkey_name(form.get("name").unwrap_or_default()) else {
            return Ok(Taken::Again("passkey-name-wrong"));
        };
        let brought = (form.get("ceremony").unwrap_or_default(), form.get("assertion").unwrap_or_default());
        return match passkeys::register(ctx, tenant.id, user.id, &host.bound, brought, &name).await {
            Ok(_) => Ok(Taken::Added(&[Method::Fido], "new passkey")),
            Err(Failed::Known) => Ok(Taken::Again("passkey-known")),
            Err(Failed::Refused(refused)) => Err((*refused).into()),
            Err(_) => Ok(Taken::Again("passkey-refused-enroll")),
        };
    }
    if host.only_passkey {
        return Ok(Taken::Again("mfa-passkey-only"));
    }
    let sealed = form.get("secret").unwrap_or_default();
    let Some(opened) = sealed_form::open::<Vec<u8>>(ctx, &format!("{APP}/{}", host.bound), sealed) else {
        return Ok(Taken::Again("enroll-too-old"));
    };
    let typed = form.get("totp").unwrap_or_default();
    match totp::enroll(ctx, tenant, user, Zeroizing::new(opened.value), typed).await {
        Ok(Some(_)) => Ok(Taken::Added(&[Method::Otp], "new authenticator app")),
        Ok(None) => Ok(Taken::Again("enroll-wrong")),
        Err(refused) if refused.number == Aadsts::IdsLocked => Ok(Taken::Again("sign-in-paused")),
        Err(refused) => Err(refused.into()),
    }
}

/// What came of the page with the recovery codes.
pub(super) enum TakenCodes {
    /// They count now.
    Kept,
    /// Another answer: the codes as a file, or the page again.
    Page(Response),
}

/// The page with new recovery codes. They are never shown again, and never kept: only their hashes, once their owner has them.
pub(super) async fn codes_page(host: &Host<'_>) -> Response {
    let codes: Vec<String> = recovery::new_codes().iter().map(RecoveryCode::shown).collect();
    let sealed = sealed_form::seal(host.ctx, &format!("{CODES}/{}", host.bound), &codes);
    show_codes(host, codes, sealed, None).await
}

async fn show_codes(host: &Host<'_>, codes: Vec<String>, sealed: String, error: Option<&str>) -> Response {
    let t = Texts::of(host.ctx, host.headers);
    let page = RecoveryPage {
        frame: Frame::of(host.ctx, host.headers, Some(host.tenant.id)).await,
        t,
        action: host.action,
        hidden: &host.hidden,
        codes,
        sealed,
        error: error.map(|key| t.say(key)),
    };
    render(StatusCode::OK, &page, host.form_action.as_deref())
}

/// Takes what the page with the recovery codes brings.
pub(super) async fn take_codes(host: &Host<'_>, form: &Form) -> Result<TakenCodes, PageError> {
    let sealed = form.get("codes").unwrap_or_default();
    let Some(opened) = sealed_form::open::<Vec<String>>(host.ctx, &format!("{CODES}/{}", host.bound), sealed) else {
        return Ok(TakenCodes::Page(codes_page(host).await));
    };
    if form.get("step") == Some("download") {
        return Ok(TakenCodes::Page(file(host, &opened.value)));
    }
    if form.get("kept").is_none() {
        return Ok(TakenCodes::Page(show_codes(host, opened.value, sealed.to_owned(), Some("recovery-not-kept")).await));
    }
    let codes: Vec<RecoveryCode> = opened.value.iter().filter_map(|code| code.parse().ok()).collect();
    match recovery::replace(host.ctx, &host.tenant, host.user.id, &codes, (&opened.hash, opened.until)).await {
        Ok(()) => Ok(TakenCodes::Kept),
        Err(recovery::NotKept::Before) => Ok(TakenCodes::Page(codes_page(host).await)),
        Err(recovery::NotKept::Store(error)) => Err(error.into()),
    }
}

/// The codes as a file to keep.
fn file(host: &Host<'_>, codes: &[String]) -> Response {
    let t = Texts::of(host.ctx, host.headers);
    let head = t.with("recovery-file", &[("name", host.user.upn.as_str()), ("origin", host.ctx.app.base())]);
    let mut response = (StatusCode::OK, format!("{head}\n\n{}\n", codes.join("\n"))).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    let name = HeaderValue::from_static("attachment; filename=\"entrance-recovery-codes.txt\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    protect(headers);
    response
}
