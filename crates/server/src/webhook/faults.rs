//! A switch that makes the webhook listener fail, for tests and drills on a whole server.
//!
//! It does not exist unless the server was started with it, and then every start and every change is a warning in the log.
//! It is a file in the data directory, which only the owner can write: `webhook=stop`, `blackhole`, `500`, `slow:250` (in
//! milliseconds), or `ok`. No file is `ok`, and so is one that cannot be read.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What is wrong with the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Nobody listens, and connections are closed.
    Stopped,
    /// Connections are taken, and nothing is ever answered.
    BlackHole,
    /// Every answer is 500.
    Broken,
    /// Every answer comes so much later.
    Slow(Duration),
}

/// The switch. Cheap to clone.
#[derive(Clone)]
pub struct Faults {
    now: watch::Receiver<Fault>,
}

impl Faults {
    /// A listener that cannot be made to fail.
    pub fn none() -> Self {
        // Without a sender the value stays for good.
        Self { now: watch::channel(Fault::None).1 }
    }

    /// A switch, and the task that turns it by the file.
    pub fn by_file(file: PathBuf, stop: CancellationToken) -> (Self, impl Future<Output = ()> + Send) {
        let (sender, now) = watch::channel(Fault::None);
        tracing::warn!(file = %file.display(), "THE FAULT SWITCH IS ON: whoever writes this file makes the webhooks fail");
        (Self { now }, turn(file, sender, stop))
    }

    /// What is wrong now.
    pub(super) fn now(&self) -> Fault {
        *self.now.borrow()
    }

    /// Waits for another fault than this one; for ever where there is no switch.
    pub(super) async fn other_than(&self, fault: Fault) {
        let mut now = self.now.clone();
        if now.wait_for(|now| *now != fault).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

async fn turn(file: PathBuf, fault: watch::Sender<Fault>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let text = tokio::fs::read_to_string(&file).await.unwrap_or_default();
        let wanted = read(&text);
        fault.send_if_modified(|fault| {
            let changes = *fault != wanted;
            if changes {
                tracing::warn!(was = ?*fault, now = ?wanted, "THE FAULT SWITCH WAS TURNED");
            }
            *fault = wanted;
            changes
        });
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => {}
        }
    }
}

fn read(text: &str) -> Fault {
    let word = text.lines().filter_map(|line| line.trim().strip_prefix("webhook=")).next_back().unwrap_or("ok");
    match word.split_once(':') {
        Some(("slow", millis)) => millis.parse().map_or(Fault::None, |millis| Fault::Slow(Duration::from_millis(millis))),
        Some(_) => Fault::None,
        None => match word {
            "stop" => Fault::Stopped,
            "blackhole" => Fault::BlackHole,
            "500" => Fault::Broken,
            _ => Fault::None,
        },
    }
}

const LOOK: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_and_what_is_no_fault_is_none() {
        for (text, fault) in [
            ("webhook=stop", Fault::Stopped),
            ("webhook=stop\nwebhook=ok\n", Fault::None),
            ("# a drill\nwebhook=blackhole\n", Fault::BlackHole),
            ("webhook=500", Fault::Broken),
            ("webhook=slow:250", Fault::Slow(Duration::from_millis(250))),
            ("webhook=slow:soon", Fault::None),
            ("webhook=sotp", Fault::None),
            ("", Fault::None),
        ] {
            assert_eq!(read(text), fault, "{text}");
        }
    }
}
