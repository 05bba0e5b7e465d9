//! `entrance audit list`: the newest events.

use std::process::ExitCode;

use anyhow::Result;
use entrance_client::printable;
use reqwest::Method;
use serde_json::Value;

use super::query;
use crate::connect::{self, Output};
use crate::output::line;

#[derive(clap::Args)]
#[command(after_help = "Example: entrance audit list --kind breakGlass. --since 2027-01-31T00:00:00Z")]
pub(crate) struct Args {
    /// Only events of this kind, such as `group.memberAdded`; with a dot at the end all kinds of an area (`breakGlass.`).
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only what this person or application did, by object id.
    #[arg(long, value_name = "OID")]
    actor: Option<String>,
    /// Only what was done to this object or resource, by its id.
    #[arg(long, value_name = "ID")]
    target: Option<String>,
    /// Not before this time.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// How many at most.
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let server = args.server.open()?;
    let asked = query(&[
        ("kind", args.kind.clone()),
        ("actor", args.actor.clone()),
        ("target", args.target.clone()),
        ("since", args.since.clone()),
        ("until", args.until.clone()),
        ("$top", Some(args.limit.to_string())),
    ]);
    let answer = server.graph(Method::GET, &format!("/entrance/audit/newest?{asked}"), None).await?;
    let rows = answer["value"].as_array().map(Vec::as_slice).unwrap_or_default();
    match server.output() {
        Output::Json => line(&answer["value"].to_string()),
        Output::Text => rows.iter().for_each(|row| line(&shown(row))),
    }
    Ok(ExitCode::SUCCESS)
}

fn shown(row: &Value) -> String {
    let text = |name: &str| row[name].as_str().unwrap_or("-");
    let seal = if row["number"].is_null() { " (not sealed yet)" } else { "" };
    let line =
        format!("{} {:<28} by {} on {} {}{seal}", text("at"), text("kind"), text("actor"), text("target"), facts(&row["detail"]));
    printable(&line).into_owned()
}

/// Facts as `name=value`, without those that are empty.
fn facts(detail: &Value) -> String {
    let facts = detail.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    facts.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}
