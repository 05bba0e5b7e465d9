//! `entrance user`: what az has no words for.

mod release_name;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Let a name go that somebody used in a cluster, so that another person may have it, and show what they would inherit.
    ReleaseName(release_name::Args),
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    super::runtime()?.block_on(async {
        match &args.command {
            Command::ReleaseName(args) => release_name::run(args).await,
        }
    })
}
