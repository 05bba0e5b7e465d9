//! What requests cost: processor time of the server's threads, apart from that of the callers'.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use tokio::runtime::Handle;
use tokio::time::Instant as Moment;

/// Callers at a time.
pub(crate) const CALLERS: u32 = 16;
/// The callers' threads have this name; every other thread is the server's.
pub(crate) const CALLER_THREADS: &str = "caller";
/// So many requests come first and are not counted.
const WARM: u32 = 64;
const SIGNATURES: u32 = 400;
/// How long late answers of an open loop are waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// What one request cost, in seconds.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    /// Of processor, for the server.
    pub(crate) server: f64,
    /// Of processor, for who asked.
    pub(crate) caller: f64,
    /// Of a bare signature, measured right before and right after.
    pub(crate) bare: f64,
    /// Between two answers.
    pub(crate) wall: f64,
}

/// As many callers as fit, each asks again as soon as it has its answer. The numbers that they ask with are all different.
pub(crate) async fn closed<F>(count: u32, ask: impl Fn(u32) -> F + Clone + Send + 'static) -> Result<Cost>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let each = count / CALLERS;
    callers(WARM / CALLERS, 0, ask.clone()).await.context("the first requests")?;
    let before = bare().await?;
    let (since, began) = (Instant::now(), Used::now()?);
    callers(each, WARM / CALLERS, ask).await?;
    let (wall, used) = (since.elapsed().as_secs_f64(), Used::now()?);
    let bare = f64::midpoint(before, bare().await?);
    let count = f64::from(each * CALLERS);
    Ok(Cost {
        server: (used.server - began.server) / count,
        caller: (used.callers - began.callers) / count,
        bare,
        wall: wall / count,
    })
}

async fn callers<F>(each: u32, first: u32, ask: impl Fn(u32) -> F + Clone + Send + 'static) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let all: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let ask = ask.clone();
            tokio::spawn(async move {
                for n in first..first + each {
                    ask(n * CALLERS + caller).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for one in all {
        one.await??;
    }
    Ok(())
}

/// How long requests took that came when they came, from the moment when they were due.
pub(crate) struct Waits(Vec<Duration>);

impl Waits {
    /// So many thousandths did not wait longer, in seconds.
    pub(crate) fn at(&self, part: usize) -> f64 {
        self.0.get((self.0.len() * part / 1000).min(self.0.len().saturating_sub(1))).map_or(f64::NAN, Duration::as_secs_f64)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

/// Requests come at a fixed pace for so long, whether or not earlier ones were answered.
pub(crate) async fn open<F>(every: Duration, lasts: Duration, ask: impl Fn(u32) -> F) -> Result<Waits>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let (began, mut waiting, mut due, mut n) = (Moment::now(), tokio::task::JoinSet::new(), Moment::now(), 0);
    while due < began + lasts {
        tokio::time::sleep_until(due).await;
        let (asked, since) = (ask(n), due);
        waiting.spawn(async move { asked.await.map(|()| since.elapsed()) });
        (due, n) = (due + every, n + 1);
    }
    let mut took = Vec::new();
    let all = async {
        while let Some(one) = waiting.join_next().await {
            took.push(one??);
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, all).await.context("answers came too late to be counted")??;
    took.sort_unstable();
    Ok(Waits(took))
}

/// Seconds of one core that a signature over the bytes of a usual token takes; the callers make it, so that the server is
/// not charged with it.
pub(crate) async fn bare() -> Result<f64> {
    let sign = || {
        let key = RsaKeyPair::generate(KeySize::Rsa2048)?;
        let (random, body) = (SystemRandom::new(), [7_u8; 1100]);
        let mut signature = vec![0; key.public_modulus_len()];
        let since = of_thread()?;
        for _ in 0..SIGNATURES {
            key.sign(&RSA_PKCS1_SHA256, &random, &body, &mut signature)?;
        }
        anyhow::Ok((of_thread()? - since) / f64::from(SIGNATURES))
    };
    Handle::current().spawn_blocking(sign).await?
}

/// Processor time so far, in seconds.
#[derive(Clone, Copy)]
pub(crate) struct Used {
    pub(crate) server: f64,
    pub(crate) callers: f64,
}

impl Used {
    pub(crate) fn now() -> Result<Self> {
        let mut used = Self { server: 0.0, callers: 0.0 };
        for task in std::fs::read_dir("/proc/self/task")? {
            let folder = task?.path();
            // A thread may end in between; those of this process that work do not.
            let (Ok(name), Ok(text)) =
                (std::fs::read_to_string(folder.join("comm")), std::fs::read_to_string(folder.join("schedstat")))
            else {
                continue;
            };
            let seconds = on_processor(&text)?;
            if name.trim() == CALLER_THREADS { used.callers += seconds } else { used.server += seconds }
        }
        Ok(used)
    }
}

fn of_thread() -> Result<f64> {
    on_processor(&std::fs::read_to_string("/proc/thread-self/schedstat")?)
}

/// The first field is the time on a processor, in nanoseconds.
fn on_processor(schedstat: &str) -> Result<f64> {
    let nanos: u64 = schedstat.split_whitespace().next().context("a number")?.parse()?;
    Ok(Duration::from_nanos(nanos).as_secs_f64())
}
