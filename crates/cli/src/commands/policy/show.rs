//! `entrance policy show`: one policy, as the file that makes it.

use std::process::ExitCode;

use anyhow::Result;

use crate::connect;
use crate::output::line;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Its id or name.
    policy: String,
    #[command(flatten)]
    server: connect::Args,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let server = args.server.open()?;
    let policy = super::as_file(super::one(&server, &args.policy).await?);
    line(&serde_json::to_string_pretty(&policy)?);
    Ok(ExitCode::SUCCESS)
}
