//! Deny assignments: seen by whoever may see rights, made and taken away by whoever has just that right.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use entrance_model::access::{Action, BadDenial, Caller, Denial, Hierarchy, Plane};
use entrance_model::arm::Scope;
use entrance_model::id::{DenialId, PrincipalId};
use serde_json::{Value, json};

use super::filter::Filter;
use crate::arm::ctx::Ctx;
use crate::arm::error::{ArmError, Refusal};

/// `GET {scope}/…/denyAssignments`: above, at and below the scope.
pub(super) fn list(ctx: &Ctx, scope: &Scope, filter: &Filter) -> Result<Response, ArmError> {
    ctx.allow(Action::DenialsRead, scope)?;
    let hierarchy = Hierarchy::of(ctx.tenant());
    let fits = |denial: &&Denial| {
        let here = hierarchy.covers(&denial.scope, scope) || (!filter.at_scope && hierarchy.covers(scope, &denial.scope));
        here && filter.principal.is_none_or(|id| denial.principals.contains(&id))
    };
    let value: Vec<Value> = ctx.rights().denials.iter().filter(fits).map(show).collect();
    Ok(Json(json!({ "value": value })).into_response())
}

/// `GET {scope}/…/denyAssignments/{id}`.
pub(super) fn get(ctx: &Ctx, scope: &Scope, name: &str) -> Result<Response, ArmError> {
    ctx.allow(Action::DenialsRead, scope)?;
    let found = find(ctx, scope, name);
    let missing = || Refusal::NotFound(format!("deny assignment {}", name.chars().take(64).collect::<String>()));
    Ok(Json(show(found.ok_or_else(missing)?)).into_response())
}

/// `PUT {scope}/…/denyAssignments/{id}`.
pub(super) async fn put(ctx: &Ctx, scope: &Scope, name: &str, body: &Value) -> Result<Response, ArmError> {
    let allowed = ctx.allow(Action::DenialsWrite, scope)?;
    let id = name.parse::<DenialId>().map_err(|_| Refusal::AssignmentName(name.chars().take(64).collect()))?;
    let wanted = Denial::read(id, ctx.tenant(), scope.clone(), body, ctx.oid(), ctx.app.now())?;
    // Who makes one can take it away again.
    let caller = Caller { oid: ctx.oid(), groups: ctx.groups() };
    let hierarchy = Hierarchy::of(ctx.tenant());
    if wanted.denies(caller, Plane::Control, Action::DenialsDelete.as_str(), scope, &hierarchy) {
        return Err(BadDenial::Trap.into());
    }
    let mut tx = ctx.app.store.write().await?;
    let all = tx.arm().denials(ctx.tenant()).await?;
    let before = all.iter().find(|denial| denial.id == id);
    if before.is_some_and(|before| before.scope != *scope) {
        return Err(Refusal::AssignmentFixed.into());
    }
    if before.is_none() && all.len() >= MAX_DENIALS {
        let detail = format!("there are {MAX_DENIALS} deny assignments, and no more can be made");
        return Err(Refusal::Parameter { name: "denyAssignments", detail }.into());
    }
    let status = if before.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let wanted = match before {
        Some(before) => Denial { created: before.created, created_by: before.created_by, ..wanted },
        None => wanted,
    };
    tx.arm().put_denial(&wanted).await?;
    tx.audit(ctx.app.now(), &ctx.event("denyAssignment.put", &allowed, show(&wanted))).await?;
    tx.commit().await?;
    Ok((status, Json(show(&wanted))).into_response())
}

/// `DELETE {scope}/…/denyAssignments/{id}`: 200 with what it was, 204 when there was nothing.
pub(super) async fn delete(ctx: &Ctx, scope: &Scope, name: &str) -> Result<Response, ArmError> {
    let allowed = ctx.allow(Action::DenialsDelete, scope)?;
    let Some(denial) = find(ctx, scope, name) else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    let mut tx = ctx.app.store.write().await?;
    tx.arm().delete_denial(ctx.tenant(), denial.id).await?;
    tx.audit(ctx.app.now(), &ctx.event("denyAssignment.deleted", &allowed, show(denial))).await?;
    tx.commit().await?;
    Ok(Json(show(denial)).into_response())
}

// Each decision looks at all of them.
const MAX_DENIALS: usize = 500;

fn find<'c>(ctx: &'c Ctx, scope: &Scope, name: &str) -> Option<&'c Denial> {
    let id = name.parse::<DenialId>().ok()?;
    ctx.rights().denials.iter().find(|denial| denial.id == id && denial.scope == *scope)
}

fn show(denial: &Denial) -> Value {
    let place = if denial.scope.is_root() { "" } else { denial.scope.as_str() };
    let ids = |ids: &[PrincipalId]| {
        let kind = |id: &PrincipalId| if id.uuid().is_nil() { "SystemDefined" } else { "Unknown" };
        ids.iter().map(|id| json!({ "id": id, "type": kind(id) })).collect::<Vec<_>>()
    };
    json!({
        "id": format!("{place}/providers/Microsoft.Authorization/denyAssignments/{}", denial.id),
        "type": "Microsoft.Authorization/denyAssignments",
        "name": denial.id,
        "properties": {
            "denyAssignmentName": denial.name,
            "description": denial.description,
            "permissions": [denial.permission],
            "scope": denial.scope.as_str(),
            "doNotApplyToChildScopes": denial.only_here,
            "principals": ids(&denial.principals),
            "excludePrincipals": ids(&denial.excluded),
            "isSystemProtected": false,
            "createdOn": denial.created.to_string(),
            "createdBy": denial.created_by
        }
    })
}
