//! `entrance user reset-password`: a random password for somebody who lost theirs.

use std::process::ExitCode;

use anyhow::Result;
use reqwest::Method;
use serde_json::json;

use super::{random_password, segment};
use crate::connect::{self, Output};
use crate::output::line;

#[derive(clap::Args)]
#[command(after_help = "Example: entrance user reset-password alice@contoso.example
`entrance user link` needs no password to be told to anybody; prefer it.")]
pub(crate) struct Args {
    /// The person, by name or object id.
    person: String,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let server = args.server.open()?;
    let password = random_password()?;
    let body = json!({"passwordProfile": {"password": password.as_str(), "forceChangePasswordNextSignIn": true}});
    server.graph(Method::PATCH, &format!("/users/{}", segment(&args.person)), Some(&body)).await?;
    match server.output() {
        Output::Json => line(&json!({"person": args.person, "password": password.as_str()}).to_string()),
        Output::Text => {
            line(&format!("password  {}", password.as_str()));
            line("          to be changed at the next sign-in; everything they held has ended");
        }
    }
    Ok(ExitCode::SUCCESS)
}
