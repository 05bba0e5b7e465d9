//! `kubelogin help`: made from the table of options.

use std::fmt::Write as _;

use super::Command;
use crate::failure::Failure;
use crate::login::Login;
use crate::options::{FLAGS, On, Takes};
use crate::terminal;

pub(super) fn run(command: Command) -> Result<(), Failure> {
    terminal::result(text(command).trim_end()).map_err(|source| Failure::Machine { doing: "printing".into(), source })
}

fn text(command: Command) -> String {
    let (usage, about) = match command {
        Command::Root => ("kubelogin [command]", "Signs people and programs in to Kubernetes clusters with Entra integration."),
        Command::GetToken => ("kubelogin get-token [flags]", "Prints a token for kubectl, which calls this by itself."),
        Command::Convert => ("kubelogin convert-kubeconfig [flags]", "Changes how the users of a kubeconfig sign in."),
        Command::RemoveCacheDir => ("kubelogin remove-cache-dir [flags]", "Forgets every token on this machine."),
        Command::Accounts => ("kubelogin accounts [flags]", "Lists who is signed in on this machine."),
        Command::Status => ("kubelogin status [flags]", "Tells what is cached, for whom and until when, without asking anybody."),
        Command::Logout => ("kubelogin logout [--account NAME|--all] [flags]", "Ends a sign-in, here and at the token service."),
        Command::Whoami => {
            ("kubelogin whoami [flags]", "Tells who a cluster will see, by the kubeconfig or by the options given.")
        }
        Command::Doctor => ("kubelogin doctor [flags]", "Looks for the usual causes of trouble and says what to do."),
        Command::Version => ("kubelogin version", "Prints version and build."),
    };
    let mut out = format!("{about}\n\nUsage:\n  {usage}\n");
    if command == Command::Root {
        out.push_str("\nAvailable Commands:\n");
        for (name, about) in COMMANDS {
            let _ = writeln!(out, "  {name:<20} {about}");
        }
    }
    if command.knows(On::Both) {
        let _ = writeln!(out, "\nWays to sign in (--login):\n  {}", Login::WORDS.join(", "));
    }
    out.push_str("\nFlags:\n");
    for flag in FLAGS.iter().filter(|flag| flag.deprecated.is_none() && command.knows(flag.on)) {
        let short = flag.short.map_or_else(|| "    ".to_owned(), |short| format!("-{short}, "));
        let value = match flag.takes {
            Takes::Text => " string",
            Takes::Duration => " duration",
            Takes::Number => " number",
            Takes::Switch => "",
        };
        let _ = writeln!(out, "  {short}{:<42} {}", format!("--{}{value}", flag.name), flag.help);
    }
    if command == Command::Root {
        out.push_str("\nUse \"kubelogin [command] --help\" for more about a command.\n");
    }
    out
}

const COMMANDS: [(&str, &str); 10] = [
    ("accounts", "list who is signed in"),
    ("convert-kubeconfig", "change how the users of a kubeconfig sign in"),
    ("doctor", "look for the causes of trouble"),
    ("get-token", "print a token for kubectl"),
    ("help", "this text"),
    ("logout", "end a sign-in, here and at the token service"),
    ("remove-cache-dir", "forget every token on this machine"),
    ("status", "what is cached, for whom and until when"),
    ("version", "version and build"),
    ("whoami", "who a cluster will see"),
];
