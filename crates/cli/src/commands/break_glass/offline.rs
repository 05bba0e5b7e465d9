//! `entrance break-glass open --offline`: through the sealed door, with nothing of Entrance alive.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use entrance_client::printable;
use entrance_server::sealed::{About, OpenError, OpeningError, Record, admit};
use jiff::Timestamp;

use super::files::{self, Place, hinted};
use crate::connect::progress;
use crate::output::{Style, line, styled, talk};

/// What it takes without a server.
#[derive(clap::Args, Debug, Clone)]
#[command(next_help_heading = "Without a server")]
#[group(id = "without-a-server")]
pub(crate) struct Args {
    /// Go through the sealed door: needs the cluster's API server, the sealed file and recovery keys, and nothing of Entrance.
    #[arg(long, conflicts_with_all = ["resource_group", "name", "duration", "wait", "door"])]
    offline: bool,
    /// The sealed file: a copy of your own, or `sealed-door.json` in the cluster's folder.
    #[arg(long, value_name = "FILE", requires = "offline")]
    sealed: Option<PathBuf>,
    /// File with a recovery key; once for each holder. `-` reads one from standard input.
    #[arg(long = "key", value_name = "FILE", requires = "offline")]
    keys: Vec<PathBuf>,
    /// Who opens it, as it shall be recorded; else the user of this machine.
    #[arg(long, value_name = "NAME", requires = "offline")]
    who: Option<String>,
}

impl Args {
    /// Whether the server is left out.
    pub(super) fn is_wanted(&self) -> bool {
        self.offline
    }
}

/// Opens the door. `file` is where the kubeconfig goes; `-` prints it.
pub(super) async fn run(args: &Args, reason: Option<&str>, file: Option<&PathBuf>) -> Result<ExitCode> {
    let path = args.sealed.as_ref().context("name the sealed file with `--sealed`")?;
    let why =
        reason.map(str::trim).filter(|why| !why.is_empty()).context("say why with `--reason`; it is recorded in the cluster")?;
    ensure!(!args.keys.is_empty(), "name the recovery keys with `--key`, one file for each holder");
    let sealed = files::sealed(path)?;
    introduce(&sealed.about);
    let opened = sealed.open(&files::keys(&args.keys)?, Timestamp::now()).map_err(|error| hinted(error, OpenError::next))?;
    let printed = file.is_some_and(|file| file.as_os_str() == "-");
    let target = file.cloned().unwrap_or_else(|| PathBuf::from(format!("{}-break-glass.kubeconfig", sealed.about.name)));
    // Before the door opens: power that cannot be used is of no help.
    let place = if printed { None } else { Some(Place::take(&target)?) };
    let record = Record::new(&args.who.clone().unwrap_or_else(user), why, &host(), Timestamp::now());
    let bar = progress("opening the sealed door");
    let opening = admit(&opened, &record).await;
    bar.finish_and_clear();
    let opening = opening.map_err(|error| hinted(error, OpeningError::next))?;
    if let Some(place) = place {
        place.fill(opened.kubeconfig().as_bytes())?;
    }
    for earlier in &opening.before {
        let told = format!("{} on {}, from {}: {}", earlier.who, earlier.when, earlier.host, earlier.why);
        talk(&format!("It was open already: {}", printable(&told)));
    }
    talk(&format!("{} You are cluster-admin of `{}`.", styled(Style::Good, "The door is open."), sealed.about.name));
    talk(&format!("Recorded in the cluster: {} on {}, from {}: {}", record.who, record.when, record.host, record.why));
    talk(&format!(
        "The record stands on ClusterRoleBinding `{}` and in the API server's audit log. Once Entrance is back, it lists this door and ends it: see `entrance break-glass list`.",
        opening.binding
    ));
    talk("To shut the door yourself, delete that binding; until Entrance is back, the sealed file opens it again.");
    if printed {
        line(opened.kubeconfig().trim_end());
    } else {
        line(&format!("export KUBECONFIG={}", target.canonicalize().unwrap_or_else(|_| target.clone()).display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// What is known before any key is asked.
pub(super) fn introduce(about: &About) {
    talk(&format!(
        "Sealed door of cluster `{}` in `{}` at {}: sealed {:.0}, good until {:.0}, {} of {} recovery keys.",
        printable(&about.name),
        printable(&about.resource_group),
        printable(&about.server),
        about.sealed,
        about.until,
        about.threshold,
        about.recipients.len()
    ));
}

/// Who works here, by the machine's own word.
pub(super) fn user() -> String {
    ["SUDO_USER", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|text| !text.is_empty()))
        .unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

/// The machine's name.
pub(super) fn host() -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|text| text.trim().to_owned());
    let named = || std::env::var("HOSTNAME").ok();
    kernel.filter(|text| !text.is_empty()).or_else(named).unwrap_or_else(|| "an unnamed machine".to_owned())
}
