//! What the token service costs beside the signatures in its answers, all of one run.
//!
//! Run it with `cargo bench -p entrance-server --bench tokens`, and words for single parts (`client`, `refresh`, `device`,
//! `password`, `open`). Printed, never asserted: the fractions say the same on another machine, the rates do not.
//! Callers and server have threads of their own in this process, so the processor time of each is known. A bare signature
//! is measured right before and right after each part. Every write is durable, as always; writes that wait together are
//! committed together.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod cost;
mod world;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use entrance_server::{Clock, Config, Mode, PasswordCost, Server};
use tokio::runtime::{Builder, Handle};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use cost::{CALLER_THREADS, CALLERS, Cost, Used, closed, open};
use world::World;

const ASKED: u32 = 4_000;
const FEWER: u32 = 1_600;
const HASHES: u32 = 16;
/// How long arrivals last at each pace.
const ARRIVALS: Duration = Duration::from_secs(6);
const PARTS: [&str; 5] = ["client", "refresh", "device", "password", "open"];

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--bench")).collect();
    // `cargo test --benches` only wants to know that it builds.
    if words.iter().any(|word| word == "--test") {
        return Ok(());
    }
    if let Some(word) = words.iter().find(|word| !PARTS.contains(&word.as_str())) {
        anyhow::bail!("`{word}` is no part; there are {}", PARTS.join(", "));
    }
    let servers = Builder::new_multi_thread().thread_name("server").enable_all().build()?;
    let callers = Builder::new_multi_thread().thread_name(CALLER_THREADS).enable_all().build()?;
    let on_server = servers.handle().clone();
    callers.block_on(async { tokio::spawn(run(words, on_server)).await? })
}

async fn run(words: Vec<String>, on_server: Handle) -> Result<()> {
    let is_wanted = |part: &str| words.is_empty() || words.iter().any(|word| word == part);
    let folder = tempfile::tempdir()?;
    let mut config = Config::new(Mode::Demo, folder.path().join("data"));
    config.listen = "127.0.0.1:0".parse()?;
    config.webhook_listen = "127.0.0.1:0".parse()?;
    config.password_cost = PasswordCost::RECOMMENDED;
    let server = on_server.spawn(Server::start(config, Clock::system())).await??;
    let world = Arc::new(World::of(server).await?);
    println!("bare RS256 signature: {:.3} ms of one core", 1e3 * cost::bare().await?);
    let asking = closed(ASKED, ask(&world, |world, _| async move { world.nothing().await })).await?;
    let (server, caller) = (1e3 * asking.server, 1e3 * asking.caller);
    println!("asking for nothing (`/livez`): {server:.3} ms of the server for TLS and HTTP, {caller:.3} ms of the caller");
    if is_wanted("client") || is_wanted("open") {
        let cost = client_credentials(&world).await?;
        report("client credentials", 1, &asking, &cost);
        if is_wanted("open") {
            open_loop(&world, &cost).await?;
        }
    }
    if is_wanted("refresh") {
        report("refresh, with ID token", 2, &asking, &refreshing(&world).await?);
    }
    if is_wanted("device") {
        devices(&world, &asking).await?;
    }
    if is_wanted("password") {
        passwords(&world, &asking).await?;
    }
    println!("for comparison: npm `oidc-provider` reached 0.37 of bare signing with client credentials, Keycloak and Dex 0.07");
    // The folder goes once nobody writes into it any more.
    if let Some(world) = Arc::into_inner(world) {
        on_server.spawn(world.server.stop()).await?;
    }
    Ok(())
}

/// A request as the loops want it: a new future for each number.
fn ask<F, O>(world: &Arc<World>, one: O) -> impl Fn(u32) -> F + Clone + use<F, O>
where
    O: Fn(Arc<World>, u32) -> F + Clone,
{
    let world = Arc::clone(world);
    move |n| one(Arc::clone(&world), n)
}

async fn client_credentials(world: &Arc<World>) -> Result<Cost> {
    closed(ASKED, ask(world, |world, _| async move { world.tokens(&world.pipeline).await.map(drop) })).await
}

/// Each caller has a family of its own and uses what the last answer gave.
async fn refreshing(world: &Arc<World>) -> Result<Cost> {
    let mut families = Vec::new();
    for _ in 0..CALLERS {
        families.push(Arc::new(Mutex::new(world.tokens(&world.by_password()).await?)));
    }
    let one = move |world: Arc<World>, n: u32| {
        let family = Arc::clone(&families[(n % CALLERS) as usize]);
        async move {
            let mut answer = family.lock().await;
            let form = World::by_refresh(answer["refresh_token"].as_str().context("a refresh token")?);
            *answer = world.tokens(&form).await?;
            Ok(())
        }
    };
    closed(FEWER, ask(world, one)).await
}

/// A code is asked for, somebody says yes, the device gets its tokens; and what most polls are: too early.
async fn devices(world: &Arc<World>, asking: &Cost) -> Result<()> {
    let codes = Arc::new(Mutex::new(HashMap::new()));
    let kept = Arc::clone(&codes);
    let begin = move |world: Arc<World>, n: u32| {
        let codes = Arc::clone(&kept);
        async move {
            let code = world.device_code().await?;
            codes.lock().await.insert(n, code);
            Ok(())
        }
    };
    let opened = closed(FEWER, ask(world, begin)).await?;
    report("device code, asked for", 0, asking, &opened);
    let kept = Arc::clone(&codes);
    let poll = move |world: Arc<World>, n: u32| {
        let codes = Arc::clone(&kept);
        async move {
            let code = codes.lock().await.get(&(n % CALLERS)).cloned().context("a code")?;
            world.poll(&code).await
        }
    };
    report("device code, poll of one that waits", 0, asking, &closed(FEWER, ask(world, poll)).await?);
    for code in codes.lock().await.values() {
        world.approve(code).await?;
    }
    let redeem = move |world: Arc<World>, n: u32| {
        let codes = Arc::clone(&codes);
        async move {
            let code = codes.lock().await.remove(&n).context("a code for each request")?;
            world.tokens(&World::by_device(&code)).await.map(drop)
        }
    };
    report("device code, redeemed with ID token", 2, asking, &closed(FEWER, ask(world, redeem)).await?);
    Ok(())
}

/// A sign-in by password beside the hash that it has to make.
async fn passwords(world: &Arc<World>, asking: &Cost) -> Result<()> {
    let hasher = &world.server.app().hasher;
    let hash = hasher.hash(Zeroizing::new("correct horse battery".to_owned())).await;
    let began = Used::now()?;
    for _ in 0..HASHES {
        ensure!(hasher.verify(Some(hash.clone()), Zeroizing::new("correct horse battery".to_owned())).await, "it fits");
    }
    let used = Used::now()?;
    // Hashes are made by the blocking pool of who asks: here the callers', below the server's.
    let argon = (used.callers - began.callers) / f64::from(HASHES);
    let bare = cost::bare().await?;
    let began = Used::now()?;
    for _ in 0..HASHES {
        world.tokens(&world.by_password()).await?;
    }
    let whole = (Used::now()?.server - began.server) / f64::from(HASHES);
    println!(
        "password: {:.1} ms of the server, of which bare argon2id is {:.0} %; with its two signatures {:.0} %, and {:.0} % without TLS and HTTP",
        1e3 * whole,
        100.0 * argon / whole,
        100.0 * (argon + 2.0 * bare) / whole,
        100.0 * (argon + 2.0 * bare) / (whole - asking.server)
    );
    Ok(())
}

/// Requests come when they come, at parts of what this machine answers at most, callers included.
async fn open_loop(world: &Arc<World>, most: &Cost) -> Result<()> {
    for share in [0.3, 0.5, 0.7] {
        let every = Duration::from_secs_f64(most.wall / share);
        let waits =
            open(every, ARRIVALS, ask(world, |world, _| async move { world.tokens(&world.pipeline).await.map(drop) })).await?;
        let [p50, p99] = [500, 990].map(|part| waits.at(part));
        println!(
            "open loop, {:.0} a second ({:.0} % of the most): p50 {:.1} ms, p99 {:.1} ms ({:.1} and {:.1} signatures) of {}",
            1.0 / every.as_secs_f64(),
            100.0 * share,
            1e3 * p50,
            1e3 * p99,
            p50 / most.bare,
            p99 / most.bare,
            waits.count()
        );
    }
    Ok(())
}

fn report(what: &str, signatures: u32, asking: &Cost, cost: &Cost) {
    let (whole, beyond) = (cost.server, cost.server - asking.server);
    println!(
        "{what}: {:.3} ms of the server ({:.3} beyond asking), {:.3} ms of the caller, {:.0} answers a second",
        1e3 * whole,
        1e3 * beyond,
        1e3 * cost.caller,
        1.0 / cost.wall
    );
    let needed = cost.bare * f64::from(signatures);
    if signatures == 0 {
        println!("    no signature; {:.2} signatures' worth beyond asking", beyond / cost.bare);
    } else {
        println!(
            "    its {signatures} signature(s) of {:.3} ms are {:.2} of all, {:.2} of what is beyond asking",
            1e3 * cost.bare,
            needed / whole,
            needed / beyond
        );
    }
}
