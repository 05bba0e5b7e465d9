//! A real control plane, through everything that can happen to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use entrance_model::id::ClusterUid;
use entrance_server::clusters::local::{
    Authorizer, Binary, Identity, Part, Planes, Pool, Spec, Step, WebhookAccess, break_glass_group, issue_operator,
};
use jiff::Timestamp;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use uuid::Uuid;

/// `None` without the program, which takes minutes to build; CI always has it.
fn control_plane() -> Option<Binary> {
    let configured = std::env::var_os("ENTRANCE_CONTROLPLANE").map(PathBuf::from);
    match Binary::find(configured.as_deref()) {
        Ok(binary) => Some(binary),
        Err(error) if std::env::var_os("CI").is_none() => {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

struct World {
    _end: EndAll,
    root: tempfile::TempDir,
    binary: Binary,
    planes: Planes,
    uid: ClusterUid,
}

impl World {
    fn start(binary: Binary) -> Result<Self> {
        // Longer than a socket's address may be.
        let root = tempfile::Builder::new().prefix(&"a-long-name-".repeat(12)).tempdir()?;
        let planes = open(root.path(), &binary)?;
        let _end = EndAll(root.path().display().to_string());
        Ok(Self { _end, root, binary, planes, uid: ClusterUid::from_uuid(Uuid::new_v4()) })
    }

    /// As if the server had been killed: nobody says goodbye to the processes.
    fn restart_server(self) -> Result<Self> {
        let Self { _end, root, binary, planes, uid } = self;
        drop(planes);
        let planes = open(root.path(), &binary)?;
        Ok(Self { _end, root, binary, planes, uid })
    }

    fn spec(&self, nodes: u16) -> Result<Spec> {
        let key = rcgen::KeyPair::generate()?;
        let cert = rcgen::CertificateParams::new(vec!["nobody".to_owned()])?.self_signed(&key)?.pem();
        let webhook = WebhookAccess {
            base: format!("https://127.0.0.1:9/clusters/{}", self.uid).parse()?,
            ca_pem: cert.clone(),
            client_cert_pem: cert,
            client_key_pem: key.serialize_pem().into(),
        };
        Ok(Spec::new(self.uid, "prod", Pool { prefix: "aks-nodepool1-31718369-vmss".to_owned(), count: nodes }, webhook))
    }

    async fn pids(&self) -> Vec<Option<u32>> {
        let progress = self.planes.observe(self.uid).await.unwrap_or_default();
        Part::ALL.map(|part| progress.part(part).pid).to_vec()
    }

    fn kubectl(&self, who: &Identity, args: &str) -> Result<String> {
        let file = |name: &str| self.root.path().join(name);
        let running = self.planes.running(self.uid)?;
        fs::write(file("ca"), &running.ca_pem)?;
        fs::write(file("who"), who.pem().as_bytes())?;
        let done = Command::new(self.binary.path())
            .args(["kubectl", "--server", &running.url])
            .arg(format!("--certificate-authority={}", file("ca").display()))
            .arg(format!("--client-certificate={}", file("who").display()))
            .arg(format!("--client-key={}", file("who").display()))
            .args(args.split(' '))
            .env("HOME", self.root.path())
            .output()?;
        let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        if done.status.success() { Ok(out.into_owned()) } else { bail!("{err}") }
    }

    fn operator(&self) -> Result<Identity> {
        Ok(issue_operator(&self.planes.home(self.uid), Timestamp::now())?)
    }

    fn processes(&self) -> Vec<u32> {
        processes(&self.planes.home(self.uid).dir().display().to_string())
    }
}

/// A test that fails leaves nothing running either.
struct EndAll(String);

impl Drop for EndAll {
    fn drop(&mut self) {
        for pid in processes(&self.0) {
            let _ = kill(pid); // it may just have ended
        }
    }
}

/// The processes that name a folder in their environment.
fn processes(folder: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| fs::read(format!("/proc/{pid}/environ")).is_ok_and(|env| String::from_utf8_lossy(&env).contains(folder)))
        .collect()
}

fn open(root: &Path, binary: &Binary) -> Result<Planes> {
    Ok(Planes::open(&root.join("clusters"), binary.clone(), Arc::new(Timestamp::now))?)
}

fn kill(pid: u32) -> Result<()> {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid)?).context("a pid")?;
    Ok(rustix::process::kill_process(pid, rustix::process::Signal::KILL)?)
}

async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let began = Instant::now();
    loop {
        match look().await {
            Ok(found) => return Ok(found),
            Err(error) if began.elapsed() > Duration::from_secs(60) => return Err(error.context(format!("waited for {what}"))),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_plane_outlives_kills_and_restarts_and_leaves_nothing_behind() -> Result<()> {
    let Some(binary) = control_plane() else { return Ok(()) };
    let world = World::start(binary)?;
    let (uid, home) = (world.uid, world.planes.home(world.uid));

    let began = Instant::now();
    let running = world.planes.ensure_running(&world.spec(3)?).await?;
    eprintln!("ready, with its rights and all parts, after {:?}: {} ({})", began.elapsed(), running.url, running.kubernetes);
    let operator = world.operator()?;
    let ready = async |world: &World, wanted: usize| {
        until("ready nodes", async || {
            let nodes = world.kubectl(&operator, "get nodes --no-headers")?;
            ensure!(nodes.lines().count() == wanted && nodes.lines().all(|line| line.contains(" Ready ")), "{nodes}");
            Ok(())
        })
        .await
    };
    ready(&world, 3).await?;
    eprintln!("3 nodes ready after {:?}", began.elapsed());

    // The operator has its few rights and no others.
    let refused = world.kubectl(&operator, "get secrets -A").expect_err("no business of ours").to_string();
    assert!(refused.contains("User \"entrance:operator\" cannot list resource \"secrets\""), "{refused}");
    let refused = world
        .kubectl(&operator, "create clusterrolebinding x --clusterrole=system:kube-controller-manager --user=entrance:operator")
        .expect_err("only cluster-admin can be bound");
    assert!(refused.to_string().contains("attempting to grant RBAC permissions not currently held"), "{refused}");

    // Break-glass: nothing before the door is open, everything while it is, nothing once either lever is pulled.
    let hour = Duration::from_secs(3_600);
    let holder = world.planes.open_break_glass(uid, Uuid::from_u128(0xA), "door-1", hour).await?;
    let refused = until("the API server to know the signer", async || {
        let refused = world.kubectl(&holder, "get nodes").expect_err("no binding yet").to_string();
        ensure!(refused.contains("Forbidden"), "{refused}");
        Ok(refused)
    });
    let refused = refused.await?;
    assert!(refused.contains("breakglass:00000000-0000-0000-0000-00000000000a"), "{refused}");
    let bindings: Api<ClusterRoleBinding> = Api::all(world.planes.client(uid).await?);
    bindings.create(&PostParams::default(), &door("door-1")?).await?;
    until("the open door", async || world.kubectl(&holder, "create namespace kept")).await?;
    world.kubectl(&holder, "create deployment web --image=web --replicas=3 -n kept")?;
    world.kubectl(&holder, "rollout status deployment web -n kept --timeout=60s")?;
    world.kubectl(&holder, "delete deployment web -n kept --cascade=foreground --timeout=60s")?;
    bindings.delete("door-1", &DeleteParams::default()).await?;
    until("the closed door", async || {
        let refused = world.kubectl(&holder, "get nodes").err().context("still open")?.to_string();
        ensure!(refused.contains("Forbidden"), "{refused}");
        Ok(())
    })
    .await?;
    let signer =
        |world: &World| world.kubectl(&operator, "get configmap -n kube-system extension-apiserver-authentication -o yaml");
    assert_eq!(signer(&world)?.matches("BEGIN CERTIFICATE").count(), 4, "three kinds of clients and the front proxy");
    world.planes.drop_break_glass(uid).await?;
    assert_eq!(signer(&world)?.matches("BEGIN CERTIFICATE").count(), 3, "aggregated servers forget the signer, too");
    until("the dropped signer", async || {
        let refused = world.kubectl(&holder, "get nodes").err().context("still known")?.to_string();
        ensure!(refused.contains("Unauthorized") || refused.contains("must be logged in"), "{refused}");
        Ok(())
    })
    .await?;

    // The authorizer webhook comes and goes while the API server runs, and is proved to be in force.
    let began = Instant::now();
    world.planes.set_authorizer(uid, Authorizer::RbacThenWebhook).await?;
    eprintln!("another authorizer in force after {:?}", began.elapsed());
    world.planes.set_authorizer(uid, Authorizer::Rbac).await?;

    // Fewer nodes, and more again.
    world.planes.scale(uid, vec![Pool { prefix: "aks-nodepool1-31718369-vmss".to_owned(), count: 1 }]).await?;
    ready(&world, 1).await?;

    // A part that dies is started again.
    let before = world.pids().await;
    let api_server = before[1].context("the API server lives")?;
    kill(api_server)?;
    let killed = Instant::now();
    until("another API server", async || {
        let now = world.pids().await[1].context("not yet")?;
        ensure!(now != api_server);
        Ok(())
    })
    .await?;
    world.planes.wait(uid, Step::Rbac).await?;
    eprintln!("an API server was back {:?} after a kill", killed.elapsed());

    // The server dies; the cluster does not notice, and the next server finds it.
    world.planes.wait(uid, Step::Nodes).await?;
    world.planes.wait(uid, Step::Controllers).await?;
    let before = world.pids().await;
    let world = world.restart_server()?;
    assert_eq!(world.planes.adopt_all().await?, [uid]);
    until("the same processes", async || {
        ensure!(world.pids().await == before, "{:?} and {before:?}", world.pids().await);
        Ok(())
    })
    .await?;
    world.planes.wait(uid, Step::Rbac).await?;
    assert_eq!(world.pids().await, before);

    // Everything dies, as when the machine loses its power.
    let world = world.restart_server()?;
    for pid in world.processes() {
        kill(pid)?;
    }
    world.planes.adopt_all().await?;
    world.planes.wait(uid, Step::Nodes).await?;
    ready(&world, 1).await?;

    // Stopped stays stopped; started again it has its data and its address.
    world.planes.stop(uid).await?;
    assert_eq!(world.processes(), [0_u32; 0]);
    assert_eq!(world.planes.adopt_all().await?, []);
    let began = Instant::now();
    let again = world.planes.ensure_running(&world.spec(3)?).await?;
    eprintln!("ready again, with data, after {:?}", began.elapsed());
    assert_eq!(again.url, running.url);
    ready(&world, 3).await?;
    let holder = world.planes.open_break_glass(uid, Uuid::from_u128(0xA), "door-2", hour).await?;
    let bindings: Api<ClusterRoleBinding> = Api::all(world.planes.client(uid).await?);
    bindings.create(&PostParams::default(), &door("door-2")?).await?;
    until("the namespace", async || world.kubectl(&holder, "get namespace kept")).await?;

    world.planes.remove(uid).await?;
    assert_eq!(world.processes(), [0_u32; 0]);
    assert!(!home.dir().exists());
    let left: Vec<_> = fs::read_dir(world.root.path().join("clusters"))?.flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["lock"]);
    world.planes.remove(uid).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_was_half_made_can_be_finished_or_removed() -> Result<()> {
    let Some(binary) = control_plane() else { return Ok(()) };
    let mut world = World::start(binary)?;
    let spec = world.spec(1)?;
    // The server is killed after each of the first steps, and each time the next one begins from the start.
    for (at, step) in [Step::Home, Step::Pki, Step::Config, Step::Etcd].into_iter().enumerate() {
        for again in &Step::ALL[..at] {
            world.planes.step(&spec, *again).await?;
        }
        world.planes.step(&spec, step).await?;
        world = world.restart_server()?;
    }
    let etcd = world.processes();
    assert!(!etcd.is_empty(), "the database goes on without a server");
    world.planes.remove(world.uid).await?;
    assert_eq!(world.processes(), [0_u32; 0]);
    assert!(!world.planes.home(world.uid).dir().exists());
    Ok(())
}

#[tokio::test]
async fn two_servers_cannot_keep_the_same_clusters() -> Result<()> {
    let Some(binary) = control_plane() else { return Ok(()) };
    let world = World::start(binary)?;
    let error = open(world.root.path(), &world.binary).err().context("it was opened twice")?;
    assert!(error.to_string().contains("another server already keeps the clusters"), "{error}");
    Ok(())
}

/// The binding that opens a door.
fn door(id: &str) -> Result<ClusterRoleBinding> {
    Ok(serde_json::from_value(serde_json::json!({
        "metadata": { "name": id },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin" },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": break_glass_group(id) }],
    }))?)
}
