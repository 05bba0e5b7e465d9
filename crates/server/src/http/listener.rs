//! An accept loop of our own on hyper: handshake time-out, connections in all and per small network, header time-out, an end for
//! connections that rest or grow old, graceful drain.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use entrance_model::signin::network::subnet;
use entrance_model::signin::policy::IpRange;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How much a listener takes on.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at a time; more wait in the kernel's queue.
    pub connections: usize,
    /// Of these, how many one small network (a /24 or /56) may hold; more are closed. This machine and named proxies, which
    /// speak for everybody, may hold all.
    pub of_network: usize,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long the headers of a request may take.
    pub headers: Duration,
    /// How long the body of a request may take.
    pub body: Duration,
    /// How long a connection may rest.
    pub rest: Duration,
    /// How old a connection may get. What was begun by then is answered.
    pub age: Duration,
    /// How long answering that may take.
    pub drain: Duration,
}

impl Limits {
    /// The public listener's.
    pub const PUBLIC: Self = Self {
        connections: 4096,
        of_network: 512,
        handshake: Duration::from_secs(10),
        headers: Duration::from_secs(15),
        body: Duration::from_secs(30),
        rest: Duration::from_mins(2),
        age: Duration::from_hours(1),
        drain: Duration::from_mins(5),
    };
}

/// The connections that each small network holds.
#[derive(Clone)]
pub struct Networks {
    held: Arc<Mutex<HashMap<String, usize>>>,
    most: usize,
    spared: Arc<[IpRange]>,
}

/// One connection of a network, until it is dropped.
#[derive(Debug)]
struct Held {
    held: Arc<Mutex<HashMap<String, usize>>>,
    network: String,
}

impl Networks {
    /// Nobody is there yet. These ranges may hold as many as they want.
    pub fn new(most: usize, spared: &[IpRange]) -> Self {
        Self { held: Arc::default(), most, spared: spared.into() }
    }

    /// One more connection from there, unless that is too many. `Ok(None)` where nobody counts.
    fn enter(&self, address: IpAddr) -> Result<Option<Held>, TooMany> {
        let address = address.to_canonical();
        if address.is_loopback() || self.spared.iter().any(|range| range.contains(address)) {
            return Ok(None);
        }
        let network = subnet(address);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(network.clone()).or_default();
        if *count >= self.most {
            return Err(TooMany);
        }
        *count += 1;
        drop(held);
        Ok(Some(Held { held: Arc::clone(&self.held), network }))
    }
}

/// A network holds as many connections as it may.
#[derive(Debug)]
struct TooMany;

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.network);
            }
        }
    }
}

/// Accepts connections until `stop`, then lets those that are answering finish.
pub async fn run<H, F>(
    listener: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    (limits, networks): (Limits, Networks),
    stop: CancellationToken,
    handler: H,
) where
    H: Fn(Request<Body>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let acceptor = TlsAcceptor::from(tls);
    let slots = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    loop {
        let slot = tokio::select! {
            slot = Arc::clone(&slots).acquire_owned() => slot.expect("the semaphore is never closed"),
            () = stop.cancelled() => break,
        };
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file handles, most likely; accepting again at once would only spin.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = stop.cancelled() => break,
        };
        let Ok(held) = networks.enter(peer.ip()) else {
            tracing::debug!(%peer, "a network has too many connections");
            continue;
        };
        let (acceptor, handler, stop) = (acceptor.clone(), handler.clone(), stop.clone());
        connections.spawn(async move {
            connection(stream, peer, acceptor, limits, stop, handler).await;
            drop((slot, held));
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn connection<H, F>(
    stream: TcpStream,
    peer: SocketAddr,
    acceptor: TlsAcceptor,
    limits: Limits,
    stop: CancellationToken,
    handler: H,
) where
    H: Fn(Request<Body>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    // Answers are small; waiting to fill a packet only adds latency.
    let _ = stream.set_nodelay(true);
    let stream = match tokio::time::timeout(limits.handshake, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%peer, %error, "a handshake failed"),
        Err(_) => return tracing::debug!(%peer, "a handshake took too long"),
    };
    let work = Arc::new(Work::default());
    let working = Arc::clone(&work);
    let service = service_fn(move |request: Request<Incoming>| {
        let begun = Begun::new(&working);
        let answer = handler(request.map(Body::new), peer);
        async move {
            let answer = answer.await;
            drop(begun);
            Ok::<_, Infallible>(answer)
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.headers);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(128).keep_alive_interval(Duration::from_secs(30));
    let serving = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(serving);
    let outcome = tokio::select! {
        outcome = serving.as_mut() => outcome,
        () = has_had_enough(&work, limits, &stop) => {
            // GOAWAY, or the end after this answer: what was begun is answered, and the client opens another one for the rest.
            serving.as_mut().graceful_shutdown();
            tokio::time::timeout(limits.drain, serving).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%peer, %error, "a connection ended early");
    }
}

/// How many requests of a connection began, and how many of them were answered.
#[derive(Default)]
struct Work {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// A request that is being answered, or was given up.
struct Begun(Arc<Work>);

impl Begun {
    fn new(work: &Arc<Work>) -> Self {
        work.begun.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(work))
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

async fn has_had_enough(work: &Work, limits: Limits, stop: &CancellationToken) {
    tokio::select! {
        () = rests(work, limits.rest) => {}
        () = tokio::time::sleep(limits.age) => {}
        () = stop.cancelled() => {}
    }
}

/// Waits until nothing was asked and nothing was being answered for this long.
async fn rests(work: &Work, time: Duration) {
    let mut before = None;
    loop {
        let ended = work.ended.load(Ordering::Relaxed);
        let is_busy = work.begun.load(Ordering::Relaxed) != ended;
        if !is_busy && before == Some(ended) {
            return;
        }
        before = Some(ended);
        tokio::time::sleep(time).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_network_holds_only_its_share_of_the_connections() {
        let proxies = ["10.0.0.0/24".parse().expect("a range")];
        let networks = Networks::new(2, &proxies);
        let enter = |address: &str| networks.enter(address.parse().expect("an address"));
        let first = enter("192.0.2.1").expect("room");
        let second = enter("::ffff:192.0.2.200").expect("room");
        assert!(enter("192.0.2.3").is_err(), "the /24 is full");
        let other = enter("198.51.100.1").expect("its neighbours are not");
        let (_v6, _more) = (enter("2001:db8:1:100::1").expect("room"), enter("2001:db8:1:1ff::1").expect("room"));
        assert!(enter("2001:db8:1:123::9").is_err(), "so is the /56");
        for _ in 0..3 {
            assert!(enter("127.0.0.1").expect("this machine").is_none() && enter("10.0.0.7").expect("a proxy").is_none());
        }
        drop(first);
        let third = enter("192.0.2.3").expect("one left");
        drop((second, third, other));
        let held = networks.held.lock().expect("nobody panicked");
        assert_eq!(held.len(), 1, "what nobody holds is forgotten: {held:?}");
    }
}
