//! `GET {scope}/…/permissions`: what the caller may do here, by the roles they hold.

use axum::Json;
use axum::response::{IntoResponse, Response};
use entrance_model::access::Action;
use entrance_model::arm::Scope;
use serde_json::{Value, json};

use crate::arm::ctx::Ctx;
use crate::arm::error::ArmError;

/// One entry for each role that reaches the scope. Whoever holds none is refused like at anything else.
pub(super) fn list(ctx: &Ctx, scope: &Scope) -> Result<Response, ArmError> {
    let rights = ctx.rights();
    let here = rights.assignments.iter().filter(|assignment| rights.hierarchy.covers(&assignment.scope, scope));
    let mut value: Vec<Value> = Vec::new();
    for assignment in here {
        for permission in rights.roles.get(assignment.role).map_or(&[][..], |role| role.permissions.as_slice()) {
            let mut entry = json!(permission);
            if let Some(condition) = &assignment.condition {
                entry["condition"] = json!(condition.as_str());
                entry["conditionVersion"] = json!("2.0");
            }
            if !value.contains(&entry) {
                value.push(entry);
            }
        }
    }
    if value.is_empty() {
        ctx.allow(Action::PermissionsRead, scope)?;
    }
    Ok(Json(json!({ "value": value })).into_response())
}
