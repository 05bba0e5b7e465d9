//! Managed identities (S-270): processes of this machine get an application's tokens without a secret of its own.
//!
//! Off unless asked for, plain HTTP on loopback as the SDKs speak it, in two shapes: App Service's, where a process shows
//! the value from its environment, and the instance metadata service's, for identities that every process of the machine
//! has. Requests that came through a proxy, or under a name that is not this machine's, get nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use entrance_model::signin::Endpoint;
use entrance_model::signin::managed_identity::ManagedIdentity;
use entrance_model::signin::scope::Asked;
use entrance_wire::oauth::token::Tokens;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::client::{Client, Proof};
use super::ctx::Ctx;
use super::issue::{Wanted, for_application};
use super::memory::Known;
use super::refused::{Refused, json as answer};
use super::{secret, target};
use crate::app::App;
use crate::http::RequestInfo;
use crate::pages::texts;

/// What a process shows in App Service's shape.
const HEADER: &str = "x-identity-header";

/// Listens; on loopback only, because whoever reaches it may ask.
pub(crate) async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    if !address.ip().is_loopback() {
        let why = "managed identities are for processes of this machine, so only on loopback";
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, why));
    }
    TcpListener::bind(address).await
}

/// Serves processes of this machine until the server stops.
pub(crate) async fn serve(app: Arc<App>, listener: TcpListener, stop: CancellationToken) {
    let router = Router::new()
        .route("/metadata/identity/oauth2/token", get(instance_metadata))
        .route("/msi/token", get(app_service))
        .with_state(app)
        .into_make_service_with_connect_info::<SocketAddr>();
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await {
        tracing::error!(%error, "the listener for managed identities ended");
    }
}

/// Why a process gets nothing.
enum NoToken {
    /// The request is not of the shape.
    Shape(&'static str),
    /// Nobody shows this value.
    Unknown,
    /// No identity, or not exactly one.
    Identity(&'static str),
    /// The token service says no.
    Refused(Box<Refused>),
}

impl From<Refused> for NoToken {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

impl From<entrance_store::StoreError> for NoToken {
    fn from(error: entrance_store::StoreError) -> Self {
        Self::Refused(Box::new(error.into()))
    }
}

/// App Service's shape: the value in the header says which identity.
async fn app_service(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response {
    let request = request.map(drop);
    let ctx = ctx(&app, peer, &request);
    let outcome = async {
        let query = Query::of(&request)?;
        let identity = shown(&ctx, request.headers()).await?.ok_or(NoToken::Unknown)?;
        token(&ctx, &[identity], &query).await
    };
    match outcome.await {
        Ok(Made { tokens, client }) => {
            let body = json!({
                "access_token": tokens.access_token,
                "expires_on": tokens.expires_on.to_string(),
                "resource": tokens.resource,
                "token_type": "Bearer",
                "client_id": client,
            });
            answer(StatusCode::OK, body.to_string())
        }
        Err(error) => refuse(&ctx, error),
    }
}

/// The instance metadata service's shape: `Metadata: true`, and the identities of every process unless a value is shown.
async fn instance_metadata(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response {
    let request = request.map(drop);
    let ctx = ctx(&app, peer, &request);
    let outcome = async {
        let asked = request.headers().get("metadata").and_then(|value| value.to_str().ok());
        if !asked.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Err(NoToken::Shape("Required metadata header not specified"));
        }
        let query = Query::of(&request)?;
        let identities = match shown(&ctx, request.headers()).await? {
            Some(identity) => vec![identity],
            None => ctx.app.store.read().await?.authority().managed_identities_for_everybody().await?,
        };
        token(&ctx, &identities, &query).await
    };
    match outcome.await {
        Ok(Made { tokens, client }) => {
            let body = json!({
                "access_token": tokens.access_token,
                "client_id": client,
                "expires_in": tokens.expires_in.to_string(),
                "expires_on": tokens.expires_on.to_string(),
                "ext_expires_in": tokens.expires_in.to_string(),
                "not_before": tokens.not_before.to_string(),
                "resource": tokens.resource,
                "token_type": "Bearer",
            });
            answer(StatusCode::OK, body.to_string())
        }
        Err(error) => refuse(&ctx, error),
    }
}

fn ctx(app: &Arc<App>, peer: SocketAddr, request: &Request<()>) -> Ctx {
    let info = RequestInfo::of(request, peer, &[], app.now());
    Ctx { app: Arc::clone(app), info, endpoint: Endpoint::V1, language: texts::Asked::default() }
}

/// What is asked.
struct Query {
    resource: String,
    client: Option<String>,
    object: Option<String>,
    name: Option<String>,
}

const LONGEST_QUERY: usize = 4096;

impl Query {
    fn of(request: &Request<()>) -> Result<Self, NoToken> {
        let headers = request.headers();
        if ["x-forwarded-for", "forwarded", "via"].iter().any(|name| headers.contains_key(*name)) {
            return Err(NoToken::Shape("Requests through a proxy are not answered"));
        }
        // A page in a browser that has its own name resolved to this machine comes under that name.
        let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        if !matches!(name, "localhost" | "127.0.0.1" | "[::1]") {
            return Err(NoToken::Shape("This is not the name of this machine"));
        }
        let text = request.uri().query().unwrap_or_default();
        if text.len() > LONGEST_QUERY {
            return Err(NoToken::Shape("The request is too long"));
        }
        let get = |names: &[&str]| {
            let mut pairs = url::form_urlencoded::parse(text.as_bytes());
            pairs.find(|(name, value)| names.contains(&name.as_ref()) && !value.is_empty()).map(|(_, value)| value.into_owned())
        };
        if get(&["api-version"]).is_none() {
            return Err(NoToken::Shape("Required query variable 'api-version' is missing"));
        }
        let resource = get(&["resource"]).ok_or(NoToken::Shape("Required query variable 'resource' is missing"))?;
        let path = get(&["msi_res_id", "mi_res_id"]);
        Ok(Self {
            resource,
            client: get(&["client_id", "clientid"]),
            object: get(&["object_id", "principal_id"]),
            // The last part of a resource id is the identity's name.
            name: path.map(|path| path.rsplit('/').next().unwrap_or_default().to_owned()),
        })
    }
}

/// The identity of whoever shows a value; `None` when nothing is shown.
async fn shown(ctx: &Ctx, headers: &HeaderMap) -> Result<Option<ManagedIdentity>, NoToken> {
    let Some(value) = headers.get(HEADER) else { return Ok(None) };
    let value = value.to_str().map_err(|_| NoToken::Unknown)?;
    let found = ctx.app.store.read().await?.authority().managed_identity_of(&secret::sha256(value)).await?;
    found.map(Some).ok_or(NoToken::Unknown)
}

struct Made {
    tokens: Tokens,
    client: String,
}

/// A token of the one identity that is meant.
async fn token(ctx: &Ctx, identities: &[ManagedIdentity], query: &Query) -> Result<Made, NoToken> {
    let mut meant = Vec::new();
    for identity in identities {
        let mut reader = ctx.app.store.read().await?;
        let mut directory = reader.directory();
        let tenant = directory.tenant(identity.tenant).await?;
        let principal = directory.service_principal(identity.tenant, identity.principal).await?;
        let (Some(tenant), Some(principal)) = (tenant, principal) else { continue };
        let fits = |asked: &Option<String>, is: &str| asked.as_deref().is_none_or(|asked| asked.eq_ignore_ascii_case(is));
        let is_meant = fits(&query.client, &principal.app_id.to_string())
            && fits(&query.object, &principal.id.to_string())
            && fits(&query.name, &identity.name);
        if is_meant {
            meant.push((tenant, principal));
        }
    }
    let (tenant, principal) = match meant.len() {
        0 => return Err(NoToken::Identity("Identity not found")),
        1 => meant.remove(0),
        _ => return Err(NoToken::Identity("Multiple identities exist; name one by client_id, object_id or mi_res_id")),
    };
    // What is revoked from here on meets this token too.
    let known = Known::now(&ctx.app, tenant.id).await?;
    let client = Client::find(ctx, &tenant, &principal.app_id.to_string()).await?;
    let resource = target::find(ctx, &tenant, &query.resource).await?;
    let wanted = Wanted {
        asked: Asked::v1(&query.resource),
        client_info: false,
        can_answer_challenge: false,
        nonce: None,
        auth_time: false,
        key: None,
        known,
    };
    // As strong as a certificate: nothing that could be copied out of a configuration.
    let mut prepared = for_application(ctx, &tenant, &client, &Proof::Assertion(None), &resource, &wanted).await?;
    prepared.decision.reason = format!("managed identity: {}", prepared.decision.reason);
    Ok(Made { tokens: prepared.hand_out(ctx).await?, client: principal.app_id.to_string() })
}

fn refuse(ctx: &Ctx, error: NoToken) -> Response {
    let said = |status, error: &str, says: &str| answer(status, json!({"error": error, "error_description": says}).to_string());
    match error {
        NoToken::Shape(says) | NoToken::Identity(says) => said(StatusCode::BAD_REQUEST, "invalid_request", says),
        NoToken::Unknown => said(StatusCode::UNAUTHORIZED, "unauthorized_client", "X-IDENTITY-HEADER is missing or not known"),
        NoToken::Refused(refused) => refused.answer(&ctx.app, &ctx.info),
    }
}
