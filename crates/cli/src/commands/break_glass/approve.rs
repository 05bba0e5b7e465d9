//! `entrance break-glass approve`: the second person.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::{Result, bail};
use reqwest::Method;
use serde_json::json;

use super::{door_path, words};
use crate::connect::{self, Output};
use crate::output::{line, talk};

#[derive(clap::Args)]
#[command(after_help = "Example: entrance break-glass approve 1d3c… -g rg -n prod")]
pub(crate) struct Args {
    /// The door's id.
    id: String,
    /// Do not ask whether you mean it.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    cluster: connect::Cluster,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let server = args.server.open()?;
    let path = door_path(&args.cluster.path(&server).await?, &args.id)?;
    if !args.yes {
        talk(&words::door(&server.arm(Method::GET, &path, None).await?));
        if !std::io::stdin().is_terminal() {
            bail!("nobody is there to confirm; read the request with `entrance break-glass show`, then pass `--yes`");
        }
        talk("The holder will be able to do anything in this cluster. Approve? [y/N]");
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            bail!("not approved");
        }
    }
    let door = server.arm(Method::POST, &format!("{path}/approve"), Some(&json!({}))).await?;
    match server.output() {
        Output::Json => line(&door.to_string()),
        Output::Text => line(&words::door(&door)),
    }
    Ok(ExitCode::SUCCESS)
}
