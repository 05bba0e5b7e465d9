//! The commands, one file each.

mod accounts;
mod catalog;
pub(crate) mod completion;
pub(crate) mod convert;
mod doctor;
mod get_token;
mod help;
mod kept;
mod kubeconfig;
pub(crate) mod kuberc;
mod limit;
mod logout;
mod man;
mod remove_cache_dir;
mod status;
mod version;
mod whoami;

use entrance_client::cache::TokenCache;

use crate::failure::Failure;
use crate::options::{Given, Opt, check_format};
use crate::terminal;
pub(crate) use catalog::Command;

/// Runs the command that the words name.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    let (before, name, after) = split(words);
    match name {
        "" | "help" => with(&[before, after].concat(), Command::Root, |given| {
            let about = given.words.first().and_then(|word| catalog::find(word));
            let command = about.map_or(Command::Root, |(about, _)| about.command);
            if given.is_on(Opt::Version) { version::run(&given) } else { help::run(command, &given) }
        }),
        completion::ASK | completion::ASK_PLAINLY => completion::answer(after, name == completion::ASK),
        _ => {
            let (about, notice) = catalog::find(name).ok_or_else(|| Failure::UnknownCommand(name.to_owned()))?;
            if let Some(notice) = notice {
                terminal::say(&format!("Command {name:?} is deprecated, {notice}"));
            }
            let words = [before, after].concat();
            match about.command {
                Command::GetToken => with(&words, about.command, get_token::run),
                Command::Convert => with(&words, about.command, convert::run),
                Command::RemoveCacheDir => with(&words, about.command, |given| remove_cache_dir::run(&given)),
                Command::Completion => with(&words, about.command, |given| completion::run(&given)),
                Command::Man => with(&words, about.command, |given| man::run(&given)),
                Command::Accounts => with(&words, about.command, |given| accounts::run(&given)),
                Command::Status => with(&words, about.command, |given| status::run(&given)),
                Command::Logout => with(&words, about.command, |given| logout::run(&given)),
                Command::Whoami => with(&words, about.command, whoami::run),
                Command::Doctor => with(&words, about.command, |given| doctor::run(&given)),
                Command::Version => with(&words, about.command, |given| version::run(&given)),
                Command::Root => with(&words, about.command, |given| help::run(Command::Root, &given)),
            }
        }
    }
}

fn with(words: &[String], command: Command, run: impl FnOnce(Given) -> Result<(), Failure>) -> Result<(), Failure> {
    let given = Given::read(words, |on| command.knows(on))?;
    if given.is_on(Opt::Help) {
        return help::run(command, &given);
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
        at += if Given::takes_the_next(word) { 2 } else { 1 };
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
        for (words, found) in [
            (&["--log-format", "json", "get-token"][..], "get-token"),
            (&["--log-format=json", "get-token"], "get-token"),
            (&["-o", "json", "status"], "status"),
            (&["-ojson", "status"], "status"),
            (&["-hv", "5", "status"], "status"),
            (&["--exit-codes", "status"], "status"),
            (&["--nope", "status"], "status"),
            (&["-o"], ""),
        ] {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            assert_eq!(split(&words).1, found, "{words:?}");
        }
    }
}
