//! The lock-out (S-800): ten wrong tries pause an account or an address for a minute, then for longer each time.
//!
//! A try is counted *before* the password is looked at and taken back when it was right, so that a hundred guesses at
//! once are no way around it. The same wrong password again does not count again, and what was not counted is not taken
//! back: right sign-ins of one's own excuse no guesses.
//!
//! What many people share, an address or a network, sees wrong tries all day: there only those of late count.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How many tries, and how long the pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// So many wrong tries begin a pause.
    pub tries: u32,
    /// The first pause.
    pub first: SignedDuration,
    /// Tries that are older do not count; `None`: all do, until nothing was tried for two hours.
    pub window: Option<SignedDuration>,
}

impl Policy {
    /// One account, from anywhere.
    pub const ACCOUNT: Self = Self { tries: 10, first: SignedDuration::from_secs(60), window: None };
    /// One address, whatever the account: a whole office may stand behind it.
    pub const ADDRESS: Self =
        Self { tries: 50, first: SignedDuration::from_secs(60), window: Some(SignedDuration::from_hours(1)) };
    /// One small network.
    pub const NETWORK: Self =
        Self { tries: 200, first: SignedDuration::from_secs(60), window: Some(SignedDuration::from_hours(1)) };
    /// Secrets of one application from one address.
    pub const CLIENT: Self = Self { tries: 10, first: SignedDuration::from_secs(60), window: None };
    /// Second factors of one person: six digits are few.
    pub const SECOND_FACTOR: Self = Self { tries: 5, first: SignedDuration::from_secs(60), window: None };
    /// Device codes typed from one address or in one browser (W-102).
    pub const DEVICE_CODE: Self =
        Self { tries: 5, first: SignedDuration::from_mins(10), window: Some(SignedDuration::from_mins(10)) };
    /// Device codes typed from one small network.
    pub const DEVICE_CODE_NETWORK: Self =
        Self { tries: 50, first: SignedDuration::from_mins(10), window: Some(SignedDuration::from_mins(10)) };
}

const LONGEST: SignedDuration = SignedDuration::from_hours(1);
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(2);

/// Wrong tries so far. A few bits of each of the last three tell a repeated password from a new guess; they are too
/// few to find the password with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lockout {
    tries: u32,
    pauses: u32,
    /// Microseconds.
    last: Option<i64>,
    recent: Vec<u32>,
    /// When the tries were made, in microseconds, the oldest first; kept where they get too old to count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    times: Vec<i64>,
}

/// Paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many wrong tries; paused until {until}")]
pub struct Locked {
    /// Until when.
    pub until: Timestamp,
}

/// A try that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The wrong tries from now on, should it be wrong.
    pub after: Lockout,
    /// Whether it counts: the same wrong password counts once.
    pub counted: bool,
}

impl Lockout {
    /// The end of the pause, while there is one.
    pub fn locked(&self, policy: Policy, now: Timestamp) -> Result<(), Locked> {
        if self.tries < policy.tries {
            return Ok(());
        }
        let Some(last) = self.last.and_then(|last| Timestamp::from_microsecond(last).ok()) else { return Ok(()) };
        let pause = policy.first.saturating_mul(1 << self.pauses.min(10)).min(LONGEST.max(policy.first));
        let until = last + pause;
        if now < until { Err(Locked { until }) } else { Ok(()) }
    }

    /// Counts a try. `print` is a fingerprint of what was tried, where trying the same again should not count.
    pub fn count(mut self, print: Option<u32>, policy: Policy, now: Timestamp) -> Result<Tried, Locked> {
        self.locked(policy, now)?;
        let age = self.last.map_or(0, |last| now.as_microsecond().saturating_sub(last));
        if age >= i64::try_from(FORGOTTEN.as_micros()).unwrap_or(i64::MAX) {
            self = Self::default();
        }
        if self.tries >= policy.tries {
            self.tries = 0;
            self.times.clear();
            self.pauses = self.pauses.saturating_add(1);
        }
        if let Some(window) = policy.window {
            let from = (now - window).as_microsecond();
            self.times.retain(|at| *at > from);
            self.tries = u32::try_from(self.times.len()).unwrap_or(u32::MAX);
        }
        if print.is_some_and(|print| self.recent.contains(&print)) {
            return Ok(Tried { after: self, counted: false });
        }
        self.tries += 1;
        self.last = Some(now.as_microsecond());
        if policy.window.is_some() {
            self.times.push(now.as_microsecond());
        }
        if let Some(print) = print {
            self.recent.push(print);
            if self.recent.len() > 3 {
                self.recent.remove(0);
            }
        }
        Ok(Tried { after: self, counted: true })
    }

    /// Takes a counted try back that turned out right, where one right try does not excuse the wrong ones of others.
    #[must_use]
    pub fn take_back(mut self, print: Option<u32>) -> Self {
        self.tries = self.tries.saturating_sub(1);
        self.times.pop();
        // Forgotten too: were it kept, the next right try would not count, and taking that back would excuse a wrong one.
        if let Some(at) = print.and_then(|print| self.recent.iter().rposition(|known| *known == print)) {
            self.recent.remove(at);
        }
        self
    }

    /// Whether nothing is worth keeping.
    pub fn is_clean(&self) -> bool {
        self.tries == 0 && self.pauses == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).expect("a time")
    }

    fn tried(lockout: Lockout, tries: u32, now: i64) -> Lockout {
        (0..tries).fold(lockout, |lockout, n| lockout.count(Some(n), Policy::ACCOUNT, at(now)).expect("counts").after)
    }

    #[test]
    fn s_800_ten_wrong_tries_pause_for_a_minute_and_then_longer() {
        let lockout = tried(Lockout::default(), 10, 0);
        assert_eq!(lockout.clone().count(Some(99), Policy::ACCOUNT, at(59)), Err(Locked { until: at(60) }));
        let lockout = tried(lockout, 10, 60);
        assert_eq!(lockout.locked(Policy::ACCOUNT, at(61)), Err(Locked { until: at(180) }));
        assert_eq!(lockout.locked(Policy::ACCOUNT, at(180)), Ok(()));
    }

    #[test]
    fn s_800_nine_tries_do_not_pause() {
        assert_eq!(tried(Lockout::default(), 9, 0).locked(Policy::ACCOUNT, at(0)), Ok(()));
    }

    #[test]
    fn s_800_the_same_wrong_password_counts_once() {
        let lockout =
            (0..50).fold(Lockout::default(), |l, n| l.count(Some(n % 3), Policy::ACCOUNT, at(0)).expect("counts").after);
        assert_eq!(lockout.tries, 3);
    }

    #[test]
    fn s_800_wrong_tries_are_forgotten_after_a_while() {
        let lockout = tried(Lockout::default(), 9, 0).count(Some(99), Policy::ACCOUNT, at(7200)).expect("counts").after;
        assert_eq!(lockout.tries, 1);
    }

    #[test]
    fn w_102_five_wrong_device_codes_pause_for_ten_minutes() {
        let lockout = (0..5).fold(Lockout::default(), |l, _| l.count(None, Policy::DEVICE_CODE, at(0)).expect("counts").after);
        assert_eq!(lockout.locked(Policy::DEVICE_CODE, at(599)), Err(Locked { until: at(600) }));
        assert_eq!(lockout.take_back(None).locked(Policy::DEVICE_CODE, at(1)), Ok(()));
    }

    #[test]
    fn w_102_five_codes_count_only_within_ten_minutes() {
        let wrong = |lockout: Lockout, at_second| lockout.count(None, Policy::DEVICE_CODE, at(at_second)).expect("counts").after;
        // One every two and a half minutes, all day: never five within ten minutes.
        let slow = (0..500).map(|n| n * 150).fold(Lockout::default(), wrong);
        assert_eq!(slow.locked(Policy::DEVICE_CODE, at(499 * 150)), Ok(()));
        // Four, and one more just before the first of them is too old, or just then.
        let four = (0..4).fold(Lockout::default(), wrong);
        assert!(wrong(four.clone(), 599).locked(Policy::DEVICE_CODE, at(599)).is_err());
        let later = wrong(four, 600);
        assert_eq!((later.locked(Policy::DEVICE_CODE, at(600)), later.tries), (Ok(()), 4));
    }

    #[test]
    fn s_800_an_office_is_not_paused_by_the_wrong_passwords_of_a_day() {
        let lockout = (0..200_u32).fold(Lockout::default(), |lockout, n| {
            lockout.count(Some(n), Policy::ADDRESS, at(i64::from(n) * 80)).expect("counts").after
        });
        assert_eq!(lockout.locked(Policy::ADDRESS, at(200 * 80)), Ok(()), "45 an hour");
        let hasty = (0..50_u32).fold(lockout, |lockout, n| match lockout.clone().count(Some(n), Policy::ADDRESS, at(16_000)) {
            Ok(tried) => tried.after,
            Err(_) => lockout,
        });
        assert!(hasty.locked(Policy::ADDRESS, at(16_000)).is_err());
    }

    #[test]
    fn s_800_right_sign_ins_of_ones_own_excuse_no_guesses() {
        let mut lockout = Lockout::default();
        for guess in 0..49 {
            lockout = lockout.count(Some(guess), Policy::ADDRESS, at(0)).expect("counts").after;
            // The guesser signs in with an account of theirs in between, again and again.
            let tried = lockout.count(Some(9_999), Policy::ADDRESS, at(0)).expect("counts");
            lockout = if tried.counted { tried.after.take_back(Some(9_999)) } else { tried.after };
        }
        assert_eq!(lockout.tries, 49);
    }

    #[test]
    fn s_800_five_wrong_second_factors_pause() {
        let five = (0..5).fold(Lockout::default(), |l, _| l.count(None, Policy::SECOND_FACTOR, at(0)).expect("counts").after);
        assert_eq!(five.locked(Policy::SECOND_FACTOR, at(1)), Err(Locked { until: at(60) }));
    }

    #[test]
    fn s_800_pauses_grow_to_an_hour_and_no_further() {
        let (mut lockout, mut now) = (Lockout::default(), 0);
        let mut pauses = Vec::new();
        for _ in 0..9 {
            lockout = tried(lockout, 10, now);
            let locked = lockout.locked(Policy::ACCOUNT, at(now)).expect_err("paused");
            pauses.push(locked.until.duration_since(at(now)).as_secs());
            now += pauses.last().copied().unwrap_or_default();
        }
        assert_eq!(pauses, [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
    }
}
