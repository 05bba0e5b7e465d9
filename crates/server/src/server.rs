//! Starting and stopping a server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use entrance_store::{SealError, SealingKey, Store, StoreError};
use tokio::net::TcpListener;

use crate::app::App;
use crate::audit::{reviews, sealer};
use crate::authority::keys::KeyRing;
use crate::clock::Clock;
use crate::clusters::{Clusters, Driver, House, References};
use crate::config::{Config, Mode};
use crate::data_dir::{DataDir, DataDirError};
use crate::directory::Directory;
use crate::endpoint::Endpoint;
use crate::hasher::Hasher;
use crate::http::{self, tls};
use crate::jobs::{self, Jobs};
use crate::listeners::Listeners;
use crate::observe::Observed;
use crate::passwords::{BadList, Breached};
use crate::tasks::Tasks;
use crate::webhook::pki::Pki;
use crate::webhook::{Faults, Limits, Names, Parts, Proofs, ProofsError, Reviewer, WebhookError, Webhooks, Witness};

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The sealing key cannot be used.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The list of breached passwords cannot be used.
    #[error(transparent)]
    Breached(#[from] BadList),
    /// The address is taken or not ours.
    #[error("`{0}` cannot be listened on: {1}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The certificate cannot be made, read or written.
    #[error("the server's certificate: {0}")]
    Tls(String),
    /// The used proofs of possession cannot be read or kept.
    #[error(transparent)]
    Proofs(#[from] ProofsError),
    /// API servers cannot be answered.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// `demo` is for one machine.
    #[error("`demo` listens on loopback only, and `{0}` is not; use `serve` for others to reach it")]
    NotLoopback(SocketAddr),
}

/// A server that runs.
pub struct Server {
    app: Arc<App>,
    address: SocketAddr,
    realm_address: Option<SocketAddr>,
}

/// How long a stop waits for requests that are being answered.
const DRAIN: Duration = Duration::from_secs(10);

impl Server {
    /// Opens the data directory and listens. Control planes are started on this machine.
    pub async fn start(config: Config, clock: Clock) -> Result<Self, StartError> {
        Self::start_with(config, clock, None).await
    }

    /// The same with another driver for all clusters; for tests that need no control plane.
    pub async fn start_with(config: Config, clock: Clock, driver: Option<Arc<dyn Driver>>) -> Result<Self, StartError> {
        if config.mode == Mode::Demo && !config.listen.ip().is_loopback() {
            return Err(StartError::NotLoopback(config.listen));
        }
        let data = DataDir::open(&config.data)?;
        let seal = SealingKey::load_or_create(&data.join("seal.key"))?;
        let store = Store::open(&data.join("entrance.db"), seal).await?;
        let listener = TcpListener::bind(config.listen).await.map_err(|e| StartError::Listen(config.listen, e))?;
        let address = listener.local_addr().map_err(|e| StartError::Listen(config.listen, e))?;
        let base = match &config.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("https://localhost:{}", address.port()),
        };
        let now = clock.now();
        let tls = tls::load_or_create(&data, &base, now).map_err(|e| StartError::Tls(format!("{e:#}")))?;
        let keys = KeyRing::open(&store, now).await?;
        let sealing = entrance_store::audit::signing_key(&store, now).await?;
        let hasher = Hasher::new(config.password_cost);
        let breached = config.breached_passwords.as_deref().map_or_else(|| Ok(Breached::none()), Breached::open)?;
        let tasks = Tasks::default();
        tasks.spawn_draining(sealer::run(store.clone(), sealing, clock.clone(), tasks.stopping()));
        // One server on its own store: nothing changes that the feed does not tell at once.
        let people = Directory::new(None);
        people.load(&store, now).await?;
        tasks.spawn("directory", people.clone().follow(store.clone(), clock.clone()));
        let (witness, told) = Witness::new();
        let (references, witness) = (References::default(), Arc::new(witness));
        let names = Names::default();
        tasks.spawn_draining(names.clone().keep(store.clone(), tasks.stopping()));
        let reviewer = Reviewer::new(Parts {
            references: references.clone(),
            proofs: Proofs::open(&data.join("proofs"), now)?,
            witness: Arc::clone(&witness),
            names: names.clone(),
            ..Parts::new(keys.clone(), people.clone(), clock.clone(), &base)
        });
        let pki = Pki::open(&store, now).await.map_err(WebhookError::from)?;
        let hooks = Webhooks::bind(&store, config.webhook_listen).await?;
        let faults = faults(&config, &data, &tasks);
        let (webhooks, answered) =
            Webhooks::start_with(hooks, pki, reviewer, &clock, Limits::default(), (faults, tasks.stopping()))?;
        tasks.spawn_draining(reviews::run(store.clone(), clock.clone(), Arc::clone(&witness), told, answered));
        let authority = crate::authority::state::State::new(config.sign_in_rate, config.write_rate);
        let webhooks = Arc::new(webhooks);
        let house =
            House { store: &store, people: &people, clock: &clock, tasks: &tasks, webhooks: &webhooks, references: &references };
        let clusters = match driver {
            Some(driver) => Clusters::new(driver),
            None => Clusters::on_this_machine(&data, config.controlplane.as_deref(), &house),
        };
        let observed = Observed::open(&store).await?;
        let others = Listeners::bind(&config).await?;
        let jobs = Jobs::default();
        let app = Arc::new(App {
            config,
            data,
            store,
            keys,
            people,
            webhooks,
            witness,
            references,
            names,
            clusters,
            doors: crate::clusters::doors::Doors::default(),
            observed,
            metrics: others.metrics(),
            identity: others.identity(),
            jobs,
            deployments: tokio::sync::Notify::new(),
            clock,
            hasher,
            breached,
            tasks,
            authority,
            bootstrap: crate::setup::first::Bootstrap::default(),
            issuers: crate::authority::issuers::Issuers::default(),
            patience: crate::explain::Patience::default(),
            base,
        });
        jobs::start(&app);
        crate::arm::start(&app);
        app.tasks.spawn("signing keys", crate::authority::keys::follow(Arc::downgrade(&app)));
        let tidied = Arc::clone(&app);
        app.tasks.spawn("probes", async move { crate::freshness::tidy(&tidied).await });
        let endpoint = Endpoint { url: app.base().to_owned(), ca: app.data.join(tls::CA_FILE), pid: std::process::id() };
        let written = endpoint.write(app.data.path());
        written.map_err(|source| DataDirError::Io { path: app.data.path().to_owned(), source })?;
        let realm_address = others.realms();
        others.serve(&app, &tls);
        http::serve(&app, listener, tls);
        tracing::info!(%address, base = app.base(), "listening");
        Ok(Self { app, address, realm_address })
    }

    /// The shared state.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Where the public listener listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the listener for clients that drop the port listens, if there is one.
    pub fn realm_address(&self) -> Option<SocketAddr> {
        self.realm_address
    }

    /// The file with the certificate authority that clients have to trust.
    pub fn ca_file(&self) -> PathBuf {
        self.app.data.join(tls::CA_FILE)
    }

    /// Finishes the requests that are being answered, and ends. Clusters keep running.
    pub async fn stop(self) {
        self.app.tasks.stop(DRAIN).await;
        // Who entered while the listeners drained.
        if let Err(error) = self.app.names.settle(&self.app.store).await {
            tracing::error!(%error, "names that entered clusters could not be written down");
        }
    }
}

/// The switch that makes webhooks fail; there is none unless the server was started with it.
fn faults(config: &Config, data: &DataDir, tasks: &Tasks) -> Faults {
    if !config.faults {
        return Faults::none();
    }
    let (faults, turning) = Faults::by_file(data.join("faults"), tasks.stopping());
    tasks.spawn("faults", turning);
    faults
}
