//! `entrance key`: the keys that tokens are signed with.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use crate::connect::{self, Output, Server};
use crate::output::{line, talk};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  entrance key list
  entrance key rotate --reason 'yearly exercise'
  entrance key retire PpD0…dw --reason 'a backup with the sealing key was lost'")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the published keys: which one signs, which is next, which only verify.
    List(List),
    /// Let the next key sign, as soon as it was published for a day. Nothing that was signed before is refused.
    Rotate(Rotate),
    /// Take a key away now, as after a leak: every token that it signed is refused from now on.
    Retire(Retire),
}

#[derive(clap::Args)]
struct List {
    #[command(flatten)]
    server: connect::Args,
}

#[derive(clap::Args)]
struct Rotate {
    /// Why; it stands in the audit trail.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    server: connect::Args,
}

#[derive(clap::Args)]
struct Retire {
    /// The key's id, as `entrance key list` shows it.
    kid: String,
    /// Why; it stands in the audit trail.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    server: connect::Args,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    super::runtime()?.block_on(async {
        let (server, keys) = match &args.command {
            Command::List(args) => {
                let server = args.server.open()?;
                let keys = server.graph(Method::GET, "/entrance/keys", None).await?;
                (server, keys)
            }
            Command::Rotate(args) => {
                let server = args.server.open()?;
                let body = json!({"reason": args.reason});
                let keys = server.graph(Method::POST, "/entrance/keys/rotate", Some(&body)).await?;
                (server, keys)
            }
            Command::Retire(args) => {
                let server = args.server.open()?;
                let body = json!({"kid": args.kid, "reason": args.reason});
                let keys = server.graph(Method::POST, "/entrance/keys/retire", Some(&body)).await?;
                talk("every token of that key is refused from now on; people and programs have to sign in again");
                (server, keys)
            }
        };
        show(&server, &keys["value"]);
        Ok(ExitCode::SUCCESS)
    })
}

fn show(server: &Server, keys: &Value) {
    match server.output() {
        Output::Json => line(&keys.to_string()),
        Output::Text => {
            for key in keys.as_array().into_iter().flatten() {
                let text = |name: &str| key[name].as_str().unwrap_or("-");
                let until = match key["goneFromDateTime"].as_str() {
                    Some(at) => format!(", gone from {at}"),
                    None => String::new(),
                };
                let (kid, state, from) = (text("kid"), text("state"), text("signsFromDateTime"));
                line(&format!("{kid}  {state:<8}  signs from {from}{until}"));
            }
        }
    }
}
