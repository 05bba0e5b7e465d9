//! `entrance user link`: a one-time code for one person, and the address of the page where it is typed.
//!
//! The code is never part of the address: addresses end up in logs and histories.

use std::process::ExitCode;

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};

use super::add::text;
use super::segment;
use crate::connect::{self, Output, Server};
use crate::output::line;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  entrance user link alice@contoso.example
  entrance user link alice@contoso.example --minutes 1440
  entrance user link alice@contoso.example --take-back")]
pub(crate) struct Args {
    /// The person, by name or object id.
    person: String,
    /// How long the code is good, in minutes: 10 to 43200.
    #[arg(long, value_name = "MINUTES", default_value_t = 60)]
    minutes: u32,
    /// Take away the code that they have.
    #[arg(long, conflicts_with = "minutes")]
    take_back: bool,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let server = args.server.open()?;
    let path = format!("/users/{}/authentication/temporaryAccessPassMethods", segment(&args.person));
    if args.take_back {
        let have = server.graph(Method::GET, &path, None).await?;
        for one in have["value"].as_array().into_iter().flatten() {
            server.graph(Method::DELETE, &format!("{path}/{}", text(&one["id"])), None).await?;
        }
        line("taken back");
        return Ok(ExitCode::SUCCESS);
    }
    let made = server.graph(Method::POST, &path, Some(&json!({"lifetimeInMinutes": args.minutes}))).await?;
    match server.output() {
        Output::Json => {
            let mut shown = made.clone();
            shown["address"] = format!("{}/welcome", server.base()).into();
            line(&shown.to_string());
        }
        Output::Text => say(&server, text(&made["temporaryAccessPass"]), &json!(format!("in {} minutes", args.minutes))),
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells the code, once, and where it is typed.
pub(super) fn say(server: &Server, code: &str, until: &Value) {
    line(&format!("page  {}/welcome", server.base()));
    line(&format!("code  {code}"));
    line(&format!("ends  {}", text(until)));
}
