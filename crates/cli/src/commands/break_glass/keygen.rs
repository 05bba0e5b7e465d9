//! `entrance break-glass keygen`: one recovery key.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use entrance_server::sealed::age::Identity;
use jiff::Timestamp;

use super::files;
use crate::output::{line, talk};

#[derive(clap::Args)]
#[command(
    after_help = "Each holder makes their own key, on their own machine, and gives away only the line that begins with age1.\nKeys of `age-keygen` do as well.\n\nExample: entrance break-glass keygen --out alice.key"
)]
pub(crate) struct Args {
    /// File for the secret key, which must not exist yet; else it is printed.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let key = Identity::generate();
    let public = key.public();
    let file = format!("# created: {:.0}\n# public key: {public}\n{}\n", Timestamp::now(), key.to_text().as_str());
    match &args.out {
        Some(path) => {
            files::write_new(path, file.as_bytes())?;
            talk(&format!("The secret key is in `{}`. Keep it where this machine's end does not reach it.", path.display()));
            line(&public.to_string());
        }
        None => line(file.trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}
