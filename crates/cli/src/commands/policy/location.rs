//! `entrance policy location`: networks with a name.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use entrance_client::printable;
use reqwest::Method;
use serde_json::{Value, json};

use crate::connect::{self, Output, Server};
use crate::output::line;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the named networks.
    List(ListArgs),
    /// Name a network.
    Add(AddArgs),
    /// Forget a named network that no policy uses.
    Delete(DeleteArgs),
}

#[derive(clap::Args)]
struct ListArgs {
    #[command(flatten)]
    server: connect::Args,
}

#[derive(clap::Args)]
struct AddArgs {
    /// Its name.
    name: String,
    /// Its addresses, such as `192.0.2.0/24`. May be repeated.
    #[arg(long, value_name = "RANGE", required = true)]
    range: Vec<String>,
    /// Let policies that say `AllTrusted` mean it.
    #[arg(long)]
    trusted: bool,
    #[command(flatten)]
    server: connect::Args,
}

#[derive(clap::Args)]
struct DeleteArgs {
    /// Its id or name.
    location: String,
    #[command(flatten)]
    server: connect::Args,
}

const LOCATIONS: &str = "/identity/conditionalAccess/namedLocations";

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    match &args.command {
        Command::List(args) => list(args).await,
        Command::Add(args) => add(args).await,
        Command::Delete(args) => delete(args).await,
    }
}

async fn list(args: &ListArgs) -> Result<ExitCode> {
    let server = args.server.open()?;
    let all = all(&server).await?;
    match server.output() {
        Output::Json => line(&Value::Array(all).to_string()),
        Output::Text => all.iter().for_each(|location| line(&told(location))),
    }
    Ok(ExitCode::SUCCESS)
}

async fn add(args: &AddArgs) -> Result<ExitCode> {
    let server = args.server.open()?;
    let ranges: Vec<Value> = args.range.iter().map(|range| json!({ "cidrAddress": range })).collect();
    let body = json!({
        "@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": args.name, "isTrusted": args.trusted, "ipRanges": ranges,
    });
    let made = server.graph(Method::POST, LOCATIONS, Some(&body)).await?;
    match server.output() {
        Output::Json => line(&made.to_string()),
        Output::Text => line(&told(&made)),
    }
    Ok(ExitCode::SUCCESS)
}

async fn delete(args: &DeleteArgs) -> Result<ExitCode> {
    let server = args.server.open()?;
    let found = super::named(all(&server).await?, &args.location)?;
    let found = found.with_context(|| format!("there is no named network `{}`", args.location))?;
    let id = found["id"].as_str().context("the network has no id")?;
    server.graph(Method::DELETE, &format!("{LOCATIONS}/{id}"), None).await?;
    line(&format!("removed {}", told(&found)));
    Ok(ExitCode::SUCCESS)
}

async fn all(server: &Server) -> Result<Vec<Value>> {
    let answer = server.graph(Method::GET, LOCATIONS, None).await?;
    Ok(answer["value"].as_array().cloned().unwrap_or_default())
}

fn told(location: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let ranges = location["ipRanges"].as_array().into_iter().flatten().map(|range| text(&range["cidrAddress"]));
    let trusted = if location["isTrusted"] == true { "  (trusted)" } else { "" };
    let ranges = ranges.collect::<Vec<_>>().join(" ");
    printable(&format!("{}  {}: {ranges}{trusted}", text(&location["id"]), text(&location["displayName"]))).into_owned()
}
