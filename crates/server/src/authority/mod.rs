//! The token service: who signs in how, and what their tokens say.

mod admin_consent;
mod authorize;
pub mod bearer;
mod behind;
mod claims;
pub(crate) mod client;
pub(crate) mod consent;
pub(crate) mod credentials;
pub(crate) mod ctx;
mod devicecode;
mod discovery;
mod entitled;
pub(crate) mod factors;
pub(crate) mod floods;
mod give_back;
pub(crate) mod grants;
mod id_hint;
pub(crate) mod identity;
pub(crate) mod issue;
pub(crate) mod issuers;
pub mod keys;
pub(crate) mod lockouts;
mod logout;
pub(crate) mod memory;
pub(crate) mod passes;
mod place;
pub(crate) mod policies;
pub(crate) mod pop;
pub(crate) mod refused;
pub mod retention;
pub(crate) mod revoke;
pub(crate) mod secret;
pub(crate) mod state;
pub(crate) mod strangers;
pub(crate) mod target;
pub mod token;
pub(crate) mod token_endpoint;
mod userinfo;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use entrance_model::signin::{Aadsts, Endpoint};
use entrance_wire::oauth::form::LONGEST_BODY;

use crate::app::App;
use crate::http::{RequestInfo, is_read};
use crate::pages;
use ctx::Ctx;
use refused::Refused;

/// How often what is over is forgotten.
const SWEEP: Duration = Duration::from_mins(10);

/// The routes of the token service.
pub(crate) fn router(app: &Arc<App>) -> Router {
    sweep(app);
    Router::new().fallback(answer).with_state(Arc::clone(app))
}

fn sweep(app: &Arc<App>) {
    let swept = Arc::downgrade(app);
    app.tasks.spawn("forget what is over", async move {
        loop {
            tokio::time::sleep(SWEEP).await;
            let Some(app) = swept.upgrade() else { return };
            let done = async {
                let mut tx = app.store.write().await?;
                tx.authority().sweep(app.now()).await?;
                tx.commit().await?;
                strangers::settle(&app).await?;
                retention::prune(&app).await
            };
            if let Err(error) = done.await {
                tracing::warn!(%error, "what is over could not be forgotten");
            }
        }
    });
}

/// What is asked, behind the tenant. The path is in lower case already (S-010).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Configuration,
    Keys,
    Instances,
    Realm,
    Authorize,
    Token,
    DeviceCode,
    Revoke,
    DevicePage,
    NativeClient,
    Logout,
    Userinfo,
    AdminConsent,
}

impl Asked {
    fn parse(segments: &[&str]) -> Option<(Self, Endpoint)> {
        use Endpoint::{V1, V2};
        Some(match segments {
            ["oidc", "userinfo"] => (Self::Userinfo, V2),
            ["common", "discovery", "instance"] => (Self::Instances, V2),
            [_, "userrealm", _] => (Self::Realm, V2),
            [_, "v2.0", ".well-known", "openid-configuration"] => (Self::Configuration, V2),
            [_, ".well-known", "openid-configuration"] => (Self::Configuration, V1),
            [_, "discovery", "v2.0", "keys"] => (Self::Keys, V2),
            [_, "discovery", "keys"] => (Self::Keys, V1),
            [_, "oauth2", "v2.0", "authorize"] => (Self::Authorize, V2),
            [_, "oauth2", "authorize"] => (Self::Authorize, V1),
            [_, "oauth2", "v2.0", "token"] => (Self::Token, V2),
            [_, "oauth2", "token"] => (Self::Token, V1),
            [_, "oauth2", "v2.0", "devicecode"] => (Self::DeviceCode, V2),
            [_, "oauth2", "devicecode"] => (Self::DeviceCode, V1),
            [_, "oauth2", "v2.0", "revoke"] => (Self::Revoke, V2),
            [_, "oauth2", "deviceauth"] => (Self::DevicePage, V2),
            [_, "oauth2", "nativeclient"] => (Self::NativeClient, V2),
            [_, "oauth2", "v2.0", "logout"] => (Self::Logout, V2),
            [_, "oauth2", "logout"] => (Self::Logout, V1),
            [_, "v2.0", "adminconsent"] | [_, "adminconsent"] => (Self::AdminConsent, V2),
            _ => return None,
        })
    }

    /// What a browser is told before it asks for another origin (S-019). Everybody may read the public documents; a page
    /// that redeems a grant needs no such question, and is recognised when it does.
    fn preflight(self) -> Response {
        let mut response = StatusCode::NO_CONTENT.into_response();
        if self.is_public() {
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD"));
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*"));
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
        }
        response
    }

    /// A document that says nothing about anybody.
    const fn is_public(self) -> bool {
        matches!(self, Self::Configuration | Self::Keys | Self::Instances | Self::Realm)
    }

    /// Whether the endpoint takes the method.
    fn takes(self, method: &Method) -> bool {
        match self {
            Self::Configuration | Self::Keys | Self::Instances | Self::Realm | Self::NativeClient | Self::AdminConsent => {
                is_read(method)
            }
            Self::Token | Self::DeviceCode | Self::Revoke => method == Method::POST,
            Self::Authorize | Self::DevicePage | Self::Logout | Self::Userinfo => is_read(method) || method == Method::POST,
        }
    }
}

async fn answer(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let info = parts.extensions.get::<RequestInfo>().cloned().expect("the listener adds it to every request");
    let segments: Vec<&str> = parts.uri.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let Some((asked, endpoint)) = Asked::parse(&segments) else {
        let ctx = Ctx { app, info, endpoint: Endpoint::V2, language: pages::texts::Asked::default() };
        ctx.language.read(|name| pages::query(parts.uri.query().unwrap_or_default(), name));
        let page = pages::error::plain(&ctx, &parts.headers, StatusCode::NOT_FOUND).await;
        return pages::shown(&ctx, &parts.headers, Ok(page)).await;
    };
    let ctx = Ctx { app, info, endpoint, language: pages::texts::Asked::default() };
    ctx.language.read(|name| pages::query(parts.uri.query().unwrap_or_default(), name));
    if parts.method == Method::OPTIONS {
        return asked.preflight();
    }
    if !asked.takes(&parts.method) {
        // S-015: not an empty 405.
        return Refused::from(Aadsts::BadHttpMethod).answer(&ctx.app, &ctx.info);
    }
    let segment = segments[0];
    let headers = &parts.headers;
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let Some(body) = crate::http::body::read(body, LONGEST_BODY).await else {
        return Refused::from(Aadsts::InvalidRequest).saying("The body is too long.".into()).answer(&ctx.app, &ctx.info);
    };
    // A browser may send the parameters of a page as a form, too.
    let parameters = if parts.method == Method::POST { body.as_ref() } else { query };
    match asked {
        Asked::Configuration => discovery::configuration(&ctx, segment).await,
        Asked::Keys => discovery::keys(&ctx, segment).await,
        Asked::Instances => discovery::instances(&ctx, parts.uri.query().unwrap_or_default()),
        Asked::Realm => discovery::realm(&ctx, segments[2]).await,
        Asked::Authorize => authorize::answer(&ctx, segment, headers, parameters).await,
        Asked::Token => token_endpoint::post(&ctx, segment, headers, &body).await,
        Asked::DeviceCode => devicecode::post(&ctx, segment, headers, &body).await,
        Asked::Revoke => give_back::post(&ctx, segment, headers, &body).await,
        Asked::DevicePage => device_page(&ctx, &parts.method, headers, body).await,
        Asked::NativeClient => {
            ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")], "").into_response()
        }
        Asked::AdminConsent => admin_consent::answer(&ctx, segment, headers, parameters).await,
        Asked::Logout => logout::answer(&ctx, segment, headers, parameters).await,
        Asked::Userinfo => userinfo::get(&ctx, headers, &body).await,
    }
}

/// The device page under its old addresses; its form leads to the one address it has.
async fn device_page(ctx: &Ctx, method: &Method, headers: &axum::http::HeaderMap, body: bytes::Bytes) -> Response {
    if is_read(method) {
        return pages::shown(ctx, headers, Ok(pages::device::get(ctx, headers).await)).await;
    }
    let outcome = async {
        if !pages::came_from_us(&ctx.app, headers) {
            return Err(pages::PageError::Forged);
        }
        let form = pages::posted(headers, Body::from(body)).await?;
        pages::device::post(ctx, headers, &form).await
    };
    pages::shown(ctx, headers, outcome.await).await
}
