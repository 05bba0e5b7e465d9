//! `POST /{tenant}/oauth2/v2.0/token` and `/{tenant}/oauth2/token` (S-200…S-204).

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entrance_model::directory::Tenant;
use entrance_model::signin::{Aadsts, Endpoint};
use entrance_wire::oauth::form::{Form, FormError, LONGEST_BODY};

use super::client::{self, PARAMETERS};
use super::ctx::Ctx;
use super::grants::{Grant, Request};
use super::memory::Known;
use super::place::Place;
use super::refused::{Refused, json};

/// Every parameter that is read; one of these twice is an attack or a mistake.
const KNOWN: [&str; 20] = [
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
    "requested_token_use",
];

/// Answers a token request.
pub(super) async fn post(ctx: &Ctx, segment: &str, headers: &HeaderMap, body: &[u8]) -> Response {
    let mut page = None;
    let mut response = match redeem(ctx, segment, headers, body, &mut page).await {
        Ok(body) => json(StatusCode::OK, body),
        Err(refused) => refused.answer(&ctx.app, &ctx.info),
    };
    // S-019: only pages of the client's own may read the answer, and no cookie has a part in it.
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = page {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    response
}

async fn redeem(
    ctx: &Ctx,
    segment: &str,
    headers: &HeaderMap,
    body: &[u8],
    page: &mut Option<HeaderValue>,
) -> Result<String, Refused> {
    let place = Place::find(&ctx.app, segment).await?;
    let form = form(headers, body, &KNOWN)?;
    let grant = Grant::parse(form.get("grant_type").ok_or_else(|| Refused::missing("grant_type"))?)?;
    if ctx.endpoint == Endpoint::V2 && form.get("resource").is_some() {
        return Err(Aadsts::ResourceParameterUnsupported.into());
    }
    let tenant = tenant(ctx, &place, grant, &form).await?;
    // Read first: what is revoked from here on is newer than everything that this request finds.
    let known = Known::now(&ctx.app, tenant.id).await?;
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
    let origin = headers.get(header::ORIGIN).filter(|origin| *origin != ctx.app.base());
    if let Some(origin) = origin {
        *page = origin.to_str().is_ok_and(|origin| client.has_page_at(origin)).then(|| origin.clone());
        if page.is_none() {
            return Err(Refused::from(Aadsts::CrossOriginNotSpa).of(client.principal.id));
        }
    }
    let request = Request {
        ctx,
        place: &place,
        tenant: &tenant,
        form: &form,
        client: &client,
        proof: &proof,
        known,
        is_page: page.is_some(),
    };
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

/// The tenant of a request (S-012): the one that the address names, else the only one there is, else the one that the
/// person's name or the grant belongs to.
async fn tenant(ctx: &Ctx, place: &Place, grant: Grant, form: &Form) -> Result<Arc<Tenant>, Refused> {
    if let Ok(tenant) = place.tenant() {
        return Ok(Arc::clone(tenant));
    }
    if grant == Grant::Password {
        let name = form.get("username").ok_or_else(|| Refused::missing("username"))?;
        let (_, domain) = name.rsplit_once('@').ok_or(Refused::from(Aadsts::MissingTenantRealm))?;
        return place.tenant_of(&ctx.app, domain).await;
    }
    let hash = |name: &str| form.get(name).map(super::secret::sha256);
    let mut reader = ctx.app.store.read().await?;
    let found = match grant {
        Grant::AuthorizationCode => match hash("code") {
            Some(hash) => reader.authority().code(&hash).await?.and_then(|stored| stored.state.tenant()),
            None => None,
        },
        Grant::RefreshToken => match hash("refresh_token") {
            Some(hash) => reader.authority().refresh_token(&hash).await?.map(|stored| stored.tenant),
            None => None,
        },
        Grant::DeviceCode => match hash("device_code").or_else(|| hash("code")) {
            Some(hash) => reader.authority().device_grant(&hash).await?.and_then(|stored| stored.state.tenant()),
            None => None,
        },
        // These say who asks, and nothing about where.
        Grant::ClientCredentials | Grant::OnBehalfOf | Grant::Password => None,
    };
    let none = || Refused::from(Aadsts::MissingTenantRealm);
    reader.directory().tenant(found.ok_or_else(none)?).await?.map(Arc::new).ok_or_else(none)
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
pub(super) fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, Refused> {
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
