//! Where a person sets a new password with the one-time code that an administrator gave them. The code is typed, never in
//! an address; it starts no session, so whatever else a sign-in asks for is asked afterwards.

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use entrance_wire::oauth::form::Form;

use super::PageError;
use super::cookies::FlowCookie;
use super::first::{Wrong, done_page, is_wrong, password_rule};
use super::page::{Frame, render, see_other, shown};
use super::texts::Texts;
use crate::authority::ctx::Ctx;
use crate::authority::passes::{self, PassError};

/// What the form's proof is for.
const PURPOSE: &str = "welcome";

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomePage<'a> {
    frame: Frame,
    t: Texts,
    csrf: String,
    password_rule: String,
    login: &'a str,
    wrong: Option<Wrong>,
}

impl WelcomePage<'_> {
    fn is_wrong(&self, field: &str) -> bool {
        is_wrong(self.wrong.as_ref(), field)
    }
}

async fn page(ctx: &Ctx, headers: &HeaderMap, cookie: &FlowCookie, login: &str, wrong: Option<Wrong>) -> Response {
    let t = Texts::of(ctx, headers);
    let page = WelcomePage {
        frame: Frame::of(ctx, headers, None).await,
        password_rule: password_rule(ctx, t),
        t,
        csrf: cookie.csrf(PURPOSE),
        login,
        wrong,
    };
    let mut response = render(StatusCode::OK, &page, None);
    cookie.set(response.headers_mut());
    response
}

/// `GET /welcome`. What stands in the address is ignored: nobody but the person types the code.
pub(super) async fn get(ctx: &Ctx, headers: &HeaderMap) -> Response {
    page(ctx, headers, &FlowCookie::or_new(headers), "", None).await
}

/// `POST /welcome`.
pub(super) async fn post(ctx: &Ctx, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let cookie = FlowCookie::of(headers).ok_or(PageError::Forged)?;
    if !cookie.is_csrf(PURPOSE, form.get("csrf")) {
        return Err(PageError::Forged);
    }
    let field = |name: &str| form.get(name).unwrap_or_default();
    let t = Texts::of(ctx, headers);
    let again = async |wrong: &'static str, words: String| {
        page(ctx, headers, &cookie, &shown(field("login")), Some(Wrong { field: wrong, words })).await
    };
    if field("passwd_new") != field("passwd_again") {
        return Ok(again("passwd_new", t.say("first-passwords-differ")).await);
    }
    Ok(match passes::redeem(ctx, field("login"), field("code"), field("passwd_new")).await {
        Ok(()) => see_other("/welcome/done"),
        // An unknown name, a wrong, old or used code: one answer.
        Err(PassError::Wrong) => again("code", t.say("welcome-wrong")).await,
        Err(PassError::Paused) => again("code", t.say("sign-in-paused")).await,
        Err(PassError::Password) => again("passwd_new", t.say("first-password-weak")).await,
        Err(PassError::Refused(refused)) => return Err((*refused).into()),
    })
}

/// `GET /welcome/done`.
pub(super) async fn done(ctx: &Ctx, headers: &HeaderMap) -> Response {
    done_page(ctx, headers, "welcome-done-title", "welcome-done-text").await
}
