//! `entrance issuer`: whose tokens can stand for an application of the directory.

mod check;
mod list;
mod trust;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Subcommand;
use entrance_client::printable;
use reqwest::Method;
use serde_json::Value;

use crate::connect::{self, Server};
use crate::output::line;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  entrance issuer trust github
  entrance issuer trust https://gitlab.contoso.example --private-network --issuer-ca contoso-ca.pem
  entrance issuer trust --cluster \"$(az aks show -g web -n prod --query id -o tsv)\"
  entrance issuer check github")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the issuers that are trusted.
    List(Which),
    /// Trust an issuer; its keys are fetched to see that it works.
    Trust(trust::Args),
    /// Trust an issuer no longer. Tokens that it stood for are refused from now on.
    Distrust(Named),
    /// Fetch the keys of a trusted issuer now, and tell how that goes.
    Check(Named),
}

#[derive(clap::Args)]
struct Which {
    #[command(flatten)]
    server: connect::Args,
}

#[derive(clap::Args)]
struct Named {
    /// The issuer, its id on the list, or `github`, `gitlab`, `terraform`.
    issuer: String,
    #[command(flatten)]
    server: connect::Args,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    super::runtime()?.block_on(async {
        match &args.command {
            Command::List(args) => list::run(args).await,
            Command::Trust(args) => trust::run(args).await,
            Command::Distrust(args) => distrust(args).await,
            Command::Check(args) => check::run(args).await,
        }
    })
}

const PATH: &str = "/entrance/trustedIssuers";

async fn distrust(args: &Named) -> Result<ExitCode> {
    let server = args.server.open()?;
    let found = find(&server, &args.issuer).await?;
    server.graph(Method::DELETE, &format!("{PATH}/{}", text(&found, "id")), None).await?;
    line(&format!("no longer trusted: {}", text(&found, "issuer")));
    Ok(ExitCode::SUCCESS)
}

/// The entry that somebody means.
async fn find(server: &Server, meant: &str) -> Result<Value> {
    let issuer = entrance_model::signin::federation::issuer::preset(meant).map_or(meant, |preset| preset.issuer);
    let all = server.graph(Method::GET, PATH, None).await?;
    let found = all["value"].as_array().into_iter().flatten().find(|one| one["issuer"] == issuer || one["id"] == meant);
    match found {
        Some(found) => Ok(found.clone()),
        None => bail!("`{meant}` is not on the list; look at it with `entrance issuer list`"),
    }
}

fn text(value: &Value, name: &str) -> String {
    printable(value[name].as_str().unwrap_or("-")).into_owned()
}
