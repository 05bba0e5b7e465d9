//! What a body says about an application registration (G-401, G-402).

use entrance_model::directory::Application;
use entrance_model::directory_rules::applications::{Platform, identifier_uris, permissions_change, redirects};
use entrance_model::directory_rules::names;
use entrance_model::id::TenantId;
use entrance_wire::graph::Object;
use entrance_wire::graph::body::{BadBody, Body};
use entrance_wire::graph::tables::APPLICATION;
use serde_json::Value;

use super::error::GraphError;

fn invalid(property: &'static str) -> BadBody {
    BadBody::Value { property, entity: APPLICATION.name }
}

/// Takes over what the body says; credentials are none of its business.
pub(super) fn apply(app: &mut Application, mut body: Body, tenant: TenantId, domains: &[String]) -> Result<(), GraphError> {
    if let Some(text) = body.take_text("displayName") {
        app.display_name = text.ok_or(BadBody::Missing { property: "displayName", entity: APPLICATION.name })?;
        names::display_name(&app.display_name).map_err(|_| invalid("displayName"))?;
    }
    if let Some(uris) = body.take_texts("identifierUris") {
        // `az` shows URIs without a slash at the end and people type one.
        app.identifier_uris = uris.iter().map(|uri| uri.trim_end_matches('/').to_owned()).collect();
        identifier_uris(&app.identifier_uris, app.app_id, tenant, domains)?;
    }
    if let Some(value) = body.take_value("isFallbackPublicClient") {
        app.is_public_client = value.as_bool().unwrap_or(false);
    }
    if let Some(value) = body.take_value("web") {
        let mut web = members(value);
        app.redirects.web = take_uris(&mut web, "redirectUris", "web")?.unwrap_or_else(|| app.redirects.web.clone());
        redirects(&app.redirects.web, Platform::Web)?;
        if let Some(logout) = web.remove("logoutUrl") {
            app.redirects.logout = logout.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
            redirects(app.redirects.logout.as_slice(), Platform::Web)?;
        }
        web.remove("redirectUriSettings");
        keep("web", web, &mut app.other);
    }
    if let Some(value) = body.take_value("spa") {
        app.redirects.spa = take_uris(&mut members(value), "redirectUris", "spa")?.unwrap_or_default();
        redirects(&app.redirects.spa, Platform::Web)?;
    }
    if let Some(value) = body.take_value("publicClient") {
        app.redirects.public_client = take_uris(&mut members(value), "redirectUris", "publicClient")?.unwrap_or_default();
        redirects(&app.redirects.public_client, Platform::PublicClient)?;
    }
    if let Some(value) = body.take_value("api") {
        apply_api(app, members(value))?;
    }
    if let Some(roles) = body.take_value("appRoles") {
        permissions_change(app.other.get("appRoles"), Some(&roles))?;
        app.other.insert("appRoles".into(), roles);
    }
    body.keep_rest(&mut app.other);
    Ok(())
}

fn apply_api(app: &mut Application, mut api: Object) -> Result<(), GraphError> {
    if let Some(version) = api.remove("requestedAccessTokenVersion") {
        app.token_version = match version.as_i64() {
            None if version.is_null() => 1,
            Some(1) => 1,
            Some(2) => 2,
            _ => return Err(invalid("requestedAccessTokenVersion").into()),
        };
    }
    if let Some(scopes) = api.get("oauth2PermissionScopes") {
        let before = app.other.get("api").and_then(|api| api.get("oauth2PermissionScopes"));
        permissions_change(before, Some(scopes))?;
    }
    keep("api", api, &mut app.other);
    Ok(())
}

fn members(value: Value) -> Object {
    match value {
        Value::Object(members) => members.into_iter().filter(|(name, _)| !name.contains('@')).collect(),
        _ => Object::new(),
    }
}

fn take_uris(object: &mut Object, name: &str, property: &'static str) -> Result<Option<Vec<String>>, GraphError> {
    match object.remove(name) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(Vec::new())),
        Some(value) => Ok(Some(serde_json::from_value(value).map_err(|_| invalid(property))?)),
    }
}

/// PATCH changes only the members that it names.
fn keep(name: &str, changes: Object, other: &mut Object) {
    let mut kept = match other.remove(name) {
        Some(Value::Object(kept)) => kept,
        _ => Object::new(),
    };
    kept.extend(changes);
    other.insert(name.to_owned(), Value::Object(kept));
}
