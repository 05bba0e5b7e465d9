//! A temporary pass: a one-time code with which one person sets a new password, given out by an administrator.
//!
//! It is worth nothing else: it starts no session and gives no token, so a second factor stays in force. A person has at
//! most one; a new one replaces it.

use jiff::{SignedDuration, Timestamp};

use crate::id::{CredentialId, UserId};

/// A pass, without its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemporaryPass {
    /// Its id.
    pub id: CredentialId,
    /// Whose it is.
    pub user: UserId,
    /// When it was made.
    pub created: Timestamp,
    /// From when it may be used.
    pub starts: Timestamp,
    /// Until when.
    pub ends: Timestamp,
    /// When it was used.
    pub used: Option<Timestamp>,
}

/// Why a pass is not good, in the original's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It may be used later.
    #[error("the pass is not valid yet")]
    NotYetValid,
    /// It is over.
    #[error("the pass is over")]
    Expired,
    /// It was used.
    #[error("the pass was used before")]
    OneTimeUsed,
}

/// How long a pass may live: the original's limits, ten minutes to thirty days.
const SHORTEST: i64 = 10;
const LONGEST: i64 = 60 * 24 * 30;
/// How long it lives when nobody says how long.
const USUAL: i64 = 60;

/// The life of a new pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lifetime of a temporary access pass is {SHORTEST} to {LONGEST} minutes")]
pub struct BadLifetime;

/// When a new pass begins and ends.
pub fn life(starts: Option<Timestamp>, minutes: Option<i64>, now: Timestamp) -> Result<(Timestamp, Timestamp), BadLifetime> {
    let minutes = minutes.unwrap_or(USUAL);
    let starts = starts.unwrap_or(now).max(now);
    let latest = now + SignedDuration::from_mins(LONGEST);
    if !(SHORTEST..=LONGEST).contains(&minutes) || starts > latest {
        return Err(BadLifetime);
    }
    Ok((starts, starts + SignedDuration::from_mins(minutes)))
}

impl TemporaryPass {
    /// Whether it can be used now.
    pub fn usable(&self, now: Timestamp) -> Result<(), Unusable> {
        if self.used.is_some() {
            Err(Unusable::OneTimeUsed)
        } else if now >= self.ends {
            Err(Unusable::Expired)
        } else if now < self.starts {
            Err(Unusable::NotYetValid)
        } else {
            Ok(())
        }
    }

    /// Its life in minutes.
    pub fn minutes(&self) -> i64 {
        self.ends.duration_since(self.starts).as_mins()
    }
}

impl Unusable {
    /// The original's word for it (`methodUsabilityReason`).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotYetValid => "NotYetValid",
            Self::Expired => "Expired",
            Self::OneTimeUsed => "OneTimeUsed",
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    #[test]
    fn a_pass_lives_an_hour_unless_told_otherwise_and_never_longer_than_a_month() {
        assert_eq!(life(None, None, at(5)), Ok((at(5), at(65))));
        assert_eq!(life(Some(at(30)), Some(10), at(5)), Ok((at(30), at(40))));
        assert_eq!(life(Some(at(1)), Some(10), at(5)), Ok((at(5), at(15))), "it does not begin in the past");
        for (starts, minutes) in [(None, 9), (None, LONGEST + 1), (None, i64::MAX), (Some(at(LONGEST + 9)), 10)] {
            assert_eq!(life(starts, Some(minutes), at(5)), Err(BadLifetime), "{minutes}");
        }
    }

    #[test]
    fn a_pass_is_good_once_and_within_its_time() {
        let pass = TemporaryPass {
            id: CredentialId::from_uuid(Uuid::nil()),
            user: UserId::from_uuid(Uuid::nil()),
            created: at(0),
            starts: at(10),
            ends: at(20),
            used: None,
        };
        assert_eq!(pass.usable(at(9)), Err(Unusable::NotYetValid));
        assert_eq!(pass.usable(at(10)), Ok(()));
        assert_eq!(pass.usable(at(20)), Err(Unusable::Expired));
        assert_eq!(TemporaryPass { used: Some(at(11)), ..pass.clone() }.usable(at(12)), Err(Unusable::OneTimeUsed));
        assert_eq!(pass.minutes(), 10);
    }
}
