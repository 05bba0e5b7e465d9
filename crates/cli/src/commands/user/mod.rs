//! `entrance user`: what az has no words for.

mod add;
mod first;
mod import;
mod link;
mod release_name;
mod reset_password;
mod table;
mod unlock;

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
    /// Add a person, who sets their password with a one-time code; or, with `--first`, a new server's first administrator.
    Add(add::Args),
    /// Add many people from a CSV or JSON file, all or nothing; every mistake is told with its line.
    Import(import::Args),
    /// Give a person a one-time code, with which they set a new password on a page of the server.
    Link(link::Args),
    /// Give a person a random password that they have to change when they sign in next, and end what they hold now.
    ResetPassword(reset_password::Args),
    /// Let a name go that somebody used in a cluster, so that another person may have it, and show what they would inherit.
    ReleaseName(release_name::Args),
    /// Let somebody try again who was paused after too many wrong passwords.
    Unlock(unlock::Args),
}

/// A name as a segment of a path: `#` and the like mean something in there.
pub(crate) fn segment(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@.-_~".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The first line of standard input, as a password.
fn password_from_stdin() -> Result<zeroize::Zeroizing<String>> {
    let mut text = zeroize::Zeroizing::new(String::new());
    std::io::BufRead::read_line(&mut std::io::stdin().lock(), &mut text)?;
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    anyhow::ensure!(!text.is_empty(), "standard input has no password on its first line");
    Ok(text)
}

/// A random password: sixteen letters and digits in groups of four.
fn random_password() -> Result<zeroize::Zeroizing<String>> {
    use entrance_model::signin::one_time_code::OneTimeCode;
    let mut bytes = [0; 16];
    let filled = rustls::crypto::aws_lc_rs::default_provider().secure_random.fill(&mut bytes);
    filled.map_err(|_| anyhow::anyhow!("this machine has no randomness"))?;
    Ok(zeroize::Zeroizing::new(OneTimeCode::of(bytes).grouped()))
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    super::runtime()?.block_on(async {
        match &args.command {
            Command::Add(args) => add::run(args).await,
            Command::Import(args) => import::run(args).await,
            Command::Link(args) => link::run(args).await,
            Command::ResetPassword(args) => reset_password::run(args).await,
            Command::ReleaseName(args) => release_name::run(args).await,
            Command::Unlock(args) => unlock::run(args).await,
        }
    })
}
