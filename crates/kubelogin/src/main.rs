//! `kubelogin`: the credential plugin that kubectl starts to sign a person or a program in to a cluster.
//!
//! It takes the place of the program of the same name. The usual run finds a token in the cache and ends within a millisecond, so nothing on
//! that path starts a runtime, sets up TLS or builds a command line parser.

mod commands;
mod failure;
mod login;
mod options;
mod refused;
mod replace;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    match commands::run(&terminal::words()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => ExitCode::from(terminal::fail(&failure)),
    }
}
