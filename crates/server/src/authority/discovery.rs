//! Where everything is (S-020…S-026).

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use entrance_model::signin::{Aadsts, Endpoint};
use entrance_wire::oauth::discovery::{instance, user_realm};
use entrance_wire::oauth::form::{Form, LONGEST_QUERY};
use serde_json::{Value, json};

use super::ctx::Ctx;
use super::place::Place;
use super::refused::Refused;
use super::token_endpoint::refused_form;

/// A document that everybody may read and keep for a day (S-019, S-020).
fn document(body: &Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::CACHE_CONTROL, "max-age=86400, private"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (StatusCode::OK, headers, body.to_string()).into_response()
}

/// A refusal that every origin may read.
fn refused(ctx: &Ctx, refused: &Refused) -> Response {
    let mut response = refused.answer(&ctx.app, &ctx.info);
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, header::HeaderValue::from_static("*"));
    response
}

/// `GET /{tenant}[/v2.0]/.well-known/openid-configuration`.
pub(super) async fn configuration(ctx: &Ctx, segment: &str) -> Response {
    match Place::find(&ctx.app, segment).await {
        Ok(place) => {
            let mut id = String::new();
            let places = place.spelled(ctx.app.base(), &mut id);
            document(&if ctx.endpoint == Endpoint::V1 { places.v1() } else { places.v2() })
        }
        Err(error) => refused(ctx, &error),
    }
}

/// `GET /{tenant}/discovery[/v2.0]/keys`.
pub(super) async fn keys(ctx: &Ctx, segment: &str) -> Response {
    let issuer = match Place::find(&ctx.app, segment).await {
        Err(error) => return refused(ctx, &error),
        Ok(_) if ctx.endpoint == Endpoint::V1 => None,
        Ok(place) => {
            let mut id = String::new();
            let places = place.spelled(ctx.app.base(), &mut id);
            Some(format!("{}/{}/v2.0", ctx.app.base(), places.issuer_tenant))
        }
    };
    document(&json!({ "keys": ctx.app.keys.published(issuer.as_deref()) }))
}

/// `GET /common/discovery/instance` (S-024).
pub(super) fn instances(ctx: &Ctx, query: &str) -> Response {
    let answer = || {
        let form = Form::parse(query.as_bytes(), LONGEST_QUERY, &["api-version", "authorization_endpoint"])
            .map_err(|e| refused_form(&e))?;
        let malformed = || Refused::from(Aadsts::MalformedDiscoveryRequest);
        let version = form.get("api-version").filter(|version| matches!(*version, "1.0" | "1.1")).ok_or_else(malformed)?;
        let endpoint = form.get("authorization_endpoint").ok_or_else(malformed)?;
        let rest = endpoint.strip_prefix(ctx.app.base()).and_then(|rest| rest.strip_prefix('/'));
        let rest = rest.ok_or_else(|| Refused::from(Aadsts::NoSuchInstanceForDiscovery).about("address", endpoint))?;
        let tenant = rest.split('/').next().unwrap_or_default();
        let is_segment = !tenant.is_empty() && tenant.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
        if !is_segment {
            return Err(malformed());
        }
        Ok(instance(ctx.app.base(), &tenant.to_ascii_lowercase(), version))
    };
    match answer() {
        Ok(body) => document(&body),
        Err(error) => refused(ctx, &error),
    }
}

/// `GET /common/userrealm/{upn}` (S-025): the domain decides; whether the person exists is never told.
pub(super) async fn realm(ctx: &Ctx, name: &str) -> Response {
    let domain = name.rsplit_once('@').map_or("", |(_, domain)| domain);
    let domain: String = domain.chars().filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c)).take(253).collect();
    let known = async {
        let mut reader = ctx.app.store.read().await?;
        reader.directory().tenant_of_domain(&domain).await
    };
    match known.await {
        // Clients refuse an empty member, so an empty domain is named somehow.
        Ok(tenant) => {
            let shown = if domain.is_empty() { "unknown" } else { &domain };
            document(&user_realm(ctx.app.base(), shown, tenant.is_some()))
        }
        Err(error) => refused(ctx, &error.into()),
    }
}
