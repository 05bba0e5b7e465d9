//! `entrance cluster`: what az does not show or cannot do with a cluster.

mod show;

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
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    super::runtime()?.block_on(async {
        match &args.command {
            Command::Show(args) => show::run(args).await,
        }
    })
}
