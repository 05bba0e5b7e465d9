//! `entrance cluster`: what az does not show or cannot do with a cluster.

mod show;
mod verify;

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
    /// Show who may enter a cluster and how, in one place.
    Show(show::Args),
    /// Measure what is promised about a cluster, at its real API server.
    Verify(verify::Args),
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    super::runtime()?.block_on(async {
        match &args.command {
            Command::Show(args) => show::run(args).await,
            Command::Verify(args) => verify::run(args).await,
        }
    })
}
