//! The resource manager (contract R, azure-cli): subscriptions, resource groups, roles and managed clusters.
//!
//! Every endpoint knows its caller before anything else: the extractor `ctx::Ctx` checks the token and the api-version,
//! `Ctx::allow` leaves the proof that the caller may do it, and existence is told only after that.

mod activity;
mod body;
mod clusters;
mod ctx;
mod deployments;
mod error;
mod groups;
mod locks;
mod metadata;
mod operations;
mod place;
mod provider_operations;
mod providers;
mod query;
mod resources;
mod roles;
mod routes;
mod subscriptions;
mod tags;
mod usages;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};

use crate::app::App;
use ctx::Ctx;
pub(crate) use deployments::start;
use error::{ArmError, Refusal};
use routes::Routes;

/// This surface. Paths come with their literals in lower case (`http::path`).
pub(crate) fn router(app: &Arc<App>) -> Router {
    routes().into_router().fallback(unrouted).method_not_allowed_fallback(wrong_method).with_state(Arc::clone(app))
}

/// Every address of this surface with `{names}` in it, for the test that tries them all.
pub fn addresses() -> Vec<String> {
    routes().into_paths()
}

fn routes() -> Routes {
    let groups = "/subscriptions/{subscription}/resourcegroups";
    let group = "/subscriptions/{subscription}/resourcegroups/{group}";
    Routes::new()
        .route("/metadata/endpoints", get(metadata::endpoints))
        .route("/tenants", get(subscriptions::tenants))
        .route("/subscriptions", get(subscriptions::list))
        .route("/subscriptions/{subscription}", get(subscriptions::get))
        .route("/subscriptions/{subscription}/locations", get(subscriptions::locations))
        .route("/subscriptions/{subscription}/resources", get(resources::list))
        .route("/subscriptions/{subscription}/providers", get(providers::list))
        .route("/subscriptions/{subscription}/providers/{namespace}", get(providers::get))
        .route("/subscriptions/{subscription}/providers/{namespace}/register", post(providers::register))
        .route(groups, get(groups::list))
        .route(group, get(groups::get).head(groups::exists).put(groups::put).patch(groups::patch).delete(groups::delete))
        .route("/subscriptions/{subscription}/resourcegroups/{group}/resources", get(resources::list_in_group))
        .route("/subscriptions/{subscription}/providers/{namespace}/locations/{location}/operations/{id}", get(operations_status))
        .route(
            "/subscriptions/{subscription}/providers/{namespace}/locations/{location}/operationresults/{id}",
            get(operations_result),
        )
        .route("/subscriptions/{subscription}/providers/microsoft.insights/eventtypes/management/values", get(activity::list))
        .route(
            "/subscriptions/{subscription}/providers/microsoft.containerservice/locations/{location}/usages",
            get(usages::list),
        )
        .merge(provider_operations::router())
        .merge(tags::router())
        .merge(locks::router())
        .merge(clusters::router())
        .merge(deployments::router())
}

type OperationPath = axum::extract::Path<(String, String, String, String)>;

async fn operations_status(
    ctx: Ctx,
    axum::extract::Path((subscription, _, location, id)): OperationPath,
) -> Result<Response, ArmError> {
    operations::status(ctx, axum::extract::Path((subscription, location, id))).await
}

async fn operations_result(
    ctx: Ctx,
    axum::extract::Path((subscription, _, location, id)): OperationPath,
) -> Result<Response, ArmError> {
    operations::result(ctx, axum::extract::Path((subscription, location, id))).await
}

/// Role assignments and definitions hang on any scope, so their paths are taken apart by hand; all else is unknown.
async fn unrouted(State(app): State<Arc<App>>, ctx: Ctx, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    match roles::Address::of(&path) {
        Some(Ok(address)) => roles::answer(app, ctx, address, request).await,
        Some(Err(error)) => error.into_response(),
        None => ArmError::from(Refusal::NoSuchType { what: path.chars().take(200).collect() }).into_response(),
    }
}

async fn wrong_method(_: Ctx, request: Request) -> ArmError {
    Refusal::Method { method: request.method().to_string(), path: request.uri().path().chars().take(200).collect() }.into()
}
