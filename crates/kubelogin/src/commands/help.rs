//! `kubelogin help`: made from the tables of commands and options.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::catalog::COMMANDS;
use super::{Command, kept};
use crate::failure::Failure;
use crate::login::Login;
use crate::options::{Flag, Given, On, Takes, Value as Kind, variables};

pub(super) fn run(command: Command, given: &Given) -> Result<(), Failure> {
    if kept::as_json(given) { kept::print_json(&as_json(command)) } else { kept::print(&text(command)) }
}

/// The same for programs: one command, and of the program itself also the names of the others.
fn as_json(command: Command) -> Value {
    let about = command.about();
    let flags: Vec<Value> = command
        .flags()
        .map(|flag| {
            let value = spelled(flag).split_once(' ').map(|(_, value)| value.to_owned());
            let variables: Vec<&str> = variables(flag.id).collect();
            json!({ "name": flag.name, "short": flag.short.map(String::from), "value": value, "help": flag.help, "variables": variables })
        })
        .collect();
    let commands: Vec<&str> =
        if command == Command::Root { COMMANDS.iter().map(|about| about.name).collect() } else { Vec::new() };
    json!({
        "command": about.name,
        "summary": about.summary,
        "description": about.more,
        "usage": usage(command),
        "commands": commands,
        "flags": flags,
    })
}

fn text(command: Command) -> String {
    let about = command.about();
    let mut out = format!("{}\n", about.summary);
    for paragraph in about.more.split("\n\n") {
        let _ = write!(out, "\n{}", wrapped(paragraph, 0));
    }
    let _ = writeln!(out, "\nUsage:\n  {}", usage(command));
    if !about.examples.is_empty() {
        out.push_str("\nExamples:\n");
        for (wish, line) in about.examples {
            let _ = writeln!(out, "  # {wish}\n  {line}");
        }
    }
    if command == Command::Root {
        out.push_str("\nAvailable Commands:\n");
        for about in &COMMANDS {
            let _ = writeln!(out, "  {:<NAMES$} {}", about.name, about.summary);
        }
        let _ = writeln!(out, "  {:<NAMES$} Explains a command.", "help");
    }
    if command.knows(On::Both) {
        out.push_str("\nWays to sign in (--login):\n");
        for (login, word) in Login::WORDS.iter().filter_map(|word| Some((Login::of(word)?, word))) {
            let _ = writeln!(out, "  {word:<NAMES$} {}", login.about());
        }
    }
    out.push_str("\nFlags:\n");
    for flag in command.flags() {
        let short = flag.short.map_or_else(|| "    ".to_owned(), |short| format!("-{short}, "));
        let _ = write!(out, "  {short}{}", spelled(flag));
        let names: Vec<&str> = if command == Command::Root { Vec::new() } else { variables(flag.id).collect() };
        let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
        let _ = write!(out, "\n{}", wrapped(&format!("{}{names}", flag.help), 10));
    }
    if command == Command::Root {
        out.push_str("\nUse \"kubelogin [command] --help\" for more about a command.\n");
    }
    out
}

/// The command with what may follow it.
pub(super) fn usage(command: Command) -> String {
    let about = command.about();
    let words = ["kubelogin", about.name, about.words, if command == Command::Root { "" } else { "[flags]" }];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// `--name` with the kind of value that follows it.
pub(super) fn spelled(flag: &Flag) -> String {
    let value = match (flag.takes, flag.value) {
        (Takes::Switch, _) => "",
        (Takes::Duration, _) => " DURATION",
        (Takes::Number, _) => " NUMBER",
        (Takes::Text, Kind::Word) => " TEXT",
        (Takes::Text, Kind::Login) => " WAY",
        (Takes::Text, Kind::Of(_)) => " WORD",
        (Takes::Text, Kind::Context | Kind::Cloud) => " NAME",
        (Takes::Text, Kind::File) => " FILE",
        (Takes::Text, Kind::Folder) => " FOLDER",
    };
    format!("--{}{value}", flag.name)
}

/// Lines that fit a terminal, indented.
fn wrapped(text: &str, column: usize) -> String {
    let mut out = String::new();
    let mut width = WIDTH;
    for word in text.split(' ') {
        if width + 1 + word.chars().count() > WIDTH {
            if !out.is_empty() {
                out.push('\n');
            }
            let _ = write!(out, "{:column$}", "");
            width = column;
        } else {
            out.push(' ');
            width += 1;
        }
        out.push_str(word);
        width += word.chars().count();
    }
    out.push('\n');
    out
}

const WIDTH: usize = 100;
/// Of the names in a list.
const NAMES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_and_option_is_explained_in_lines_that_fit() {
        let all = COMMANDS.iter().map(|about| about.command).chain([Command::Root]);
        for command in all {
            let text = text(command);
            for flag in command.flags() {
                assert!(text.contains(&spelled(flag)), "{command:?} {}", flag.name);
            }
            let examples = command.about().examples;
            for line in text
                .lines()
                .filter(|line| !examples.iter().any(|(wish, example)| line.ends_with(wish) || line.ends_with(example)))
            {
                assert!(line.chars().count() <= WIDTH && line.trim_end() == line, "{line:?}");
            }
        }
    }
}
