//! Processes that outlive us: started in a group of their own, found again by the mark in their environment, and never mistaken for others.
//!
//! The process table is the record. A file with a pid could be stale, and one is missing when we are killed between a start and its writing;
//! the mark is there from a process' first instant to its last, a recycled pid does not have it, and a process is only ever signalled through a
//! pidfd that was opened before the mark was checked.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::process::{Child, Command};

use super::home::ClusterHome;
use super::{Binary, Part};
use crate::hex::sha256_hex;

/// One living (or just ended) process of a cluster.
pub(super) struct Process {
    pid: Pid,
    handle: OwnedFd,
    mark: String,
    arguments: String,
    child: Option<Child>,
}

impl Process {
    /// Starts `part` in the cluster's folder.
    pub(super) fn start(binary: &Binary, home: &ClusterHome, part: Part, arguments: &[String]) -> io::Result<Self> {
        let log = OpenOptions::new().create(true).append(true).mode(0o600).open(home.log(part))?;
        let (mark, fingerprint) = (mark(home, part), fingerprint(arguments));
        let child = Command::new(binary.path())
            .args(arguments)
            .current_dir(home.dir())
            .env_clear()
            .env(MARK, &mark)
            .env(ARGUMENTS, &fingerprint)
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", home.dir())
            // Half of the garbage for a little more work: 40 MB less in an API server that is mostly idle.
            .env("GOGC", "50")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C in our terminal is for us alone.
            .process_group(0)
            .spawn()?;
        let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed())).ok_or(io::ErrorKind::NotFound)?;
        // It was not reaped yet, so the pid is its own.
        let handle = open(pid)?;
        Ok(Self { pid, handle, mark, arguments: fingerprint, child: Some(child) })
    }

    /// The processes that play `part` in the cluster, started by whichever run of us.
    pub(super) fn find(home: &ClusterHome, part: Part) -> io::Result<Vec<Self>> {
        let mark = mark(home, part);
        Self::marked(|found| found == mark)
    }

    /// The processes that play any part in the cluster.
    pub(super) fn find_all(home: &ClusterHome) -> io::Result<Vec<Self>> {
        let marks = Part::ALL.map(|part| mark(home, part));
        Self::marked(|found| marks.iter().any(|mark| mark == found))
    }

    fn marked(wanted: impl Fn(&str) -> bool) -> io::Result<Vec<Self>> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|text| text.parse::<i32>().ok()).and_then(Pid::from_raw) else { continue };
            // Cheap and usually the end of it; what matters is the second look, with the handle open.
            let Some(mark) = environment(pid, MARK).filter(|mark| wanted(mark)) else { continue };
            let Ok(handle) = open(pid) else { continue };
            if !is_marked(pid, &mark) {
                continue;
            }
            let arguments = environment(pid, ARGUMENTS).unwrap_or_default();
            found.push(Self { pid, handle, mark, arguments, child: None });
        }
        Ok(found)
    }

    /// The process id, for people.
    pub(super) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().cast_unsigned()
    }

    /// Whether it was started with exactly these arguments.
    pub(super) fn was_started_with(&self, arguments: &[String]) -> bool {
        self.arguments == fingerprint(arguments)
    }

    /// Whether the folder that it works in was removed.
    pub(super) fn works_nowhere(&self) -> bool {
        Self::is_nowhere(self.pid())
    }

    /// The same for a process that is only known by its number.
    pub(super) fn is_nowhere(pid: u32) -> bool {
        let folder = fs::read_link(format!("/proc/{pid}/cwd"));
        folder.is_ok_and(|folder| folder.to_string_lossy().ends_with(" (deleted)"))
    }

    /// Waits until it has ended, and tells how, as far as that can be known.
    pub(super) async fn ended(&mut self) -> String {
        if let Some(child) = &mut self.child {
            return child.wait().await.map_or_else(|e| e.to_string(), |status| status.to_string());
        }
        // Not our child, so nobody tells us.
        while is_marked(self.pid, &self.mark) {
            tokio::time::sleep(LOOK).await;
        }
        "it ended".to_owned()
    }

    /// Asks it to end, and makes it end when it has not after `patience`.
    pub(super) async fn end(&mut self, patience: Duration) -> io::Result<()> {
        self.signal(Signal::TERM)?;
        if tokio::time::timeout(patience, self.ended()).await.is_ok() {
            return Ok(());
        }
        self.kill().await
    }

    /// Makes it end at once.
    pub(super) async fn kill(&mut self) -> io::Result<()> {
        self.signal(Signal::KILL)?;
        self.ended().await;
        Ok(())
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(&self.handle, signal) {
            Err(rustix::io::Errno::SRCH) => Ok(()), // it was faster
            other => other.map_err(Into::into),
        }
    }
}

fn open(pid: Pid) -> io::Result<OwnedFd> {
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

fn mark(home: &ClusterHome, part: Part) -> String {
    format!("{part}:{}", home.dir().display())
}

fn is_marked(pid: Pid, mark: &str) -> bool {
    environment(pid, MARK).is_some_and(|found| found == mark)
}

/// A variable of the environment that a process was started with. `None` also for other users' processes and for zombies.
fn environment(pid: Pid, name: &str) -> Option<String> {
    let all = environ(pid)?;
    let found = all.split(|byte| *byte == 0).find_map(|one| one.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
    String::from_utf8(found.to_vec()).ok()
}

/// The whole environment. A process that is just being started shows none for a moment: its new program has begun, but the kernel has not laid
/// out the environment yet. Kernel threads and zombies never have one; they have no program either.
fn environ(pid: Pid) -> Option<Vec<u8>> {
    const LOOKS: usize = 20;
    let folder = format!("/proc/{}", pid.as_raw_nonzero());
    for _ in 0..LOOKS {
        let all = fs::read(format!("{folder}/environ")).ok()?;
        if !all.is_empty() || fs::read_link(format!("{folder}/exe")).is_err() {
            return Some(all);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    None
}

fn fingerprint(arguments: &[String]) -> String {
    sha256_hex(arguments.join("\0").as_bytes())
}

/// Cuts a log that has grown too long: its text moves to `….1`, and the process goes on at its beginning, because it only ever appends.
pub(super) fn rotate(log: &Path, limit: u64) -> io::Result<()> {
    if fs::metadata(log).map_or(0, |m| m.len()) < limit {
        return Ok(());
    }
    fs::copy(log, log.with_extension("log.1"))?;
    OpenOptions::new().write(true).open(log)?.set_len(0)
}

/// The last few lines of a log, for an error that should explain itself.
pub(super) fn tail(log: &Path) -> String {
    const WINDOW: u64 = 4096;
    const LINES: usize = 3;
    let Ok(file) = File::open(log) else { return String::new() };
    let length = file.metadata().map_or(0, |m| m.len());
    let mut bytes = vec![0; usize::try_from(length.min(WINDOW)).unwrap_or_default()];
    if file.read_exact_at(&mut bytes, length.saturating_sub(WINDOW)).is_err() {
        return String::new();
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines.iter().skip(lines.len().saturating_sub(LINES));
    last.map(|line| line.chars().take(300).collect::<String>()).collect::<Vec<_>>().join(" | ")
}

/// How often we look whether an adopted process still lives.
const LOOK: Duration = Duration::from_millis(200);
const MARK: &str = "ENTRANCE_PART";
const ARGUMENTS: &str = "ENTRANCE_ARGUMENTS";

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
