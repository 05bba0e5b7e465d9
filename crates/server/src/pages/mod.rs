//! Pages for people: complete without script, nothing secret in an address, a strict policy on every one of them.

mod account;
mod assets;
mod begin;
pub(crate) mod consent;
mod cookies;
pub(crate) mod device;
mod device_confirm;
mod enroll;
mod enroll_flow;
pub(crate) mod error;
mod first;
pub(crate) mod flow;
mod me;
pub(crate) mod page;
mod password;
mod qr;
mod reach;
pub(crate) mod returning;
pub(crate) mod sealed_form;
mod second_factor;
pub(crate) mod signed_out;
mod signin;
pub(crate) mod steps;
pub(crate) mod texts;
mod welcome;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use entrance_model::Timestamp;
use entrance_model::id::AppId;
use entrance_model::signin::{Aadsts, Endpoint};
use entrance_model::well_known::AKS_CLIENT;
use entrance_store::StoreError;
use entrance_wire::oauth::form::{Form, LONGEST_BODY};

pub(crate) use cookies::{FlowCookie, came_from_us, value as cookie};

use crate::app::App;
use crate::authority::ctx::Ctx;
use crate::authority::refused::Refused;
use crate::authority::token_endpoint::form;
use crate::http::{RequestInfo, is_read};
use second_factor::Occasion;
use texts::Texts;

/// Why a page shows something else than what was asked for.
pub(crate) enum PageError {
    /// The sign-in cannot go on.
    Refused(Refused),
    /// The form did not come from our page.
    Forged,
}

impl From<Refused> for PageError {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Aadsts> for PageError {
    fn from(number: Aadsts) -> Self {
        Self::Refused(number.into())
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        match error {
            // Two answers to one page, in the same moment: the first one counts.
            StoreError::Conflict => Aadsts::FlowTokenExpired.into(),
            other => Self::Refused(other.into()),
        }
    }
}

/// The names of all fields of the gate's forms.
pub(crate) const FIELDS: [&str; 32] = [
    "flow",
    "csrf",
    "login",
    "passwd",
    "step",
    "account",
    "otc",
    "grant",
    "decision",
    "confirm_device",
    "keep",
    "on_behalf",
    "code",
    "display_name",
    "passwd_old",
    "passwd_new",
    "passwd_again",
    "totp",
    "recovery",
    "ceremony",
    "assertion",
    "secret",
    "codes",
    "kept",
    "name",
    "session",
    "all",
    "id",
    "lang",
    "theme",
    "with",
    "asked",
];

/// The addresses that take a form, beside those of a person's own page.
const FORMS: [&str; 14] = [
    "/first",
    "/welcome",
    "/consent",
    "/signin",
    "/signin/account",
    "/signin/passkey",
    "/signin/mfa",
    "/signin/stepup",
    "/signin/enroll",
    "/signin/password",
    "/devicelogin",
    "/devicelogin/confirm",
    "/devicelogin/report",
    "/signedout",
];

/// The routes of this surface.
pub(crate) fn router(app: &Arc<App>) -> Router {
    Router::new().fallback(answer).with_state(Arc::clone(app))
}

async fn answer(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let info = parts.extensions.get::<RequestInfo>().cloned().expect("the listener adds it to every request");
    let ctx = Ctx { app, info, endpoint: Endpoint::V2, language: texts::Asked::default() };
    let headers = &parts.headers;
    let (path, text) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    ctx.language.read(|name| query(text, name));
    let outcome = if is_read(&parts.method) {
        read(&ctx, headers, path, text).await
    } else if parts.method == Method::POST {
        write(&ctx, headers, path, body).await
    } else {
        Ok(error::plain(&ctx, headers, StatusCode::METHOD_NOT_ALLOWED).await)
    };
    shown(&ctx, headers, outcome).await
}

/// A page, or the page about why there is none.
pub(crate) async fn shown(ctx: &Ctx, headers: &HeaderMap, outcome: Result<Response, PageError>) -> Response {
    let mut response = match outcome {
        Ok(response) => response,
        Err(PageError::Refused(refused)) => error::refused(ctx, headers, &refused).await,
        Err(PageError::Forged) => error::plain(ctx, headers, StatusCode::FORBIDDEN).await,
    };
    page::speak(&mut response, Texts::of(ctx, headers));
    response
}

async fn read(ctx: &Ctx, headers: &HeaderMap, path: &str, text: &str) -> Result<Response, PageError> {
    match path {
        "/" => Ok(page::see_other("/devicelogin")),
        "/signin" => signin::get(ctx, headers, text).await,
        "/signin/account" => account::get(ctx, headers, text).await,
        "/signin/return" => returning::get(ctx, headers, text).await,
        "/signin/mfa" => second_factor::get(ctx, headers, Occasion::SignIn, text).await,
        "/signin/stepup" => second_factor::get(ctx, headers, Occasion::StepUp, text).await,
        "/signin/enroll" => enroll_flow::get(ctx, headers, text).await,
        "/signin/password" => password::get(ctx, headers, text).await,
        "/devicelogin" => Ok(device::get(ctx, headers).await),
        "/devicelogin/confirm" => device_confirm::get(ctx, headers, text).await,
        "/devicelogin/done" => device_confirm::done(ctx, headers, text).await,
        "/consent" => consent::get(ctx, headers, text).await,
        "/consent/allowed" | "/consent/refused" => Ok(consent::done(ctx, headers, path).await),
        "/signedout" => Ok(signed_out::get(ctx, headers).await),
        "/first" => Ok(first::get(ctx, headers).await),
        "/first/done" => Ok(first::done(ctx, headers).await),
        "/welcome" => Ok(welcome::get(ctx, headers).await),
        "/welcome/done" => Ok(welcome::done(ctx, headers).await),
        "/me/why" => Ok(crate::explain::me::get(&ctx.app, headers, text).await),
        "/error" => Ok(error::explain(ctx, headers, text).await),
        _ if me::PAGES.contains(&path) => me::get(ctx, headers, path, text).await,
        _ => match assets::serve(path, headers) {
            Some(asset) => Ok(asset),
            None => Ok(error::plain(ctx, headers, StatusCode::NOT_FOUND).await),
        },
    }
}

async fn write(ctx: &Ctx, headers: &HeaderMap, path: &str, body: Body) -> Result<Response, PageError> {
    if !FORMS.contains(&path) && !me::FORMS.contains(&path) {
        let is_page = [
            "/",
            "/first/done",
            "/welcome/done",
            "/signin/return",
            "/devicelogin/done",
            "/consent/allowed",
            "/consent/refused",
            "/me/why",
            "/error",
        ]
        .contains(&path)
            || me::PAGES.contains(&path);
        let status = if is_page { StatusCode::METHOD_NOT_ALLOWED } else { StatusCode::NOT_FOUND };
        return Ok(error::plain(ctx, headers, status).await);
    }
    if !came_from_us(&ctx.app, headers) {
        return Err(PageError::Forged);
    }
    if first::is_script(path, headers) {
        return Ok(first::script(ctx, headers, body).await);
    }
    let form = posted(headers, body).await?;
    match path {
        "/first" => first::post(ctx, headers, &form).await,
        "/welcome" => welcome::post(ctx, headers, &form).await,
        "/signin" => signin::post(ctx, headers, &form).await,
        "/consent" => consent::post(ctx, headers, &form).await,
        "/signin/account" => account::post(ctx, headers, &form).await,
        "/signin/passkey" => signin::passkey(ctx, headers, &form).await,
        "/signin/mfa" => second_factor::post(ctx, headers, Occasion::SignIn, &form).await,
        "/signin/stepup" => second_factor::post(ctx, headers, Occasion::StepUp, &form).await,
        "/signin/enroll" => enroll_flow::post(ctx, headers, &form).await,
        "/signin/password" => password::post(ctx, headers, &form).await,
        "/devicelogin" => device::post(ctx, headers, &form).await,
        "/devicelogin/confirm" => device_confirm::post(ctx, headers, &form).await,
        "/devicelogin/report" => device_confirm::report(ctx, headers, &form).await,
        "/signedout" => signed_out::post(ctx, headers, &form).await,
        _ => me::post(ctx, headers, path, &form).await,
    }
}

/// The form that was posted to a page.
pub(crate) async fn posted(headers: &HeaderMap, body: Body) -> Result<Form, Refused> {
    let bytes = crate::http::body::read(body, LONGEST_BODY).await.ok_or_else(|| Refused::from(Aadsts::InvalidRequest))?;
    form(headers, &bytes, &FIELDS)
}

/// One parameter of a query.
pub(crate) fn query(text: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(text.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// How long ago something was, in words.
fn ago(t: Texts, then: Timestamp, now: Timestamp) -> String {
    const HOUR: i64 = 60;
    const DAY: i64 = 24 * HOUR;
    match now.duration_since(then).as_mins() {
        ..1 => t.say("just-now"),
        minutes @ ..HOUR => t.with("minutes-ago", &[("minutes", minutes)]),
        minutes @ HOUR..DAY => t.with("hours-ago", &[("hours", minutes / HOUR)]),
        minutes => t.with("days-ago", &[("days", minutes / DAY)]),
    }
}

/// The name of an application on our pages: kubelogin's client says what it is for, others say who they are.
pub(crate) fn app_name(t: Texts, app: AppId, registered: &str) -> String {
    if app == AKS_CLIENT { t.say("kubernetes-sign-in") } else { registered.to_owned() }
}
