//! `entrance user import`: many people from a file, all or nothing.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use reqwest::Method;
use serde_json::{Value, json};

use super::add::text;
use super::table::{self, Entry};
use crate::connect::{self, Output};
use crate::output::{line, talk};

#[derive(clap::Args)]
#[command(after_help = "A CSV file has a header line with the properties' names in Graph; `userPrincipalName` is needed, and
`displayName`, `mailNickname` and `accountEnabled` are filled in where they are missing. A JSON file is a list of users.

  userPrincipalName,displayName,department
  alice@contoso.example,Alice,Platform

Examples:
  entrance user import people.csv --dry-run
  entrance user import people.csv --codes > codes.csv")]
pub(crate) struct Args {
    /// The file; `.json` is read as JSON, everything else as CSV. `-` reads CSV from standard input.
    file: PathBuf,
    /// Only check everything; nobody is added.
    #[arg(long)]
    dry_run: bool,
    /// Give everybody without a password a one-time code, and print them as CSV.
    #[arg(long, conflicts_with = "dry_run")]
    codes: bool,
    /// How long the codes are good, in minutes.
    #[arg(long, value_name = "MINUTES", default_value_t = 1440, requires = "codes")]
    minutes: u32,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let entries = read(&args.file)?;
    if entries.is_empty() {
        bail!("`{}` names nobody", args.file.display());
    }
    let server = args.server.open()?;
    let users: Vec<&Value> = entries.iter().map(|entry| &entry.user).collect();
    let body = json!({"users": users, "dryRun": args.dry_run, "passes": args.codes, "lifetimeInMinutes": args.minutes});
    let answer = match server.graph(Method::POST, "/entrance/importUsers", Some(&body)).await {
        Ok(answer) => answer,
        Err(error) => {
            let told = error.downcast_ref::<connect::Refused>().map(|refused| refused.details.as_slice()).unwrap_or_default();
            for (place, why) in told {
                talk(&format!("{}:{}: {}", args.file.display(), line_of(place, &entries), why));
            }
            return Err(error);
        }
    };
    let made = answer["value"].as_array().map(Vec::as_slice).unwrap_or_default();
    match server.output() {
        Output::Json => line(&answer["value"].to_string()),
        Output::Text if args.dry_run => line(&format!("{} people could be added; nobody was", made.len())),
        Output::Text => {
            if args.codes {
                line("userPrincipalName,code,ends,page");
                for one in made {
                    let [name, code, ends] =
                        ["userPrincipalName", "temporaryAccessPass", "endDateTime"].map(|key| text(&one[key]));
                    line(&format!("{name},{code},{ends},{}/welcome", server.base()));
                }
            }
            talk(&format!("{} people were added", made.len()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> Result<Vec<Entry>> {
    let cannot = || format!("`{}` cannot be read", file.display());
    let content = if file == Path::new("-") {
        std::io::read_to_string(std::io::stdin()).with_context(cannot)?
    } else {
        std::fs::read_to_string(file).with_context(cannot)?
    };
    let is_json = file.extension().is_some_and(|kind| kind.eq_ignore_ascii_case("json"));
    let entries = if is_json { table::json(&content) } else { table::csv(&content) };
    entries.map_err(|bad| anyhow::anyhow!("{}:{}: {}", file.display(), bad.line, bad.why))
}

/// The line of the file that the server's `users[3]` means.
fn line_of(place: &str, entries: &[Entry]) -> usize {
    let number = place.strip_prefix("users[").and_then(|rest| rest.split_once(']')).and_then(|(n, _)| n.parse::<usize>().ok());
    number.and_then(|n| entries.get(n)).map_or(1, |entry| entry.line)
}
