//! A real control plane, through everything that can happen to it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use entrance_model::cluster::Door;
use entrance_model::id::{ClusterUid, DoorId, PrincipalId};
use entrance_server::clusters::local::{
    Authorizer, Binary, Identity, Part, Planes, Pool, Spec, Step, WebhookAccess, issue_operator,
};
use jiff::Timestamp;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use uuid::Uuid;

/// The program that `make build` makes. Without it these tests fail: they have nothing else to run on.
pub(crate) fn control_plane() -> Binary {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/controlplane/controlplane");
    let path = std::env::var_os("ENTRANCE_CONTROLPLANE").map_or_else(|| PathBuf::from(built), PathBuf::from);
    Binary::find(Some(&path)).unwrap_or_else(|error| panic!("{error}; build it with `make build`"))
}

struct World {
    end: EndAll,
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
        let end = EndAll(root.path().display().to_string());
        Ok(Self { end, root, binary, planes, uid: ClusterUid::from_uuid(Uuid::new_v4()) })
    }

    /// As if the server had been killed: nobody says goodbye to the processes.
    fn restart_server(self) -> Result<Self> {
        let Self { end, root, binary, planes, uid } = self;
        drop(planes);
        // A program that another test is just starting holds a copy of the lock until it runs.
        let since = Instant::now();
        let planes = loop {
            match open(root.path(), &binary) {
                Err(_) if since.elapsed() < Duration::from_secs(10) => std::thread::sleep(Duration::from_millis(20)),
                opened => break opened?,
            }
        };
        Ok(Self { end, root, binary, planes, uid })
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
        Ok(Spec::new(self.uid, "prod", pool(nodes), webhook))
    }

    async fn has_nodes(&self, wanted: usize) -> Result<()> {
        let operator = self.operator()?;
        until("ready nodes", async || {
            let nodes = self.kubectl(&operator, "get nodes --no-headers")?;
            ensure!(nodes.lines().count() == wanted && nodes.lines().all(|line| line.contains(" Ready ")), "{nodes}");
            Ok(())
        })
        .await
    }

    /// Binds the group of a door's certificates.
    async fn open_door(&self, name: &str, group: &str) -> Result<Api<ClusterRoleBinding>> {
        let bindings = Api::all(self.planes.client(self.uid).await?);
        bindings.create(&PostParams::default(), &door(name, group)?).await?;
        Ok(bindings)
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
pub(crate) struct EndAll(pub(crate) String);

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

pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let began = Instant::now();
    loop {
        match look().await {
            Ok(found) => return Ok(found),
            Err(error) if began.elapsed() > Duration::from_mins(1) => return Err(error.context(format!("waited for {what}"))),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_plane_outlives_kills_and_restarts_and_leaves_nothing_behind() -> Result<()> {
    let world = World::start(control_plane())?;
    let (uid, home) = (world.uid, world.planes.home(world.uid));

    let began = Instant::now();
    let running = world.planes.ensure_running(&world.spec(3)?).await?;
    eprintln!("ready, with its rights and all parts, after {:?}: {} ({})", began.elapsed(), running.url, running.kubernetes);
    world.has_nodes(3).await?;
    eprintln!("3 nodes ready after {:?}", began.elapsed());

    a_part_that_dies_is_started_again(&world).await?;

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
    world.open_door("door-1", "nobody").await?;
    let world = world.restart_server()?;
    for pid in world.processes() {
        kill(pid)?;
    }
    world.planes.adopt_all().await?;
    world.planes.wait(uid, Step::Nodes).await?;
    world.has_nodes(3).await?;

    // Stopped stays stopped; started again it has its data and its address.
    world.planes.stop(uid).await?;
    assert_eq!(world.processes(), [0_u32; 0]);
    assert_eq!(world.planes.adopt_all().await?, []);
    let began = Instant::now();
    let again = world.planes.ensure_running(&world.spec(2)?).await?;
    eprintln!("ready again, with data, after {:?}", began.elapsed());
    assert_eq!(again.url, running.url);
    world.has_nodes(2).await?;
    world.kubectl(&world.operator()?, "get clusterrolebinding door-1")?;

    world.planes.remove(uid).await?;
    assert_eq!(world.processes(), [0_u32; 0]);
    assert!(!home.dir().exists());
    let left: Vec<_> = fs::read_dir(world.root.path().join("clusters"))?.flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["lock"]);
    world.planes.remove(uid).await?;
    Ok(())
}

async fn a_part_that_dies_is_started_again(world: &World) -> Result<()> {
    let api_server = world.pids().await[1].context("the API server lives")?;
    kill(api_server)?;
    let killed = Instant::now();
    until("another API server", async || {
        let now = world.pids().await[1].context("not yet")?;
        ensure!(now != api_server);
        Ok(())
    })
    .await?;
    world.planes.wait(world.uid, Step::Rbac).await?;
    eprintln!("an API server was back {:?} after a kill", killed.elapsed());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_plane_changes_while_it_runs() -> Result<()> {
    let world = World::start(control_plane())?;
    world.planes.ensure_running(&world.spec(2)?).await?;
    let api_server = world.pids().await[1];

    the_operator_has_its_few_rights_and_no_others(&world)?;
    break_glass_has_two_levers(&world).await?;

    // The authorizer webhook comes and goes, and is proved to be in force.
    let began = Instant::now();
    world.planes.set_authorizer(world.uid, Authorizer::RbacThenWebhook).await?;
    eprintln!("another authorizer in force after {:?}", began.elapsed());
    world.planes.set_authorizer(world.uid, Authorizer::Rbac).await?;

    // So do nodes.
    world.has_nodes(2).await?;
    world.planes.scale(world.uid, vec![pool(1)]).await?;
    world.has_nodes(1).await?;

    assert_eq!(world.pids().await[1], api_server, "all of it without a restart");
    world.planes.remove(world.uid).await?;
    Ok(())
}

fn the_operator_has_its_few_rights_and_no_others(world: &World) -> Result<()> {
    let operator = world.operator()?;
    let refused = world.kubectl(&operator, "get secrets -A").expect_err("no business of ours").to_string();
    assert!(refused.contains("User \"entrance:operator\" cannot list resource \"secrets\""), "{refused}");
    let refused = world
        .kubectl(&operator, "create clusterrolebinding x --clusterrole=system:kube-controller-manager --user=entrance:operator")
        .expect_err("only cluster-admin can be bound");
    assert!(refused.to_string().contains("attempting to grant RBAC permissions not currently held"), "{refused}");
    Ok(())
}

/// Nothing before the door is open, everything while it is, nothing once either lever is pulled; another door stays open meanwhile.
async fn break_glass_has_two_levers(world: &World) -> Result<()> {
    let operator = world.operator()?;
    let [door, other] = [1, 2].map(|n| DoorId::from_uuid(Uuid::from_u128(n)));
    let oid = PrincipalId::from_uuid(Uuid::from_u128(0xA));
    let holder = world.planes.open_break_glass(world.uid, oid, door, HOUR).await?;
    let also = world.planes.open_break_glass(world.uid, oid, other, HOUR).await?;
    let refused = until("the API server to know the roots", async || {
        let refused = [&holder, &also].map(|who| world.kubectl(who, "get nodes").expect_err("no binding yet").to_string());
        ensure!(refused.iter().all(|refused| refused.contains("Forbidden")), "{refused:?}");
        Ok(refused[0].clone())
    });
    let refused = refused.await?;
    assert!(refused.contains("breakglass:00000000-0000-0000-0000-00000000000a"), "{refused}");

    let bindings = world.open_door("door-1", &Door::group(door)).await?;
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

    let roots = || -> Result<usize> {
        let list = world.kubectl(&operator, "get configmap -n kube-system extension-apiserver-authentication -o yaml")?;
        Ok(list.matches("BEGIN CERTIFICATE").count())
    };
    assert_eq!(roots()?, 5, "two kinds of clients, two doors and the front proxy");
    world.planes.keep_break_glass(world.uid, &[other]).await?;
    assert_eq!(roots()?, 4, "aggregated servers forget the root, too");
    until("the dropped root", async || {
        let refused = world.kubectl(&holder, "get nodes").err().context("still known")?.to_string();
        ensure!(refused.contains("Unauthorized") || refused.contains("must be logged in"), "{refused}");
        Ok(())
    })
    .await?;
    let refused = world.kubectl(&also, "get nodes").expect_err("no binding yet").to_string();
    assert!(refused.contains("Forbidden"), "the other door's root is still known: {refused}");
    world.planes.keep_break_glass(world.uid, &[]).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_cannot_start_says_why() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let broken = folder.path().join("controlplane");
    fs::write(&broken, "#!/bin/sh\n[ $1 = version ] && exec echo kubernetes v1.37.2\necho the disk is full >&2; exit 3\n")?;
    fs::set_permissions(&broken, fs::Permissions::from_mode(0o700))?;
    let world = World::start(Binary::at(&broken)?)?;
    let error = world.planes.ensure_running(&world.spec(1)?).await.expect_err("it cannot").to_string();
    assert_eq!(error, "etcd does not stay up: exit status: 3: the disk is full | the disk is full | the disk is full");
    world.planes.remove(world.uid).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_was_half_made_can_be_finished_or_removed() -> Result<()> {
    let mut world = World::start(control_plane())?;
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
    let world = World::start(control_plane())?;
    let error = open(world.root.path(), &world.binary).err().context("it was opened twice")?;
    assert!(error.to_string().contains("another server already keeps the clusters"), "{error}");
    Ok(())
}

pub(crate) fn pool(count: u16) -> Pool {
    Pool { prefix: "aks-nodepool1-31718369-vmss".to_owned(), count }
}

/// The binding that opens a door.
fn door(name: &str, group: &str) -> Result<ClusterRoleBinding> {
    Ok(serde_json::from_value(serde_json::json!({
        "metadata": { "name": name },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin" },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group }],
    }))?)
}

const HOUR: Duration = Duration::from_hours(1);
