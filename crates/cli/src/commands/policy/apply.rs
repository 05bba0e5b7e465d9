//! `entrance policy apply`: a policy from a file, made or changed.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use entrance_client::printable;
use reqwest::Method;
use serde_json::Value;

use super::POLICIES;
use crate::connect::{self, Output};
use crate::output::{line, talk};

#[derive(clap::Args)]
#[command(
    after_help = "The file is JSON in the form of Microsoft Graph's conditionalAccessPolicy; `entrance policy show` prints one.
A policy with the `id` of the file, or with its `displayName`, is changed; otherwise one is made."
)]
pub(crate) struct Args {
    /// The file, or `-` to read standard input.
    #[arg(long, short, value_name = "FILE")]
    file: PathBuf,
    /// Let it only report what it would do, whatever the file says.
    #[arg(long)]
    report_only: bool,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let mut policy = super::as_file(read(&args.file)?);
    ensure!(policy.is_object(), "`{}` holds no policy", args.file.display());
    if args.report_only {
        policy["state"] = "enabledForReportingButNotEnforced".into();
    }
    let server = args.server.open()?;
    let all = super::all(&server).await?;
    let before = match (policy["id"].as_str(), policy["displayName"].as_str()) {
        (Some(id), _) => Some(super::one(&server, id).await?),
        (None, Some(name)) => super::named(all, name)?,
        (None, None) => None,
    };
    if let Some(members) = policy.as_object_mut() {
        members.remove("id");
    }
    let (id, did) = if let Some(id) = before.as_ref().and_then(|before| before["id"].as_str()) {
        server.graph(Method::PATCH, &format!("{POLICIES}/{id}"), Some(&policy)).await?;
        (id.to_owned(), "changed")
    } else {
        let made = server.graph(Method::POST, POLICIES, Some(&policy)).await?;
        (made["id"].as_str().context("the server made a policy without an id")?.to_owned(), "made")
    };
    let now = server.graph(Method::GET, &format!("{POLICIES}/{id}"), None).await?;
    match server.output() {
        Output::Json => line(&now.to_string()),
        Output::Text => line(&format!("{did} {id}  {}", printable(now["displayName"].as_str().unwrap_or_default()))),
    }
    for warning in now["@entrance.warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        talk(&format!("warning: {}", printable(warning)));
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &PathBuf) -> Result<Value> {
    let text = if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().take(LONGEST).read_to_string(&mut text).context("standard input cannot be read")?;
        text
    } else {
        std::fs::read_to_string(file).with_context(|| format!("`{}` cannot be read", file.display()))?
    };
    serde_json::from_str(&text).with_context(|| format!("`{}` is no JSON", file.display()))
}

const LONGEST: u64 = 4 * 1024 * 1024;
