//! The commands, one file each.

mod accounts;
pub(crate) mod convert;
mod doctor;
mod get_token;
mod help;
mod kept;
mod kubeconfig;
pub(crate) mod kuberc;
mod logout;
mod remove_cache_dir;
mod status;
mod version;
mod whoami;

use entrance_client::cache::TokenCache;

use crate::failure::Failure;
use crate::options::{Given, On, Opt, check_format};
use crate::terminal;

/// Runs the command that the words name.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    let (before, name, after) = split(words);
    let rest: Vec<String> = before.iter().chain(after).cloned().collect();
    match name {
        "get-token" => with(&rest, Command::GetToken, get_token::run),
        "convert-kubeconfig" => with(&rest, Command::Convert, convert::run),
        "remove-cache-dir" => with(&rest, Command::RemoveCacheDir, |given| remove_cache_dir::run(&given)),
        "remove-tokens" => {
            terminal::say("Command \"remove-tokens\" is deprecated, remove-tokens is deprecated, use remove-cache-dir instead");
            with(&rest, Command::RemoveCacheDir, |given| remove_cache_dir::run(&given))
        }
        "accounts" => with(&rest, Command::Accounts, |given| accounts::run(&given)),
        "status" => with(&rest, Command::Status, |given| status::run(&given)),
        "logout" => with(&rest, Command::Logout, |given| logout::run(&given)),
        "whoami" => with(&rest, Command::Whoami, whoami::run),
        "doctor" => with(&rest, Command::Doctor, |given| doctor::run(&given)),
        "version" => with(&rest, Command::Version, |_| version::run()),
        "" | "help" => {
            with(&rest, Command::Root, |given| if given.is_on(Opt::Version) { version::run() } else { help::run(Command::Root) })
        }
        other => Err(Failure::UnknownCommand(other.to_owned())),
    }
}

/// Names that are known, with the options they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Root,
    GetToken,
    Convert,
    RemoveCacheDir,
    Accounts,
    Status,
    Logout,
    Whoami,
    Doctor,
    Version,
}

impl Command {
    pub(crate) fn knows(self, on: On) -> bool {
        match self {
            Self::Root | Self::Version => on == On::Everywhere,
            Self::GetToken => matches!(on, On::Everywhere | On::Both | On::Cache | On::Network | On::Person),
            Self::Convert => !matches!(on, On::Logout | On::Doctor),
            Self::RemoveCacheDir | Self::Accounts | Self::Status => matches!(on, On::Everywhere | On::Cache),
            Self::Logout => matches!(on, On::Everywhere | On::Cache | On::Network | On::Person | On::Logout),
            Self::Whoami => !matches!(on, On::Convert | On::Logout | On::Doctor),
            Self::Doctor => !matches!(on, On::Convert | On::Logout),
        }
    }
}

fn with(words: &[String], command: Command, run: impl FnOnce(Given) -> Result<(), Failure>) -> Result<(), Failure> {
    let given = Given::read(words, |on| command.knows(on))?;
    if given.is_on(Opt::Help) {
        return help::run(command);
    }
    check_format(&given)?;
    if given.text(Opt::Verbosity).and_then(|level| level.parse::<i32>().ok()).is_some_and(|level| level >= 5) {
        entrance_client::watch(|exchange| terminal::detail(5, exchange));
    }
    for (old, new) in given.deprecated() {
        terminal::say(&format!("Flag --{old} has been deprecated, use --{new} instead"));
    }
    run(given)
}

/// The first word that is no option names the command; the options before it count too.
fn split(words: &[String]) -> (&[String], &str, &[String]) {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if !word.starts_with('-') {
            return (&words[..at], word, &words[at + 1..]);
        }
        // Of the options that may stand before a command, only this one takes a word.
        at += if word == "-v" || word == "--v" { 2 } else { 1 };
    }
    (words, "", &[])
}

/// The cache as this machine can keep it: where there is no keyring, the key lies in a file, and that is said once.
fn opened(mut cache: TokenCache) -> TokenCache {
    if let Some(why) = cache.or_in_a_file()
        && cache.first_time("no-keyring")
    {
        terminal::warn(&format!(
            "{why}; tokens are kept encrypted in {}, with the key in a file that only you can read.",
            cache.folder().display()
        ));
    }
    cache
}

/// A variable's value; one that is not Unicode is not there.
pub(crate) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// How this program names itself to servers.
pub(crate) const AGENT: &str = concat!("entrance-kubelogin/", env!("CARGO_PKG_VERSION"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_may_stand_before_the_command() {
        let words: Vec<String> = ["-v", "5", "--logtostderr", "get-token", "-l", "spn"].map(ToOwned::to_owned).to_vec();
        let (before, name, after) = split(&words);
        assert_eq!((before.len(), name, after.len()), (3, "get-token", 2));
        assert_eq!(split(&[]).1, "");
    }
}
