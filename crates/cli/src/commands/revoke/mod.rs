//! `entrance revoke`: the kill switch, and the lists that one needs to use it.

mod lists;
mod one;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  entrance revoke sessions --user alice@contoso.example
  entrance revoke session 1f0c…-…-9a --reason 'laptop lost in a train'
  entrance revoke token - --reason 'posted in a chat' < token")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// End one access token, by its `uti` (the credential id in an API server's audit log), or `-` to read the token itself.
    Token(one::What),
    /// End one sign-in with everything that came from it; other sessions of the person go on.
    Session(one::What),
    /// End everything that a person holds, by object id or name. They can sign in again, unless they are disabled.
    Person(one::What),
    /// End everything that an application holds, for itself and in people's names, by client id or object id.
    Application(one::What),
    /// End every session on a device: a browser with what was signed in through it, or a program.
    Device(one::What),
    /// List what was revoked and still counts.
    List(lists::Args),
    /// List where somebody is signed in, with the ids to revoke.
    Sessions(lists::SessionArgs),
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    super::runtime()?.block_on(async {
        match &args.command {
            Command::Token(args) => one::run("token", args).await,
            Command::Session(args) => one::run("session", args).await,
            Command::Person(args) => one::run("person", args).await,
            Command::Application(args) => one::run("application", args).await,
            Command::Device(args) => one::run("device", args).await,
            Command::List(args) => lists::revocations(args).await,
            Command::Sessions(args) => lists::sessions(args).await,
        }
    })
}
