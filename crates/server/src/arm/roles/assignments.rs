//! Role assignments.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use entrance_model::access::{Action, Assignment, PrincipalType};
use entrance_model::arm::Scope;
use entrance_model::directory::MemberKind;
use entrance_model::id::{AssignmentId, PrincipalId, RoleId};
use serde_json::{Value, json};

use super::definitions::id_of;
use super::filter::Filter;
use crate::arm::body::member;
use crate::arm::ctx::{Ctx, ROLES};
use crate::arm::error::{ArmError, Refusal};

/// `GET {scope}/…/roleAssignments`: above, at and below the scope, narrowed by the filter.
pub(super) async fn list(ctx: &Ctx, scope: &Scope, filter: &Filter) -> Result<Response, ArmError> {
    ctx.allow(Action::RoleAssignmentsRead, scope)?;
    let mut holders: Option<Vec<PrincipalId>> = filter.principal.map(|id| vec![id]);
    if let Some(id) = filter.assigned_to {
        let groups = ctx.app.store.read().await?.directory().ancestors(ctx.tenant(), id).await?;
        let all = std::iter::once(id).chain(groups.into_iter().map(|group| group.id.into()));
        holders = Some(all.collect());
    }
    let fits = |a: &&Assignment| {
        let here = a.scope.covers(scope) || (!filter.at_scope && scope.covers(&a.scope));
        here && holders.as_ref().is_none_or(|ids| ids.contains(&a.principal))
    };
    let value: Vec<Value> = ctx.assignments().iter().filter(fits).map(show).collect();
    Ok(Json(json!({ "value": value })).into_response())
}

/// `GET {scope}/…/roleAssignments/{id}`.
pub(in crate::arm) fn get(ctx: &Ctx, scope: &Scope, name: &str) -> Result<Response, ArmError> {
    ctx.allow(Action::RoleAssignmentsRead, scope)?;
    let id = name.parse::<AssignmentId>().ok();
    let found = ctx.assignments().iter().find(|a| Some(a.id) == id && a.scope == *scope);
    let missing = || Refusal::NotFound(format!("role assignment {}", name.chars().take(64).collect::<String>()));
    Ok(Json(show(found.ok_or_else(missing)?)).into_response())
}

/// `PUT {scope}/…/roleAssignments/{id}`: gives a role.
pub(in crate::arm) async fn put(ctx: &Ctx, scope: &Scope, name: &str, body: &Value) -> Result<Response, ArmError> {
    let allowed = ctx.allow(Action::RoleAssignmentsWrite, scope)?;
    let wanted = read(ctx, scope, name, body).await?;
    let mut tx = ctx.app.store.write().await?;
    if let Some(before) = tx.arm().assignment(wanted.tenant, wanted.id).await? {
        if before.role != wanted.role || before.principal != wanted.principal || before.scope != wanted.scope {
            return Err(Refusal::AssignmentFixed.into());
        }
        let after = Assignment {
            description: wanted.description,
            condition: wanted.condition,
            updated: wanted.updated,
            updated_by: wanted.updated_by,
            ..before
        };
        tx.arm().update_assignment(&after).await?;
        tx.audit(ctx.app.now(), &ctx.event("roleAssignment.put", &allowed, show(&after))).await?;
        tx.commit().await?;
        return Ok(Json(show(&after)).into_response());
    }
    if let Some(same) = tx.arm().assignment_like(wanted.tenant, scope, wanted.principal, wanted.role).await? {
        return Err(Refusal::AssignmentExists(same.id.to_string()).into());
    }
    tx.arm().insert_assignment(&wanted).await?;
    tx.audit(ctx.app.now(), &ctx.event("roleAssignment.put", &allowed, show(&wanted))).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(show(&wanted))).into_response())
}

/// Whether a PUT would be accepted; nothing is written.
pub(in crate::arm) async fn try_put(ctx: &Ctx, scope: &Scope, name: &str, body: &Value) -> Result<(), ArmError> {
    ctx.allow(Action::RoleAssignmentsWrite, scope)?;
    read(ctx, scope, name, body).await.map(drop)
}

/// `DELETE {scope}/…/roleAssignments/{id}`: 200 with what was taken away, 204 when there was nothing.
pub(super) async fn delete(ctx: &Ctx, scope: &Scope, name: &str) -> Result<Response, ArmError> {
    let allowed = ctx.allow(Action::RoleAssignmentsDelete, scope)?;
    let Ok(id) = name.parse::<AssignmentId>() else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    let mut tx = ctx.app.store.write().await?;
    let found = tx.arm().assignment(ctx.tenant(), id).await?.filter(|a| a.scope == *scope);
    let Some(assignment) = found else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    tx.arm().delete_assignment(&assignment).await?;
    tx.audit(ctx.app.now(), &ctx.event("roleAssignment.deleted", &allowed, show(&assignment))).await?;
    tx.commit().await?;
    Ok(Json(show(&assignment)).into_response())
}

async fn read(ctx: &Ctx, scope: &Scope, name: &str, body: &Value) -> Result<Assignment, ArmError> {
    let id = name.parse().map_err(|_| Refusal::AssignmentName(name.chars().take(64).collect()))?;
    let properties = member(body, "properties").cloned().unwrap_or_default();
    let text = |name: &str| member(&properties, name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let needed = |name: &'static str| text(name).ok_or(Refusal::Parameter { name, detail: "it is needed".to_owned() });
    let sent_role = needed("roleDefinitionId")?;
    // With or without a scope before it: only the last part counts.
    let role = sent_role.rsplit('/').next().and_then(|id| id.parse::<RoleId>().ok());
    let role = role.and_then(|id| ROLES.get(id)).filter(|role| role.is_assignable_at(scope));
    let role = role.ok_or_else(|| Refusal::NoRole { role: sent_role.chars().take(200).collect(), scope: scope.to_string() })?;
    let sent_principal = needed("principalId")?;
    let bad = |_| Refusal::Parameter { name: "principalId", detail: "it is no GUID".to_owned() };
    let principal: PrincipalId = sent_principal.parse().map_err(bad)?;
    let given = text("principalType").map(str::parse::<PrincipalType>).transpose();
    let given = given.map_err(|detail| Refusal::Parameter { name: "principalType", detail })?;
    let kind = ctx.app.store.read().await?.directory().principal_kind(ctx.tenant(), principal).await?;
    let actual = kind.map(|kind| match kind {
        MemberKind::User => PrincipalType::User,
        MemberKind::Group => PrincipalType::Group,
        MemberKind::ServicePrincipal => PrincipalType::ServicePrincipal,
    });
    let principal_type = match (given, actual) {
        (Some(given), Some(actual)) if given != actual => {
            let (principal, actual, given) = (principal.to_string(), actual.to_string(), given.to_string());
            return Err(Refusal::PrincipalType { principal, actual, given }.into());
        }
        (_, Some(actual)) => actual,
        (Some(given), None) => given,
        (None, None) => {
            return Err(Refusal::NoPrincipal { principal: principal.to_string(), tenant: ctx.tenant().to_string() }.into());
        }
    };
    if text("condition").is_some() && text("conditionVersion") != Some("2.0") {
        return Err(Refusal::Condition("conditionVersion must be \"2.0\"").into());
    }
    let now = ctx.app.now();
    Ok(Assignment {
        id,
        tenant: ctx.tenant(),
        scope: scope.clone(),
        role: role.id,
        principal,
        principal_type,
        description: text("description").map(str::to_owned),
        condition: text("condition").map(str::to_owned),
        created: now,
        created_by: Some(ctx.oid()),
        updated: now,
        updated_by: Some(ctx.oid()),
    })
}

fn show(assignment: &Assignment) -> Value {
    let place = if assignment.scope.is_root() { "" } else { assignment.scope.as_str() };
    json!({
        "id": format!("{place}/providers/Microsoft.Authorization/roleAssignments/{}", assignment.id),
        "type": "Microsoft.Authorization/roleAssignments",
        "name": assignment.id,
        "properties": {
            "roleDefinitionId": id_of(&assignment.scope, assignment.role),
            "principalId": assignment.principal,
            "principalType": assignment.principal_type,
            "scope": assignment.scope.as_str(),
            "condition": assignment.condition,
            "conditionVersion": assignment.condition.as_ref().map(|_| "2.0"),
            "createdOn": assignment.created.to_string(),
            "updatedOn": assignment.updated.to_string(),
            "createdBy": assignment.created_by,
            "updatedBy": assignment.updated_by,
            "delegatedManagedIdentityResourceId": null,
            "description": assignment.description
        }
    })
}
