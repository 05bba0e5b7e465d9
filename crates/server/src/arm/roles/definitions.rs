//! Role definitions, built in and custom. Each has one id in one spelling wherever it is listed: clients
//! compare it as text (azure-cli 4.7).
//!
//! A custom role counts at all of its assignable scopes, so whoever makes, changes or deletes one needs the right at each.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use entrance_model::access::{Action, BadRole, Hierarchy, RoleDefinition, RoleKind, UnknownDataAction};
use entrance_model::arm::Scope;
use entrance_model::id::RoleId;
use entrance_store::{CustomRole, StoreError};
use serde_json::{Value, json};

use super::filter::Filter;
use crate::arm::ctx::{Ctx, ROLES};
use crate::arm::error::{ArmError, Refusal};

/// `GET {scope}/…/roleDefinitions`: what can be assigned here, and below when the filter says so.
pub(super) async fn list(ctx: &Ctx, scope: &Scope, filter: &Filter) -> Result<Response, ArmError> {
    ctx.allow(Action::RoleDefinitionsRead, scope)?;
    let fits = |role: &RoleDefinition| {
        filter.role_name.as_ref().is_none_or(|name| role.name.to_lowercase() == name.to_lowercase())
            && filter.role_type.as_ref().is_none_or(|kind| kind_of(role).eq_ignore_ascii_case(kind))
    };
    let custom = ctx.app.store.read().await?.arm().custom_roles(ctx.tenant()).await?;
    let hierarchy = Hierarchy::of(ctx.tenant());
    let is_here = |role: &RoleDefinition| {
        if filter.and_below { role.is_assignable_below(scope, &hierarchy) } else { role.is_assignable_at(scope, &hierarchy) }
    };
    let built_in = ROLES.iter().filter(|role| fits(role)).map(|role| show(scope, role, None));
    let custom = custom.iter().filter(|kept| fits(&kept.role) && is_here(&kept.role));
    let value: Vec<Value> = built_in.chain(custom.map(|kept| show(scope, &kept.role, Some(kept)))).collect();
    Ok(Json(json!({ "value": value })).into_response())
}

/// `GET {scope}/…/roleDefinitions/{id}`.
pub(super) async fn get(ctx: &Ctx, scope: &Scope, id: &str) -> Result<Response, ArmError> {
    ctx.allow(Action::RoleDefinitionsRead, scope)?;
    let missing = || Refusal::NotFound(format!("role {}", id.chars().take(64).collect::<String>()));
    let id = id.parse().map_err(|_| missing())?;
    if let Some(role) = ROLES.get(id) {
        return Ok(Json(show(scope, role, None)).into_response());
    }
    let kept = ctx.app.store.read().await?.arm().custom_role(ctx.tenant(), id).await?;
    let is_near = |kept: &CustomRole| kept.role.is_assignable_below(scope, &Hierarchy::of(ctx.tenant()));
    let kept = kept.filter(is_near).ok_or_else(missing)?;
    Ok(Json(show(scope, &kept.role, Some(&kept))).into_response())
}

/// `PUT {scope}/…/roleDefinitions/{id}`: makes or changes a custom role.
pub(super) async fn put(ctx: &Ctx, scope: &Scope, id: &str, body: &Value) -> Result<Response, ArmError> {
    let allowed = ctx.allow(Action::RoleDefinitionsWrite, scope)?;
    let id: RoleId = id.parse().map_err(|_| Refusal::RoleName(id.chars().take(64).collect()))?;
    if let Some(role) = ROLES.get(id) {
        return Err(BadRole::BuiltIn(role.name.clone()).into());
    }
    let (role, strange) = RoleDefinition::custom(id, body)?;
    for scope in &role.assignable {
        ctx.allow(Action::RoleDefinitionsWrite, scope)?;
        ours(ctx, scope).await?;
    }
    let hierarchy = Hierarchy::of(ctx.tenant());
    let now = ctx.app.now();
    let mut tx = ctx.app.store.write().await?;
    let before = tx.arm().custom_role(ctx.tenant(), id).await?;
    if let Some(before) = &before {
        for scope in &before.role.assignable {
            ctx.allow(Action::RoleDefinitionsWrite, scope)?;
        }
        // What is assigned already stays within what can be assigned.
        let assigned = tx.arm().assignments_of_role(ctx.tenant(), id).await?;
        let count = assigned.iter().filter(|assignment| !role.is_assignable_at(&assignment.scope, &hierarchy)).count();
        if count > 0 {
            return Err(BadRole::Assigned { role: role.name, count }.into());
        }
    } else if tx.arm().count_custom_roles(ctx.tenant()).await? >= MAX_ROLES {
        return Err(BadRole::TooMany(MAX_ROLES).into());
    }
    let same_name = tx.arm().custom_role_named(ctx.tenant(), &role.name).await?;
    if ROLES.named(&role.name).is_some() || same_name.is_some_and(|other| other.role.id != id) {
        return Err(BadRole::Taken(role.name).into());
    }
    tx.arm().put_custom_role(ctx.tenant(), &role, ctx.oid(), now).await?;
    let kept = tx.arm().custom_role(ctx.tenant(), id).await?.ok_or(StoreError::Conflict)?;
    let shown = show(scope, &kept.role, Some(&kept));
    tx.audit(now, &ctx.event("roleDefinition.put", &allowed, shown.clone())).await?;
    tx.commit().await?;
    // The original answers 201 to both.
    Ok(with_warnings((StatusCode::CREATED, Json(shown)).into_response(), &strange))
}

/// `DELETE {scope}/…/roleDefinitions/{id}`: 200 with what it was, 204 when there was nothing.
pub(super) async fn delete(ctx: &Ctx, scope: &Scope, id: &str) -> Result<Response, ArmError> {
    let allowed = ctx.allow(Action::RoleDefinitionsDelete, scope)?;
    let Ok(id) = id.parse::<RoleId>() else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    if let Some(role) = ROLES.get(id) {
        return Err(BadRole::BuiltIn(role.name.clone()).into());
    }
    let mut tx = ctx.app.store.write().await?;
    let Some(kept) = tx.arm().custom_role(ctx.tenant(), id).await? else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    for scope in &kept.role.assignable {
        ctx.allow(Action::RoleDefinitionsDelete, scope)?;
    }
    let count = tx.arm().assignments_of_role(ctx.tenant(), id).await?.len();
    if count > 0 {
        return Err(BadRole::Assigned { role: kept.role.name, count }.into());
    }
    tx.arm().delete_custom_role(ctx.tenant(), id).await?;
    let shown = show(scope, &kept.role, Some(&kept));
    tx.audit(ctx.app.now(), &ctx.event("roleDefinition.deleted", &allowed, shown.clone())).await?;
    tx.commit().await?;
    Ok(Json(shown).into_response())
}

// As the original has it.
const MAX_ROLES: usize = 5000;

// a scope of the caller's own directory; which resource lies there need not exist yet.
async fn ours(ctx: &Ctx, scope: &Scope) -> Result<(), ArmError> {
    match scope.subscription_id() {
        Some(id) => ctx.subscription(&id.to_string()).await.map(|_| ()),
        None => Ok(()),
    }
}

fn with_warnings(mut response: Response, strange: &[UnknownDataAction]) -> Response {
    // A header line has a budget; the first few tell enough.
    for one in strange.iter().take(5) {
        if let Ok(value) = HeaderValue::from_str(&format!("299 entrance \"R-329: {one}\"")) {
            response.headers_mut().append(HeaderName::from_static("warning"), value);
        }
    }
    response
}

/// The id of a role, the same at every scope of a subscription.
pub(super) fn id_of(scope: &Scope, role: RoleId) -> String {
    let place = scope.subscription_id().map_or_else(String::new, |id| format!("/subscriptions/{id}"));
    format!("{place}/providers/Microsoft.Authorization/roleDefinitions/{role}")
}

fn kind_of(role: &RoleDefinition) -> &'static str {
    match role.kind {
        RoleKind::BuiltIn => "BuiltInRole",
        RoleKind::Custom => "CustomRole",
    }
}

fn show(scope: &Scope, role: &RoleDefinition, kept: Option<&CustomRole>) -> Value {
    let mut shown = json!({
        "id": id_of(scope, role.id),
        "name": role.id,
        "type": "Microsoft.Authorization/roleDefinitions",
        "properties": {
            "roleName": role.name,
            "type": kind_of(role),
            "description": role.description,
            "assignableScopes": role.assignable.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "permissions": role.permissions
        }
    });
    if let Some(kept) = kept {
        let properties = &mut shown["properties"];
        properties["createdOn"] = json!(kept.created.to_string());
        properties["updatedOn"] = json!(kept.updated.to_string());
        properties["createdBy"] = json!(kept.created_by);
        properties["updatedBy"] = json!(kept.updated_by);
    }
    shown
}
