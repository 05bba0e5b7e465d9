//! `entrance`: sign-in with the organisation's directory for any Kubernetes cluster.

mod commands;
mod connect;
mod demo;
mod output;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Sign-in with the organisation's directory for any Kubernetes cluster: what Azure gives AKS, self-hosted.
///
/// `az`, `kubectl`, `kubelogin`, helm, MSAL and ARM templates work with it unchanged. Try `entrance demo` first: it
/// starts a server with a ready tenant on this machine and walks through the whole journey on a real API server.
#[derive(Parser)]
#[command(name = "entrance", version, max_term_width = 110)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server: directory, token service, resource manager, webhooks, sign-in pages.
    Serve(commands::serve::Args),
    /// Run a server with a ready tenant on this machine, and walk through the journey on a real API server.
    Demo(commands::demo::Args),
    /// Print what a shell needs to use az, kubectl and curl against a running server: `eval "$(entrance env)"`.
    Env(commands::env::Args),
    /// Explain why somebody may enter a cluster, or may not.
    Explain(commands::explain::Args),
    /// Look a cluster over, from Entrance's side and from its API server's: what does not work, and what to do.
    Doctor(commands::doctor::Args),
    /// Show a cluster as those see it who want to enter.
    Cluster(commands::cluster::Args),
    /// End a token, a session, or all that a person, an application or a device holds, now, at every API server.
    Revoke(commands::revoke::Args),
    /// Get into a cluster when sign-in does not work, with a reason, a duration and an end.
    BreakGlass(commands::break_glass::Args),
    /// Read the audit log, take it elsewhere, and prove that nobody changed it.
    Audit(commands::audit::Args),
    /// Do with people of the directory what az has no words for: the first administrator, imports, one-time codes.
    User(commands::user::Args),
    /// Say who may sign in to what, from where and how.
    Policy(commands::policy::Args),
    /// See who signed in, who did not, and why.
    SignIns(commands::sign_ins::Args),
    /// List the keys that tokens are signed with, rotate them, or take one away after a leak.
    Key(commands::key::Args),
    /// Say whose tokens can stand for an application: pipelines, other clouds, workloads of our own clusters.
    Issuer(commands::issuer::Args),
    /// Let processes of the server's machine be an application, without a secret (managed identities).
    Identity(commands::identity::Args),
    /// Print the completion script of a shell.
    Completion(commands::completion::Args),
}

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match args.command {
        Command::Serve(args) => commands::serve::run(args),
        Command::Demo(args) => commands::demo::run(args),
        Command::Env(args) => commands::env::run(&args),
        Command::Explain(args) => commands::explain::run(&args),
        Command::Doctor(args) => commands::doctor::run(&args),
        Command::Cluster(args) => commands::cluster::run(&args),
        Command::Revoke(args) => commands::revoke::run(&args),
        Command::BreakGlass(args) => commands::break_glass::run(&args),
        Command::Audit(args) => commands::audit::run(&args),
        Command::User(args) => commands::user::run(&args),
        Command::Policy(args) => commands::policy::run(&args),
        Command::SignIns(args) => commands::sign_ins::run(&args),
        Command::Key(args) => commands::key::run(&args),
        Command::Issuer(args) => commands::issuer::run(&args),
        Command::Identity(args) => commands::identity::run(&args),
        Command::Completion(args) => Ok(commands::completion::run(&args, &mut <Args as clap::CommandFactory>::command())),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            output::error(&error);
            ExitCode::from(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn every_command_and_flag_fits_together() {
        super::Args::command().debug_assert();
    }
}
