//! `kubelogin`: the credential plugin that kubectl starts to sign a person or a program in to a cluster.
//!
//! It takes the place of the program of the same name. The usual run finds a token in the cache and ends within a millisecond, so nothing on
//! that path starts a runtime, sets up TLS or builds a command line parser.

mod commands;
mod failure;
mod login;
mod options;
mod refused;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    match commands::run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::say(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}
