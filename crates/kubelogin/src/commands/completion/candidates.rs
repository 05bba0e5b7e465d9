//! What could stand where somebody is typing.

use std::borrow::Cow;

use crate::commands::catalog::{self, COMMANDS, Command};
use crate::commands::convert::context_names;
use crate::login::Login;
use crate::options::{CLOUDS, FLAGS, Flag, Given, Opt, Takes, Value};

/// Words with their descriptions, and what the shell offers beside them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) words: Vec<(Cow<'static, str>, &'static str)>,
    pub(super) else_offer: Else,
}

/// The numbers of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Else {
    Files = 0,
    Nothing = 4,
    Folders = 16,
}

/// `before` are the words that stand, `typed` is the beginning of the next one.
pub(super) fn of(before: &[String], typed: &str, env: &dyn Fn(&str) -> Option<String>) -> Offer {
    let (_, name, after) = crate::commands::split(before);
    let command = match name {
        "" => Command::Root,
        "help" => return words(typed, COMMANDS.iter().map(|about| (about.name.into(), about.summary))),
        name => match catalog::find(name) {
            Some((about, _)) => about.command,
            None => return words(typed, []),
        },
    };
    if let Some((flag, typed)) = value_of(command, before, typed) {
        return values(flag, typed, after, env);
    }
    if typed.starts_with('-') {
        let free = |flag: &&Flag| !before.iter().any(|word| is_named(flag, word));
        return words(typed, command.flags().filter(free).map(|flag| (format!("--{}", flag.name).into(), flag.help)));
    }
    match command {
        Command::Root => words(
            typed,
            COMMANDS.iter().map(|about| (about.name.into(), about.summary)).chain([("help".into(), "Explains a command.")]),
        ),
        Command::Completion if !after.iter().any(|word| !word.starts_with('-')) => {
            words(typed, super::SHELLS.map(|(shell, _)| (shell.into(), "")))
        }
        _ => words(typed, []),
    }
}

fn words(typed: &str, all: impl IntoIterator<Item = (Cow<'static, str>, &'static str)>) -> Offer {
    let mut words: Vec<_> = all.into_iter().filter(|(word, _)| word.starts_with(typed)).collect();
    words.sort();
    Offer { words, else_offer: Else::Nothing }
}

/// The option whose value is being typed, with what of the value is there: `--name VALUE`, `--name=VALUE`, `-n VALUE`.
fn value_of<'a>(command: Command, before: &[String], typed: &'a str) -> Option<(&'static Flag, &'a str)> {
    let known = |word: &str| FLAGS.iter().find(|flag| command.knows(flag.on) && is_named(flag, word));
    if let Some((name, value)) = typed.split_once('=').filter(|(name, _)| name.starts_with('-')) {
        return known(name).map(|flag| (flag, value));
    }
    let last = before.last().filter(|word| !word.contains('='))?;
    known(last).filter(|flag| flag.takes != Takes::Switch).map(|flag| (flag, typed))
}

fn is_named(flag: &Flag, word: &str) -> bool {
    let word = word.split_once('=').map_or(word, |(name, _)| name);
    match word.strip_prefix("--") {
        Some(name) => name == flag.name,
        None => word.strip_prefix('-').is_some_and(|short| flag.short.is_some_and(|letter| short.chars().eq([letter]))),
    }
}

fn values(flag: &Flag, typed: &str, after: &[String], env: &dyn Fn(&str) -> Option<String>) -> Offer {
    match flag.value {
        Value::Login => words(typed, Login::WORDS.iter().filter_map(|word| Some(((*word).into(), Login::of(word)?.about())))),
        Value::Of(all) => words(typed, all.iter().map(|word| ((*word).into(), ""))),
        Value::Cloud => words(typed, CLOUDS.map(|(cloud, host)| (cloud.into(), host))),
        Value::Context => {
            let given = Given::read_leniently(after);
            let names = context_names(given.text(Opt::Kubeconfig), env);
            // A name with a line break or an escape would be another answer.
            words(typed, names.into_iter().filter(|name| !name.chars().any(char::is_control)).map(|name| (name.into(), "")))
        }
        Value::File => Offer { words: Vec::new(), else_offer: Else::Files },
        Value::Folder => Offer { words: Vec::new(), else_offer: Else::Folders },
        Value::Word if flag.takes == Takes::Switch => words(typed, [("false".into(), ""), ("true".into(), "")]),
        Value::Word => words(typed, []),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(line: &str) -> (Vec<String>, Else) {
        let mut before: Vec<String> = line.split(' ').map(ToOwned::to_owned).collect();
        let typed = before.pop().expect("a word");
        let offer = of(&before, &typed, &|_| None);
        (offer.words.into_iter().map(|(word, _)| word.into_owned()).collect(), offer.else_offer)
    }

    #[test]
    fn commands_options_and_values_are_offered() {
        assert_eq!(offered("get").0, ["get-token"]);
        assert_eq!(offered("-v 3 conv").0, ["convert-kubeconfig"]);
        assert_eq!(offered("help vers").0, ["version"]);
        assert_eq!(offered("completion ").0, ["bash", "fish", "powershell", "zsh"]);
        assert_eq!(offered("completion zsh ").0, [""; 0]);
        assert_eq!(offered("get-token --pop-").0, ["--pop-claims", "--pop-enabled"]);
        assert_eq!(offered("get-token --pop-enabled --pop-").0, ["--pop-claims"]);
        assert_eq!(offered("get-token --context").0, [""; 0]);
        assert_eq!(offered("convert-kubeconfig --context").0, ["--context"]);
        assert_eq!(offered("get-token --legacy=").0, ["false", "true"]);
        assert_eq!(offered("get-token -e AzureCh").0, ["AzureChinaCloud"]);
        assert_eq!(offered("nope --lo").0, [""; 0]);
    }

    #[test]
    fn every_way_to_sign_in_is_offered_in_every_spelling() {
        for line in ["get-token --login ", "get-token --login=", "convert-kubeconfig -l "] {
            let mut all: Vec<&str> = Login::WORDS.to_vec();
            all.sort_unstable();
            assert_eq!(offered(line), (all.iter().map(ToString::to_string).collect(), Else::Nothing), "{line}");
        }
        assert_eq!(offered("get-token -l az").0, ["azd", "azurecli", "azurepipelines"]);
    }

    #[test]
    fn files_and_folders_are_offered_for_paths_and_for_nothing_else() {
        assert_eq!(offered("convert-kubeconfig --kubeconfig ").1, Else::Files);
        assert_eq!(offered("remove-cache-dir --cache-dir=/t").1, Else::Folders);
        assert_eq!(offered("get-token --server-id ").1, Else::Nothing);
        assert_eq!(offered("get-token ").1, Else::Nothing);
    }

    #[test]
    fn contexts_come_from_the_file_that_is_named_and_cannot_speak_to_the_shell() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config");
        std::fs::write(&file, "contexts:\n- name: prod eu\n- name: \"x\\ny\"\n- name: $(touch x)\n- {}\n").expect("written");
        let line = format!("convert-kubeconfig --kubeconfig {} --context ", file.display());
        assert_eq!(offered(&line).0, ["$(touch x)", "prod eu"]);
    }
}
