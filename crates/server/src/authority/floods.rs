//! The gate in front of everything that costs a password hash or looks something up for a stranger: more than a small network
//! can mean to ask is answered with 429 before any work is done (O-15).

use std::num::NonZeroU32;

use entrance_model::signin::Aadsts;
use entrance_model::signin::network::subnet;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::ctx::Ctx;
use super::refused::Refused;
use crate::config::SignInRate;

/// How often each small network may try to sign in.
pub(crate) struct Floods {
    of_network: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
}

impl Floods {
    /// A gate with this rate.
    pub(crate) fn new(rate: SignInRate) -> Self {
        Self::with(Quota::per_second(at_least_one(rate.per_second)).allow_burst(at_least_one(rate.burst)))
    }

    /// A gate with this quota.
    pub(super) fn with(quota: Quota) -> Self {
        Self { of_network: RateLimiter::keyed(quota), clock: DefaultClock::default() }
    }

    /// Lets a try pass, or tells in how many seconds the next one may come.
    pub(super) fn pass(&self, network: &String) -> Result<(), u32> {
        let passed = self.of_network.check_key(network).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
        });
        if self.of_network.len() > KEPT {
            self.of_network.retain_recent();
        }
        passed
    }
}

/// Lets a try to sign in pass, or refuses it before it costs anything.
pub(crate) fn pass(ctx: &Ctx) -> Result<(), Refused> {
    let flood = |seconds, why: &str| Refused::from(Aadsts::TenantThrottling).retry_after(seconds).because(why);
    ctx.app
        .authority
        .floods
        .pass(&subnet(ctx.info.peer.ip()))
        .map_err(|seconds| flood(seconds, "too many tries at once from one network"))?;
    // From everywhere together: who waits longer than a person would is turned away, so that the queue stays short.
    if ctx.app.hasher.is_swamped() { Err(flood(2, "too many passwords wait to be checked")) } else { Ok(()) }
}

/// A number that a quota takes.
pub(super) fn at_least_one(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN)
}

/// Networks that are remembered before idle ones are forgotten.
const KEPT: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o_15_a_network_that_floods_waits_and_its_neighbours_do_not() {
        let floods = Floods::new(SignInRate { per_second: 1, burst: 3 });
        let (one, other) = ("192.0.2.0/24".to_owned(), "198.51.100.0/24".to_owned());
        for _ in 0..3 {
            assert_eq!(floods.pass(&one), Ok(()));
        }
        let wait = floods.pass(&one).expect_err("it has to wait");
        assert!((1..=2).contains(&wait), "{wait}");
        assert_eq!(floods.pass(&other), Ok(()));
    }
}
