//! `entrance break-glass`: the way into a cluster when sign-in does not work, with a reason, a duration and an end.

mod approve;
mod close;
pub(crate) mod drill;
mod files;
mod keygen;
mod list;
mod offline;
mod open;
mod sealed;
mod show;
mod words;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Subcommand;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Open a door: a kubeconfig with a certificate in your name that is good for everything until it ends.
    Open(open::Args),
    /// Agree to somebody else's request for a door.
    Approve(approve::Args),
    /// Close a door, prove that it is shut, and see what its holder left behind.
    Close(close::Args),
    /// List the doors of a cluster, the newest first.
    List(list::Args),
    /// Show one door: who, why, until when, and how it ended.
    Show(show::Args),
    /// Show that the sealed door would open, without opening it.
    Drill(drill::Args),
    /// Make a recovery key for the sealed door.
    Keygen(keygen::Args),
    /// See, copy, renew and re-key the sealed door.
    Sealed(sealed::Args),
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    super::runtime()?.block_on(async {
        match &args.command {
            Command::Open(args) => open::run(args).await,
            Command::Approve(args) => approve::run(args).await,
            Command::Close(args) => close::run(args).await,
            Command::List(args) => list::run(args).await,
            Command::Show(args) => show::run(args).await,
            Command::Drill(args) => drill::run(args).await,
            Command::Keygen(args) => keygen::run(args),
            Command::Sealed(args) => sealed::run(args).await,
        }
    })
}

/// The path of one door below its cluster.
fn door_path(cluster: &str, id: &str) -> Result<String> {
    if id.parse::<uuid::Uuid>().is_err() {
        bail!("`{}` is no id of a door; `entrance break-glass list` shows them", entrance_client::printable(id));
    }
    Ok(format!("{cluster}/breakGlassDoors/{id}"))
}
