//! `GET|POST /{tenant}/oauth2/v2.0/logout` (S-120): ends this browser's sessions; leads on to registered addresses only.

use axum::http::HeaderMap;
use axum::response::Response;
use entrance_model::directory::Tenant;
use entrance_model::signin::redirect::registered;
use entrance_wire::oauth::form::{Form, LONGEST_QUERY};

use super::client::Client;
use super::ctx::Ctx;
use super::id_hint::Hint;
use super::place::Place;
use super::token_endpoint::refused_form;
use crate::pages::flow::sessions;
use crate::pages::{PageError, shown, signed_out};

const KNOWN: [&str; 5] = ["post_logout_redirect_uri", "id_token_hint", "logout_hint", "state", "client_id"];

/// Answers a sign-out request.
pub(super) async fn answer(ctx: &Ctx, segment: &str, headers: &HeaderMap, text: &[u8]) -> Response {
    shown(ctx, headers, sign_out(ctx, segment, headers, text).await).await
}

async fn sign_out(ctx: &Ctx, segment: &str, headers: &HeaderMap, text: &[u8]) -> Result<Response, PageError> {
    let form = Form::parse(text, LONGEST_QUERY, &KNOWN).map_err(|error| refused_form(&error))?;
    let hint = form.get("id_token_hint").and_then(|token| Hint::read(ctx, token));
    let mut place = Place::find(&ctx.app, segment).await?;
    if let (Err(_), Some(hint)) = (place.tenant(), &hint) {
        place = Place::find(&ctx.app, &hint.tid.to_string()).await?;
    }
    let tenant = place.tenant()?;
    let hint = hint.filter(|hint| hint.tid == tenant.id);
    let client = hint.as_ref().map(|hint| hint.aud.as_str()).or(form.get("client_id"));
    let to = back(ctx, tenant, client, &form).await;
    let live = sessions(ctx, headers, tenant.id).await?;
    let proves = hint.and_then(|hint| hint.sid).is_some_and(|sid| live.iter().any(|(session, _)| session.id == sid));
    // A link from anywhere must not sign out a browser that several people or applications share.
    if !proves && live.len() > 1 {
        return Ok(signed_out::ask(ctx, headers).await);
    }
    Ok(signed_out::end(ctx, headers, to.as_deref().unwrap_or("/signedout")).await?)
}

/// Where the browser may go: an address that this client registered, exactly, with the state that was sent.
async fn back(ctx: &Ctx, tenant: &Tenant, client: Option<&str>, form: &Form) -> Option<String> {
    let asked = form.get("post_logout_redirect_uri")?;
    let client = Client::find(ctx, tenant, client?).await.ok()?;
    let redirects = client.redirects(ctx.app.base());
    let known = registered(&redirects, asked).is_some() || redirects.logout.as_deref() == Some(asked);
    if !known {
        return None;
    }
    let Some(state) = form.get("state") else { return Some(asked.to_owned()) };
    let sign = if asked.contains('?') { '&' } else { '?' };
    let state = url::form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish();
    Some(format!("{asked}{sign}{state}"))
}
