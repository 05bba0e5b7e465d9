//! `entrance break-glass show`.

use std::process::ExitCode;

use anyhow::Result;
use reqwest::Method;

use super::{door_path, words};
use crate::connect::{self, Output};
use crate::output::line;

#[derive(clap::Args)]
#[command(after_help = "Example: entrance break-glass show 1d3c… -g rg -n prod")]
pub(crate) struct Args {
    /// The door's id.
    id: String,
    #[command(flatten)]
    cluster: connect::Cluster,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let server = args.server.open()?;
    let path = door_path(&args.cluster.path(&server).await?, &args.id)?;
    let door = server.arm(Method::GET, &path, None).await?;
    match server.output() {
        Output::Json => line(&door.to_string()),
        Output::Text => line(&words::door(&door)),
    }
    Ok(ExitCode::SUCCESS)
}
