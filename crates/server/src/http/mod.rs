//! The public listener: TLS, limits, which surface a path belongs to, and what every answer carries.

pub(crate) mod body;
pub mod listener;
pub mod path;
pub mod request;
pub mod tls;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header};
use axum::response::IntoResponse as _;
use entrance_model::id::RequestId;
use tokio::net::TcpListener;
use tower::ServiceExt as _;
use uuid::Uuid;

pub use request::RequestInfo;

use crate::app::App;
use crate::observe::health;
use path::{Logged, Surface};

/// The routers of all surfaces.
pub(crate) struct Surfaces {
    app: Arc<App>,
    authority: Router,
    graph: Router,
    arm: Router,
    pages: Router,
    health: Router,
}

/// Serves the public listener until the server stops.
pub(crate) fn serve(app: &Arc<App>, listener: TcpListener, tls: Arc<rustls::ServerConfig>) {
    let surfaces = Arc::new(Surfaces::new(app));
    let limits = limits(app);
    let handler = move |request, peer| {
        let surfaces = Arc::clone(&surfaces);
        async move { surfaces.answer(request, peer).await }
    };
    app.tasks.spawn_draining(listener::run(listener, tls, limits, app.tasks.stopping(), handler));
}

/// Serves the listener for clients that drop the port of an address (S-014): user realm discovery and nothing else.
pub(crate) fn serve_realms(app: &Arc<App>, listener: TcpListener, tls: Arc<rustls::ServerConfig>) {
    let surfaces = Arc::new(Surfaces::new(app));
    let handler = move |request: Request<Body>, peer| {
        let surfaces = Arc::clone(&surfaces);
        async move { surfaces.answer_realm(request, peer).await }
    };
    app.tasks.spawn_draining(listener::run(listener, tls, limits(app), app.tasks.stopping(), handler));
}

/// How much a listener takes on, and from whom.
fn limits(app: &App) -> (listener::Limits, listener::Networks) {
    let limits = app.config.listener;
    (limits, listener::Networks::new(limits.of_network, &app.config.trusted_proxies))
}

/// The answer to a request whose body did not arrive.
fn too_slow(limit: Duration, is_http_1: bool) -> Response<Body> {
    let text = format!("the body of the request did not arrive within {} s\n", limit.as_secs_f32());
    let mut response = (StatusCode::REQUEST_TIMEOUT, text).into_response();
    if is_http_1 {
        // The rest of the body stands before any other request.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

impl Surfaces {
    fn new(app: &Arc<App>) -> Self {
        Self {
            authority: crate::authority::router(app),
            graph: crate::graph::router(app),
            arm: crate::arm::router(app),
            pages: crate::pages::router(app),
            health: health::router(app),
            app: Arc::clone(app),
        }
    }

    async fn answer(&self, mut request: Request<Body>, peer: SocketAddr) -> Response<Body> {
        let info = RequestInfo::of(&request, peer, &self.app.config.trusted_proxies, self.app.now());
        if !self.is_our_host(&request) {
            // S-018: links, issuers and cookies are of one origin; another Host is a mistake or an attack.
            return common(
                &info,
                (StatusCode::MISDIRECTED_REQUEST, "this server does not answer for that host name\n").into_response(),
            );
        }
        let (surface, path) = path::route(request.uri().path());
        let method = request.method().clone();
        if let Some(uri) = with_path(request.uri(), &path) {
            *request.uri_mut() = uri;
        }
        let router = match surface {
            Surface::Authority => &self.authority,
            Surface::Graph => &self.graph,
            Surface::Arm => &self.arm,
            Surface::Pages => &self.pages,
            Surface::Health => &self.health,
        };
        request.extensions_mut().insert(info.clone());
        let is_http_1 = request.version() < Version::HTTP_2;
        let (request, late) = self.timed(request);
        let mut response = router.clone().oneshot(request).await.unwrap_or_else(|never: Infallible| match never {});
        if late.is_so() {
            response = too_slow(self.app.config.listener.body, is_http_1);
        }
        tracing::info!(
            request = %info.id, %method, path = %Logged(&path), status = response.status().as_u16(),
            micros = self.app.now().duration_since(info.started).as_micros(), "answered"
        );
        common(&info, response)
    }

    async fn answer_realm(&self, mut request: Request<Body>, peer: SocketAddr) -> Response<Body> {
        let (_, path) = path::route(request.uri().path());
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let is_realm = matches!(segments.as_slice(), [_, "userrealm", _]);
        let info = RequestInfo::of(&request, peer, &self.app.config.trusted_proxies, self.app.now());
        if !is_realm {
            let text = format!("this port answers `/common/userrealm/` only; the service is at {}\n", self.app.base());
            return common(&info, (StatusCode::MISDIRECTED_REQUEST, text).into_response());
        }
        if let Some(uri) = with_path(request.uri(), &path) {
            *request.uri_mut() = uri;
        }
        request.extensions_mut().insert(info.clone());
        let (request, _) = self.timed(request);
        let response = self.authority.clone().oneshot(request).await.unwrap_or_else(|never: Infallible| match never {});
        common(&info, response)
    }

    /// The request with a body that ends in time.
    fn timed(&self, request: Request<Body>) -> (Request<Body>, body::Late) {
        let (head, content) = request.into_parts();
        let (content, late) = body::within(content, self.app.config.listener.body);
        (Request::from_parts(head, content), late)
    }

    fn is_our_host(&self, request: &Request<Body>) -> bool {
        let host = request
            .uri()
            .authority()
            .map(axum::http::uri::Authority::as_str)
            .or_else(|| request.headers().get(header::HOST).and_then(|value| value.to_str().ok()));
        let Some(host) = host else { return false };
        let ours = self.app.base().trim_start_matches("https://");
        let with_default_port = |host: &str| {
            if host.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())) {
                host.to_ascii_lowercase()
            } else {
                format!("{}:443", host.to_ascii_lowercase())
            }
        };
        if with_default_port(host) == with_default_port(ours) {
            return true;
        }
        // A server on loopback may be called by any name of loopback.
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        self.app.config.listen.ip().is_loopback() && matches!(name, "localhost" | "127.0.0.1" | "[::1]")
    }
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target.parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// What every answer carries (S-017).
fn common(info: &RequestInfo, mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    let id = |value: &dyn std::fmt::Display| HeaderValue::from_str(&value.to_string()).expect("a GUID is a header value");
    headers.insert(HeaderName::from_static("x-ms-request-id"), id(&info.id));
    if let Some(client) = info.client_request_id {
        headers.insert(HeaderName::from_static("client-request-id"), id(&client));
        headers.insert(HeaderName::from_static("x-ms-client-request-id"), id(&client));
    }
    headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A request id of ours, new for each request.
pub(crate) fn new_request_id() -> RequestId {
    RequestId::from_uuid(Uuid::new_v4())
}

/// Whether a method only reads.
pub fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}
