//! Role definitions, role assignments and deny assignments at any scope, and what somebody may do there (contract R, 3.3, 3.10).
//!
//! Their paths begin with a scope of any length, so they are taken apart here and not by the router.

pub(super) mod assignments;
mod check_access;
mod definitions;
mod denials;
mod filter;
mod permissions;

use std::sync::Arc;

use axum::extract::{FromRequest as _, Request};
use axum::http::Method;
use axum::response::{IntoResponse as _, Response};
use entrance_model::arm::Scope;
use serde_json::Value;

use super::body::Body;
use super::ctx::Ctx;
use super::error::{ArmError, Refusal};
use crate::app::App;
use filter::Filter;

/// What stands behind the scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Collection {
    Assignments,
    Definitions,
    Denials,
    Permissions,
    CheckAccess,
}

/// A path below `…/providers/Microsoft.Authorization`.
pub(super) struct Address {
    scope: Scope,
    collection: Collection,
    name: Option<String>,
}

const PROVIDER: &str = "/providers/microsoft.authorization/";

impl Address {
    /// Takes a path apart; `None` when it is no path of this provider.
    pub(super) fn of(path: &str) -> Option<Result<Self, ArmError>> {
        let at = path.rfind(PROVIDER)?;
        Some(Self::read(&path[..at], &path[at + PROVIDER.len()..]))
    }

    fn read(scope: &str, rest: &str) -> Result<Self, ArmError> {
        let unknown =
            || Refusal::NoSuchType { what: format!("Microsoft.Authorization/{}", rest.chars().take(100).collect::<String>()) };
        let scope = if scope.is_empty() { Scope::root() } else { decoded(scope).ok_or_else(unknown)?.parse()? };
        let (collection, name) = match rest.split_once('/') {
            None => (rest, None),
            Some((collection, name)) => (collection, Some(name.to_owned())),
        };
        let collection = match collection {
            "roleassignments" => Collection::Assignments,
            "roledefinitions" => Collection::Definitions,
            "denyassignments" => Collection::Denials,
            "permissions" => Collection::Permissions,
            "checkaccess" => Collection::CheckAccess,
            _ => return Err(unknown().into()),
        };
        if name.as_ref().is_some_and(|name| name.is_empty() || name.contains('/')) {
            return Err(unknown().into());
        }
        Ok(Self { scope, collection, name })
    }
}

// Names of groups may be written with escapes; what decodes to a slash or worse is no scope, which its parser sees.
fn decoded(path: &str) -> Option<String> {
    let mut out = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let hex = [bytes.next()?, bytes.next()?];
        let byte = u8::from_str_radix(std::str::from_utf8(&hex).ok()?, 16).ok()?;
        if matches!(byte, b'/' | b'%' | 0) {
            return None;
        }
        out.push(byte);
    }
    String::from_utf8(out).ok()
}

/// Answers a request for roles.
pub(super) async fn answer(app: Arc<App>, ctx: Ctx, address: Address, request: Request) -> Response {
    dispatch(&app, &ctx, &address, request).await.unwrap_or_else(ArmError::into_response)
}

async fn dispatch(app: &Arc<App>, ctx: &Ctx, address: &Address, request: Request) -> Result<Response, ArmError> {
    if let Some(subscription) = address.scope.subscription_id() {
        ctx.subscription(&subscription.to_string()).await?;
    }
    let method = request.method().clone();
    let (scope, uri) = (&address.scope, request.uri().clone());
    match (address.collection, &method, &address.name) {
        (Collection::Definitions, &Method::GET, None) => definitions::list(ctx, scope, &Filter::of(&uri)?).await,
        (Collection::Definitions, &Method::GET, Some(id)) => definitions::get(ctx, scope, id).await,
        (Collection::Definitions, &Method::PUT, Some(id)) => definitions::put(ctx, scope, id, &body(app, request).await?).await,
        (Collection::Definitions, &Method::DELETE, Some(id)) => definitions::delete(ctx, scope, id).await,
        (Collection::Assignments, &Method::GET, None) => assignments::list(ctx, scope, &Filter::of(&uri)?).await,
        (Collection::Assignments, &Method::GET, Some(id)) => assignments::get(ctx, scope, id).await,
        (Collection::Assignments, &Method::PUT, Some(id)) => assignments::put(ctx, scope, id, &body(app, request).await?).await,
        (Collection::Assignments, &Method::DELETE, Some(id)) => assignments::delete(ctx, scope, id).await,
        (Collection::Denials, &Method::GET, None) => denials::list(ctx, scope, &Filter::of(&uri)?),
        (Collection::Denials, &Method::GET, Some(id)) => denials::get(ctx, scope, id),
        (Collection::Denials, &Method::PUT, Some(id)) => denials::put(ctx, scope, id, &body(app, request).await?).await,
        (Collection::Denials, &Method::DELETE, Some(id)) => denials::delete(ctx, scope, id).await,
        (Collection::Permissions, &Method::GET, None) => permissions::list(ctx, scope),
        (Collection::CheckAccess, &Method::POST, None) => check_access::post(ctx, scope, &body(app, request).await?).await,
        _ => Err(Refusal::Method { method: method.to_string(), path: uri.path().chars().take(200).collect() }.into()),
    }
}

async fn body(app: &Arc<App>, request: Request) -> Result<Value, ArmError> {
    Body::from_request(request, app).await.map(|Body(body)| body)
}
