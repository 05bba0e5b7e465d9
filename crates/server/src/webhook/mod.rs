//! The listener that API servers ask: whose is this token? (DESIGN 2, 4, 4.4)
//!
//! It shares nothing with the public listener that could make it wait: own address, own authority, own small runtime, own
//! connection budget. Nobody gets past the handshake without a client certificate of a cluster, and that certificate opens
//! exactly the paths that are written in it. Certificates are made by [`pki::Pki`].

mod connection;
mod faults;
mod judgement;
mod lanes;
mod memory;
mod names;
pub mod pki;
mod proofs;
mod reviewer;
mod samples;
mod tally;
mod witness;

#[cfg(test)]
mod manners_tests;
#[cfg(test)]
mod tests;

use std::net::{SocketAddr, TcpListener as StdListener};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use entrance_model::id::ClusterUid;
use entrance_store::{Store, StoreError};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::clock::Clock;
use crate::clusters::local::WebhookAccess;
use crate::http::tls;
use connection::Shared;
use lanes::Lanes;
use pki::{Pki, PkiError};

pub use faults::{Fault, Faults};
pub use judgement::{Entered, Holder};
pub use names::{Names, NotRecorded};
pub use proofs::{Proofs, ProofsError};
pub use reviewer::{NoAnswer, Parts, Reviewer};
pub(crate) use samples::{Ending, LeftOut, Told};
pub(crate) use tally::BOUNDS;
pub use tally::Tally;
pub use witness::{About, Recent, Witness};

/// Why the listener does not start.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The authority cannot be read or made.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// The address cannot be remembered.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address is taken or not ours. Clusters know it, so another one would not do.
    #[error("`{0}` cannot be listened on for webhooks: {1}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The TLS settings do not fit together.
    #[error("the TLS settings of the webhook listener: {0}")]
    Tls(String),
    /// No thread could be started.
    #[error("the webhook listener's thread cannot be started")]
    Thread(#[source] std::io::Error),
}

/// How much the listener takes on.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at a time.
    pub connections: usize,
    /// Connections of one cluster at a time.
    pub connections_per_cluster: usize,
    /// Requests at a time on one connection.
    pub streams: u32,
    /// Reviews a second that one cluster may ask; as many more may come in a burst.
    pub reviews_per_second: NonZeroU32,
    /// After so many reviews a connection ends.
    pub reviews_per_connection: u64,
    /// After so long a connection ends.
    pub connection_life: Duration,
    /// How long an ending connection may finish what it has begun.
    pub drain: Duration,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long the headers of a request may take.
    pub headers: Duration,
    /// A review is answered within this time, or with 503.
    pub budget: Duration,
    /// The longest body, in bytes.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            connections_per_cluster: 32,
            streams: 250,
            reviews_per_second: NonZeroU32::new(2_000).expect("it is not zero"),
            reviews_per_connection: 10_000,
            connection_life: Duration::from_mins(5),
            drain: Duration::from_secs(5),
            handshake: Duration::from_secs(5),
            headers: Duration::from_secs(5),
            budget: Duration::from_millis(100),
            body: 64 * 1024,
        }
    }
}

/// The running listener.
pub struct Webhooks {
    pki: Arc<Pki>,
    address: SocketAddr,
    tally: Arc<Tally>,
    listening: Arc<AtomicBool>,
    reviewer: Arc<Reviewer>,
}

impl Webhooks {
    /// Listens at an address. With port 0 a free port is taken once and kept for good: clusters have it in their files.
    pub async fn bind(store: &Store, wanted: SocketAddr) -> Result<StdListener, WebhookError> {
        let kept = if wanted.port() == 0 { store.read().await?.settings().get(PORT_SETTING).await? } else { None };
        let port = kept.and_then(|port| port.parse().ok()).unwrap_or(wanted.port());
        let address = SocketAddr::new(wanted.ip(), port);
        let fail = |error| WebhookError::Listen(address, error);
        let listener = StdListener::bind(address).map_err(fail)?;
        listener.set_nonblocking(true).map_err(fail)?;
        if port == 0 {
            let taken = listener.local_addr().map_err(fail)?.port();
            let mut tx = store.write().await?;
            tx.settings().set(PORT_SETTING, &taken.to_string()).await?;
            tx.commit().await?;
        }
        Ok(listener)
    }

    /// Starts to answer, on a thread of its own, until `stop`. The receiver is told once everything is answered.
    pub fn start(
        listener: StdListener,
        pki: Pki,
        reviewer: Reviewer,
        clock: &Clock,
        limits: Limits,
        stop: CancellationToken,
    ) -> Result<(Self, oneshot::Receiver<()>), WebhookError> {
        Self::start_with(listener, pki, reviewer, clock, limits, (Faults::none(), stop))
    }

    /// The same with a switch that makes it fail.
    pub(crate) fn start_with(
        listener: StdListener,
        pki: Pki,
        reviewer: Reviewer,
        clock: &Clock,
        limits: Limits,
        (faults, stop): (Faults, CancellationToken),
    ) -> Result<(Self, oneshot::Receiver<()>), WebhookError> {
        let address = listener.local_addr().map_err(|error| WebhookError::Listen(SocketAddr::from(([0, 0, 0, 0], 0)), error))?;
        let pki = Arc::new(pki);
        let certificate = Arc::new(OwnCertificate::new(Arc::clone(&pki), address, clock.clone())?);
        let acceptor = TlsAcceptor::from(Arc::new(tls_config(&pki, Arc::clone(&certificate))?));
        let tally = Arc::clone(reviewer.witness().tally());
        let reviewer = Arc::new(reviewer);
        let lanes = Lanes::new(limits.reviews_per_second, limits.connections_per_cluster);
        let shared = Arc::new(Shared { reviewer: Arc::clone(&reviewer), lanes, limits, faults, stop });
        let (done, ended) = oneshot::channel();
        let listening = Arc::new(AtomicBool::new(true));
        let says = Arc::clone(&listening);
        std::thread::Builder::new()
            .name("webhook".into())
            .spawn(move || {
                if let Err(error) = run(listener, &acceptor, &shared, &certificate, &says) {
                    tracing::error!(%error, "the webhook listener ended");
                }
                says.store(false, Ordering::Relaxed);
                let _ = done.send(());
            })
            .map_err(WebhookError::Thread)?;
        Ok((Self { pki, address, tally, listening, reviewer }, ended))
    }

    /// The authority that makes the client certificates.
    pub fn pki(&self) -> &Pki {
        &self.pki
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether somebody listens there now.
    pub fn is_listening(&self) -> bool {
        self.listening.load(Ordering::Relaxed)
    }

    /// Who decides, for those who explain the decisions.
    pub fn reviewer(&self) -> &Reviewer {
        &self.reviewer
    }

    /// What was answered so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What an API server on this machine needs to ask: an address, whom to trust there, and a new client certificate.
    pub fn access(&self, cluster: ClusterUid, now: entrance_model::Timestamp) -> Result<WebhookAccess, PkiError> {
        let identity = self.pki.issue_client(cluster, now)?;
        let host = if self.address.ip().is_unspecified() { "127.0.0.1".to_owned() } else { self.address.ip().to_string() };
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let base = format!("https://{host}:{}/clusters/{cluster}", self.address.port());
        Ok(WebhookAccess {
            base: Url::parse(&base)?,
            ca_pem: self.pki.ca_pem().to_owned(),
            client_cert_pem: identity.cert_pem,
            client_key_pem: identity.key_pem,
        })
    }
}

fn run(
    listener: StdListener,
    acceptor: &TlsAcceptor,
    shared: &Arc<Shared>,
    certificate: &OwnCertificate,
    listening: &AtomicBool,
) -> std::io::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).thread_name("webhook").enable_all().build()?;
    runtime.block_on(async {
        let address = listener.local_addr()?;
        let mut listener = Some(TcpListener::from_std(listener)?);
        // What a stop by the fault switch cuts off.
        let mut lives = CancellationToken::new();
        let mut fault = Fault::None;
        let slots = Arc::new(Semaphore::new(shared.limits.connections));
        let connections = TaskTracker::new();
        let mut renewal = tokio::time::interval(pki::SERVER_RENEWAL);
        renewal.tick().await; // the first one is at once
        loop {
            let accepted = tokio::select! {
                accepted = accept(listener.as_ref()) => accepted,
                _ = renewal.tick() => {
                    certificate.renew();
                    continue;
                }
                () = shared.faults.other_than(fault) => {
                    fault = shared.faults.now();
                    if fault == Fault::Stopped {
                        listener = None;
                        lives.cancel();
                        lives = CancellationToken::new();
                    } else if listener.is_none() {
                        listener = Some(TcpListener::bind(address).await?);
                    }
                    listening.store(listener.is_some(), Ordering::Relaxed);
                    continue;
                }
                () = shared.stop.cancelled() => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file handles, most likely; accepting again at once would only spin.
                    tracing::warn!(%error, "a webhook connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            // Too many: an end at once is better than a wait, because the API server waits along.
            let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else { continue };
            let (acceptor, shared, life) = (acceptor.clone(), Arc::clone(shared), lives.clone());
            connections.spawn(async move {
                tokio::select! {
                    () = connection::serve(stream, acceptor, shared) => {}
                    () = life.cancelled() => {}
                }
                drop(slot);
            });
        }
        drop(listener);
        connections.close();
        connections.wait().await;
        Ok(())
    })
}

async fn accept(listener: Option<&TcpListener>) -> std::io::Result<(tokio::net::TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

fn tls_config(pki: &Pki, certificate: Arc<OwnCertificate>) -> Result<ServerConfig, WebhookError> {
    let tls = |error: &dyn std::fmt::Display| WebhookError::Tls(error.to_string());
    let mut roots = RootCertStore::empty();
    roots.add(pki.ca().clone()).map_err(|e| tls(&e))?;
    let callers = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), tls::provider()).build().map_err(|e| tls(&e))?;
    let mut config = ServerConfig::builder_with_provider(tls::provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|e| tls(&e))?
        .with_client_cert_verifier(callers)
        .with_cert_resolver(certificate);
    // A resumed session would show the certificate of the first handshake, and it may have ended since.
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The listener's own certificate, made at the start and again now and then.
#[derive(Debug)]
struct OwnCertificate {
    maker: Maker,
    current: ArcSwap<CertifiedKey>,
}

struct Maker {
    pki: Arc<Pki>,
    address: SocketAddr,
    clock: Clock,
}

impl std::fmt::Debug for Maker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "certificates for {}", self.address)
    }
}

impl OwnCertificate {
    fn new(pki: Arc<Pki>, address: SocketAddr, clock: Clock) -> Result<Self, WebhookError> {
        let maker = Maker { pki, address, clock };
        let current = ArcSwap::from_pointee(maker.make()?);
        Ok(Self { maker, current })
    }

    fn renew(&self) {
        match self.maker.make() {
            Ok(made) => self.current.store(Arc::new(made)),
            Err(error) => tracing::error!(%error, "the webhook listener's certificate could not be renewed"),
        }
    }
}

impl Maker {
    fn make(&self) -> Result<CertifiedKey, WebhookError> {
        let (chain, key) = self.pki.issue_server(self.address.ip(), self.clock.now())?;
        CertifiedKey::from_der(chain, key, &tls::provider()).map_err(|error| WebhookError::Tls(error.to_string()))
    }
}

impl ResolvesServerCert for OwnCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

/// Reviews take memory and one signature check each; two threads answer tens of thousands a second.
const WORKERS: usize = 2;
const PORT_SETTING: &str = "webhook.port";
