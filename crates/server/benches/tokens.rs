//! Tokens per second through the real token endpoint, beside bare RS256 signatures in the same run.
//!
//! Run it with `cargo bench -p entrance-server --bench tokens`. Printed, never asserted: the ratio says the same on another
//! machine, the rates do not. Client and server share the cores, so the endpoint's rate is a lower bound.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use entrance_server::setup::demo;
use entrance_server::{Clock, Config, Mode, PasswordCost, Server};
use serde_json::Value;

const SIGNATURES: u32 = 2_000;
const TOKENS: u32 = 2_000;
const CALLERS: u32 = 8;

fn main() -> Result<()> {
    // `cargo test --benches` only wants to know that it builds.
    if std::env::args().any(|word| word == "--test") {
        return Ok(());
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run())
}

async fn run() -> Result<()> {
    let bare = bare()?;
    let folder = tempfile::tempdir()?;
    let mut config = Config::new(Mode::Demo, folder.path().join("data"));
    config.listen = "127.0.0.1:0".parse()?;
    config.webhook_listen = "127.0.0.1:0".parse()?;
    config.password_cost = PasswordCost::LEAST;
    let server = Server::start(config, Clock::system()).await?;
    let facts = demo::facts(server.app().data.path(), None)?;
    demo::prepare(server.app(), &facts, &server.ca_file()).await?;
    let ca = reqwest::Certificate::from_pem_bundle(&std::fs::read(server.ca_file())?)?;
    let client = reqwest::Client::builder().tls_certs_only(ca).build()?;
    let url = format!("{}/{}/oauth2/v2.0/token", server.app().base(), facts.tenant);
    let form = [
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", facts.pipeline.app_id.to_string()),
        ("client_secret", facts.pipeline.secret.clone()),
        ("scope", "6dae42f8-4368-4678-94ff-3960e28e3630/.default".to_owned()),
    ];
    ask(&client, &url, &form).await.context("the first token")?;
    let since = Instant::now();
    let callers = (0..CALLERS).map(|_| {
        let (client, url, form) = (client.clone(), url.clone(), form.clone());
        tokio::spawn(async move {
            for _ in 0..TOKENS / CALLERS {
                ask(&client, &url, &form).await?;
            }
            anyhow::Ok(())
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await??;
    }
    let endpoint = rate(TOKENS, since.elapsed());
    println!("tokens through the endpoint: {endpoint:.0}/s, {CALLERS} callers on this machine's cores");
    println!("bare RS256 signatures: {bare:.0}/s on one core; the endpoint reaches {:.0} %", 100.0 * endpoint / bare);
    server.stop().await;
    Ok(())
}

async fn ask(client: &reqwest::Client, url: &str, form: &[(&str, String)]) -> Result<()> {
    let answer: Value = client.post(url).form(form).send().await?.json().await?;
    ensure!(answer["access_token"].is_string(), "no token: {answer}");
    Ok(())
}

/// Signatures per second over the bytes of a usual token.
fn bare() -> Result<f64> {
    let key = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let (random, body) = (SystemRandom::new(), [7_u8; 1100]);
    let mut signature = vec![0; key.public_modulus_len()];
    let since = Instant::now();
    for _ in 0..SIGNATURES {
        key.sign(&RSA_PKCS1_SHA256, &random, &body, &mut signature)?;
    }
    Ok(rate(SIGNATURES, since.elapsed()))
}

fn rate(count: u32, took: Duration) -> f64 {
    f64::from(count) / took.as_secs_f64()
}
