//! Where the holder of the bootstrap code says who the first administrator is (DESIGN 8). Only over loopback, and only
//! while nobody administers the directory; for everybody else there is no such page.

use askama::Template;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use entrance_wire::oauth::form::{Form, LONGEST_BODY};
use serde::Deserialize;
use serde_json::json;

use super::PageError;
use super::cookies::FlowCookie;
use super::error;
use super::page::{Frame, render, see_other, shown};
use super::texts::Texts;
use crate::authority::ctx::Ctx;
use crate::authority::refused::json as json_answer;
use crate::passwords;
use crate::setup::first::{CODE_FILE, First, FirstError, administrator};

/// What the form's proof is for.
const PURPOSE: &str = "first";

#[derive(Template)]
#[template(path = "first.html")]
struct FirstPage<'a> {
    frame: Frame,
    t: Texts,
    csrf: String,
    name_hint: String,
    password_rule: String,
    login: &'a str,
    name: &'a str,
    wrong: Option<Wrong>,
}

impl FirstPage<'_> {
    fn is_wrong(&self, field: &str) -> bool {
        is_wrong(self.wrong.as_ref(), field)
    }
}

/// What is wrong with a form: in which field, in words.
pub(super) struct Wrong {
    pub(super) field: &'static str,
    pub(super) words: String,
}

/// Whether something is wrong in this field.
pub(super) fn is_wrong(wrong: Option<&Wrong>, field: &str) -> bool {
    wrong.is_some_and(|wrong| wrong.field == field)
}

#[derive(Template)]
#[template(path = "first_done.html")]
struct DonePage {
    frame: Frame,
    t: Texts,
    title: &'static str,
    text: &'static str,
}

/// Whether the request comes from this machine, and from nobody further away: a proxy on it speaks for others.
fn is_here(ctx: &Ctx, headers: &HeaderMap) -> bool {
    let is_relayed = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];
    ctx.info.peer.ip().to_canonical().is_loopback() && !is_relayed.iter().any(|name| headers.contains_key(*name))
}

async fn page(ctx: &Ctx, headers: &HeaderMap, cookie: &FlowCookie, filled: (&str, &str), wrong: Option<Wrong>) -> Response {
    let tenant = ctx.app.bootstrap.tenant();
    let domain = async {
        let tenant = ctx.app.store.read().await.ok()?.directory().tenant(tenant?).await.ok()??;
        tenant.domains.first().cloned()
    };
    let domain = domain.await.unwrap_or_default();
    let t = Texts::of(ctx, headers);
    let page = FirstPage {
        frame: Frame::of(ctx, headers, tenant).await,
        name_hint: t.with("first-name-hint", &[("domain", domain.as_str())]),
        password_rule: password_rule(ctx, t),
        t,
        csrf: cookie.csrf(PURPOSE),
        login: filled.0,
        name: filled.1,
        wrong,
    };
    let mut response = render(StatusCode::OK, &page, None);
    cookie.set(response.headers_mut());
    response
}

/// What is asked of a new password, before anybody types one.
pub(super) fn password_rule(ctx: &Ctx, t: Texts) -> String {
    t.with("first-password-rule", &[("least", passwords::policy(&ctx.app).shortest.to_string())])
}

/// `GET /first`.
pub(super) async fn get(ctx: &Ctx, headers: &HeaderMap) -> Response {
    if ctx.app.bootstrap.tenant().is_none() || !is_here(ctx, headers) {
        return error::plain(ctx, headers, StatusCode::NOT_FOUND).await;
    }
    page(ctx, headers, &FlowCookie::or_new(headers), ("", ""), None).await
}

/// `POST /first`.
pub(super) async fn post(ctx: &Ctx, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    if ctx.app.bootstrap.tenant().is_none() || !is_here(ctx, headers) {
        return Ok(error::plain(ctx, headers, StatusCode::NOT_FOUND).await);
    }
    let cookie = FlowCookie::of(headers).ok_or(PageError::Forged)?;
    if !cookie.is_csrf(PURPOSE, form.get("csrf")) {
        return Err(PageError::Forged);
    }
    let field = |name: &str| form.get(name).unwrap_or_default();
    let (login, name) = (field("login"), field("display_name"));
    let t = Texts::of(ctx, headers);
    let again = async |field: &'static str, words: String| {
        page(ctx, headers, &cookie, (&shown(login), &shown(name)), Some(Wrong { field, words })).await
    };
    if field("passwd_new") != field("passwd_again") {
        return Ok(again("passwd_new", t.say("first-passwords-differ")).await);
    }
    let first = First { code: field("code"), upn: login, display_name: name, password: field("passwd_new") };
    Ok(match administrator(&ctx.app, &first, &ctx.address()).await {
        Ok(_) => see_other("/first/done"),
        Err(FirstError::Closed) => error::plain(ctx, headers, StatusCode::NOT_FOUND).await,
        Err(FirstError::Code) => again("code", t.with("first-code-wrong", &[("file", CODE_FILE)])).await,
        Err(FirstError::Paused(_)) => again("code", t.say("sign-in-paused")).await,
        Err(FirstError::Name(domain)) => again("login", t.with("first-name-wrong", &[("domain", domain.as_str())])).await,
        Err(FirstError::Password(_)) => again("passwd_new", t.say("first-password-weak")).await,
        Err(FirstError::Store(error)) => return Err(error.into()),
    })
}

/// `GET /first/done`.
pub(super) async fn done(ctx: &Ctx, headers: &HeaderMap) -> Response {
    done_page(ctx, headers, "first-done-title", "first-done-text").await
}

/// A page that says that it is done, and what to do next.
pub(super) async fn done_page(ctx: &Ctx, headers: &HeaderMap, title: &'static str, text: &'static str) -> Response {
    let page = DonePage { frame: Frame::of(ctx, headers, None).await, t: Texts::of(ctx, headers), title, text };
    render(StatusCode::OK, &page, None)
}

/// What a script on the server's own machine sends.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Said {
    code: String,
    user_principal_name: String,
    #[serde(default)]
    display_name: String,
    password: String,
}

/// Whether a post is a script's, which shows the code and no cookie, so that no browser can be made to send it.
pub(super) fn is_script(path: &str, headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    path == "/first" && kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// `POST /first` with JSON, for `entrance user add --first`.
pub(super) async fn script(ctx: &Ctx, headers: &HeaderMap, body: Body) -> Response {
    let refused = |status, message: String| json_answer(status, json!({ "error": { "message": message } }).to_string());
    let closed = || refused(StatusCode::NOT_FOUND, FirstError::Closed.to_string());
    if ctx.app.bootstrap.tenant().is_none() || !is_here(ctx, headers) {
        return closed();
    }
    let bytes = crate::http::body::read(body, LONGEST_BODY).await.unwrap_or_default();
    let Ok(said) = serde_json::from_slice::<Said>(&bytes) else {
        let form = "`code`, `userPrincipalName`, `displayName` and `password` are needed, as texts";
        return refused(StatusCode::BAD_REQUEST, form.to_owned());
    };
    let first =
        First { code: &said.code, upn: &said.user_principal_name, display_name: &said.display_name, password: &said.password };
    match administrator(&ctx.app, &first, &ctx.address()).await {
        Ok(user) => {
            json_answer(StatusCode::CREATED, json!({ "id": user.id, "userPrincipalName": user.upn.as_str() }).to_string())
        }
        Err(FirstError::Closed) => closed(),
        Err(error @ FirstError::Paused(_)) => refused(StatusCode::TOO_MANY_REQUESTS, error.to_string()),
        Err(error @ FirstError::Code) => refused(StatusCode::FORBIDDEN, error.to_string()),
        Err(error @ FirstError::Store(_)) => {
            tracing::error!(%error, "the first administrator could not be kept");
            refused(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer".to_owned())
        }
        Err(error) => refused(StatusCode::BAD_REQUEST, error.to_string()),
    }
}
