//! Whether kubectl may start this program at all.

use super::Report;
use crate::commands::env;
use crate::commands::kubeconfig::Kubeconfig;
use crate::commands::kuberc::{self, Policy};

const CHECK: &str = "kubectl's policy";

pub(super) fn look(report: &mut Report, config: &Kubeconfig, fix: bool) {
    let commands = commands(config);
    let Some(file) = kuberc::file(&env) else { return report.good(CHECK, "kuberc is switched off") };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return report.good(CHECK, "none, so every program may be started");
        }
        Err(error) => return report.failed(CHECK, format!("{} cannot be read: {error}", file.display()), "make it readable"),
    };
    let named = commands.join(", ");
    match kuberc::policy(&text, &commands) {
        Policy::Allowed => report.good(CHECK, format!("{} lets {named} be started", file.display())),
        Policy::DenyAll => report.failed(
            CHECK,
            format!(
                "{} has `credentialPluginPolicy: DenyAll`: kubectl starts no program for a sign-in, this one neither",
                file.display()
            ),
            format!("if that is not meant, run `{ALLOW}`; it is not changed here, because somebody forbade it on purpose"),
        ),
        Policy::Broken(why) => {
            report.failed(CHECK, format!("{}: {why}, so kubectl refuses to work", file.display()), format!("run `{ALLOW}`"));
        }
        Policy::NotListed(missing) if fix => match kuberc::allowed(&text, &missing).map(|text| kuberc::write(&file, &text)) {
            Some(Ok(())) => report.good(CHECK, format!("{} was added to the list in {}", missing.join(", "), file.display())),
            Some(Err(error)) => {
                report.failed(CHECK, format!("{} cannot be written: {error}", file.display()), "make it writable");
            }
            None => report.failed(
                CHECK,
                format!("the list in {} is written in a way that is not changed here", file.display()),
                format!(
                    "add {} to it",
                    missing.iter().map(|command| format!("`command: {command}`")).collect::<Vec<_>>().join(", ")
                ),
            ),
        },
        Policy::NotListed(missing) => report.failed(
            CHECK,
            format!("the list of allowed programs in {} does not have {}", file.display(), missing.join(", ")),
            "`kubelogin doctor --fix` adds it",
        ),
    }
}

/// The commands by which kubeconfigs start this program, each once.
fn commands(config: &Kubeconfig) -> Vec<String> {
    let users = config.exec_users().into_iter().filter(|user| user.is_kubelogin() && !user.is_foreign());
    let mut commands: Vec<String> = users.map(|user| user.command).collect();
    commands.sort();
    commands.dedup();
    if commands.is_empty() { vec!["kubelogin".to_owned()] } else { commands }
}

const ALLOW: &str = "kubectl kuberc set --section credentialplugin --policy Allowlist --allowlist-entry command=kubelogin";
