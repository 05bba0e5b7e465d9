//! `entrance break-glass close`.

use std::process::ExitCode;

use anyhow::Result;
use reqwest::Method;
use serde_json::json;

use super::{door_path, words};
use crate::connect::{self, Output, progress};
use crate::output::line;

#[derive(clap::Args)]
#[command(after_help = "Example: entrance break-glass close 1d3c… -g rg -n prod --sever")]
pub(crate) struct Args {
    /// The door's id.
    id: String,
    /// Also end open watches and exec sessions, of everybody: the API servers are restarted one by one. Works later, too.
    #[arg(long)]
    sever: bool,
    #[command(flatten)]
    cluster: connect::Cluster,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let server = args.server.open()?;
    let path = door_path(&args.cluster.path(&server).await?, &args.id)?;
    let bar = progress(if args.sever { "closing the door and restarting the API servers" } else { "closing the door" });
    let closed =
        server.arm(Method::POST, &format!("{path}/close"), Some(&json!({ "properties": { "sever": args.sever } }))).await;
    bar.finish_and_clear();
    let closed = closed?;
    match server.output() {
        Output::Json => line(&closed.to_string()),
        Output::Text => line(&words::door(&closed)),
    }
    Ok(ExitCode::SUCCESS)
}
