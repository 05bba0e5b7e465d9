//! `entrance audit export`: the log as lines of JSON, with everything that proves it.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use entrance_model::Timestamp;
use entrance_store::audit::{Exported, link_to_json};
use serde_json::Value;

use super::walk::walk;
use crate::connect;
use crate::output::talk;

#[derive(clap::Args)]
#[command(
    after_help = "Example: entrance audit export --kind breakGlass. > doors.jsonl && entrance audit verify --file doors.jsonl\n\
    Rows that were not asked for are there by their hashes, so that the export proves itself without telling them."
)]
pub(crate) struct Args {
    /// Begin with the first event that is not older than this time.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only events before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Only events of this kind; with a dot at the end all kinds of an area. May be repeated.
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let server = args.server.open()?;
    let since = args.since.map(|since| since.to_string());
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (mut told, mut left_out) = (0_u64, 0_u64);
    walk(&server, since.as_deref(), |line| {
        let exported = Exported::read(line).context("the server sent a line that is none")?;
        let text = match &exported {
            Exported::Row(linked) if !args.wants(&linked.record.kind, linked.record.at) => {
                left_out += 1;
                link_to_json(linked).to_string()
            }
            Exported::Row(_) => {
                told += 1;
                line.to_string()
            }
            _ => line.to_string(),
        };
        Ok(writeln!(out, "{text}")?)
    })
    .await?;
    out.flush()?;
    talk(&format!("{told} rows exported, {left_out} left out"));
    Ok(ExitCode::SUCCESS)
}

impl Args {
    fn wants(&self, kind: &str, at: i64) -> bool {
        let is_kind = |wanted: &String| kind == wanted || (wanted.ends_with('.') && kind.starts_with(wanted.as_str()));
        (self.kind.is_empty() || self.kind.iter().any(is_kind))
            && self.since.is_none_or(|since| at >= since.as_microsecond())
            && self.until.is_none_or(|until| at < until.as_microsecond())
    }
}

/// A line of an export, read.
pub(super) fn read(line: &str) -> Result<Exported> {
    let value: Value = serde_json::from_str(line).context("it is no JSON")?;
    Ok(Exported::read(&value)?)
}
