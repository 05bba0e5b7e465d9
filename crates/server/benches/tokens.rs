//! What the token service costs beside the signatures in its answers, all of one run.
//!
//! Run it with `cargo bench -p entrance-server --bench tokens`. Printed, never asserted: the fractions say the same on
//! another machine, the rates do not. The clients run in this process, so what they cost is measured and taken off: first
//! the same callers ask for a document that takes no work (`/livez`), and that is the price of asking. Every write is
//! durable, as always; writes that wait together are committed together.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use entrance_server::setup::demo;
use entrance_server::{Clock, Config, Mode, PasswordCost, Server};
use serde_json::Value;
use zeroize::Zeroizing;

const SIGNATURES: u32 = 2_000;
const ASKED: u32 = 2_000;
const CALLERS: u32 = 16;
const HASHES: u32 = 12;
const ARRIVALS: Duration = Duration::from_secs(10);
const AZ: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const AKS: &str = "6dae42f8-4368-4678-94ff-3960e28e3630/.default";

type Form = Vec<(&'static str, String)>;

fn main() -> Result<()> {
    // `cargo test --benches` only wants to know that it builds.
    if std::env::args().any(|word| word == "--test") {
        return Ok(());
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run())
}

/// A running demo and a client that trusts it.
struct World {
    client: reqwest::Client,
    base: String,
    token: String,
    user: String,
    password: String,
    pipeline: Form,
}

async fn run() -> Result<()> {
    let bare = bare()?;
    println!("bare RS256 signature: {:.3} ms of one core", 1e3 * bare);
    let folder = tempfile::tempdir()?;
    let mut config = Config::new(Mode::Demo, folder.path().join("data"));
    config.listen = "127.0.0.1:0".parse()?;
    config.webhook_listen = "127.0.0.1:0".parse()?;
    config.password_cost = PasswordCost::RECOMMENDED;
    let server = Server::start(config, Clock::system()).await?;
    let world = Arc::new(world(&server).await?);
    let asking = closed(ASKED, {
        let world = Arc::clone(&world);
        move |_| {
            let world = Arc::clone(&world);
            async move { Ok(world.client.get(format!("{}/livez", world.base)).send().await?.error_for_status().map(drop)?) }
        }
    })
    .await?;
    println!("asking for nothing: {:.3} ms of processor, callers and TLS included", 1e3 * asking.cpu);

    let form = world.pipeline.clone();
    report("client credentials", 1, bare, &asking, &closed(ASKED, post(&world, move |_| form.clone())).await?);
    let refreshed = refreshing(&world, ASKED / 4).await?;
    report("refresh, with ID token", 2, bare, &asking, &refreshed);
    let poll = closed(ASKED / 4, post_pending(&world)).await?;
    println!("device code, waiting: {:.3} ms beyond asking, no signature", 1e3 * (poll.cpu - asking.cpu));
    passwords(&server, &world, bare, &asking).await?;
    open_loop(&world, bare).await?;
    server.stop().await;
    Ok(())
}

async fn world(server: &Server) -> Result<World> {
    let facts = demo::facts(server.app().data.path(), None)?;
    demo::prepare(server.app(), &facts, &server.ca_file()).await?;
    let ca = reqwest::Certificate::from_pem_bundle(&std::fs::read(server.ca_file())?)?;
    let client = reqwest::Client::builder().tls_certs_only(ca).http1_only().build()?;
    let base = server.app().base().to_owned();
    let user = facts.seed.people.first().context("the demo has people")?;
    Ok(World {
        client,
        token: format!("{base}/{}/oauth2/v2.0/token", facts.tenant),
        base,
        user: user.upn.clone(),
        password: user.password.clone().context("people of the demo have passwords")?,
        pipeline: vec![
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", facts.pipeline.app_id.to_string()),
            ("client_secret", facts.pipeline.secret.clone()),
            ("scope", AKS.to_owned()),
        ],
    })
}

/// What one request cost: processor time of this whole process, and how long callers waited.
struct Cost {
    cpu: f64,
    wall: f64,
}

/// As many callers as fit, each asks again as soon as it has its answer.
async fn closed<F>(count: u32, ask: impl Fn(u32) -> F + Clone + Send + 'static) -> Result<Cost>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    ask(0).await.context("the first request")?;
    let (since, cpu) = (Instant::now(), processor()?);
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let ask = ask.clone();
            tokio::spawn(async move {
                for n in 0..count / CALLERS {
                    ask(1 + caller * count + n).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    let count = f64::from(count / CALLERS * CALLERS);
    Ok(Cost { cpu: (processor()? - cpu) / count, wall: since.elapsed().as_secs_f64() / count })
}

fn post<F>(world: &Arc<World>, form: F) -> impl Fn(u32) -> BoxedReply + Clone + Send + use<F>
where
    F: Fn(u32) -> Form + Clone + Send + 'static,
{
    let world = Arc::clone(world);
    move |n| {
        let (world, form) = (Arc::clone(&world), form(n));
        Box::pin(async move { tokens(&world, &form).await.map(drop) })
    }
}

type BoxedReply = std::pin::Pin<Box<dyn Future<Output = Result<()>> + Send>>;

async fn tokens(world: &World, form: &Form) -> Result<Value> {
    let answer: Value = world.client.post(&world.token).form(form).send().await?.json().await?;
    ensure!(answer["access_token"].is_string(), "no token: {answer}");
    Ok(answer)
}

fn by_password(world: &World) -> Form {
    let scope = format!("{AKS} openid offline_access");
    let named = [("grant_type", "password"), ("client_id", AZ), ("username", &world.user), ("password", &world.password)];
    named.into_iter().map(|(name, value)| (name, value.to_owned())).chain([("scope", scope)]).collect()
}

/// Each caller has a family of its own and uses what the last answer gave.
async fn refreshing(world: &Arc<World>, count: u32) -> Result<Cost> {
    let mut families = Vec::new();
    for _ in 0..CALLERS {
        families.push(tokens(world, &by_password(world)).await?);
    }
    let (since, cpu) = (Instant::now(), processor()?);
    let callers: Vec<_> = families
        .into_iter()
        .map(|mut answer| {
            let world = Arc::clone(world);
            tokio::spawn(async move {
                for _ in 0..count / CALLERS {
                    let token = answer["refresh_token"].as_str().context("a refresh token")?.to_owned();
                    let form =
                        vec![("grant_type", "refresh_token".to_owned()), ("client_id", AZ.to_owned()), ("refresh_token", token)];
                    answer = tokens(&world, &form).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    let count = f64::from(count / CALLERS * CALLERS);
    Ok(Cost { cpu: (processor()? - cpu) / count, wall: since.elapsed().as_secs_f64() / count })
}

/// Devices that wait for a person: what most polls are.
fn post_pending(world: &Arc<World>) -> impl Fn(u32) -> BoxedReply + Clone + Send + use<> {
    let (world, codes) = (Arc::clone(world), Arc::new(tokio::sync::Mutex::new(std::collections::HashMap::new())));
    move |n| {
        let (world, codes) = (Arc::clone(&world), Arc::clone(&codes));
        Box::pin(async move {
            let caller = n / (ASKED / 4);
            let known: Option<String> = codes.lock().await.get(&caller).cloned();
            let code = if let Some(code) = known {
                code
            } else {
                let form = [("client_id", AZ), ("scope", AKS)];
                let url = world.token.replace("/token", "/devicecode");
                let answer: Value = world.client.post(url).form(&form).send().await?.json().await?;
                let code = answer["device_code"].as_str().context("a device code")?.to_owned();
                codes.lock().await.insert(caller, code.clone());
                code
            };
            let form = [("grant_type", "device_code"), ("client_id", AZ), ("device_code", &code)];
            let answer: Value = world.client.post(&world.token).form(&form).send().await?.json().await?;
            let error = answer["error"].as_str().unwrap_or_default();
            ensure!(["authorization_pending", "slow_down"].contains(&error), "{answer}");
            Ok(())
        })
    }
}

/// A sign-in by password beside the hash that it has to make.
async fn passwords(server: &Server, world: &Arc<World>, bare: f64, asking: &Cost) -> Result<()> {
    let hasher = &server.app().hasher;
    let hash = hasher.hash(Zeroizing::new("correct horse battery".to_owned())).await;
    let cpu = processor()?;
    for _ in 0..HASHES {
        hasher.verify(Some(hash.clone()), Zeroizing::new("correct horse battery".to_owned())).await;
    }
    let argon = (processor()? - cpu) / f64::from(HASHES);
    let cpu = processor()?;
    for _ in 0..HASHES {
        tokens(world, &by_password(world)).await?;
    }
    let whole = (processor()? - cpu) / f64::from(HASHES);
    let needed = argon + 2.0 * bare;
    println!(
        "password: {:.1} ms, of which argon2id {:.1} ms and two signatures; {:.0} % of it is those",
        1e3 * whole,
        1e3 * argon,
        100.0 * needed / (whole - asking.cpu).max(needed)
    );
    Ok(())
}

/// Requests come when they come, at a tenth and at a fifth of what the cores could sign.
async fn open_loop(world: &Arc<World>, bare: f64) -> Result<()> {
    let cores = f64::from(u32::try_from(std::thread::available_parallelism()?.get()).unwrap_or(1));
    for share in [0.1, 0.2] {
        let every = Duration::from_secs_f64(bare / (cores * share));
        let (began, mut waiting) = (tokio::time::Instant::now(), Vec::new());
        let mut next = began;
        while began.elapsed() < ARRIVALS {
            tokio::time::sleep_until(next).await;
            let (world, due) = (Arc::clone(world), next);
            waiting.push(tokio::spawn(async move {
                tokens(&world, &world.pipeline).await?;
                anyhow::Ok(due.elapsed())
            }));
            next += every;
        }
        let mut took = Vec::new();
        for one in waiting {
            took.push(one.await??);
        }
        took.sort_unstable();
        let at = |part: usize| took[(took.len() * part / 1000).min(took.len() - 1)].as_secs_f64();
        println!(
            "open loop, {:.0} a second ({:.0} % of the signatures that fit): p50 {:.1} ms, p99 {:.1} ms ({:.0} and {:.0} signatures)",
            1.0 / every.as_secs_f64(),
            100.0 * share,
            1e3 * at(500),
            1e3 * at(990),
            at(500) / bare,
            at(990) / bare
        );
    }
    Ok(())
}

fn report(what: &str, signatures: u32, bare: f64, asking: &Cost, cost: &Cost) {
    let needed = bare * f64::from(signatures);
    println!(
        "{what}: {:.3} ms of processor with callers and TLS, {:.3} ms beyond asking; its {signatures} signature(s) are {:.0} % of that ({:.0} a second)",
        1e3 * cost.cpu,
        1e3 * (cost.cpu - asking.cpu),
        100.0 * needed / (cost.cpu - asking.cpu),
        1.0 / cost.wall
    );
}

/// Seconds of one core that a signature over the bytes of a usual token takes.
fn bare() -> Result<f64> {
    let key = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let (random, body) = (SystemRandom::new(), [7_u8; 1100]);
    let mut signature = vec![0; key.public_modulus_len()];
    let since = processor()?;
    for _ in 0..SIGNATURES {
        key.sign(&RSA_PKCS1_SHA256, &random, &body, &mut signature)?;
    }
    Ok((processor()? - since) / f64::from(SIGNATURES))
}

/// The processor time of this process so far, in seconds.
fn processor() -> Result<f64> {
    let ticks = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = ticks.rsplit_once(')').context("a process has a name")?.1.split_whitespace().collect();
    let field = |n: usize| fields.get(n).and_then(|text| text.parse::<f64>().ok()).context("a number");
    // `utime` and `stime`, in hundredths of a second on every Linux.
    Ok((field(11)? + field(12)?) / 100.0)
}
