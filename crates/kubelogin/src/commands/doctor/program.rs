//! Which program runs when somebody says `kubelogin`, and what the environment changes about it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Report;
use crate::commands::env;
use crate::commands::kubeconfig::Kubeconfig;
use crate::commands::kuberc::on_path;
use crate::options;

pub(super) fn look(report: &mut Report, config: &Kubeconfig) {
    path(report);
    commands(report, config);
    variables(report);
}

/// The first program of this name on PATH is the one that kubectl starts.
fn path(report: &mut Report) {
    const CHECK: &str = "program";
    let version = env!("CARGO_PKG_VERSION");
    let own = std::env::current_exe().and_then(std::fs::canonicalize).unwrap_or_default();
    let found = on_path(NAME);
    let Some(first) = found.first() else {
        let folder = own.parent().unwrap_or(Path::new("")).display();
        return report.failed(
            CHECK,
            format!("version {version} at {}, but PATH has no kubelogin", own.display()),
            format!("add {folder} to PATH, or kubectl cannot start it"),
        );
    };
    let is_own = |path: &PathBuf| std::fs::canonicalize(path).is_ok_and(|real| real == own);
    if is_own(first) {
        report.good(CHECK, format!("version {version} at {}", first.display()));
    } else {
        report.failed(
            CHECK,
            format!("kubectl starts {} ({}), not this one ({})", first.display(), what_is(first), own.display()),
            "put this one's folder before it in PATH, or remove the other",
        );
    }
    let mut told = vec![own.clone()];
    for other in &found[1..] {
        let real = std::fs::canonicalize(other).unwrap_or_default();
        if !told.contains(&real) && !is_own(other) {
            report.odd(
                "program",
                format!("another kubelogin is later in PATH: {} ({})", other.display(), what_is(other)),
                "it is never started from here; remove it if that is a surprise",
            );
            told.push(real);
        }
    }
}

/// Programs that kubeconfigs name by a path.
fn commands(report: &mut Report, config: &Kubeconfig) {
    for user in config.exec_users().iter().filter(|user| user.is_kubelogin()) {
        let command = Path::new(&user.command);
        if command.is_absolute() && !command.is_file() {
            report.failed(
                "kubeconfig",
                format!("user {:?} starts {}, which is not there", user.name, user.command),
                "write `command: kubelogin`, or install it there",
            );
        }
    }
}

/// A variable that is set beats what a kubeconfig says; people forget that they set one.
fn variables(report: &mut Report) {
    let set: Vec<&str> = options::replacing().filter(|name| env(name).is_some()).collect();
    if set.is_empty() {
        report.good("environment", "no variable replaces an option");
    } else {
        report.odd(
            "environment",
            format!("{} set: they replace the options of every kubeconfig", set.join(", ")),
            "unset them, or use `--disable-environment-override`, if that is not wanted",
        );
    }
}

/// What a program of this name says about itself, asked for two seconds at most.
fn what_is(path: &Path) -> String {
    let asked = Command::new(path).arg("--version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let Ok(mut child) = asked else { return "it cannot be started".into() };
    let until = Instant::now() + Duration::from_secs(2);
    while child.try_wait().is_ok_and(|ended| ended.is_none()) {
        if Instant::now() >= until {
            let _ = child.kill();
            let _ = child.wait();
            return "it does not say what it is".into();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut said = String::new();
    if let Some(out) = child.stdout.take() {
        let _ = std::io::Read::read_to_string(&mut std::io::Read::take(out, 4096), &mut said);
    }
    kind(&said)
}

fn kind(said: &str) -> String {
    let hash = said.lines().find_map(|line| line.strip_prefix("git hash: ")).unwrap_or_default();
    if said.contains("(Rust)") {
        format!("another copy of this one, {hash}")
    } else if said.starts_with("kubelogin version") && said.contains("git hash:") {
        format!("Azure/kubelogin {}", hash.split('/').next().unwrap_or_default())
    } else if said.starts_with("kubelogin version") {
        "int128/kubelogin".to_owned()
    } else {
        "it does not say what it is".to_owned()
    }
}

#[cfg(not(windows))]
const NAME: &str = "kubelogin";
#[cfg(windows)]
const NAME: &str = "kubelogin.exe";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_the_same_name_are_told_apart() {
        let original = "kubelogin version \ngit hash: v0.2.21/abc\nGo version: go1.25\nBuild time: x\nPlatform: linux/amd64\n";
        assert_eq!(kind(original), "Azure/kubelogin v0.2.21");
        assert_eq!(kind("kubelogin version v1.34.0 (go1.24 linux_amd64)\n"), "int128/kubelogin");
        assert_eq!(
            kind("kubelogin version \ngit hash: v0.1.0/unknown\nGo version: none (Rust)\n"),
            "another copy of this one, v0.1.0/unknown"
        );
        assert_eq!(kind("hello"), "it does not say what it is");
    }
}
