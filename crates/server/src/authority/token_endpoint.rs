//! `POST /{tenant}/oauth2/v2.0/token` and `/{tenant}/oauth2/token` (S-200…S-204).

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entrance_model::signin::{Aadsts, Endpoint};
use entrance_wire::oauth::form::{Form, FormError, LONGEST_BODY};

use super::client::{self, PARAMETERS};
use super::ctx::Ctx;
use super::grants::{Grant, Request};
use super::place::Place;
use super::refused::{Refused, json};

/// Every parameter that is read; one of these twice is an attack or a mistake.
const KNOWN: [&str; 19] = [
    PARAMETERS[0],
    PARAMETERS[1],
    PARAMETERS[2],
    PARAMETERS[3],
    "grant_type",
    "scope",
    "resource",
    "code",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "device_code",
    "username",
    "password",
    "client_info",
    "claims",
    "token_type",
    "req_cnf",
    "assertion",
];

/// Answers a token request.
pub(super) async fn post(ctx: &Ctx, segment: &str, headers: &HeaderMap, body: &[u8]) -> Response {
    match redeem(ctx, segment, headers, body).await {
        Ok(body) => json(StatusCode::OK, body),
        Err(refused) => refused.answer(&ctx.app, &ctx.info),
    }
}

async fn redeem(ctx: &Ctx, segment: &str, headers: &HeaderMap, body: &[u8]) -> Result<String, Refused> {
    let place = Place::find(&ctx.app, segment).await?;
    let form = form(headers, body, &KNOWN)?;
    let grant = Grant::parse(form.get("grant_type").ok_or_else(|| Refused::missing("grant_type"))?)?;
    if ctx.endpoint == Endpoint::V2 && form.get("resource").is_some() {
        return Err(Aadsts::ResourceParameterUnsupported.into());
    }
    // A password's tenant follows from the person's name, where the address names none.
    let tenant = match (grant, form.get("username").and_then(|name| name.rsplit_once('@'))) {
        (Grant::Password, Some((_, domain))) => place.tenant_of(&ctx.app, domain).await?,
        _ => place.tenant()?.clone(),
    };
    // Read first: what is revoked from here on is newer than everything that this request finds.
    let known = ctx.app.store.read().await?.authority().revocation_head(tenant.id).await?;
    let found = client::authenticate(ctx, &tenant, &form, basic(headers)?).await;
    let (client, proof) = match found {
        Ok(found) => found,
        Err(refused) => {
            // Only refusals about a client that exists are worth a line in the tenant's log.
            if refused.user.is_some() {
                let app = form.get("client_id").and_then(|id| id.parse().ok());
                ctx.record(ctx.decision(grant.word(), tenant.id, app), &refused).await;
            }
            return Err(refused);
        }
    };
    let request = Request { ctx, place: &place, tenant: &tenant, form: &form, client: &client, proof: &proof, known };
    match grant.redeem(&request).await {
        Ok(tokens) => Ok(match ctx.endpoint {
            Endpoint::V1 => tokens.v1(),
            Endpoint::V2 => tokens.v2(),
        }),
        Err(refused) => {
            if refused.number != Aadsts::AuthorizationPending {
                ctx.record(ctx.decision(grant.word(), tenant.id, Some(client.app)), &refused).await;
            }
            Err(refused)
        }
    }
}

/// Reads a form body.
pub(crate) fn form(headers: &HeaderMap, body: &[u8], known: &[&'static str]) -> Result<Form, Refused> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_form =
        kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"));
    if !is_form && !body.is_empty() {
        return Err(
            Refused::from(Aadsts::InvalidRequest).saying("The body has to be `application/x-www-form-urlencoded`.".into())
        );
    }
    Form::parse(body, LONGEST_BODY, known).map_err(|error| refused_form(&error))
}

/// A form that is refused, as a refusal.
pub(super) fn refused_form(error: &FormError) -> Refused {
    match error {
        FormError::Duplicate(name) => Refused::from(Aadsts::InvalidRequest).saying(format!("The parameter '{name}' came twice.")),
        FormError::TooLong | FormError::Characters => Aadsts::InvalidRequest.into(),
    }
}

/// The client id and secret of a Basic header, each form-encoded inside it (RFC 6749 §2.3.1).
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, Refused> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let bad = || Refused::from(Aadsts::InvalidClient).because("the Basic header is malformed");
    let text = value.to_str().map_err(|_| bad())?;
    let Some((scheme, encoded)) = text.split_once(' ') else { return Err(bad()) };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).map_err(|_| bad())?).map_err(|_| bad())?;
    let (id, secret) = decoded.split_once(':').ok_or_else(bad)?;
    let unform = |text: &str| {
        url::form_urlencoded::parse(format!("v={}", text.replace('&', "%26")).as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
    };
    Ok(Some((unform(id).ok_or_else(bad)?, unform(secret).ok_or_else(bad)?)))
}
