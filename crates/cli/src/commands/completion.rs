//! `entrance completion`: the completion script of a shell.

use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The shell.
    shell: clap_complete::Shell,
}

pub(crate) fn run(args: &Args, command: &mut clap::Command) -> ExitCode {
    clap_complete::generate(args.shell, command, "entrance", &mut std::io::stdout());
    ExitCode::SUCCESS
}
