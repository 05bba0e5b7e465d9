//! `GET /{tenant}/adminconsent` and `/{tenant}/v2.0/adminconsent` (S-113): an application asks an administrator to allow it
//! something for everybody.

use axum::http::HeaderMap;
use axum::response::Response;
use entrance_model::signin::Aadsts;
use entrance_model::signin::redirect::registered;
use entrance_wire::oauth::form::{Form, LONGEST_QUERY};

use super::client::Client;
use super::ctx::Ctx;
use super::grants;
use super::place::Place;
use super::refused::Refused;
use super::token_endpoint::refused_form;
use crate::pages::flow::{Flow, Purpose, sessions};
use crate::pages::page::see_other;
use crate::pages::texts::Texts;
use crate::pages::{FlowCookie, PageError, app_name, shown};

const KNOWN: [&str; 6] = ["client_id", "redirect_uri", "state", "scope", "mkt", "ui_locales"];
const LONGEST_STATE: usize = 2048;

/// Answers with the page that asks.
pub(super) async fn answer(ctx: &Ctx, segment: &str, headers: &HeaderMap, text: &[u8]) -> Response {
    shown(ctx, headers, begin(ctx, segment, headers, text).await).await
}

async fn begin(ctx: &Ctx, segment: &str, headers: &HeaderMap, text: &[u8]) -> Result<Response, PageError> {
    if text.len() > LONGEST_QUERY {
        return Err(Aadsts::QueryStringTooLong.into());
    }
    let place = Place::find(&ctx.app, segment).await?;
    let tenant = place.tenant()?;
    let form = Form::parse(text, LONGEST_QUERY, &KNOWN).map_err(|error| refused_form(&error))?;
    let id = form.get("client_id").ok_or_else(|| Refused::missing("client_id"))?;
    let client = Client::find(ctx, tenant, id).await?;
    // Nobody changes what is built in.
    if client.is_built_in() {
        return Err(Aadsts::PreauthorizationRequired.into());
    }
    let redirect = form.get("redirect_uri");
    if let Some(redirect) = redirect {
        registered(&client.redirects(ctx.app.base()), redirect).ok_or(Refused::from(Aadsts::InvalidReplyTo))?;
    }
    let state = form.get("state");
    if state.is_some_and(|state| state.len() > LONGEST_STATE) {
        return Err(Aadsts::InvalidUserInput.into());
    }
    if let Some(scope) = form.get("scope") {
        grants::asked(ctx.endpoint, Some(scope))?;
    }
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let purpose = Purpose::AdminConsent {
        app: client.app,
        redirect: owned(redirect),
        state: owned(state),
        scope: owned(form.get("scope")),
    };
    let app = app_name(Texts::of(ctx, headers), client.app, client.name());
    let cookie = FlowCookie::or_new(headers);
    let id = Flow::begin(ctx, &cookie, tenant.id, app, purpose).await?;
    let page = if sessions(ctx, headers, tenant.id).await?.is_empty() { "/signin" } else { "/signin/account" };
    let mut response = see_other(&format!("{}{page}?flow={id}", ctx.app.base()));
    cookie.set(response.headers_mut());
    Ok(response)
}
