//! Both levers, each on the real processes.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use entrance_model::cluster::door::{BreakGlass, Closing, Door, DoorState, Life, Reason};
use entrance_model::id::DoorId;
use reqwest::Client;
use serde_json::json;
use uuid::Uuid;

use super::leftovers;
use super::world::{C1, Ending, Held, World};
use crate::local_plane::until;

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_door_is_refused_by_every_part_of_a_real_control_plane() -> Result<()> {
    let world = World::start().await?;
    // Ends by itself, beside all that follows.
    let (short, since) = (world.open(&world.bob, "1m").await?, Instant::now());

    the_levers_and_the_ports(&world).await?;
    leftovers::are_reported(&world).await?;
    streams_survive_until_they_are_severed(&world).await?;
    a_server_that_was_killed_in_between_goes_on(&world).await?;

    let left = Duration::from_mins(1).saturating_sub(since.elapsed());
    tokio::time::sleep(left).await;
    let shown = until("the end of the short door", async || {
        let shown = world.show(&short.id).await?;
        ensure!(shown["isShut"] == true, "{shown}");
        Ok(shown)
    })
    .await?;
    ensure!(shown["closedWhy"] == "expired" && shown["refused"][0]["server"].is_string(), "{shown}");
    refused(&world, &short)?;

    disabling_local_accounts_refuses_old_files_at_once(&world).await
}

/// The API server says that it does not know the certificate.
fn refused(world: &World, held: &Held) -> Result<()> {
    let said = world.kubectl(held, "get nodes").err().context("it was let in")?.to_string();
    ensure!(said.contains("Unauthorized") || said.contains("must be logged in"), "{said}");
    Ok(())
}

/// The API server, and the controller manager's and the scheduler's own ports, which know clients by the list that the API server publishes.
async fn the_levers_and_the_ports(world: &World) -> Result<()> {
    let (door, other) = (world.open(&world.bob, "1h").await?, world.open(&world.olivia, "1h").await?);
    let parts = [port(world, "controller-manager")?, port(world, "scheduler")?, port(world, "metrics")?];
    aggregate(world, &other, &parts[2].1)?;
    let (theirs, hers) = (client(&door)?, client(&other)?);
    for (part, url, _process) in &parts {
        until("its port lets the holder in", async || {
            let status = theirs.get(url).send().await?.status().as_u16();
            ensure!(status == 200, "{part}: {status}");
            Ok(())
        })
        .await?;
    }
    until("the aggregated API lets the holder in", async || world.kubectl(&door, AGGREGATED)).await?;
    let closed = world.close(&world.olivia, &door, false).await?;
    refused(world, &door)?;
    let said = world.kubectl(&door, AGGREGATED).err().context("the aggregated API let it in")?.to_string();
    ensure!(said.contains("Unauthorized") || said.contains("must be logged in"), "{said}");
    let proof = &closed["refused"][0];
    let (binding, root) = (proof["withoutBindingMs"].as_u64(), proof["withoutRootMs"].as_u64());
    eprintln!("a closed door was refused {binding:?} ms after its binding went, {root:?} ms after its root went: {proof}");
    ensure!(binding.is_some_and(|ms| ms < 10_000) && root.is_some_and(|ms| ms < 10_000), "{proof}");
    for (part, url, _process) in &parts {
        let began = Instant::now();
        until("its port refuses the holder", async || {
            let status = theirs.get(url).send().await?.status().as_u16();
            ensure!(status == 401, "{part}: {status}");
            Ok(())
        })
        .await?;
        eprintln!("the {part}'s own port refused it {:?} after the proof", began.elapsed());
        let status = hers.get(url).send().await?.status().as_u16();
        ensure!(status == 200, "{part}: another door stays open, and was answered {status}");
    }
    world.kubectl(&other, "get nodes")?;
    world.kubectl(&other, AGGREGATED)?;
    world.kubectl(&other, "delete apiservice v1beta1.metrics.k8s.io")?;
    world.close(&world.olivia, &other, false).await?;
    Ok(())
}

/// Makes the API server send one API to another server, as a metrics server is made known.
fn aggregate(world: &World, held: &Held, url: &str) -> Result<()> {
    let port = url.rsplit(':').next().and_then(|rest| rest.split('/').next()).context("a port")?;
    let file = world.root.path().join("apiservice.yaml");
    let text = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: metrics, namespace: kube-system}}\nspec: {{type: ExternalName, externalName: localhost}}\n\
         ---\napiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {{name: v1beta1.metrics.k8s.io}}\nspec:\n  \
         service: {{name: metrics, namespace: kube-system, port: {port}}}\n  group: metrics.k8s.io\n  version: v1beta1\n  \
         insecureSkipTLSVerify: true\n  groupPriorityMinimum: 100\n  versionPriority: 100\n"
    );
    std::fs::write(&file, text)?;
    world.kubectl(held, &format!("create -f {}", file.display())).map(drop)
}

const AGGREGATED: &str = "get --raw /apis/metrics.k8s.io/v1beta1/nodes";

/// Another process of a part with a port of its own: the ones of a local control plane open none.
fn port(world: &World, part: &'static str) -> Result<(&'static str, String, Ending)> {
    let (home, free) = (world.home()?, std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port());
    // The aggregated server needs no identity of its own here; the controller manager's may read and ask all that it does.
    let (identity, path) =
        if part == "metrics" { ("controller-manager", "/apis/metrics.k8s.io/v1beta1/nodes") } else { (part, "/metrics") };
    let kubeconfig = home.join(format!("config/{identity}.kubeconfig"));
    let mut command = Command::new(world.binary.path());
    command.arg(part).current_dir(&home).arg("--bind-address=127.0.0.1");
    if part != "metrics" {
        command.arg("--leader-elect=false");
    }
    for flag in ["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"] {
        command.arg(format!("--{flag}={}", kubeconfig.display()));
    }
    command.arg(format!("--secure-port={free}")).arg(format!("--cert-dir={}", world.root.path().join(part).display()));
    if part == "controller-manager" {
        command.arg("--controllers=ttl-controller");
    }
    let log = std::fs::File::create(world.root.path().join(format!("{part}.log")))?;
    let child = command.stdout(log.try_clone()?).stderr(log).stdin(Stdio::null()).spawn()?;
    Ok((part, format!("https://127.0.0.1:{free}{path}"), Ending(child)))
}

/// A new connection for every request, with the certificate of a door.
fn client(held: &Held) -> Result<Client> {
    let pem = held.identity()?;
    let builder = Client::builder().identity(reqwest::Identity::from_pem(&pem)?).no_proxy().pool_max_idle_per_host(0);
    // The port's own certificate is of its own making.
    Ok(builder.tls_danger_accept_invalid_certs(true).build()?)
}

/// A watch that was open before goes on, which the documentation says; `sever` ends it.
async fn streams_survive_until_they_are_severed(world: &World) -> Result<()> {
    let (door, other) = (world.open(&world.bob, "1h").await?, world.open(&world.olivia, "1h").await?);
    let seen = world.root.path().join("watched");
    let watching = || std::fs::read_to_string(&seen).unwrap_or_default();
    let mut watch = world.start_kubectl(&door, "get namespaces --watch -o name", Stdio::from(std::fs::File::create(&seen)?))?;
    until("the watch", async || {
        ensure!(watching().contains("namespace/default"));
        Ok(())
    })
    .await?;
    world.close(&world.olivia, &door, false).await?;
    refused(world, &door)?;
    world.kubectl(&other, "create namespace after-the-close")?;
    until("the watch goes on", async || {
        ensure!(watching().contains("namespace/after-the-close"), "{}", watching());
        Ok(())
    })
    .await?;
    let severed = world.close(&world.olivia, &door, true).await?;
    let proof = &severed["severed"][0];
    eprintln!("severed: {proof}");
    ensure!(proof["ended"] != proof["began"] && proof["streamEndedMs"].as_u64() <= proof["readyMs"].as_u64(), "{severed}");
    ensure!(watch.ended(Duration::from_secs(20)).await, "the watch survived");
    refused(world, &door)?;
    until("the other door is open as before", async || world.kubectl(&other, "get nodes")).await?;
    world.close(&world.olivia, &other, false).await?;
    Ok(())
}

/// What a `kill -9` between the commit and the cluster leaves: a row without a binding, or a binding whose row is closed.
async fn a_server_that_was_killed_in_between_goes_on(world: &World) -> Result<()> {
    let cluster: entrance_model::id::ClusterUid = folder_name(&world.home()?)?.parse()?;
    let app = world.app();
    let kept = app.store.read().await?.arm().cluster(cluster).await?.context("the cluster")?;
    let now = app.now();
    let asked = Door {
        id: DoorId::from_uuid(Uuid::new_v4()),
        tenant: kept.tenant,
        cluster,
        holder: world.bob.id.into(),
        reason: Reason::of_az(),
        life: Life::USUAL,
        asked: now,
        state: DoorState::requested(now),
    };
    let agreed = asked.alone(&BreakGlass::default()).context("nobody else is needed")?;
    let issued = app.clusters.driver().issue(&kept, asked.holder, asked.id, Duration::from_hours(8)).await?;
    let door = asked.open(&agreed, issued.certificate, now)?;
    let mut tx = app.store.write().await?;
    tx.arm().put_door(&door).await?;
    tx.arm().put_door_key(door.id, issued.key.as_bytes()).await?;
    tx.commit().await?;
    // Killed here: the file that is handed out later works, because the binding is made by whoever keeps them.
    let answer = world.ask(&world.bob, reqwest::Method::POST, &format!("{C1}/listClusterAdminCredential"), None).await?;
    let file = world.root.path().join("after-kill");
    let text = answer["kubeconfigs"][0]["value"].as_str().context("a file")?;
    std::fs::write(&file, base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text)?)?;
    let held = Held { id: door.id.to_string(), file };
    until("the binding that nobody had made", async || world.kubectl(&held, "get nodes")).await?;

    let closed = door.close(Closing::ByHand, Some(world.bob.id.into()), app.now())?;
    let mut tx = app.store.write().await?;
    tx.arm().put_door(&closed).await?;
    tx.commit().await?;
    // Killed here: nobody pulled the levers, and the sweep does.
    until("the binding that nobody had removed", async || {
        let shown = world.show(&held.id).await?;
        ensure!(shown["isShut"] == true && shown["refused"][0]["withoutRootMs"].is_number(), "{shown}");
        Ok(())
    })
    .await?;
    refused(world, &held)
}

/// when the operation has ended, the first request with the old file is refused.
async fn disabling_local_accounts_refuses_old_files_at_once(world: &World) -> Result<()> {
    let held = world.open(&world.bob, "1h").await?;
    world.put(json!({"location": "eastus", "properties": {"disableLocalAccounts": true}})).await?;
    refused(world, &held)?;
    let shown = world.show(&held.id).await?;
    ensure!(shown["closedWhy"] == "localAccountsDisabled" && shown["isShut"] == true, "{shown}");
    let roots = std::fs::read_dir(world.home()?.join("pki/break-glass"))?.count();
    ensure!(roots == 0, "no root of a door is left: {roots}");
    world.put(json!({"location": "eastus", "properties": {"disableLocalAccounts": false}})).await?;
    refused(world, &held)
}

fn folder_name(path: &Path) -> Result<String> {
    Ok(path.file_name().and_then(|name| name.to_str()).context("a name")?.to_owned())
}
