//! How a command reaches a running server and signs in to it.
//!
//! Commands speak the same wire as `az`: the resource manager under `/subscriptions`, the directory under `/v1.0`. Whoever
//! runs one is a person or an application of the directory, and the server decides what they may do; the files of a server
//! on this machine give nothing but its address and whom to trust there.

mod answer;
mod cluster;
mod login;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use entrance_server::Endpoint;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::header::HeaderMap;
use reqwest::{Certificate, Method, StatusCode};
use serde_json::Value;

pub(crate) use answer::Refused;
pub(crate) use cluster::Cluster;
pub(crate) use login::Login;
use login::{Api, Tokens};

/// Which server, and as whom.
#[derive(clap::Args, Debug, Clone)]
#[command(next_help_heading = "Server and sign-in")]
#[group(id = "server-and-sign-in")]
pub(crate) struct Args {
    /// Public address of the server; else that of the server in `--data`.
    #[arg(long, value_name = "URL", env = "ENTRANCE_URL")]
    server: Option<String>,
    /// PEM file with the authority of the server's certificate.
    #[arg(long, value_name = "FILE", env = "ENTRANCE_CA")]
    ca: Option<PathBuf>,
    /// Data directory of a server on this machine, to find its address in; default: the demo's.
    #[arg(long, value_name = "DIR", env = "ENTRANCE_DATA")]
    data: Option<PathBuf>,
    /// Tenant to sign in to, by id or domain.
    #[arg(long, value_name = "TENANT", env = "AZURE_TENANT_ID")]
    tenant: Option<String>,
    /// How to sign in. `auto` takes `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET` if both are set, then whoever is signed in to az,
    /// then a device code.
    #[arg(long, value_enum, default_value_t)]
    login: Login,
    /// How to print the result.
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
}

/// How a result is printed.
#[derive(clap::ValueEnum, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// A server that was found, and who calls it.
pub(crate) struct Server {
    http: reqwest::Client,
    base: String,
    output: Output,
    tokens: Tokens,
}

impl Args {
    /// How the result is wanted.
    pub(crate) fn output(&self) -> Output {
        self.output
    }

    /// Finds the server; whoever calls is asked to sign in only when something is called.
    pub(crate) fn open(&self) -> Result<Server> {
        let (http, base, ca) = self.reach()?;
        let tokens = Tokens::new(&base, ca, self.tenant.clone(), self.login);
        Ok(Server { http, base, output: self.output, tokens })
    }

    /// The data directory of the server on this machine.
    pub(crate) fn data(&self) -> Result<PathBuf> {
        match &self.data {
            Some(data) => Ok(data.clone()),
            None => crate::commands::demo_data(),
        }
    }

    /// The way to the server, without anybody signed in: a client, the address, and the file with the authority.
    pub(crate) fn reach(&self) -> Result<(reqwest::Client, String, Option<PathBuf>)> {
        let (base, ca) = self.place()?;
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(CALL)
            .https_only(true)
            .user_agent(concat!("entrance/", env!("CARGO_PKG_VERSION")));
        if let Some(file) = &ca {
            let pem = std::fs::read(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
            let trusted = Certificate::from_pem_bundle(&pem).with_context(|| format!("`{}` is no PEM file", file.display()))?;
            builder = builder.tls_certs_only(trusted);
        }
        // No proxy stands between this machine and itself.
        let url = reqwest::Url::parse(&base).with_context(|| format!("`{base}` is no address"))?;
        if matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
            builder = builder.no_proxy();
        }
        Ok((builder.build()?, base, ca))
    }

    fn place(&self) -> Result<(String, Option<PathBuf>)> {
        if let Some(url) = &self.server {
            let base = url.trim_end_matches('/').to_owned();
            ensure!(base.starts_with("https://"), "`{base}` is no https address; passwords and tokens do not travel in the open");
            return Ok((base, self.ca.clone()));
        }
        let data = self.data()?;
        let endpoint = Endpoint::read(&data).with_context(|| {
            format!(
                "no server has run in `{}`; name one with `--server URL` and `--ca FILE`, or run `entrance demo`",
                data.display()
            )
        })?;
        Ok((endpoint.url, self.ca.clone().or(Some(endpoint.ca))))
    }
}

impl Server {
    /// How the result is wanted.
    pub(crate) fn output(&self) -> Output {
        self.output
    }

    /// Its public origin, without a trailing slash.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// A call to the resource manager; the path begins with `/`, and the version is added to it.
    pub(crate) async fn arm(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        Ok(self.arm_answer(method, path, body).await?.2)
    }

    /// A call to the resource manager whose work may go on after the answer: follows the operation to its end. Answers what
    /// the call itself answered.
    pub(crate) async fn arm_to_the_end(&self, method: Method, path: &str, body: Option<&Value>, doing: &str) -> Result<Value> {
        let (_, headers, answer) = self.arm_answer(method, path, body).await?;
        if let Some(operation) = headers.get("azure-asyncoperation") {
            let address = operation.to_str().context("the operation has no readable address")?;
            self.follow(address, doing).await?;
        }
        Ok(answer)
    }

    /// A call to the directory; the path begins below the version, such as `/users`.
    pub(crate) async fn graph(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let token = self.tokens.of(Api::Graph).await?;
        Ok(self.call(method, &format!("{}/v1.0{path}", self.base), &token, body).await?.2)
    }

    async fn arm_answer(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(StatusCode, HeaderMap, Value)> {
        let token = self.tokens.of(Api::ResourceManager).await?;
        let join = if path.contains('?') { '&' } else { '?' };
        self.call(method, &format!("{}{path}{join}api-version={ARM_VERSION}", self.base), &token, body).await
    }

    async fn follow(&self, address: &str, doing: &str) -> Result<()> {
        ensure!(address.starts_with(&format!("{}/", self.base)), "the operation is on another server: {address}");
        let bar = progress(doing);
        let ended = self.ended(address, doing).await;
        bar.finish_and_clear();
        ended
    }

    async fn ended(&self, address: &str, doing: &str) -> Result<()> {
        let token = self.tokens.of(Api::ResourceManager).await?;
        for _ in 0..POLLS {
            let (_, _, answer) = self.call(Method::GET, address, &token, None).await?;
            match answer["status"].as_str() {
                Some("Succeeded") => return Ok(()),
                Some("Failed" | "Canceled") => {
                    bail!("{doing}: {}", answer["error"]["message"].as_str().unwrap_or("the operation failed without a reason"))
                }
                _ => tokio::time::sleep(POLL).await,
            }
        }
        bail!("{doing}: not done after {} minutes; look again with `az resource show`", POLLS / 120)
    }

    async fn call(
        &self,
        method: Method,
        url: &str,
        token: &entrance_client::Secret,
        body: Option<&Value>,
    ) -> Result<(StatusCode, HeaderMap, Value)> {
        let mut request = self.http.request(method, url).bearer_auth(token.expose());
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(|error| answer::unreachable(&self.base, error))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.map_err(|error| answer::unreachable(&self.base, error))?;
        if !status.is_success() {
            return Err(Refused::of(status, &headers, &text).into());
        }
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).with_context(|| format!("{} answered something that is no JSON", self.base))?
        };
        Ok((status, headers, body))
    }
}

/// Something that moves on a terminal while a person waits; nothing elsewhere.
pub(crate) fn progress(doing: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.set_message(doing.to_owned());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

const ARM_VERSION: &str = "2026-06-01";
const CONNECT: Duration = Duration::from_secs(10);
const CALL: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(500);
const POLLS: u32 = 2 * 60 * 20;
