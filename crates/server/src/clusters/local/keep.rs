//! Keeps one process of a cluster alive: adopts it or starts it, waits for its end, starts it again.

use std::convert::Infallible;
use std::net::TcpListener;
use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::care::DATA;
use super::plane::Shared;
use super::process::{self, Process};
use super::{Part, Progress, Step, api, flags};

/// What the processes of a cluster are to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Live.
    Run,
    /// Go on without us.
    Leave,
    /// End in an orderly way.
    Stop,
    /// End now: the data is not needed any more.
    Kill,
}

/// Runs until told otherwise by `orders`.
pub(super) async fn keep(plane: Arc<Shared>, part: Part, mut orders: watch::Receiver<Order>) {
    let mut failures = 0;
    let mut records = plane.record.subscribe();
    loop {
        tokio::select! {
            () = gate(&plane, part) => {}
            order = told(&mut orders) => return obey_without_process(&plane, part, order).await,
        }
        let arguments = flags::arguments(part, &records.borrow_and_update());
        let began = Instant::now();
        let why = match adopt_or_start(&plane, part, &arguments).await {
            Err(why) => why,
            Ok(mut process) => {
                plane.see(part, |state| state.pid = Some(process.pid()));
                let end = tokio::select! {
                    end = process.ended() => Ok(end),
                    order = told(&mut orders) => Err(order),
                    () = changed(&mut records, part, &arguments) => {
                        tracing::info!(cluster = %plane.home.uid(), %part, "a part of the control plane starts anew with other arguments");
                        end_it(&plane, part, &mut process, Order::Stop).await;
                        forget(&plane, part);
                        continue;
                    }
                    never = watch_over(&plane, part) => match never {},
                };
                let end = match end {
                    Ok(end) => end,
                    Err(Order::Leave) => return,
                    Err(order) => {
                        end_it(&plane, part, &mut process, order).await;
                        return forget(&plane, part);
                    }
                };
                let said = process::tail(&plane.home.log(part));
                if said.is_empty() { end } else { format!("{end}: {said}") }
            }
        };
        failures = if began.elapsed() > SETTLED { 1 } else { failures + 1 };
        tracing::warn!(cluster = %plane.home.uid(), %part, failures, why, "a part of the control plane ended and is started again");
        forget(&plane, part);
        plane.see(part, |state| (state.failures, state.last_end) = (failures, Some(why)));
        tokio::select! {
            () = tokio::time::sleep(pause(failures)) => {}
            order = told(&mut orders) => return obey_without_process(&plane, part, order).await,
        }
    }
}

/// Waits until `part` has what it needs to start well.
async fn gate(plane: &Shared, part: Part) {
    let mut progress = plane.progress.subscribe();
    let needs = match part {
        Part::Etcd => return,
        Part::ApiServer => Step::Etcd,
        // A condition on a value that is kept, not an event: it cannot be missed.
        Part::ControllerManager | Part::Scheduler | Part::Nodes => Step::Rbac,
    };
    // The sender lives in `plane`.
    let _ = progress.wait_for(|now: &Progress| now.reached(needs)).await;
}

/// Waits for another order than to live.
async fn told(orders: &mut watch::Receiver<Order>) -> Order {
    // A sender that is gone means that the cluster was forgotten without a word: leave its processes alone.
    orders.wait_for(|order| *order != Order::Run).await.map_or(Order::Leave, |order| *order)
}

/// Waits until the record asks for other arguments.
async fn changed(records: &mut watch::Receiver<super::home::Record>, part: Part, arguments: &[String]) {
    if records.wait_for(|record| flags::arguments(part, record) != arguments).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The process that plays `part`: one that lives already, or a new one.
async fn adopt_or_start(plane: &Shared, part: Part, arguments: &[String]) -> Result<Process, String> {
    let mut found = Process::find(&plane.home, part).map_err(|e| e.to_string())?;
    // A second one can only be the leftover of a kill at the wrong instant; one with other arguments is out of date.
    let keeper = found.iter().position(|one| one.was_started_with(arguments));
    let adopted = keeper.map(|at| found.swap_remove(at));
    for mut one in found {
        one.end(PATIENCE).await.map_err(|e| e.to_string())?;
    }
    if let Some(process) = adopted {
        tracing::info!(cluster = %plane.home.uid(), %part, pid = process.pid(), "adopted a part of a control plane");
        return Ok(process);
    }
    if part == Part::Etcd && plane.record.borrow().made && !plane.home.path(DATA).exists() {
        return Err(format!("its database `{}` is not there", plane.home.path(DATA).display()));
    }
    if part == Part::ApiServer {
        let address = (plane.record.borrow().listen, plane.record.borrow().port);
        TcpListener::bind(address).map_err(|e| format!("port {} cannot be used: {e}", address.1))?;
    }
    let process = Process::start(&plane.binary, &plane.home, part, arguments).map_err(|e| e.to_string())?;
    tracing::debug!(cluster = %plane.home.uid(), %part, pid = process.pid(), "started a part of a control plane");
    Ok(process)
}

/// Looks after a living process, for ever: its milestones, its log.
async fn watch_over(plane: &Shared, part: Part) -> Infallible {
    let began = Instant::now();
    let mut looked = Instant::now();
    loop {
        match part {
            Part::Etcd => {
                let up = etcd_answers(plane).await;
                plane.report(|now| now.etcd = up);
            }
            Part::ApiServer => watch_api_server(plane).await,
            Part::ControllerManager | Part::Scheduler | Part::Nodes => {}
        }
        if began.elapsed() > SETTLED {
            plane.see(part, |state| state.failures = 0);
        }
        if looked.elapsed() > LOG_CHECK {
            looked = Instant::now();
            if let Err(error) = process::rotate(&plane.home.log(part), LOG_LIMIT) {
                tracing::warn!(cluster = %plane.home.uid(), %part, %error, "a log of the control plane could not be cut");
            }
        }
        let settled = match part {
            Part::Etcd => plane.progress.borrow().etcd,
            Part::ApiServer => plane.progress.borrow().reached(Step::Rbac),
            Part::ControllerManager | Part::Scheduler | Part::Nodes => true,
        };
        tokio::time::sleep(if settled { CALM } else { EAGER }).await;
    }
}

async fn watch_api_server(plane: &Shared) {
    let ready = match plane.client() {
        Ok(client) => api::is_ready(&client).await,
        Err(error) => {
            tracing::warn!(cluster = %plane.home.uid(), %error, "the control plane's own credential cannot be used");
            false
        }
    };
    plane.report(|now| now.ready = ready);
    if !ready || plane.progress.borrow().rbac {
        return;
    }
    match plane.bootstrap().await {
        Ok(()) => plane.report(|now| now.rbac = true),
        Err(error) => tracing::warn!(cluster = %plane.home.uid(), %error, "Entrance's rights in the cluster could not be set"),
    }
}

/// Whether something accepts connections on the socket; the file alone may be left from before a kill.
async fn etcd_answers(plane: &Shared) -> bool {
    // An address may have 107 bytes, so the folder is named by a descriptor.
    let Ok(folder) = std::fs::File::open(plane.home.dir()) else { return false };
    let short = format!("/proc/self/fd/{}/etcd.sock", folder.as_raw_fd());
    tokio::net::UnixStream::connect(short).await.is_ok()
}

async fn obey_without_process(plane: &Shared, part: Part, order: Order) {
    if order == Order::Leave {
        return;
    }
    // Nothing is held, but something may live: from an earlier run of us.
    for mut one in Process::find(&plane.home, part).unwrap_or_default() {
        end_it(plane, part, &mut one, order).await;
    }
    forget(plane, part);
}

async fn end_it(plane: &Shared, part: Part, process: &mut Process, order: Order) {
    let ended = match order {
        Order::Run | Order::Leave => Ok(()),
        Order::Stop => process.end(PATIENCE).await,
        Order::Kill => process.kill().await,
    };
    if let Err(error) = ended {
        tracing::error!(cluster = %plane.home.uid(), %part, %error, "a part of the control plane could not be ended");
    }
}

/// What is no longer true once the process of `part` is gone.
fn forget(plane: &Shared, part: Part) {
    plane.report(|now| {
        now.part_mut(part).pid = None;
        match part {
            Part::Etcd => now.etcd = false,
            Part::ApiServer => (now.ready, now.rbac) = (false, false),
            Part::ControllerManager | Part::Scheduler | Part::Nodes => {}
        }
    });
}

/// 0.2 s, then twice as long each time, up to half a minute.
fn pause(failures: u32) -> Duration {
    LONGEST.min(FIRST * 2_u32.saturating_pow(failures.saturating_sub(1)))
}

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(30);
/// A process that lived this long did not fail to start.
const SETTLED: Duration = Duration::from_mins(1);
/// How long a process may take to end in an orderly way.
const PATIENCE: Duration = Duration::from_secs(10);
const EAGER: Duration = Duration::from_millis(100);
const CALM: Duration = Duration::from_secs(5);
const LOG_CHECK: Duration = Duration::from_secs(30);
const LOG_LIMIT: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_bearable() {
        let all: Vec<u128> = [1, 2, 3, 5, 8, 9, 40, u32::MAX].into_iter().map(|n| pause(n).as_millis()).collect();
        assert_eq!(all, [200, 400, 800, 3_200, 25_600, 30_000, 30_000, 30_000]);
    }
}
