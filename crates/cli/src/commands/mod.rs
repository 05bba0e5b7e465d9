//! One file per command.

pub(crate) mod audit;
pub(crate) mod break_glass;
pub(crate) mod cluster;
pub(crate) mod completion;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod env;
pub(crate) mod explain;
pub(crate) mod identity;
pub(crate) mod issuer;
pub(crate) mod key;
pub(crate) mod policy;
pub(crate) mod revoke;
pub(crate) mod serve;
pub(crate) mod sign_ins;
pub(crate) mod user;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use entrance_model::signin::policy::IpRange;
use entrance_server::http::listener::Limits;
use entrance_server::{Config, Exceptions, WriteRate};
use tokio::signal::unix::{SignalKind, signal};

/// Where servers listen; the same for `serve` and `demo`.
#[derive(clap::Args)]
pub(crate) struct Listen {
    /// Address of the public listener; port 0 takes a free one.
    #[arg(long = "listen", value_name = "ADDR", default_value = "127.0.0.1:8443")]
    public: SocketAddr,
    /// Address of the webhook listener, which API servers call; port 0 takes a free one once and keeps it.
    #[arg(long = "webhook-listen", value_name = "ADDR", default_value = "127.0.0.1:8444")]
    webhooks: SocketAddr,
    /// Address of the listener for operators (`/metrics`, `/readyz?verbose`), on loopback; without it there is none.
    #[arg(long = "metrics-listen", value_name = "ADDR")]
    metrics: Option<SocketAddr>,
    /// A second address, on port 443, that answers only user realm discovery: MSAL for Python drops the port of an authority
    /// when it signs in with a password.
    #[arg(long = "realm-listen", value_name = "ADDR")]
    realms: Option<SocketAddr>,
    /// A proxy in front, whose `X-Forwarded-For` says who sent a request: a range of addresses such as `10.0.0.0/24`. May be
    /// repeated.
    #[arg(long = "trusted-proxy", value_name = "CIDR")]
    trusted_proxies: Vec<IpRange>,
    /// How much is written down in a minute for strangers of one small network, such as device codes and sign-ins that begin;
    /// more have to wait. Ten times as much on this machine.
    #[arg(long, value_name = "PER_MINUTE", default_value_t = WriteRate::USUAL.per_minute, value_parser = clap::value_parser!(u32).range(1..))]
    stranger_writes: u32,
    /// How many connections one small network may hold; this machine and trusted proxies may hold as many as there are.
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::PUBLIC.of_network)]
    connections_per_network: usize,
    /// Which groups tokens for clusters name: `referenced` by the cluster, `entra` (all, up to 200) or `all` (up to 250).
    #[arg(long, value_name = "MODE", default_value = "referenced")]
    groups_claim: entrance_model::signin::groups::Mode,
    /// How many minutes a person's token for a cluster lives.
    #[arg(long, value_name = "MINUTES", default_value_t = 15, value_parser = clap::value_parser!(u8).range(10..=60))]
    cluster_token_minutes: u8,
    /// Lets clusters be made with the retired integration (own client and server applications), to try how they are upgraded.
    #[arg(long)]
    enable_legacy_create: bool,
    /// Lets people of another directory than the subscription's sign in to a cluster.
    #[arg(long)]
    allow_foreign_tenant: bool,
    /// Lets local accounts be disabled on a cluster that nobody can enter in another way.
    #[arg(long)]
    unsafe_lockout: bool,
    /// The program with the control planes; else beside this program, or on PATH.
    #[arg(long, value_name = "PATH", env = "ENTRANCE_CONTROLPLANE")]
    controlplane: Option<PathBuf>,
}

impl Listen {
    fn apply(self, config: &mut Config) {
        config.listen = self.public;
        config.webhook_listen = self.webhooks;
        config.metrics_listen = self.metrics;
        config.realm_listen = self.realms;
        config.trusted_proxies = self.trusted_proxies;
        config.write_rate = WriteRate::of_minute(self.stranger_writes);
        config.listener.of_network = self.connections_per_network;
        config.groups_claim = self.groups_claim;
        config.cluster_token_minutes = self.cluster_token_minutes;
        config.controlplane = self.controlplane;
        config.exceptions = Exceptions {
            legacy_create: self.enable_legacy_create,
            foreign_tenant: self.allow_foreign_tenant,
            lockout: self.unsafe_lockout,
        };
        // No flag, so that nobody types it by accident.
        config.faults = std::env::var("ENTRANCE_FAULTS").is_ok_and(|on| on == "1");
    }
}

/// The demo's data directory when none is named.
pub(crate) fn demo_data() -> Result<PathBuf> {
    let home = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/share")))
        .context("neither XDG_DATA_HOME nor HOME is set; name a folder with `--data`")?;
    Ok(home.join("entrance/demo"))
}

/// Waits for Ctrl-C or a polite kill.
async fn told_to_stop() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => outcome?,
        _ = terminate.recv() => {}
    }
    Ok(())
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
