//! `entrance break-glass list`.

use std::process::ExitCode;

use anyhow::Result;
use reqwest::Method;
use serde_json::Value;

use super::words;
use crate::connect::{self, Output};
use crate::output::{line, talk};

#[derive(clap::Args)]
#[command(after_help = "Example: entrance break-glass list -g rg -n prod --open")]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: connect::Cluster,
    /// Only doors that are requested or open.
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let server = args.server.open()?;
    let path = format!("{}/breakGlassDoors", args.cluster.path(&server).await?);
    let mut listed = server.arm(Method::GET, &path, None).await?;
    if let Some(doors) = listed["value"].as_array_mut() {
        doors.retain(|door| !args.open || door["properties"]["state"] != "Closed");
    }
    let doors = listed["value"].as_array().cloned().unwrap_or_default();
    match server.output() {
        Output::Json => line(&Value::Array(doors).to_string()),
        Output::Text if doors.is_empty() => talk("No door was ever opened, or none that you asked for."),
        Output::Text => line(&words::table(&doors)),
    }
    Ok(ExitCode::SUCCESS)
}
