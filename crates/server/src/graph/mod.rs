//! Microsoft Graph's directory API: `/v1.0` and `/beta`, the same in both (G-001).
//!
//! Every request passes the same way: its path is made plain (G-002), its caller is found out ([`ctx`]), the model says
//! whether it is allowed, and the answer gets its headers. Refusals are rendered here, in one shape (G-020).

mod app_roles;
mod applications;
mod audit;
mod body;
mod certificate;
mod credentials;
mod ctx;
mod directory_objects;
mod error;
mod federated;
mod find;
mod groups;
mod held_names;
mod identities;
mod import;
mod issuers;
mod list;
mod lockouts;
mod me;
mod members;
mod membership;
mod methods;
mod organization;
mod owners;
mod page;
mod passes;
mod permission_grants;
mod policies;
mod registration;
mod reply;
mod revocations;
mod service_principals;
mod sessions;
mod show;
mod sign_ins;
mod signing_keys;
mod source;
mod users;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, patch, post};
use entrance_wire::graph::path::plain;
use tower::ServiceExt as _;

use crate::app::App;
use crate::http::RequestInfo;
use ctx::Ctx;
use error::GraphError;

/// What the endpoints share.
#[derive(Clone)]
struct Graph {
    app: Arc<App>,
    pages: page::PageKey,
}

/// The routes of this surface.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let endpoints = endpoints().with_state(Graph { app: Arc::clone(app), pages: page::PageKey::default() });
    let app = Arc::clone(app);
    let service = tower::service_fn(move |request: Request| {
        let (endpoints, app) = (endpoints.clone(), Arc::clone(&app));
        async move { Ok::<_, Infallible>(answer(&app, endpoints, request).await) }
    });
    Router::new().fallback_service(service)
}

fn endpoints() -> Router<Graph> {
    Router::new()
        .merge(people())
        .merge(group_routes())
        .merge(application_routes())
        .merge(tenant_routes())
        .merge(policies::routes())
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
}

fn people() -> Router<Graph> {
    let one = get(users::show).patch(users::update).delete(users::remove);
    let mine = Router::new()
        .route("/me", get(me::show).patch(me::update))
        .route("/me/oauth2permissiongrants", get(permission_grants::of_person))
        .route("/me/ownedobjects", get(owners::owned))
        .route("/me/revokesigninsessions", post(users::revoke_sessions))
        .route("/me/invalidateallrefreshtokens", post(users::revoke_sessions));
    Router::new()
        .route("/users", get(users::list).post(users::create))
        .route("/users/$count", get(users::count))
        .route("/users/{key}", one)
        .route("/users/{key}/revokesigninsessions", post(users::revoke_sessions))
        .route("/users/{key}/invalidateallrefreshtokens", post(users::revoke_sessions))
        .route("/users/{key}/oauth2permissiongrants", get(permission_grants::of_person))
        .route("/users/{key}/ownedobjects", get(owners::owned))
        .route("/users/{key}/authentication/temporaryaccesspassmethods", get(passes::list).post(passes::create))
        .route("/users/{key}/authentication/temporaryaccesspassmethods/{id}", get(passes::one).delete(passes::remove))
        .merge(mine)
        .merge(authentication("/me"))
        .merge(authentication("/users/{key}"))
        .merge(memberships("/me"))
        .merge(memberships("/users/{key}"))
        .merge(roles("/users"))
        .route("/me/approleassignments", get(app_roles::held))
}

/// What a person signs in with.
fn authentication(of: &str) -> Router<Graph> {
    let kinds = [("fido2methods", get(methods::passkeys)), ("softwareoathmethods", get(methods::apps))];
    let all = Router::new()
        .route(&format!("{of}/authentication/methods"), get(methods::list))
        .route(&format!("{of}/authentication/methods/{{method}}"), get(methods::one).delete(methods::remove));
    kinds.into_iter().fold(all, |all, (kind, listed)| {
        let one = format!("{of}/authentication/{kind}/{{method}}");
        all.route(&format!("{of}/authentication/{kind}"), listed).route(&one, get(methods::one).delete(methods::remove))
    })
}

fn group_routes() -> Router<Graph> {
    Router::new()
        .route("/groups", get(groups::list).post(groups::create))
        .route("/groups/$count", get(groups::count))
        .route("/groups/{key}", get(groups::show).patch(groups::update).delete(groups::remove))
        .route("/groups/{key}/members", get(members::list))
        .route("/groups/{key}/members/{id}", get(members::cast).delete(members::refuse_delete))
        .route("/groups/{key}/members/$ref", get(members::references).post(members::add))
        .route("/groups/{key}/members/{id}/$ref", delete(members::remove))
        .route("/groups/{key}/transitivemembers", get(members::transitive))
        .route("/groups/{key}/transitivemembers/{id}", get(members::transitive_cast))
        .merge(ownership("/groups/{key}"))
        .merge(memberships("/groups/{key}"))
        .merge(roles("/groups"))
}

fn application_routes() -> Router<Graph> {
    let federated = "/applications/{key}/federatedidentitycredentials";
    let one_federated = get(federated::show).patch(federated::update).delete(federated::remove);
    Router::new()
        .route("/applications", get(applications::list).post(applications::create))
        .route("/applications/$count", get(applications::count))
        .route("/applications/{key}", get(applications::show).patch(applications::update).delete(applications::remove))
        .route("/applications/{key}/addpassword", post(credentials::add_to_application))
        .route("/applications/{key}/removepassword", post(credentials::remove_from_application))
        .route(federated, get(federated::list).post(federated::create))
        .route(&format!("{federated}/{{credential}}"), one_federated)
        .merge(ownership("/applications/{key}"))
        .route("/serviceprincipals", get(service_principals::list).post(service_principals::create))
        .route("/serviceprincipals/$count", get(service_principals::count))
        .route(
            "/serviceprincipals/{key}",
            get(service_principals::show).merge(patch(service_principals::update)).delete(service_principals::remove),
        )
        .route("/serviceprincipals/{key}/addpassword", post(credentials::add_to_service_principal))
        .route("/serviceprincipals/{key}/removepassword", post(credentials::remove_from_service_principal))
        .route("/serviceprincipals/{key}/oauth2permissiongrants", get(permission_grants::of_client))
        .route("/serviceprincipals/{key}/ownedobjects", get(owners::owned))
        .merge(ownership("/serviceprincipals/{key}"))
        .merge(memberships("/serviceprincipals/{key}"))
        .route("/serviceprincipals/{key}/approleassignedto", get(app_roles::given).post(app_roles::give))
        .route("/serviceprincipals/{key}/approleassignedto/{id}", delete(app_roles::take))
        .merge(roles("/serviceprincipals"))
}

/// The roles that somebody has.
fn roles(of: &str) -> Router<Graph> {
    Router::new()
        .route(&format!("{of}/{{key}}/approleassignments"), get(app_roles::held).post(app_roles::give))
        .route(&format!("{of}/{{key}}/approleassignments/{{id}}"), delete(app_roles::take))
}

fn tenant_routes() -> Router<Graph> {
    Router::new()
        .route("/entrance/audit", get(audit::chain))
        .route("/entrance/audit/head", get(audit::head))
        .route("/entrance/audit/newest", get(audit::newest))
        .route("/entrance/audit/credentials", get(audit::credentials))
        .route("/entrance/revocations", get(revocations::list).post(revocations::create))
        .route("/entrance/sessions", get(sessions::list))
        .route("/entrance/keys", get(signing_keys::list))
        .route("/entrance/keys/rotate", post(signing_keys::rotate))
        .route("/entrance/keys/retire", post(signing_keys::retire))
        .route("/entrance/users/{key}/lockout", get(lockouts::show))
        .route("/entrance/users/{key}/unlock", post(lockouts::unlock))
        .route("/auditlogs/signins", get(sign_ins::list))
        .route("/auditlogs/signins/{id}", get(sign_ins::show))
        .merge(workload_routes())
        .route("/entrance/heldnames", get(held_names::list))
        .route("/entrance/heldnames/{name}", get(held_names::one))
        .route("/entrance/heldnames/{name}/release", post(held_names::release))
        .route("/oauth2permissiongrants", get(permission_grants::list).post(permission_grants::create))
        .route(
            "/oauth2permissiongrants/{id}",
            get(permission_grants::one).patch(permission_grants::update).delete(permission_grants::remove),
        )
        .route("/organization", get(organization::list))
        .route("/organization/{id}", get(organization::show))
        .route("/domains", get(organization::domains))
        .route("/domains/{id}", get(organization::domain))
        .route("/directoryobjects/getbyids", post(directory_objects::by_ids))
        .route("/directoryobjects/{key}", get(directory_objects::show).delete(directory_objects::remove))
        .route("/directoryobjects/{key}/checkmembergroups", post(membership::check_groups))
        .route("/directoryobjects/{key}/checkmemberobjects", post(membership::check_objects))
        .route("/directoryobjects/{key}/getmembergroups", post(membership::groups))
        .route("/directoryobjects/{key}/getmemberobjects", post(membership::objects))
}

/// Whose tokens and which processes stand for applications.
fn workload_routes() -> Router<Graph> {
    Router::new()
        .route("/entrance/trustedissuers", get(issuers::list).post(issuers::create))
        .route("/entrance/trustedissuers/{id}", get(issuers::one).delete(issuers::remove))
        .route("/entrance/trustedissuers/{id}/check", post(issuers::check))
        .route("/entrance/managedidentities", get(identities::list).post(identities::create))
        .route("/entrance/managedidentities/{id}", delete(identities::remove))
        .route("/entrance/importusers", post(import::import))
}

/// What can be asked of everything that can be in a group.
fn memberships(of: &str) -> Router<Graph> {
    Router::new()
        .route(&format!("{of}/checkmembergroups"), post(membership::check_groups))
        .route(&format!("{of}/checkmemberobjects"), post(membership::check_objects))
        .route(&format!("{of}/getmembergroups"), post(membership::groups))
        .route(&format!("{of}/getmemberobjects"), post(membership::objects))
        .route(&format!("{of}/memberof"), get(membership::direct))
        .route(&format!("{of}/memberof/microsoft.graph.group"), get(membership::direct))
        .route(&format!("{of}/transitivememberof"), get(membership::transitive))
        .route(&format!("{of}/transitivememberof/microsoft.graph.group"), get(membership::transitive))
}

/// What can be asked of everything that has owners.
fn ownership(of: &str) -> Router<Graph> {
    Router::new()
        .route(&format!("{of}/owners"), get(owners::list))
        .route(&format!("{of}/owners/{{id}}"), delete(members::refuse_delete))
        .route(&format!("{of}/owners/$ref"), get(owners::references).post(owners::add))
        .route(&format!("{of}/owners/{{id}}/$ref"), delete(owners::remove))
}

async fn unknown(ctx: Ctx) -> GraphError {
    // The first segment that means nothing here; keys are skipped, they mean something only to us.
    let known = |segment: &&str| !SEGMENTS.contains(segment);
    let segment = ctx.path.split('/').filter(|segment| !segment.is_empty()).find(known).unwrap_or("$metadata");
    GraphError::bad_path(format!("Resource not found for the segment '{segment}'."))
}

/// First segments that lead somewhere.
const SEGMENTS: &[&str] = &[
    "users",
    "groups",
    "applications",
    "serviceprincipals",
    "directoryobjects",
    "organization",
    "domains",
    "me",
    "oauth2permissiongrants",
    "entrance",
    "identity",
    "auditlogs",
];

async fn wrong_method(_: Ctx) -> GraphError {
    GraphError::wrong_method()
}

async fn answer(app: &App, endpoints: Router, mut request: Request) -> Response {
    let info = request.extensions().get::<RequestInfo>().cloned().expect("the listener gives every request its facts");
    let response = match plain(request.uri().path()) {
        Some(plain) => {
            let target = match request.uri().query() {
                Some(query) => format!("{}?{query}", plain.path),
                None => plain.path,
            };
            match target.parse::<Uri>() {
                Ok(uri) => {
                    *request.uri_mut() = uri;
                    request.extensions_mut().insert(plain.version);
                    endpoints.oneshot(request).await.unwrap_or_else(|never: Infallible| match never {})
                }
                Err(_) => GraphError::bad_path("The request URI is not valid.").into_response(),
            }
        }
        None => GraphError::bad_path("Invalid version.").into_response(),
    };
    finish(app, &info, response)
}

/// Renders a refusal, and adds what every answer carries (G-005).
fn finish(app: &App, info: &RequestInfo, mut response: Response) -> Response {
    if let Some(error) = response.extensions_mut().remove::<GraphError>() {
        response = error.render(app.base(), info);
    } else if response.status().is_client_error() || response.status().is_server_error() {
        // A refusal of the framework itself, such as a path that is not UTF-8.
        response = GraphError::bad_path("The request is not valid.").render(app.base(), info);
    }
    let is_json =
        response.status() != StatusCode::NO_CONTENT && response.headers().get(header::CONTENT_TYPE) == Some(&PLAIN_JSON);
    let headers = response.headers_mut();
    if is_json {
        headers.insert(header::CONTENT_TYPE, ODATA_JSON);
    }
    headers.insert(HeaderName::from_static("odata-version"), HeaderValue::from_static("4.0"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(HeaderName::from_static("x-ms-resource-unit"), HeaderValue::from_static("1"));
    let id = |id: &dyn std::fmt::Display| HeaderValue::from_str(&id.to_string()).expect("a GUID is a header value");
    headers.insert(HeaderName::from_static("request-id"), id(&info.id));
    headers.insert(HeaderName::from_static("client-request-id"), id(&info.correlation_id()));
    response
}

const PLAIN_JSON: HeaderValue = HeaderValue::from_static("application/json");
const ODATA_JSON: HeaderValue = HeaderValue::from_static(
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8",
);
