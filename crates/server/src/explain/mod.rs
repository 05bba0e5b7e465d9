//! Why somebody is let in at a cluster, or is not (DESIGN 4.4).
//!
//! The API server tells people the reasons of an authorizer and never those of an authenticator: a refused token is just
//! `Unauthorized`. Here the reviewer's own judgement is told, to the holder of a token ([`me`]) and to those who may look
//! after others ([`report`]).

pub(crate) mod account;
pub(crate) mod inside;
pub(crate) mod me;
pub(crate) mod report;

use std::num::NonZeroU32;

use entrance_model::Timestamp;
use entrance_model::id::PrincipalId;
use entrance_model::review::Refusal;
use entrance_wire::why::Why;
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::webhook::Entered;

/// How often reasons are given.
pub(crate) struct Patience {
    of_everybody: DefaultDirectRateLimiter,
    of_one: DefaultKeyedRateLimiter<PrincipalId>,
}

impl Default for Patience {
    fn default() -> Self {
        let per_second = |n| Quota::per_second(NonZeroU32::new(n).expect("it is not zero"));
        let per_minute = |n| Quota::per_minute(NonZeroU32::new(n).expect("it is not zero"));
        Self { of_everybody: RateLimiter::direct(per_second(EVERYBODY)), of_one: RateLimiter::keyed(per_minute(ONE)) }
    }
}

impl Patience {
    /// Whether there is time to look at one more token at all.
    fn has_time(&self) -> bool {
        self.of_everybody.check().is_ok()
    }

    /// Whether this account has asked seldom enough.
    fn has_time_for(&self, oid: PrincipalId) -> bool {
        let allowed = self.of_one.check_key(&oid).is_ok();
        if self.of_one.len() > KEPT {
            self.of_one.retain_recent();
        }
        allowed
    }
}

/// The reason of an outcome, in the words that reach the person.
pub(crate) fn why(outcome: &Result<Entered, Refusal>, at: Timestamp) -> Why {
    match outcome {
        Ok(_) => Why {
            allowed: true,
            check: None,
            code: None,
            message: "Entrance lets this account in".to_owned(),
            action: None,
            next_step: Some(
                "if the cluster still answers Unauthorized, wait ten seconds; after that, `entrance doctor` looks at the cluster"
                    .to_owned(),
            ),
            at: at.to_string(),
        },
        Err(refusal) => Why {
            allowed: false,
            check: Some(refusal.check().code().to_owned()),
            code: Some(refusal.code().to_owned()),
            message: refusal.to_string(),
            action: Some(refusal.remedy().code().to_owned()),
            next_step: Some(refusal.remedy().to_string()),
            at: at.to_string(),
        },
    }
}

/// Tokens looked at in a second, from everybody together: a signature costs a thirtieth of a millisecond.
const EVERYBODY: u32 = 200;
/// Reasons for one account in a minute; our plugin asks once.
const ONE: u32 = 20;
const KEPT: usize = 10_000;

#[cfg(test)]
mod tests {
    use entrance_wire::why::SIGN_IN;

    use super::*;

    #[test]
    fn what_only_another_token_helps_against_is_said_in_the_plugins_word() {
        let at = Timestamp::UNIX_EPOCH;
        assert!(why(&Err(Refusal::Expired), at).asks_for_another_token());
        assert!(why(&Err(Refusal::Revoked), at).asks_for_another_token());
        assert!(!why(&Err(Refusal::Disabled), at).asks_for_another_token());
        assert_eq!(Refusal::Expired.remedy().code(), SIGN_IN);
        assert!(why(&Ok(Entered { name: "a".into(), groups: vec![] }), at).allowed);
    }

    #[test]
    fn an_account_that_asks_all_the_time_is_told_to_wait_and_others_are_not() {
        let (patience, one, other) = (Patience::default(), uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
        let answered = (0..100).filter(|_| patience.has_time_for(PrincipalId::from_uuid(one))).count();
        assert_eq!(answered, ONE as usize);
        assert!(patience.has_time_for(PrincipalId::from_uuid(other)));
    }
}
