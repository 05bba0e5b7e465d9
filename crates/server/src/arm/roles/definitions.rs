//! Role definitions. Each has one id in one spelling wherever it is listed: clients compare it as text (azure-cli 4.7).

use axum::Json;
use axum::response::{IntoResponse, Response};
use entrance_model::access::{Action, RoleDefinition, RoleKind};
use entrance_model::arm::Scope;
use entrance_model::id::RoleId;
use serde_json::{Value, json};

use super::filter::Filter;
use crate::arm::ctx::{Ctx, ROLES};
use crate::arm::error::{ArmError, Refusal};

/// `GET {scope}/…/roleDefinitions`.
pub(super) fn list(ctx: &Ctx, scope: &Scope, filter: &Filter) -> Result<Response, ArmError> {
    ctx.allow(Action::RoleDefinitionsRead, scope)?;
    let fits = |role: &&RoleDefinition| filter.role_name.as_ref().is_none_or(|name| role.name.eq_ignore_ascii_case(name));
    let value: Vec<Value> = ROLES.iter().filter(fits).map(|role| show(scope, role)).collect();
    Ok(Json(json!({ "value": value })).into_response())
}

/// `GET {scope}/…/roleDefinitions/{id}`.
pub(super) fn get(ctx: &Ctx, scope: &Scope, id: &str) -> Result<Response, ArmError> {
    ctx.allow(Action::RoleDefinitionsRead, scope)?;
    let role = id.parse().ok().and_then(|id| ROLES.get(id));
    let role = role.ok_or_else(|| Refusal::NotFound(format!("role {}", id.chars().take(64).collect::<String>())))?;
    Ok(Json(show(scope, role)).into_response())
}

/// The id of a role, the same at every scope of a subscription.
pub(super) fn id_of(scope: &Scope, role: RoleId) -> String {
    let place = scope.subscription_id().map_or_else(String::new, |id| format!("/subscriptions/{id}"));
    format!("{place}/providers/Microsoft.Authorization/roleDefinitions/{role}")
}

fn show(scope: &Scope, role: &RoleDefinition) -> Value {
    json!({
        "id": id_of(scope, role.id),
        "name": role.id,
        "type": "Microsoft.Authorization/roleDefinitions",
        "properties": {
            "roleName": role.name,
            "type": match role.kind { RoleKind::BuiltIn => "BuiltInRole", RoleKind::Custom => "CustomRole" },
            "description": role.description,
            "assignableScopes": role.assignable.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "permissions": role.permissions
        }
    })
}
