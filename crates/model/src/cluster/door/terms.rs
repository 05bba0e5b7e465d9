//! On which terms a door opens: why, and for how long.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use super::DoorRefusal;

/// Why somebody wants in, in their own words. It is read by whoever approves, and afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// What is written down when `az` asks: it has no way to say more.
    pub fn of_az() -> Self {
        Self(OF_AZ.to_owned())
    }

    /// A reason that was accepted once.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// What people wrote down in the cluster when they opened its sealed door: in any form, so it is brought into ours.
    pub fn of_record(text: &str) -> Self {
        let line: String = text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).take(REASON_MAX).collect();
        Self(line.trim().to_owned())
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Reason {
    type Err = DoorRefusal;
    fn from_str(text: &str) -> Result<Self, DoorRefusal> {
        let text = text.trim();
        if text.is_empty() {
            return Err(DoorRefusal::NoReason);
        }
        // It is printed in terminals of others.
        if text.chars().count() > REASON_MAX || text.chars().any(char::is_control) {
            return Err(DoorRefusal::Reason { max: REASON_MAX });
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How long a door stays open: a minute to a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life(SignedDuration);

impl Life {
    /// what a cluster allows that says nothing.
    pub const USUAL: Self = Self(SignedDuration::from_hours(8));
    /// The longest that a cluster can allow. Who needs more opens another door.
    pub const LONGEST: Self = Self(SignedDuration::from_hours(24));
    /// The shortest; less is over before it can be used.
    pub const SHORTEST: Self = Self(SignedDuration::from_mins(1));

    /// A length that was accepted once, in microseconds.
    pub fn stored_micros(micros: i64) -> Self {
        Self(SignedDuration::from_micros(micros))
    }

    /// The length in microseconds.
    pub fn micros(self) -> i64 {
        i64::try_from(self.0.as_micros()).unwrap_or(i64::MAX)
    }

    /// The length.
    pub fn length(self) -> SignedDuration {
        self.0
    }

    /// When it ends if it begins now.
    pub fn after(self, now: Timestamp) -> Timestamp {
        now.checked_add(self.0).unwrap_or(Timestamp::MAX)
    }
}

/// ISO 8601 (`PT2H30M`) or as people write it (`2h30m`, `90m`).
impl FromStr for Life {
    type Err = DoorRefusal;
    fn from_str(text: &str) -> Result<Self, DoorRefusal> {
        let text = text.trim();
        let unreadable = || DoorRefusal::Duration { given: text.chars().take(40).collect() };
        if text.len() > 40 {
            return Err(unreadable());
        }
        let length: SignedDuration = text.parse().map_err(|_| unreadable())?;
        let life = Self(length);
        if life < Self::SHORTEST || life > Self::LONGEST {
            return Err(unreadable());
        }
        Ok(life)
    }
}

/// ISO 8601, as Azure writes durations.
impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a cluster says about its doors: `entranceProfile.breakGlass`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakGlass {
    /// How long a door may stay open, and does when nothing else is asked for.
    pub validity: Life,
    /// Whether another person has to agree.
    pub second_person: bool,
}

impl Default for BreakGlass {
    fn default() -> Self {
        Self { validity: Life::USUAL, second_person: false }
    }
}

impl BreakGlass {
    /// How long a door stays open that was asked for with these words.
    pub fn life(&self, asked: Option<&str>) -> Result<Life, DoorRefusal> {
        let Some(asked) = asked else { return Ok(self.validity) };
        let life: Life = asked.parse()?;
        if life > self.validity {
            return Err(DoorRefusal::TooLong { asked: life, allowed: self.validity });
        }
        Ok(life)
    }
}

const OF_AZ: &str = "az aks get-credentials --admin";
const REASON_MAX: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_in_both_spellings_and_written_in_one() {
        for (written, shown) in [("PT2H", "PT2H"), ("2h", "PT2H"), ("90m", "PT1H30M"), ("1h30m", "PT1H30M"), (" 24h ", "PT24H")] {
            assert_eq!(written.parse::<Life>().map(|life| life.to_string()), Ok(shown.to_owned()), "{written}");
        }
        for bad in ["", "0", "2", "-2h", "30s", "25h", "PT25H", "P1Y", "two hours", &"1".repeat(60)] {
            assert!(bad.parse::<Life>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_cluster_bounds_the_time_and_says_how_long_when_nobody_asks() {
        let house = BreakGlass { validity: "2h".parse().expect("a duration"), second_person: false };
        assert_eq!(house.life(None), Ok(house.validity));
        assert_eq!(house.life(Some("30m")).map(|life| life.to_string()), Ok("PT30M".to_owned()));
        let refused = house.life(Some("3h")).expect_err("too long");
        assert_eq!(refused.to_string(), "A door of this cluster stays open for PT2H at most; PT3H was asked for.");
    }

    #[test]
    fn a_reason_has_words_and_no_control_characters() {
        assert_eq!("  the pager rang ".parse::<Reason>().map(|r| r.to_string()), Ok("the pager rang".to_owned()));
        for bad in ["", "   ", "a\u{1b}[2J", "two\nlines", &"x".repeat(501)] {
            assert!(bad.parse::<Reason>().is_err(), "{bad:?}");
        }
    }
}
