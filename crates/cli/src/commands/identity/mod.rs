//! `entrance identity`: which applications processes of the server's machine are (managed identities).

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Subcommand;
use entrance_client::printable;
use reqwest::Method;
use serde_json::{Value, json};

use crate::connect::{self, Output};
use crate::output::{line, talk};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  entrance identity add build-agent --application 7c0f…-…-21     prints what goes into the process's environment
  entrance identity list
  entrance identity remove build-agent")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the identities.
    List(List),
    /// Let the processes that get the printed environment be an application.
    Add(Add),
    /// Take an identity away; its processes get no more tokens.
    Remove(Remove),
}

#[derive(clap::Args)]
struct List {
    #[command(flatten)]
    server: connect::Args,
}

#[derive(clap::Args)]
struct Add {
    /// What it is called.
    name: String,
    /// The application, by client id.
    #[arg(long, value_name = "APP_ID")]
    application: String,
    /// Every process of the server's machine is this application, without showing anything. Only where all of them are
    /// trusted alike.
    #[arg(long)]
    every_process: bool,
    #[command(flatten)]
    server: connect::Args,
}

#[derive(clap::Args)]
struct Remove {
    /// The identity, by name or id.
    name: String,
    #[command(flatten)]
    server: connect::Args,
}

const PATH: &str = "/entrance/managedIdentities";

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    super::runtime()?.block_on(async {
        match &args.command {
            Command::List(args) => list(args).await,
            Command::Add(args) => add(args).await,
            Command::Remove(args) => remove(args).await,
        }
    })
}

async fn list(args: &List) -> Result<ExitCode> {
    let server = args.server.open()?;
    let all = server.graph(Method::GET, PATH, None).await?;
    match server.output() {
        Output::Json => line(&all["value"].to_string()),
        Output::Text => {
            for one in all["value"].as_array().into_iter().flatten() {
                let who = if one["everyProcess"] == true { "every process" } else { "by header" };
                line(&format!("{}  {:<13}  {}  {}", text(one, "id"), who, text(one, "servicePrincipalId"), text(one, "name")));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn add(args: &Add) -> Result<ExitCode> {
    let server = args.server.open()?;
    let key = format!("appid={}", args.application);
    let body = json!({"name": args.name, "servicePrincipalId": key, "everyProcess": args.every_process});
    let made = server.graph(Method::POST, PATH, Some(&body)).await?;
    if server.output() == Output::Json {
        line(&made.to_string());
        return Ok(ExitCode::SUCCESS);
    }
    match (made["identityEndpoint"].as_str(), made["identityHeader"].as_str()) {
        (None, _) => talk("the server has no listener for identities yet; start it with `--identity-listen 127.0.0.1:PORT`"),
        (Some(endpoint), Some(_)) => line(&format!("export IDENTITY_ENDPOINT='{}'", printable(endpoint))),
        (Some(endpoint), None) => {
            line(&format!("export AZURE_POD_IDENTITY_AUTHORITY_HOST='{}'", printable(endpoint.trim_end_matches("/msi/token"))));
        }
    }
    if let Some(header) = made["identityHeader"].as_str() {
        line(&format!("export IDENTITY_HEADER='{}'", printable(header)));
    }
    Ok(ExitCode::SUCCESS)
}

async fn remove(args: &Remove) -> Result<ExitCode> {
    let server = args.server.open()?;
    let all = server.graph(Method::GET, PATH, None).await?;
    let found = all["value"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|one| one["name"] == args.name.as_str() || one["id"] == args.name.as_str());
    let Some(found) = found else { bail!("there is no identity `{}`", args.name) };
    server.graph(Method::DELETE, &format!("{PATH}/{}", text(found, "id")), None).await?;
    line(&format!("removed: {}", text(found, "name")));
    Ok(ExitCode::SUCCESS)
}

fn text(value: &Value, name: &str) -> String {
    printable(value[name].as_str().unwrap_or("-")).into_owned()
}
