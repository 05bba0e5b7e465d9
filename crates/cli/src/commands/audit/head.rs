//! `entrance audit head`: where the log is, signed.

use std::process::ExitCode;

use anyhow::Result;

use super::walk;
use crate::connect;
use crate::output::line;

#[derive(clap::Args)]
#[command(after_help = "Example: entrance audit head > head.json\n\
    A log that was cut off, or made anew by somebody who has the server's keys, looks whole by itself. A head that is kept where\n\
    that somebody cannot write shows it: `entrance audit verify --head head.json`.")]
pub(crate) struct Args {
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    line(&walk::head(&args.server.open()?).await?.to_string());
    Ok(ExitCode::SUCCESS)
}
