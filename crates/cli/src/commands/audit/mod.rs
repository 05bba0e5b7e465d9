//! `entrance audit`: reading the audit log, taking it elsewhere, and proving that nobody changed it.

mod export;
mod head;
mod join;
mod list;
mod verify;
mod walk;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

#[derive(clap::Args)]
#[command(after_help = "The log is read by those who administer the directory, and by applications with `AuditLog.Read.All`.")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the newest events.
    List(list::Args),
    /// Write the log as lines of JSON that prove themselves.
    Export(export::Args),
    /// Check that nothing was edited, deleted, inserted, moved or cut off, and say what was.
    Verify(verify::Args),
    /// Print where the log is, signed; keep it somewhere else.
    Head(head::Args),
    /// Tell which sign-in is behind each entry of an API server's own audit log.
    Join(join::Args),
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    super::runtime()?.block_on(async {
        match &args.command {
            Command::List(args) => list::run(args).await,
            Command::Export(args) => export::run(args).await,
            Command::Verify(args) => verify::run(args).await,
            Command::Head(args) => head::run(args).await,
            Command::Join(args) => join::run(args).await,
        }
    })
}

/// Parameters of a query, those that are given.
fn query(pairs: &[(&str, Option<String>)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    query.finish()
}
