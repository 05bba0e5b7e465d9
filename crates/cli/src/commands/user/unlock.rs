//! `entrance user unlock`: lets somebody try again who was paused after too many wrong passwords or codes.

use std::process::ExitCode;

use anyhow::Result;
use entrance_client::printable;
use reqwest::Method;
use serde_json::json;

use crate::connect::{self, Output};
use crate::output::line;

#[derive(clap::Args)]
#[command(
    after_help = "Addresses that were paused stay paused: they are not the person's. A pause ends by itself, the first after a minute."
)]
pub(crate) struct Args {
    /// The person, by name or object id.
    user: String,
    /// Only show whether they are paused.
    #[arg(long)]
    show: bool,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let server = args.server.open()?;
    let path = format!("/entrance/users/{}", super::segment(&args.user));
    let before = server.graph(Method::GET, &format!("{path}/lockout"), None).await?;
    let was_paused = before["isPaused"] == true;
    if !args.show && was_paused {
        server.graph(Method::POST, &format!("{path}/unlock"), None).await?;
    }
    let name = printable(before["userPrincipalName"].as_str().unwrap_or(&args.user)).into_owned();
    let until = before["pausedUntilDateTime"].as_str().unwrap_or("-");
    match server.output() {
        Output::Json if args.show => line(&before.to_string()),
        Output::Json => line(&json!({ "userPrincipalName": name, "wasPaused": was_paused, "isPaused": false }).to_string()),
        Output::Text if !was_paused => line(&format!("{name} is not paused")),
        Output::Text if args.show => line(&format!("{name} is paused until {until}")),
        Output::Text => line(&format!("{name} may try again (was paused until {until})")),
    }
    Ok(ExitCode::SUCCESS)
}
