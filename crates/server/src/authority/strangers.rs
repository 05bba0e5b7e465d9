//! What is written down for somebody who has proven nothing has a quota of its own for each small network (O-15): a sign-in that
//! begins, a device code, a try at a one-time code. Above it they wait, and nothing is written.
//!
//! Refusals are answered in any case. Above a tenth of the quota they are counted, and one row of the sign-in log says how
//! many there were: whoever refuses a million times must not need a million rows for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use entrance_model::Timestamp;
use entrance_model::id::{RequestId, TenantId};
use entrance_model::signin::Aadsts;
use entrance_model::signin::network::{LOOPBACK, subnet};
use entrance_store::StoreError;
use entrance_store::authority::Decision;
use governor::Quota;
use jiff::SignedDuration;
use uuid::Uuid;

use super::ctx::Ctx;
use super::floods::{Floods, at_least_one};
use super::refused::Refused;
use crate::app::App;
use crate::config::WriteRate;

/// Keeps strangers from filling the store.
pub(crate) struct Strangers {
    writes: Floods,
    rows: Floods,
    /// The same for this machine, which runs demos, tests and proxies that pass packets on.
    writes_here: Floods,
    rows_here: Floods,
    waiting: Mutex<HashMap<(String, TenantId), Unwritten>>,
    refused: AtomicU64,
    unwritten: AtomicU64,
}

/// Refusals that have no row of their own.
struct Unwritten {
    count: u64,
    since: Timestamp,
    /// Where the last one came from.
    address: String,
}

/// This machine may do so many times as much as a small network elsewhere.
const HERE: u32 = 10;
/// Of what may be written, one in so many may be a row about a refusal: those are kept for weeks, and the rest for minutes.
const ROWS: u32 = 10;
/// How long refusals are gathered for one row.
const GATHERED: SignedDuration = SignedDuration::from_mins(1);
/// Networks for which they are gathered; of more than that only the number is known.
const KEPT: usize = 10_000;

impl Strangers {
    /// Quotas from this rate.
    pub(crate) fn new(rate: WriteRate) -> Self {
        let gate = |times: u32, rows: u32| {
            let per_minute = at_least_one(rate.per_minute.saturating_mul(times) / rows);
            Floods::with(Quota::per_minute(per_minute).allow_burst(at_least_one(rate.burst.saturating_mul(times))))
        };
        Self {
            writes: gate(1, 1),
            rows: gate(1, ROWS),
            writes_here: gate(HERE, 1),
            rows_here: gate(HERE, ROWS),
            waiting: Mutex::default(),
            refused: AtomicU64::new(0),
            unwritten: AtomicU64::new(0),
        }
    }

    /// How many requests were turned away.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// How many refusals got no row of their own.
    pub(crate) fn unwritten(&self) -> u64 {
        self.unwritten.load(Ordering::Relaxed)
    }

    /// Whether a refusal gets a row, and the number of those before it that wait for one in common.
    fn row(&self, network: String, decision: &Decision, now: Timestamp) -> (bool, Option<Unwritten>) {
        let is_row = (if network == LOOPBACK { &self.rows_here } else { &self.rows }).pass(&network).is_ok();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (network, decision.tenant);
        if !is_row {
            self.unwritten.fetch_add(1, Ordering::Relaxed);
            if waiting.contains_key(&key) || waiting.len() < KEPT {
                let nothing = Unwritten { count: 0, since: now, address: String::new() };
                let one = waiting.entry(key.clone()).or_insert(nothing);
                one.count += 1;
                one.address.clone_from(&decision.address);
            }
        }
        let is_due = waiting.get(&key).is_some_and(|one| now.duration_since(one.since) >= GATHERED);
        (is_row, if is_due { waiting.remove(&key) } else { None })
    }
}

/// Lets something be written for somebody who has proven nothing, or refuses it before anything is.
pub(crate) fn pass(ctx: &Ctx) -> Result<(), Refused> {
    let strangers = &ctx.app.authority.strangers;
    let network = subnet(ctx.info.peer.ip());
    let gate = if network == LOOPBACK { &strangers.writes_here } else { &strangers.writes };
    gate.pass(&network).map_err(|seconds| {
        strangers.refused.fetch_add(1, Ordering::Relaxed);
        Refused::from(Aadsts::TenantThrottling).retry_after(seconds).because("too much at once from one network")
    })
}

/// The rows that a refusal gets: its own, unless its network has too many, and the one for those before it.
pub(super) fn rows(ctx: &Ctx, decision: Decision) -> Vec<Decision> {
    // Whoever is told what policies say, or is signed in, has proven something.
    if decision.judged.is_some() || decision.session.is_some() {
        return vec![decision];
    }
    let (is_row, due) = ctx.app.authority.strangers.row(subnet(ctx.info.peer.ip()), &decision, ctx.now());
    let in_common = due.map(|waiting| in_common(decision.tenant, &waiting));
    in_common.into_iter().chain(is_row.then_some(decision)).collect()
}

fn in_common(tenant: TenantId, waiting: &Unwritten) -> Decision {
    let request = RequestId::from_uuid(Uuid::new_v4());
    let since = waiting.since.strftime("%Y-%m-%dT%H:%M:%SZ");
    Decision {
        tenant,
        user: None,
        app: None,
        resource: None,
        kind: "flood",
        interactive: false,
        code: Aadsts::TenantThrottling.code(),
        reason: format!("{} more refusals of this network since {since} have no row of their own", waiting.count),
        address: waiting.address.clone(),
        agent: None,
        request,
        correlation: request.uuid(),
        token: None,
        session: None,
        judged: None,
    }
}

/// Writes down how many refusals have no row of their own, where nobody came since who would have brought it along.
pub(super) async fn settle(app: &App) -> Result<(), StoreError> {
    let waiting = std::mem::take(&mut *app.authority.strangers.waiting.lock().unwrap_or_else(PoisonError::into_inner));
    if waiting.is_empty() {
        return Ok(());
    }
    let mut tx = app.store.write().await?;
    for ((_, tenant), waiting) in &waiting {
        tx.authority().decided(app.now(), &in_common(*tenant, waiting)).await?;
    }
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(tenant: u128) -> Decision {
        let waiting = Unwritten { count: 1, since: Timestamp::UNIX_EPOCH, address: "192.0.2.1".into() };
        in_common(TenantId::from_uuid(Uuid::from_u128(tenant)), &waiting)
    }

    #[test]
    fn o_15_refusals_above_the_quota_are_gathered_for_one_row_a_minute_and_tenant() {
        let strangers = Strangers::new(WriteRate { per_minute: 1, burst: 2 });
        let now = Timestamp::UNIX_EPOCH;
        let network = || "192.0.2.0/24".to_owned();
        let rows = (0..7).filter(|_| strangers.row(network(), &refusal(1), now).0).count();
        assert_eq!((rows, strangers.unwritten()), (2, 5));
        assert!(strangers.row("198.51.100.0/24".to_owned(), &refusal(1), now).0, "its neighbours do not wait");
        assert!(!strangers.row(network(), &refusal(2), now).0, "a tenant more is no quota more");
        let (is_row, due) = strangers.row(network(), &refusal(1), now + GATHERED);
        let due = due.expect("a row for all of them");
        assert!(!is_row);
        assert_eq!((due.count, due.since), (6, now));
        assert_eq!(strangers.row(network(), &refusal(1), now + GATHERED).1.map(|due| due.count), None, "it is told once");
        let due = strangers.row(network(), &refusal(2), now + GATHERED).1.expect("one for the other tenant");
        assert_eq!(due.count, 2);
    }
}
