//! `POST {scope}/…/checkaccess`: what somebody may do, asked for them by whoever may see rights here (contract R, 3.10).
//!
//! This is the question that the webhook of the original's clusters asks, so it is answered in the original's shape.

use axum::Json;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use entrance_model::access::{
    Action, Assignment, Attributes, Because, Caller, Decision, Denied, Plane, Question, Source, decide,
};
use entrance_model::arm::Scope;
use entrance_model::id::{GroupId, PrincipalId};
use serde_json::{Value, json};

use super::definitions::id_of;
use crate::arm::body::member;
use crate::arm::ctx::{Ctx, Held};
use crate::arm::error::{ArmError, Refusal};

/// The answers, in the order of the questions.
pub(super) async fn post(ctx: &Ctx, scope: &Scope, body: &Value) -> Result<Response, ArmError> {
    ctx.allow(Action::CheckAccess, scope)?;
    let asked = Asked::read(scope, body)?;
    let mut reader = ctx.app.store.read().await?;
    let (groups, assignments) = if let Some(groups) = asked.groups {
        let mut held = reader.arm().assignments_of(ctx.tenant(), asked.oid).await?;
        for group in &groups {
            held.extend(reader.arm().assignments_of(ctx.tenant(), (*group).into()).await?);
        }
        (groups, held)
    } else {
        let groups = reader.directory().ancestors(ctx.tenant(), asked.oid).await?;
        let groups = groups.into_iter().filter(|group| group.security_enabled).map(|group| group.id).collect();
        (groups, reader.arm().assignments_held(ctx.tenant(), asked.oid).await?)
    };
    let held = Held::read(&mut reader, ctx.tenant(), assignments).await?;
    let rights = held.rights();
    let caller = Caller { oid: asked.oid, groups: &groups };
    let answers = asked.actions.iter().map(|one| {
        let plane = if one.is_data { Plane::Data } else { Plane::Control };
        let question = Question { caller, plane, action: &one.id, scope: &asked.scope, attributes: &one.attributes };
        answer(one, &decide(&question, &rights), rights.assignments)
    });
    let mut response = Json(answers.collect::<Vec<_>>()).into_response();
    // A client that sees this run low connects anew.
    let remaining = HeaderName::from_static("x-ms-ratelimit-remaining-subscription-reads");
    response.headers_mut().insert(remaining, HeaderValue::from_static("11999"));
    Ok(response)
}

fn answer(one: &One, decision: &Decision, assignments: &[Assignment]) -> Value {
    let mut shown = json!({
        "accessDecision": if decision.is_allowed() { "Allowed" } else { "NotAllowed" },
        "actionId": one.id,
        "isDataAction": one.is_data,
        "roleAssignment": null,
        "denyAssignment": null,
        // Nobody has to remember an answer: the next one is as cheap.
        "timeToLiveInMs": 0
    });
    match decision {
        Decision::Allow(Because::Assignment { id, .. }) => {
            if let Some(assignment) = assignments.iter().find(|assignment| assignment.id == *id) {
                shown["roleAssignment"] = json!({
                    "id": assignment.id,
                    "roleDefinitionId": id_of(&assignment.scope, assignment.role),
                    "principalId": assignment.principal,
                    "principalType": assignment.principal_type,
                    "scope": assignment.scope.as_str(),
                    "condition": assignment.condition.as_ref().map(entrance_model::access::Condition::as_str)
                });
            }
        }
        Decision::Deny(Denied::Blocked { id, name, scope }) => {
            shown["denyAssignment"] = json!({ "id": id, "name": name, "scope": scope.as_str() });
        }
        Decision::Deny(Denied::NoAssignment | Denied::Condition { .. }) => {}
    }
    shown
}

struct Asked {
    oid: PrincipalId,
    /// As the asker says; without, as the directory says.
    groups: Option<Vec<GroupId>>,
    actions: Vec<One>,
    scope: Scope,
}

struct One {
    id: String,
    is_data: bool,
    attributes: Attributes,
}

impl Asked {
    fn read(at: &Scope, body: &Value) -> Result<Self, Refusal> {
        let bad = |name, detail: &str| Refusal::Parameter { name, detail: detail.to_owned() };
        let subject = member(body, "Subject").and_then(|subject| member(subject, "Attributes")).unwrap_or(&Value::Null);
        let oid = member(subject, "ObjectId").and_then(Value::as_str).and_then(|id| id.parse().ok());
        let oid = oid.ok_or_else(|| bad("Subject.Attributes.ObjectId", "an object id is needed"))?;
        let groups = match member(subject, "Groups").filter(|groups| !groups.is_null()) {
            None => None,
            Some(groups) => {
                let one = |id: &Value| id.as_str()?.parse::<GroupId>().ok();
                let groups = groups.as_array().filter(|groups| groups.len() <= MAX_GROUPS);
                let groups = groups.and_then(|groups| groups.iter().map(one).collect::<Option<Vec<_>>>());
                Some(groups.ok_or_else(|| bad("Subject.Attributes.Groups", "a list of at most 5000 object ids is needed"))?)
            }
        };
        let scope: Scope = match member(body, "Resource").and_then(|resource| member(resource, "Id")).and_then(Value::as_str) {
            None => at.clone(),
            Some(id) => {
                id.parse::<Scope>().map_err(|error| Refusal::Parameter { name: "Resource.Id", detail: format!("{error}") })?
            }
        };
        // Whoever may see rights at one place learns nothing of another.
        if !at.covers(&scope) {
            return Err(bad("Resource.Id", "it has to lie at or below the scope of the address"));
        }
        let actions = member(body, "Actions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if actions.is_empty() || actions.len() > MAX_ACTIONS {
            return Err(bad("Actions", "1 to 200 actions are needed"));
        }
        let actions = actions.iter().map(One::read).collect::<Option<Vec<_>>>();
        let actions = actions.ok_or_else(|| bad("Actions", "each needs an Id, and attributes are texts or lists of texts"))?;
        Ok(Self { oid, groups, actions, scope })
    }
}

impl One {
    fn read(value: &Value) -> Option<Self> {
        let id = member(value, "Id")?.as_str().filter(|id| (1..=512).contains(&id.len()))?.to_owned();
        let is_data = member(value, "IsDataAction").and_then(Value::as_bool).unwrap_or(false);
        let mut attributes = Attributes::default();
        for (name, value) in member(value, "Attributes").and_then(Value::as_object).into_iter().flatten().take(MAX_ATTRIBUTES) {
            attributes = match value {
                Value::String(text) => attributes.with(Source::Request, name, text),
                Value::Array(all) => {
                    let all = all.iter().map(|text| text.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()?;
                    attributes.with_all(Source::Request, name, all)
                }
                Value::Null => attributes,
                _ => return None,
            };
        }
        Some(Self { id, is_data, attributes })
    }
}

//
const MAX_ACTIONS: usize = 200;
const MAX_GROUPS: usize = 5000;
const MAX_ATTRIBUTES: usize = 32;
