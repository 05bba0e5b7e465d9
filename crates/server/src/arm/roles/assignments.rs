//! Role assignments.
//!
//! Who may give or take which role can hang on a condition, so the right is looked at together with what is asked for.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use entrance_model::access::{Action, Assignment, Attributes, Condition, Hierarchy, PrincipalType, RoleDefinition, Source};
use entrance_model::arm::Scope;
use entrance_model::directory::MemberKind;
use entrance_model::id::{AssignmentId, PrincipalId, RoleId};
use serde_json::{Value, json};

use super::definitions::id_of;
use super::filter::Filter;
use crate::arm::body::member;
use crate::arm::ctx::{Allowed, Ctx, ROLES};
use crate::arm::error::{ArmError, Refusal};

/// `GET {scope}/…/roleAssignments`: above, at and below the scope, narrowed by the filter.
pub(super) async fn list(ctx: &Ctx, scope: &Scope, filter: &Filter) -> Result<Response, ArmError> {
    ctx.allow(Action::RoleAssignmentsRead, scope)?;
    let hierarchy = Hierarchy::of(ctx.tenant());
    let mut reader = ctx.app.store.read().await?;
    // Each way looks up what it needs, so that the cost follows the answer.
    let found = if let Some(id) = filter.principal {
        reader.arm().assignments_of(ctx.tenant(), id).await?
    } else if let Some(id) = filter.assigned_to {
        reader.arm().assignments_held(ctx.tenant(), id).await?
    } else {
        let mut found = Vec::new();
        if scope.is_root() {
            found.extend(reader.arm().assignments_at(ctx.tenant(), scope).await?);
        } else {
            let group = format!("/providers/Microsoft.Management/managementGroups/{}", ctx.tenant()).parse::<Scope>();
            let mut above = scope.and_above();
            above.extend(group.ok().filter(|group| hierarchy.covers(group, scope) && group != scope));
            for place in above.iter().rev() {
                found.extend(reader.arm().assignments_at(ctx.tenant(), place).await?);
            }
        }
        if !filter.at_scope {
            found.extend(reader.arm().assignments_under(ctx.tenant(), scope).await?);
        }
        found
    };
    let fits = |a: &&Assignment| {
        let here = hierarchy.covers(&a.scope, scope) || (!filter.at_scope && hierarchy.covers(scope, &a.scope));
        here && filter.principal.is_none_or(|id| id == a.principal)
    };
    let value: Vec<Value> = found.iter().filter(fits).map(show).collect();
    Ok(Json(json!({ "value": value })).into_response())
}

/// `GET {scope}/…/roleAssignments/{id}`.
pub(in crate::arm) async fn get(ctx: &Ctx, scope: &Scope, name: &str) -> Result<Response, ArmError> {
    ctx.allow(Action::RoleAssignmentsRead, scope)?;
    let missing = || Refusal::NotFound(format!("role assignment {}", name.chars().take(64).collect::<String>()));
    let id = name.parse::<AssignmentId>().map_err(|_| missing())?;
    let found = ctx.app.store.read().await?.arm().assignment(ctx.tenant(), id).await?.filter(|a| a.scope == *scope);
    Ok(Json(show(&found.ok_or_else(missing)?)).into_response())
}

/// `PUT {scope}/…/roleAssignments/{id}`: gives a role.
pub(in crate::arm) async fn put(ctx: &Ctx, scope: &Scope, name: &str, body: &Value) -> Result<Response, ArmError> {
    let (sent, allowed) = allowed(ctx, scope, body).await?;
    let wanted = read(ctx, scope, name, body, &sent).await?;
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

// the right to give a role may hang on which role, and to whom.
async fn allowed(ctx: &Ctx, scope: &Scope, body: &Value) -> Result<(Sent, Allowed), ArmError> {
    let sent = Sent::peek(ctx, body).await?;
    let about = Assignment::attributes(Source::Request, sent.role, sent.principal, sent.actual.or(sent.given));
    let allowed = ctx.allow_with(Action::RoleAssignmentsWrite, scope, &about)?;
    Ok((sent, allowed))
}

/// Whether a PUT would be accepted; nothing is written.
pub(in crate::arm) async fn try_put(ctx: &Ctx, scope: &Scope, name: &str, body: &Value) -> Result<(), ArmError> {
    let (sent, _) = allowed(ctx, scope, body).await?;
    read(ctx, scope, name, body, &sent).await.map(drop)
}

/// `DELETE {scope}/…/roleAssignments/{id}`: 200 with what was taken away, 204 when there was nothing.
pub(super) async fn delete(ctx: &Ctx, scope: &Scope, name: &str) -> Result<Response, ArmError> {
    let found = match name.parse::<AssignmentId>() {
        Ok(id) => ctx.app.store.read().await?.arm().assignment(ctx.tenant(), id).await?.filter(|a| a.scope == *scope),
        Err(_) => None,
    };
    // What conditions may ask is what is there; of nothing they know nothing, so they refuse.
    let about = found.as_ref().map_or_else(Attributes::default, |a| {
        Assignment::attributes(Source::Resource, Some(a.role), Some(a.principal), Some(a.principal_type))
    });
    let allowed = ctx.allow_with(Action::RoleAssignmentsDelete, scope, &about)?;
    let Some(found) = found else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    let mut tx = ctx.app.store.write().await?;
    // What was looked at has to be what is deleted, should somebody have been first.
    let is_same = |now: &Assignment| (now.role, now.principal) == (found.role, found.principal) && now.scope == found.scope;
    let Some(assignment) = tx.arm().assignment(ctx.tenant(), found.id).await?.filter(is_same) else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    tx.arm().delete_assignment(&assignment).await?;
    tx.audit(ctx.app.now(), &ctx.event("roleAssignment.deleted", &allowed, show(&assignment))).await?;
    tx.commit().await?;
    Ok(Json(show(&assignment)).into_response())
}

/// What a body says about role and principal, as far as it can be read, and what the directory says: enough for conditions
/// on the right to assign. What is wrong with it is told after the caller was allowed.
struct Sent {
    role: Option<RoleId>,
    principal: Option<PrincipalId>,
    given: Option<PrincipalType>,
    actual: Option<PrincipalType>,
}

impl Sent {
    async fn peek(ctx: &Ctx, body: &Value) -> Result<Self, ArmError> {
        let properties = member(body, "properties").unwrap_or(&Value::Null);
        let text = |name: &str| member(properties, name).and_then(Value::as_str);
        // With or without a scope before it: only the last part counts.
        let role = text("roleDefinitionId").and_then(|id| id.rsplit('/').next()?.parse().ok());
        let principal: Option<PrincipalId> = text("principalId").and_then(|id| id.parse().ok());
        let kind = match principal {
            Some(id) => ctx.app.store.read().await?.directory().principal_kind(ctx.tenant(), id).await?,
            None => None,
        };
        let actual = kind.map(|kind| match kind {
            MemberKind::User => PrincipalType::User,
            MemberKind::Group => PrincipalType::Group,
            MemberKind::ServicePrincipal => PrincipalType::ServicePrincipal,
        });
        Ok(Self { role, principal, given: text("principalType").and_then(|kind| kind.parse().ok()), actual })
    }
}

async fn read(ctx: &Ctx, scope: &Scope, name: &str, body: &Value, sent: &Sent) -> Result<Assignment, ArmError> {
    let id = name.parse().map_err(|_| Refusal::AssignmentName(name.chars().take(64).collect()))?;
    let properties = member(body, "properties").cloned().unwrap_or_default();
    let text = |name: &str| member(&properties, name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let needed = |name: &'static str| text(name).ok_or(Refusal::Parameter { name, detail: "it is needed".to_owned() });
    let sent_role = needed("roleDefinitionId")?;
    needed("principalId")?;
    let role = match sent.role {
        Some(id) => role(ctx, id).await?,
        None => None,
    };
    let role = role.filter(|role| role.is_assignable_at(scope, &Hierarchy::of(ctx.tenant())));
    let role = role.ok_or_else(|| Refusal::NoRole { role: sent_role.chars().take(200).collect(), scope: scope.to_string() })?;
    let principal = sent.principal.ok_or(Refusal::Parameter { name: "principalId", detail: "it is no GUID".to_owned() })?;
    let given = text("principalType").map(str::parse::<PrincipalType>).transpose();
    let given = given.map_err(|detail| Refusal::Parameter { name: "principalType", detail })?;
    let principal_type = match (given, sent.actual) {
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
    let condition = match text("condition") {
        None => None,
        Some(_) if text("conditionVersion") != Some("2.0") => {
            return Err(Refusal::Condition("conditionVersion must be \"2.0\"".to_owned()).into());
        }
        Some(text) => Some(Condition::read(text).map_err(|error| Refusal::Condition(error.to_string()))?),
    };
    let now = ctx.app.now();
    Ok(Assignment {
        id,
        tenant: ctx.tenant(),
        scope: scope.clone(),
        role: role.id,
        principal,
        principal_type,
        description: text("description").map(str::to_owned),
        condition,
        created: now,
        created_by: Some(ctx.oid()),
        updated: now,
        updated_by: Some(ctx.oid()),
    })
}

async fn role(ctx: &Ctx, id: RoleId) -> Result<Option<RoleDefinition>, ArmError> {
    if let Some(role) = ROLES.get(id) {
        return Ok(Some(role.clone()));
    }
    let kept = ctx.app.store.read().await?.arm().custom_role(ctx.tenant(), id).await?;
    Ok(kept.map(|kept| kept.role))
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
            "condition": assignment.condition.as_ref().map(Condition::as_str),
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
