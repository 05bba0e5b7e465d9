//! The same listener with a real API server in front: what it makes of our answers, and what it reads again by itself.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use entrance_model::Timestamp;
use entrance_model::directory::{Member, MemberKind};
use entrance_model::well_known::{AKS_CLIENT, AKS_SERVER};
use entrance_server::clusters::incluster;
use entrance_server::clusters::local::{Planes, Spec, Step};
use entrance_server::webhook::pki::CLIENT_LIFE;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::world::{World, question};
use crate::local_plane::{EndAll, control_plane, pool, until};

/// A control plane whose API server asks our listener.
struct Real {
    _end: EndAll,
    root: tempfile::TempDir,
    planes: Planes,
    world: World,
}

impl Real {
    async fn start() -> Result<Self> {
        let root = tempfile::tempdir()?;
        let end = EndAll(root.path().display().to_string());
        let world = World::on_the_machines_clock().await;
        let planes = Planes::open(&root.path().join("clusters"), control_plane(), Arc::new(Timestamp::now))?;
        let access = world.app().webhooks.access(world.cluster.uid, Timestamp::now())?;
        planes.ensure_running(&Spec::new(world.cluster.uid, "prod", pool(1), access)).await?;
        Ok(Self { _end: end, root, planes, world })
    }

    /// What kubectl prints, on either stream, and how it ended.
    fn kubectl(&self, token: &str, args: &[&str]) -> Result<String> {
        let running = self.planes.running(self.world.cluster.uid)?;
        let ca = self.root.path().join("ca");
        std::fs::write(&ca, &running.ca_pem)?;
        let done = Command::new(self.planes.binary().path())
            .args(["kubectl", "--server", &running.url, "--token", token])
            .arg(format!("--certificate-authority={}", ca.display()))
            .args(args)
            .env("HOME", self.root.path())
            .output()?;
        Ok(format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)))
    }

    fn whoami(&self, token: &str) -> Result<String> {
        let said = self.kubectl(token, &["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"])?;
        let is_refused = said.contains("Unauthorized") || said.contains("must be logged in");
        Ok(if is_refused { "refused".to_owned() } else { said })
    }

    /// Whether a token's holder has this name now.
    fn hears(&self, token: &str, name: &str) -> Result<()> {
        let heard = self.whoami(token)?;
        ensure!(heard == name, "{heard}");
        Ok(())
    }

    async fn end(self) -> Result<()> {
        self.planes.remove(self.world.cluster.uid).await?;
        self.world.stop().await;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_files_are_rotated_without_a_restart_of_the_api_server() -> Result<()> {
    let mut real = Real::start().await?;
    let uid = real.world.cluster.uid;
    until("alice", async || real.hears(&real.world.token(|_| {}), "alice@contoso.example")).await?;
    let pid = api_server(&real)?;
    // An API server reads a certificate file at most once a second; sooner, the new connection would still show the good one.
    tokio::time::sleep(Duration::from_secs(2)).await;

    // A certificate that has ended, as after weeks without a server. The restart makes the API server connect anew.
    let ended = Timestamp::now() - CLIENT_LIFE - Duration::from_hours(1);
    let access = real.world.app().webhooks.access(uid, ended)?;
    real.planes.step(&Spec::new(uid, "prod", pool(1), access), Step::Config).await?;
    real.world = real.world.restart().await;
    until("the refusal of the ended certificate", async || real.hears(&real.world.token(|_| {}), "refused")).await?;

    // New files, and nothing else.
    let app = Arc::clone(real.world.app());
    let make = || app.webhooks.access(uid, Timestamp::now()).map_err(|error| error.to_string());
    ensure!(real.planes.renew_webhook(uid, Timestamp::now(), make)?, "it is due");
    let make = || app.webhooks.access(uid, Timestamp::now()).map_err(|error| error.to_string());
    ensure!(!real.planes.renew_webhook(uid, Timestamp::now(), make)?, "and then it is not");
    drop(app);
    let renewed = Instant::now();
    until("alice with the new certificate", async || real.hears(&real.world.token(|_| {}), "alice@contoso.example")).await?;
    eprintln!("an API server used its new certificate {:?} after the files were written", renewed.elapsed());
    assert_eq!(pid, api_server(&real)?, "the same process all the time");
    real.end().await
}

/// The process of the API server.
fn api_server(real: &Real) -> Result<u32> {
    let folder = real.root.path().display().to_string();
    let says = |pid: u32, what: &str, text: &str| {
        let bytes = std::fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).contains(text)
    };
    let is_it = |pid: u32| says(pid, "cmdline", "apiserver") && says(pid, "environ", &folder);
    let pids = std::fs::read_dir("/proc")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.into_iter().find(|pid| is_it(*pid)).context("an API server")
}

#[tokio::test(flavor = "multi_thread")]
async fn r_423_a_token_for_the_cluster_is_worth_nothing_at_a_service_with_another_audience() -> Result<()> {
    let real = Real::start().await?;
    let member = Member { id: real.world.alice.id.into(), kind: MemberKind::User };
    let admins = real.world.add_group("admins", &[member]).await;
    incluster::ensure_admin_binding(&real.planes.client(real.world.cluster.uid).await?, &[admins.id]).await?;
    // As `vault` would: it posts the token it was shown, and asks whether it was meant for `vault`.
    let ask = |audiences: Value| -> Result<Value> {
        let file = real.root.path().join("review.json");
        let mut body = question(&real.world.token(|_| {}));
        body["spec"]["audiences"] = audiences;
        std::fs::write(&file, body.to_string())?;
        let said = real.kubectl(
            &real.world.token(|_| {}),
            &["create", "--raw", "/apis/authentication.k8s.io/v1/tokenreviews", "-f", &file.display().to_string()],
        )?;
        Ok(serde_json::from_str::<Value>(&said).context(said)?["status"].clone())
    };
    let status = until("an answer", async || ask(json!([]))).await?;
    assert_eq!(status["authenticated"], true, "{status}");
    for audiences in [json!(["vault"]), json!(["vault", "other"]), json!([AKS_SERVER.to_string()])] {
        let status = ask(audiences.clone())?;
        assert_eq!(status.get("authenticated").unwrap_or(&json!(false)), &json!(false), "{audiences}: {status}");
        assert_eq!(status.get("user").and_then(|user| user.get("username")), None, "{audiences}: {status}");
    }
    real.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn s_431_the_stock_kubelogin_proves_its_key_and_a_caught_proof_is_worth_nothing() -> Result<()> {
    let real = Real::start().await?;
    let world = &real.world;
    let hash = world.app().hasher.hash(Zeroizing::new("correct horse battery".into())).await;
    let mut tx = world.app().store.write().await?;
    tx.directory().set_password_hash(world.tenant, world.alice.id, &hash).await?;
    tx.commit().await?;
    world.settle().await;
    let here = world.cluster.address.to_string();
    let proof = stock_proof(&real, &here)?;
    until("alice", async || real.hears(&stock_proof(&real, &here)?, "alice@contoso.example")).await?;
    // The API server remembers an answer for ten seconds; whoever comes later is refused.
    ensure!(real.whoami(&proof)? == "alice@contoso.example");
    tokio::time::sleep(Duration::from_secs(12)).await;
    ensure!(real.whoami(&proof)? == "refused", "a proof counts once");
    // Somebody who takes the token out of the proof, or shows a proof at another cluster, gets nowhere.
    let proof = stock_proof(&real, &here)?;
    let payload =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, proof.split('.').nth(1).context("a payload")?)?;
    let inner = serde_json::from_slice::<Value>(&payload)?["at"].as_str().context("a token")?.to_owned();
    ensure!(real.whoami(&inner)? == "refused", "a bound token is no bearer token");
    let other = world.add_cluster("other", &json!({})).await;
    let heard = world.whoami_at(other.uid, &proof).await;
    ensure!(heard.contains("made for another cluster"), "{heard}");
    ensure!(real.whoami(&stock_proof(&real, &other.address.to_string())?)? == "refused");
    real.end().await
}

/// A new proof of alice's, for a cluster, by the kubelogin that everybody has.
fn stock_proof(real: &Real, place: &str) -> Result<String> {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/kubelogin");
    let built = std::env::var_os("ENTRANCE_STOCK_KUBELOGIN").map_or_else(|| PathBuf::from(built), PathBuf::from);
    let app = real.world.app();
    let done = Command::new(&built)
        .args(["get-token", "--login", "ropc", "--environment", "AzurePublicCloud", "--disable-instance-discovery"])
        .args(["--server-id", &AKS_SERVER.to_string(), "--client-id", &AKS_CLIENT.to_string()])
        .args(["--tenant-id", &real.world.tenant.to_string(), "--authority-host", &format!("{}/", app.base())])
        .args(["--username", "alice@contoso.example", "--password", "correct horse battery"])
        .args(["--pop-enabled", "--pop-claims", &format!("u={place}")])
        .env("HOME", real.root.path())
        .env("SSL_CERT_FILE", app.data.join("ca.pem"))
        .output()
        .with_context(|| format!("`{}` is missing; `scripts/setup-stock-kubelogin.sh` makes it", built.display()))?;
    let credential: Value = serde_json::from_slice(&done.stdout)
        .with_context(|| format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)))?;
    Ok(credential["status"]["token"].as_str().context("a token")?.to_owned())
}
