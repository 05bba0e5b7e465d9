//! `kubelogin doctor`: looks for the usual causes of trouble. Each check is one line, and what failed says what to do.

mod kuberc;
mod program;
mod service;
mod store;

use serde_json::{Value, json};

use super::kubeconfig::Kubeconfig;
use super::{env, kept};
use crate::failure::Failure;
use crate::options::{Given, Opt};

pub(super) fn run(given: &Given) -> Result<(), Failure> {
    let config = Kubeconfig::load(given, &env);
    let mut report = Report::default();
    program::look(&mut report, &config);
    kubeconfig(&mut report, &config);
    kuberc::look(&mut report, &config, given.is_on(Opt::Fix));
    store::look(&mut report, given);
    service::look(&mut report, given, &config);
    report.print(given)
}

/// What was found so far.
#[derive(Default)]
struct Report(Vec<Finding>);

struct Finding {
    check: &'static str,
    state: State,
    message: String,
    hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    /// Worth knowing; nothing is broken.
    Odd,
    Failed,
}

impl Report {
    fn good(&mut self, check: &'static str, message: impl Into<String>) {
        self.0.push(Finding { check, state: State::Good, message: message.into(), hint: None });
    }

    fn odd(&mut self, check: &'static str, message: impl Into<String>, hint: impl Into<String>) {
        self.0.push(Finding { check, state: State::Odd, message: message.into(), hint: Some(hint.into()) });
    }

    fn failed(&mut self, check: &'static str, message: impl Into<String>, hint: impl Into<String>) {
        self.0.push(Finding { check, state: State::Failed, message: message.into(), hint: Some(hint.into()) });
    }

    fn print(&self, given: &Given) -> Result<(), Failure> {
        let failed = self.0.iter().filter(|finding| finding.state == State::Failed).count();
        if kept::as_json(given) {
            let checks: Vec<Value> = self.0.iter().map(Finding::as_json).collect();
            kept::print_json(&json!({ "checks": checks, "failed": failed }))?;
        } else {
            let lines: Vec<String> = self.0.iter().map(Finding::as_text).collect();
            kept::print(&lines.join("\n"))?;
        }
        if failed > 0 { Err(Failure::Checks(failed, self.0.len())) } else { Ok(()) }
    }
}

impl Finding {
    fn as_text(&self) -> String {
        let sign = match self.state {
            State::Good => "ok  ",
            State::Odd => "note",
            State::Failed => "FAIL",
        };
        let hint = self.hint.as_ref().map_or_else(String::new, |hint| format!("; {}", one_line(hint)));
        format!("{sign} {}: {}{hint}", self.check, one_line(&self.message))
    }

    fn as_json(&self) -> Value {
        let state = match self.state {
            State::Good => "ok",
            State::Odd => "note",
            State::Failed => "failed",
        };
        json!({ "check": self.check, "state": state, "message": one_line(&self.message), "hint": self.hint.as_deref().map(one_line) })
    }
}

fn one_line(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join("; ")
}

fn kubeconfig(report: &mut Report, config: &Kubeconfig) {
    const CHECK: &str = "kubeconfig";
    for (file, reason) in &config.broken {
        report.failed(CHECK, format!("{} cannot be read: {reason}", file.display()), "kubectl cannot read it either; mend it");
    }
    for name in config.provider_users() {
        report.failed(
            CHECK,
            format!("user {name:?} has the old form that kubectl removed"),
            "run `kubelogin convert-kubeconfig`, with `--authority-host` where the token service is not Microsoft's",
        );
    }
    let users = config.exec_users();
    let ours: Vec<_> = users.iter().filter(|user| user.is_kubelogin()).collect();
    for user in ours.iter().filter(|user| user.is_foreign()) {
        report.odd(
            CHECK,
            format!("user {:?} is written for another program named kubelogin", user.name),
            "give one of the two its whole path in `command`",
        );
    }
    if config.broken.is_empty() {
        let count = ours.iter().filter(|user| !user.is_foreign()).count();
        match count {
            0 => report.odd(CHECK, "no user signs in with kubelogin", "`az aks get-credentials` writes one"),
            1 => report.good(CHECK, "1 user signs in with kubelogin"),
            _ => report.good(CHECK, format!("{count} users sign in with kubelogin")),
        }
    }
}
