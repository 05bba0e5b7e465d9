//! All control planes of this server: the surface that the rest of Entrance calls.

use std::collections::HashMap;
use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use entrance_model::Timestamp;
use entrance_model::id::ClusterUid;
use rustix::fs::{FlockOperation, flock};
use tokio::sync::Mutex;

use super::config::{self, WebhookAccess};
use super::error::At as _;
use super::home::{Authorizer, ClusterHome, Pool, Record};
use super::keep::Order;
use super::plane::{Plane, wait_for};
use super::process::Process;
use super::{Binary, Clock, LocalError, Part, Progress, Step, api, files, pki};
use crate::clusters::finding::Finding;
use crate::hex::sha256_hex;

/// What a cluster shall be. Asking again with another one changes what can be changed while it runs: its pools and its webhook's certificates.
pub struct Spec {
    /// The resource's uid; names the folder.
    pub uid: ClusterUid,
    /// The resource's name, for logs.
    pub name: String,
    /// Where the API server listens. Loopback, unless others shall reach it.
    pub listen: IpAddr,
    /// Further names and addresses for its certificate.
    pub names: Vec<String>,
    /// The simulated nodes.
    pub pools: Vec<Pool>,
    /// How it reaches Entrance's webhooks.
    pub webhook: WebhookAccess,
}

impl Spec {
    /// A cluster on loopback with one pool of nodes.
    pub fn new(uid: ClusterUid, name: &str, pool: Pool, webhook: WebhookAccess) -> Self {
        Self {
            uid,
            name: name.to_owned(),
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            names: Vec::new(),
            pools: vec![pool],
            webhook,
        }
    }
}

/// How to reach a cluster that runs.
#[derive(Debug, Clone)]
pub struct Running {
    /// `https://127.0.0.1:21443`
    pub url: String,
    /// The cluster's CA certificate in PEM.
    pub ca_pem: String,
    /// Its Kubernetes version, as the resource manager spells it.
    pub kubernetes: String,
}

/// All control planes under one folder. One per process and folder: a lock in the folder says so.
pub struct Planes {
    root: PathBuf,
    binary: Binary,
    clock: Clock,
    pub(super) kept: Mutex<HashMap<ClusterUid, Plane>>,
    // Held as long as this lives; the kernel gives it back when we are killed. Children do not inherit it.
    _lock: File,
}

impl Planes {
    /// Opens the folder of all clusters, making it if need be. Nothing is started yet.
    pub fn open(root: &Path, binary: Binary, clock: Clock) -> Result<Self, LocalError> {
        files::private_folder(root)?;
        let root = root.canonicalize().at("find", root)?;
        let path = root.join("lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&path).at("open", &path)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| LocalError::Locked(root.clone()))?;
        Ok(Self { root, binary, clock, kept: Mutex::default(), _lock: lock })
    }

    /// The program that all clusters run.
    pub fn binary(&self) -> &Binary {
        &self.binary
    }

    /// The folder of a cluster, whether it exists or not.
    pub fn home(&self, uid: ClusterUid) -> ClusterHome {
        ClusterHome::under(&self.root, uid)
    }

    /// Takes care again of every cluster that is meant to run: what lives is adopted, what does not is started. Returns at once with their ids;
    /// a cluster that was only half made is left for whoever was making it, who repeats its steps or removes it.
    pub async fn adopt_all(&self) -> Result<Vec<ClusterUid>, LocalError> {
        let mut adopted = Vec::new();
        for entry in fs::read_dir(&self.root).at("read", &self.root)? {
            let path = entry.at("read", &self.root)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with(TRASH) {
                files::remove(&path)?;
            }
            let Ok(uid) = name.parse::<ClusterUid>() else { continue };
            match self.home(uid).record() {
                Ok(Some(record)) if record.running => {
                    self.supervise(uid, record).await?;
                    adopted.push(uid);
                }
                Ok(_) => {}
                // One damaged cluster must not keep the others down.
                Err(error) => tracing::error!(cluster = %uid, %error, "a control plane cannot be taken care of"),
            }
        }
        Ok(adopted)
    }

    /// Does one step, or finds that it is done. Steps before it must have been done once.
    pub async fn step(&self, spec: &Spec, step: Step) -> Result<(), LocalError> {
        let home = self.home(spec.uid);
        match step {
            Step::Home => {
                let _one_at_a_time = self.kept.lock().await; // for the choice of a port
                home.create()?;
                let record = match home.record()? {
                    Some(known) => renewed(spec, known),
                    None => fresh(spec, self.free_port(spec)?),
                };
                home.write_record(&record)
            }
            Step::Pki => {
                let record = self.recorded(spec.uid)?;
                let (home, now) = (home.clone(), (self.clock)());
                blocking(move || pki::ensure(&home, &record, now)).await
            }
            Step::Config => {
                config::write_webhook(&home, &spec.webhook)?;
                config::write(&home, &self.recorded(spec.uid)?)
            }
            Step::Etcd | Step::ApiServer | Step::Ready | Step::Rbac | Step::Controllers | Step::Nodes => {
                let record = self.change(spec.uid, |record| record.running = true).await?;
                self.supervise(spec.uid, record).await?;
                self.wait(spec.uid, step).await?;
                if step == Step::Rbac {
                    // From here on there is something to lose.
                    self.change(spec.uid, |record| record.made = true).await?;
                }
                Ok(())
            }
        }
    }

    /// All steps. Returns once the API server is ready, Entrance has its rights and every process runs.
    pub async fn ensure_running(&self, spec: &Spec) -> Result<Running, LocalError> {
        for step in Step::ALL {
            self.step(spec, step).await?;
        }
        self.running(spec.uid)
    }

    /// How to reach a cluster.
    pub fn running(&self, uid: ClusterUid) -> Result<Running, LocalError> {
        let record = self.recorded(uid)?;
        Ok(Running {
            url: record.url(),
            ca_pem: self.home(uid).ca_pem()?,
            kubernetes: self.binary.kubernetes().number().to_owned(),
        })
    }

    /// Waits until what `step` promises is true, as after a restart of the server.
    pub async fn wait(&self, uid: ClusterUid, step: Step) -> Result<(), LocalError> {
        let progress = self.kept.lock().await.get(&uid).map(Plane::progress).ok_or(LocalError::Unknown(uid))?;
        wait_for(progress, step, PATIENCE).await
    }

    /// The clusters that are taken care of here.
    pub async fn cared_for(&self) -> Vec<ClusterUid> {
        self.kept.lock().await.keys().copied().collect()
    }

    /// Gives a cluster new access to its webhooks when half of the time of the present one is over, and says whether it did.
    /// The API server reads the files again by itself.
    pub fn renew_webhook(
        &self,
        uid: ClusterUid,
        now: Timestamp,
        make: impl FnOnce() -> Result<WebhookAccess, String>,
    ) -> Result<bool, LocalError> {
        let home = self.home(uid);
        if !config::is_webhook_due(&home, now)? {
            return Ok(false);
        }
        let webhook = make().map_err(|why| LocalError::Webhook { why })?;
        config::write_webhook(&home, &webhook).map(|()| true)
    }

    /// Whether a process of a cluster lives, whoever started it.
    pub fn lives(&self, uid: ClusterUid) -> Result<bool, LocalError> {
        self.processes(uid).map(|found| !found.is_empty())
    }

    fn processes(&self, uid: ClusterUid) -> Result<Vec<Process>, LocalError> {
        Process::find_all(&self.home(uid)).map_err(|source| LocalError::Process {
            what: "look for",
            part: Part::ApiServer,
            source,
        })
    }

    /// How a cluster is now; `None` when nobody takes care of it here.
    pub async fn observe(&self, uid: ClusterUid) -> Option<Progress> {
        self.kept.lock().await.get(&uid).map(|plane| plane.progress().borrow().clone())
    }

    /// A client with Entrance's own rights in a cluster that runs. Do not keep it for longer than half a day: its credential is short-lived.
    pub async fn client(&self, uid: ClusterUid) -> Result<kube::Client, LocalError> {
        self.kept.lock().await.get(&uid).ok_or(LocalError::Unknown(uid))?.client()
    }

    /// Makes Entrance's own roles and bindings in a cluster as they shall be, after somebody changed them.
    pub async fn restore_rights(&self, uid: ClusterUid) -> Result<(), LocalError> {
        // Not under the lock: the API server may be slow.
        let shared = self.kept.lock().await.get(&uid).ok_or(LocalError::Unknown(uid))?.shared();
        shared.bootstrap().await
    }

    /// Sets the simulated nodes of a cluster; those too many leave it.
    pub async fn scale(&self, uid: ClusterUid, pools: Vec<Pool>) -> Result<(), LocalError> {
        self.change(uid, |record| record.pools = pools).await.map(drop)
    }

    /// Sets who authorizes, without a restart, and returns once the API server says that it is in force. In a cluster that does not run it is in
    /// force from its next start on.
    pub async fn set_authorizer(&self, uid: ClusterUid, authorizer: Authorizer) -> Result<(), LocalError> {
        let record = self.change(uid, |record| record.authorizer = authorizer).await?;
        let home = self.home(uid);
        config::write_authorization(&home, &record)?;
        let Some(client) = self.running_client(uid).await? else { return Ok(()) };
        let hash = format!("sha256:{}", sha256_hex(&config::authorization_text(&home, &record)));
        let in_force = async {
            while !api::authorizes_with(&client, &hash).await? {
                tokio::time::sleep(LOOK).await;
            }
            Ok(())
        };
        let late = LocalError::TooSlow { what: "using its new authorizers", after: PATIENCE };
        tokio::time::timeout(PATIENCE, in_force).await.unwrap_or(Err(late))
    }

    /// Ends the API server's process, with every stream that it carries, and waits until another one is ready. Tells both processes.
    pub async fn restart_api_server(&self, uid: ClusterUid) -> Result<(u32, u32), LocalError> {
        let part = Part::ApiServer;
        let mut progress = match self.kept.lock().await.get(&uid) {
            Some(plane) => plane.progress(),
            None => return Err(LocalError::Unknown(uid)),
        };
        let failed = |what| move |source| LocalError::Process { what, part, source };
        let mut ended = 0;
        for mut process in Process::find(&self.home(uid), part).map_err(failed("look for"))? {
            ended = process.pid();
            process.end(RESTART).await.map_err(failed("end"))?;
        }
        let again = progress.wait_for(|now| now.part(part).pid.is_some_and(|pid| pid != ended) && now.reached(Step::Rbac));
        match tokio::time::timeout(PATIENCE, again).await {
            Ok(Ok(now)) => Ok((ended, now.part(part).pid.unwrap_or_default())),
            Ok(Err(_)) | Err(_) => Err(LocalError::TooSlow { what: "ready again", after: PATIENCE }),
        }
    }

    /// Whether the API server is up and Entrance has its rights there.
    pub async fn is_up(&self, uid: ClusterUid) -> bool {
        self.kept.lock().await.get(&uid).is_some_and(|plane| plane.progress().borrow().reached(Step::Rbac))
    }

    /// Whether the cluster's files are what we wrote, and in force.
    pub async fn examine(&self, uid: ClusterUid) -> Result<Vec<Finding>, LocalError> {
        let record = self.recorded(uid)?;
        let client = self.running_client(uid).await?;
        Ok(super::examine::examine(&self.home(uid), &record, client, (self.clock)()).await)
    }

    /// A client, if the API server is ready now.
    pub(super) async fn running_client(&self, uid: ClusterUid) -> Result<Option<kube::Client>, LocalError> {
        match self.kept.lock().await.get(&uid) {
            Some(plane) if plane.progress().borrow().reached(Step::Rbac) => plane.client().map(Some),
            _ => Ok(None),
        }
    }

    /// Ends the processes and keeps the data. It stays stopped, also after a restart of the server, until the steps are done again.
    pub async fn stop(&self, uid: ClusterUid) -> Result<(), LocalError> {
        match self.change(uid, |record| record.running = false).await {
            // Its folder is gone; what still runs ends all the same.
            Err(LocalError::Unknown(_)) => {}
            changed => drop(changed?),
        }
        // Not under the lock: other clusters go on meanwhile.
        self.halt(uid).await
    }

    /// Ends the processes at once and removes every file. Fine to repeat, and for a cluster that was never or only half made.
    pub async fn remove(&self, uid: ClusterUid) -> Result<(), LocalError> {
        let plane = self.kept.lock().await.remove(&uid);
        if let Some(plane) = plane {
            plane.end(Order::Kill).await;
        }
        self.end_strays(uid).await?;
        let home = self.home(uid);
        if !home.dir().exists() {
            return Ok(());
        }
        // Out of sight in one move: a kill while files are removed must not leave half a cluster that is started again.
        let trash = self.root.join(format!("{TRASH}{uid}"));
        files::remove(&trash)?;
        fs::rename(home.dir(), &trash).at("remove", home.dir())?;
        blocking(move || files::remove(&trash)).await
    }

    /// Ends the supervision of all clusters and leaves their processes alone: the next server adopts them.
    pub async fn leave(&self) {
        let all: Vec<Plane> = self.kept.lock().await.drain().map(|(_, plane)| plane).collect();
        for plane in all {
            plane.end(Order::Leave).await;
        }
    }

    /// Writes down that it shall run, and keeps it.
    pub(super) async fn take_care_of(&self, uid: ClusterUid, record: Record) -> Result<(), LocalError> {
        let record = if record.running { record } else { self.change(uid, |record| record.running = true).await? };
        self.supervise(uid, record).await
    }

    /// For how long it has not been ready.
    pub(super) async fn unready_for(&self, uid: ClusterUid) -> Duration {
        self.kept.lock().await.get(&uid).map(Plane::unready_for).unwrap_or_default()
    }

    async fn supervise(&self, uid: ClusterUid, record: Record) -> Result<(), LocalError> {
        let mut planes = self.kept.lock().await;
        if let Some(plane) = planes.get(&uid) {
            plane.change(record);
            return Ok(());
        }
        let home = self.home(uid);
        let (home_, record_, now) = (home.clone(), record.clone(), (self.clock)());
        // A cluster that slept for a year wakes up with certificates that are good.
        blocking(move || {
            super::rotate::heal(&home_)?;
            pki::ensure(&home_, &record_, now)
        })
        .await?;
        planes.insert(uid, Plane::supervise(self.binary.clone(), home, record, self.clock.clone()));
        Ok(())
    }

    /// Ends the processes without a change of what shall be.
    pub(super) async fn halt(&self, uid: ClusterUid) -> Result<(), LocalError> {
        let plane = self.kept.lock().await.remove(&uid);
        if let Some(plane) = plane {
            plane.end(Order::Stop).await;
        }
        self.end_strays(uid).await
    }

    /// Nobody changes keys or certificates meanwhile.
    pub(super) async fn alone(&self) -> impl Drop + '_ {
        self.kept.lock().await
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Changes what these parts are started with, and waits until other processes play them.
    pub(super) async fn restart_for(
        &self,
        uid: ClusterUid,
        parts: &[Part],
        change: impl FnOnce(&mut Record),
    ) -> Result<(), LocalError> {
        let Some(mut progress) = self.kept.lock().await.get(&uid).map(Plane::progress) else {
            return self.change(uid, change).await.map(drop);
        };
        let pids = |now: &Progress| parts.iter().map(|part| now.part(*part).pid).collect::<Vec<_>>();
        let before = pids(&progress.borrow());
        self.change(uid, change).await?;
        let others = progress.wait_for(|now| pids(now).iter().zip(&before).all(|(now, before)| now.is_some() && now != before));
        match tokio::time::timeout(PATIENCE, others).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(LocalError::TooSlow { what: "started anew", after: PATIENCE }),
        }
    }

    async fn change(&self, uid: ClusterUid, change: impl FnOnce(&mut Record)) -> Result<Record, LocalError> {
        let planes = self.kept.lock().await;
        let mut record = self.recorded(uid)?;
        change(&mut record);
        self.home(uid).write_record(&record)?;
        if let Some(plane) = planes.get(&uid) {
            plane.change(record.clone());
        }
        Ok(record)
    }

    pub(super) fn recorded(&self, uid: ClusterUid) -> Result<Record, LocalError> {
        self.home(uid).record()?.ok_or(LocalError::Unknown(uid))
    }

    /// Ends what still plays a part in the cluster, such as processes of a server that was killed.
    async fn end_strays(&self, uid: ClusterUid) -> Result<(), LocalError> {
        // Looked for again: one that was just being started is not seen until it is what it shall be.
        for _ in 0..ROUNDS {
            let found = self.processes(uid)?;
            if found.is_empty() {
                break;
            }
            for mut process in found {
                process.kill().await.map_err(|source| LocalError::Process { what: "end", part: Part::ApiServer, source })?;
            }
        }
        Ok(())
    }

    /// A port that nobody uses and no cluster here has, sleeping ones included. The search begins at a place that depends on the cluster, so
    /// that two servers on one machine seldom look at the same port.
    fn free_port(&self, spec: &Spec) -> Result<u16, LocalError> {
        let taken = self.ports()?;
        let start = u16::try_from(spec.uid.uuid().as_u128() % u128::from(PORTS)).unwrap_or_default();
        (0..PORTS)
            .map(|next| FIRST_PORT + (start + next) % PORTS)
            .find(|port| !taken.contains(port) && TcpListener::bind((spec.listen, *port)).is_ok())
            .ok_or(LocalError::NoPort)
    }

    fn ports(&self) -> Result<Vec<u16>, LocalError> {
        let entries = fs::read_dir(&self.root).at("read", &self.root)?;
        let uids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<ClusterUid>().ok());
        Ok(uids.filter_map(|uid| self.home(uid).record().ok().flatten()).map(|record| record.port).collect())
    }
}

fn fresh(spec: &Spec, port: u16) -> Record {
    Record {
        name: spec.name.clone(),
        listen: spec.listen,
        port,
        names: spec.names.clone(),
        pools: spec.pools.clone(),
        webhook: spec.webhook.base.to_string(),
        authorizer: Authorizer::default(),
        running: false,
        signing: None,
        made: false,
    }
}

/// What is known, with what may change while it runs taken from the spec.
fn renewed(spec: &Spec, known: Record) -> Record {
    Record { name: spec.name.clone(), pools: spec.pools.clone(), webhook: spec.webhook.base.to_string(), ..known }
}

pub(super) async fn blocking(work: impl FnOnce() -> Result<(), LocalError> + Send + 'static) -> Result<(), LocalError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(broken) => std::panic::resume_unwind(broken.into_panic()),
    }
}

/// How often processes that are left over are looked for.
const ROUNDS: usize = 10;

const TRASH: &str = ".removed-";
// Below the ports that Linux gives to outgoing connections, above those that services like.
const FIRST_PORT: u16 = 21_000;
const PORTS: u16 = 9_000;
/// How long a milestone may take. An idle machine needs three seconds for all of them; a busy one has needed a minute.
const PATIENCE: Duration = Duration::from_mins(3);
/// How long an API server may take to end in an orderly way: people wait, and streams that nobody ends would wait for ever.
const RESTART: Duration = Duration::from_secs(2);
/// How often an API server is asked whether it has read its configuration.
const LOOK: Duration = Duration::from_millis(300);
