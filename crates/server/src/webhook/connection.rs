//! One connection of an API server: the handshake that says which cluster asks, its requests, and its end.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use entrance_model::id::ClusterUid;
use entrance_wire::kubernetes::Status;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::faults::{Fault, Faults};
use super::lanes::{Lanes, Place};
use super::pki;
use super::reviewer::{NoAnswer, Reviewer};

/// What all connections share.
pub(super) struct Shared {
    pub(super) reviewer: Arc<Reviewer>,
    pub(super) lanes: Lanes,
    pub(super) limits: Limits,
    pub(super) faults: Faults,
    pub(super) stop: CancellationToken,
}

/// A connection after its handshake.
struct Connection {
    shared: Arc<Shared>,
    cluster: ClusterUid,
    paths: [String; 2],
    place: Place,
    answered: AtomicU64,
    enough: Notify,
}

/// Serves a connection until it ends, has had enough, or the server stops.
pub(super) async fn serve(stream: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    // Answers are small; waiting to fill a packet only adds latency.
    let _ = stream.set_nodelay(true);
    if shared.faults.now() == Fault::BlackHole {
        tokio::select! {
            () = shared.faults.other_than(Fault::BlackHole) => {}
            () = shared.stop.cancelled() => {}
        }
        return;
    }
    let stream = match tokio::time::timeout(shared.limits.handshake, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "a webhook handshake failed"),
        Err(_) => return tracing::debug!("a webhook handshake took too long"),
    };
    let certificates = stream.get_ref().1.peer_certificates();
    let Some(cluster) = certificates.and_then(<[_]>::first).and_then(|certificate| pki::cluster_of(certificate)) else {
        return tracing::warn!("a webhook caller's certificate names no cluster");
    };
    let Some(place) = shared.lanes.place(cluster) else {
        return tracing::warn!(%cluster, "a cluster has too many webhook connections");
    };
    let connection = Arc::new(Connection {
        paths: pki::paths(cluster),
        cluster,
        place,
        answered: AtomicU64::new(0),
        enough: Notify::new(),
        shared,
    });
    connection.run(TokioIo::new(stream)).await;
}

impl Connection {
    async fn run<I>(self: Arc<Self>, io: I)
    where
        I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    {
        let limits = self.shared.limits;
        let this = Arc::clone(&self);
        let service = service_fn(move |request| {
            let this = Arc::clone(&this);
            async move { Ok::<_, Infallible>(this.answer(request).await) }
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.headers);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(MAX_HEADERS)
            .keep_alive_interval(Duration::from_secs(30));
        let serving = builder.serve_connection(io, service);
        tokio::pin!(serving);
        let outcome = tokio::select! {
            outcome = serving.as_mut() => outcome,
            () = self.has_had_enough() => {
                // GOAWAY: what was begun is answered, and the API server opens a new connection for the rest.
                serving.as_mut().graceful_shutdown();
                match tokio::time::timeout(limits.drain, serving).await {
                    Ok(outcome) => outcome,
                    Err(_) => Ok(()),
                }
            }
        };
        if let Err(error) = outcome {
            tracing::debug!(cluster = %self.cluster, %error, "a webhook connection ended early");
        }
    }

    async fn has_had_enough(&self) {
        tokio::select! {
            () = self.enough.notified() => {}
            () = tokio::time::sleep(self.shared.limits.connection_life) => {}
            () = self.shared.stop.cancelled() => {}
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let is_last = self.answered.fetch_add(1, Ordering::Relaxed) + 1 == self.shared.limits.reviews_per_connection;
        let says_close = is_last && request.version() == Version::HTTP_11;
        let mut response = self.respond(request).await;
        if says_close {
            // Without it a caller could begin another request just when the connection ends. In HTTP/2 GOAWAY says it.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if is_last {
            self.enough.notify_one();
        }
        response
    }

    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if let Some(failure) = self.fault().await {
            return failure.to_response();
        }
        let began = Instant::now();
        // What can make a review wait is its body; once that is here nothing waits any more.
        let answered = tokio::time::timeout(self.shared.limits.budget, self.review(request)).await;
        self.shared.reviewer.witness().took(began.elapsed());
        match answered.unwrap_or(Err(Failure::TooSlow)) {
            Ok(json) => json_response(StatusCode::OK, json.into()),
            Err(failure) => {
                if failure.status() == StatusCode::SERVICE_UNAVAILABLE {
                    self.shared.reviewer.witness().shed(self.cluster);
                }
                tracing::debug!(cluster = %self.cluster, ?failure, "a webhook request was not answered");
                failure.to_response()
            }
        }
    }

    /// What the fault switch makes of a request.
    async fn fault(&self) -> Option<Failure> {
        match self.shared.faults.now() {
            Fault::None | Fault::Stopped => None,
            Fault::Broken => Some(Failure::Fault),
            Fault::Slow(by) => {
                tokio::time::sleep(by).await;
                None
            }
            Fault::BlackHole => {
                tokio::select! {
                    () = self.shared.faults.other_than(Fault::BlackHole) => {}
                    () = self.shared.stop.cancelled() => {}
                }
                Some(Failure::NotReady)
            }
        }
    }

    async fn review(&self, request: Request<Incoming>) -> Result<Vec<u8>, Failure> {
        let path = request.uri().path();
        let [token_review, access_review] = &self.paths;
        if path == access_review {
            return Err(Failure::NotServed);
        }
        if path != token_review {
            return Err(Failure::OtherPath);
        }
        if request.method() != Method::POST {
            return Err(Failure::Method);
        }
        if !self.place.admits() {
            return Err(Failure::TooMany);
        }
        let body = read(request.into_body(), self.shared.limits.body).await?;
        self.shared.reviewer.review(self.cluster, &body).await.map_err(|why| match why {
            NoAnswer::Bad(_) => Failure::Bad,
            NoAnswer::NotReady(_) | NoAnswer::NotRecorded(_) => Failure::NotReady,
        })
    }
}

/// Reads a body. Of one that is too large a while longer is read and thrown away, so that the caller has an ear for the answer.
async fn read(mut body: Incoming, limit: usize) -> Result<Vec<u8>, Failure> {
    let (mut whole, mut size) = (Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Failure::Bad)?.into_data() else { continue };
        size += data.len();
        if size > limit * 16 {
            break;
        }
        if size <= limit {
            whole.extend_from_slice(&data);
        }
    }
    if size <= limit { Ok(whole) } else { Err(Failure::TooLarge) }
}

/// Why a request was not answered. An API server repeats after 429 and 500 and obeys `Retry-After`, for up to half a
/// minute and with all people waiting; so when there is no answer it is 503 and nothing else (DESIGN 4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    OtherPath,
    NotServed,
    Method,
    TooLarge,
    Bad,
    TooMany,
    TooSlow,
    NotReady,
    /// The fault switch; nothing else answers 500.
    Fault,
}

impl Failure {
    const fn status(self) -> StatusCode {
        match self {
            Self::OtherPath => StatusCode::FORBIDDEN,
            Self::NotServed => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Bad => StatusCode::BAD_REQUEST,
            Self::TooMany | Self::TooSlow | Self::NotReady => StatusCode::SERVICE_UNAVAILABLE,
            Self::Fault => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn to_response(self) -> Response<Full<Bytes>> {
        let (reason, message) = match self {
            Self::OtherPath => ("Forbidden", "the client certificate is for another path"),
            Self::NotServed => ("NotFound", "this review is not served"),
            Self::Method => ("MethodNotAllowed", "a review is asked with POST"),
            Self::TooLarge => ("RequestEntityTooLarge", "the review is too large"),
            Self::Bad => ("BadRequest", "the body is no review in a version that is known here"),
            Self::TooMany => ("ServiceUnavailable", "the cluster asks too much"),
            Self::TooSlow => ("ServiceUnavailable", "there was no time to answer"),
            Self::NotReady => ("ServiceUnavailable", "the directory is not ready"),
            Self::Fault => ("InternalError", "the fault switch of this server is on"),
        };
        let status = self.status();
        let mut response = json_response(status, Status::new(status.as_u16(), reason, message).to_json().into());
        if self == Self::Method {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}

fn json_response(status: StatusCode, json: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(json));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

const MAX_HEADERS: u32 = 16 * 1024;
