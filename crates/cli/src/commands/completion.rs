//! `entrance completion`: the completion script of a shell.

use std::process::ExitCode;

use anyhow::Result;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The shell.
    shell: clap_complete::Shell,
}

pub(crate) fn run(args: &Args, command: &mut clap::Command) -> Result<ExitCode> {
    clap_complete::generate(args.shell, command, "entrance", &mut std::io::stdout());
    Ok(ExitCode::SUCCESS)
}
