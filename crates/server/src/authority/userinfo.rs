//! `GET|POST /oidc/userinfo` (S-121).

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::bearer::{self, Api, BearerError};
use super::claims::pairwise;
use super::ctx::Ctx;
use super::refused::{Refused, json as answer, timestamp};
use super::token::IdentityType;
use super::token_endpoint::form;

/// Answers who the person behind a token is.
pub(super) async fn get(ctx: &Ctx, headers: &HeaderMap, body: &[u8]) -> Response {
    match who(ctx, &presented(headers, body)).await {
        Ok(Some(claims)) => answer(StatusCode::OK, claims.to_string()),
        Ok(None) => invalid(ctx),
        Err(refused) => refused.answer(&ctx.app, &ctx.info),
    }
}

/// The headers, with a token that came in a form (RFC 6750 §2.2) where a program puts it that sends no header.
fn presented(headers: &HeaderMap, body: &[u8]) -> HeaderMap {
    let mut headers = headers.clone();
    let in_form = || form(&headers, body, &["access_token"]).ok()?.get("access_token").map(str::to_owned);
    if !headers.contains_key(header::AUTHORIZATION)
        && !body.is_empty()
        && let Some(value) = in_form().and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok())
    {
        headers.insert(header::AUTHORIZATION, value);
    }
    headers
}

async fn who(ctx: &Ctx, headers: &HeaderMap) -> Result<Option<Value>, Refused> {
    let token = match bearer::check(&ctx.app, headers, Api::Graph).await {
        Ok(token) => token,
        Err(BearerError::Store(error)) => return Err(error.into()),
        Err(_) => return Ok(None),
    };
    if token.idtyp != IdentityType::User || !token.has_scope("openid") {
        return Ok(None);
    }
    let mut reader = ctx.app.store.read().await?;
    let mut directory = reader.directory();
    let (Some(tenant), Some(user)) = (directory.tenant(token.tid).await?, directory.user(token.tid, token.oid.as_user()).await?)
    else {
        return Ok(None);
    };
    let mut claims = Map::new();
    claims.insert("sub".into(), pairwise(&tenant, &user, token.app_id).into());
    if token.has_scope("profile") {
        claims.insert("name".into(), user.display_name.clone().into());
        claims.extend(user.given_name.map(|name| ("given_name".to_owned(), name.into())));
        claims.extend(user.surname.map(|name| ("family_name".to_owned(), name.into())));
    }
    if token.has_scope("email") {
        claims.extend(user.mail.map(|mail| ("email".to_owned(), mail.into())));
    }
    Ok(Some(Value::Object(claims)))
}

/// The refusal in Graph's shape.
fn invalid(ctx: &Ctx) -> Response {
    let body = json!({ "error": {
        "code": "InvalidAuthenticationToken",
        "message": "The access token is missing, has ended, or is not for this API with the scope `openid`.",
        "innerError": { "date": timestamp(&ctx.app), "request-id": ctx.info.id.to_string(), "client-request-id": ctx.info.correlation_id().to_string() },
    }});
    let mut response = answer(StatusCode::UNAUTHORIZED, body.to_string());
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
    response
}
