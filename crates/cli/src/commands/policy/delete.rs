//! `entrance policy delete`.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use entrance_client::printable;
use reqwest::Method;

use crate::connect;
use crate::output::line;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Its id or name.
    policy: String,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let server = args.server.open()?;
    let policy = super::one(&server, &args.policy).await?;
    let id = policy["id"].as_str().context("the policy has no id")?;
    server.graph(Method::DELETE, &format!("{}/{id}", super::POLICIES), None).await?;
    line(&format!("removed {id}  {}", printable(policy["displayName"].as_str().unwrap_or_default())));
    Ok(ExitCode::SUCCESS)
}
