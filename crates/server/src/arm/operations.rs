//! Long-running operations as clients poll them (contract R, 1.6).

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use entrance_model::access::Action;
use entrance_model::arm::{Ended, Location, Operation, Scope, Target};
use entrance_model::cluster::Work;
use entrance_model::id::{OperationId, SubscriptionId};
use serde_json::{Value, json};

use super::ctx::Ctx;
use super::error::{ArmError, Refusal};

/// Namespace of operations on resource groups.
pub(super) const RESOURCES: &str = "Microsoft.Resources";
/// Namespace of operations on clusters.
pub(super) const CONTAINER_SERVICE: &str = "Microsoft.ContainerService";

/// The two addresses of an operation.
pub(super) struct Urls {
    status: String,
    result: String,
}

/// Which of them an answer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Headers {
    /// `Azure-AsyncOperation`.
    Async,
    /// `Location`.
    Location,
    /// Both.
    Both,
}

impl Urls {
    pub(super) fn new(base: &str, subscription: SubscriptionId, namespace: &str, location: &Location, id: OperationId) -> Self {
        let at = |what: &str| {
            format!(
                "{base}/subscriptions/{subscription}/providers/{namespace}/locations/{location}/{what}/{id}?api-version=2016-03-30"
            )
        };
        Self { status: at("operations"), result: at("operationresults") }
    }

    pub(super) fn headers(&self, which: Headers) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut add = |name: HeaderName, url: &str| {
            if let Ok(value) = HeaderValue::from_str(url) {
                headers.insert(name, value);
            }
        };
        if which != Headers::Location {
            add(HeaderName::from_static("azure-asyncoperation"), &self.status);
        }
        if which != Headers::Async {
            add(header::LOCATION, &self.result);
        }
        headers.insert(header::RETRY_AFTER, SOON);
        headers
    }
}

// azure-cli 0.5: 0 would mean 30 seconds.
const SOON: HeaderValue = HeaderValue::from_static("1");

/// `GET …/locations/{l}/operations/{id}`: how it goes; 200 also for a failed one.
pub(super) async fn status(ctx: Ctx, Path((subscription, _, id)): Path<(String, String, String)>) -> Result<Response, ArmError> {
    let operation = read(&ctx, &subscription, &id).await?;
    let mut headers = HeaderMap::new();
    if operation.ended.is_none() {
        headers.insert(header::RETRY_AFTER, SOON);
    }
    Ok((headers, Json(show(&operation))).into_response())
}

/// `GET …/locations/{l}/operationresults/{id}`: 202 while it runs.
pub(super) async fn result(ctx: Ctx, Path((subscription, _, id)): Path<(String, String, String)>) -> Result<Response, ArmError> {
    let operation = read(&ctx, &subscription, &id).await?;
    let Some(Ended { why, .. }) = &operation.ended else {
        let namespace = if matches!(operation.target, Target::Group(_)) { RESOURCES } else { CONTAINER_SERVICE };
        let urls = Urls::new(ctx.app.base(), operation.subscription, namespace, &operation.location, operation.id);
        return Ok((StatusCode::ACCEPTED, urls.headers(Headers::Location)).into_response());
    };
    match (why, &operation.target, operation.work) {
        (Some(why), ..) => {
            Ok((StatusCode::CONFLICT, Json(json!({ "error": { "code": why.code, "message": why.message } }))).into_response())
        }
        (None, Target::Cluster(_), Work::Create | Work::Update) => Ok(StatusCode::OK.into_response()),
        (None, Target::Cluster(_), _) => Ok(StatusCode::NO_CONTENT.into_response()),
        (None, ..) => Ok(StatusCode::OK.into_response()),
    }
}

// Whoever began it may watch it to its end, also when the right went away with the resource.
async fn read(ctx: &Ctx, subscription: &str, id: &str) -> Result<Operation, ArmError> {
    let subscription = ctx.subscription(subscription).await?;
    let unknown = || Refusal::NotFound(format!("operation {}", id.chars().take(64).collect::<String>()));
    let parsed: OperationId = id.parse().map_err(|_| unknown())?;
    let found = ctx.app.store.read().await?.operations().one(parsed).await?;
    let found = found.filter(|operation| operation.subscription == subscription.id);
    let is_theirs = found.as_ref().is_some_and(|operation| {
        let action = if matches!(operation.target, Target::Group(_)) { Action::GroupRead } else { Action::ClusterRead };
        operation.started_by == Some(ctx.oid()) || ctx.may(action, &operation.scope)
    });
    if !is_theirs {
        // the same refusal for an operation of others and for none.
        ctx.allow(Action::OperationsRead, &Scope::subscription(subscription.id))?;
    }
    Ok(found.ok_or_else(unknown)?)
}

fn show(operation: &Operation) -> Value {
    let mut shown = json!({ "name": operation.id, "status": operation.status(), "startTime": operation.started.to_string() });
    if let Some(Ended { at, why }) = &operation.ended {
        shown["endTime"] = json!(at.to_string());
        if let Some(why) = why {
            shown["error"] = json!({ "code": why.code, "message": why.message });
        }
    }
    shown
}
