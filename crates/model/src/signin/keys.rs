//! When a signing key is published, when it signs, and when it is taken away (S-810).
//!
//! Verifiers fetch the published keys once a day, so a key is published a day before it signs and stays for a day and the
//! life of a token after it signed last. A key that leaked is taken away at once, and the next one takes over.

use jiff::{SignedDuration, Timestamp};

/// How long a key is published before it signs, and at least after it signed last.
pub const NOTICE: SignedDuration = SignedDuration::from_hours(24);
/// How long a key signs.
pub const PERIOD: SignedDuration = SignedDuration::from_hours(24 * 90);
/// How long a key stays after it signed last: the notice, the longest token, and room for clocks that differ.
pub const AFTER: SignedDuration = SignedDuration::from_hours(24 + 2);

/// The times of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times {
    /// Its name, the `kid`.
    pub name: String,
    /// When it was made; it is published from then on.
    pub created: Timestamp,
    /// From when it may sign.
    pub starts: Timestamp,
    /// When it is taken away, where that is settled.
    pub ends: Option<Timestamp>,
}

/// What a key is at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is published and will sign later.
    Next,
    /// It signs.
    Signs,
    /// What it signed is still good.
    Verifies,
}

impl State {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Signs => "signs",
            Self::Verifies => "verifies",
        }
    }
}

/// What somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order<'a> {
    /// What the calendar says.
    Due,
    /// The next key signs as soon as verifiers had time to learn of it.
    Rotate,
    /// This key goes at once.
    Remove(&'a str),
}

/// A step towards the keys that should be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A new key, which signs from then on.
    Make {
        /// From when it signs.
        starts: Timestamp,
    },
    /// An existing key signs from then on.
    Begin {
        /// Which.
        name: String,
        /// From when.
        at: Timestamp,
    },
    /// A key goes at that time.
    End {
        /// Which.
        name: String,
        /// When.
        at: Timestamp,
    },
    /// A key goes now, with its private half.
    Forget {
        /// Which.
        name: String,
    },
}

/// The key that signs at a moment: the one that began last. Of those that began together the first by name.
pub fn signer(keys: &[Times], now: Timestamp) -> Option<&Times> {
    let begun = keys.iter().filter(|key| key.starts <= now && key.ends.is_none_or(|ends| now < ends));
    begun.max_by(|a, b| a.ends.is_none().cmp(&b.ends.is_none()).then(a.starts.cmp(&b.starts)).then(b.name.cmp(&a.name)))
}

/// What each key is at a moment; nothing for one that ended.
pub fn state(keys: &[Times], name: &str, now: Timestamp) -> Option<State> {
    let key = keys.iter().find(|key| key.name == name && key.ends.is_none_or(|ends| now < ends))?;
    Some(if key.starts > now {
        State::Next
    } else if signer(keys, now).is_some_and(|signer| signer.name == name) {
        State::Signs
    } else {
        State::Verifies
    })
}

/// The steps from the keys that are there to those that should be. Taking them and asking again leads to no further step.
pub fn plan(keys: &[Times], order: Order<'_>, now: Timestamp) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut keys = keys.to_vec();
    let removed = |key: &Times| matches!(order, Order::Remove(name) if name == key.name);
    keys.retain(|key| {
        let stays = !removed(key) && key.ends.is_none_or(|ends| now < ends);
        if !stays {
            steps.push(Step::Forget { name: key.name.clone() });
        }
        stays
    });
    let does_one_sign = keys.iter().any(|key| key.starts <= now && key.ends.is_none());
    let next = match next_of(&mut keys, now) {
        // Nothing signs: whoever is next takes over, whether or not everybody knows it yet.
        Some(next) if !does_one_sign => Some((next, now)),
        Some(next) if order == Order::Rotate => {
            let at = now.max(next.created + NOTICE).min(next.starts);
            Some((next, at))
        }
        _ => None,
    };
    if let Some((key, at)) = next
        && key.starts != at
    {
        key.starts = at;
        steps.push(Step::Begin { name: key.name.clone(), at });
    }
    let began = if let Some(signer) = signer(&keys, now).filter(|key| key.ends.is_none()) {
        signer.clone()
    } else {
        steps.push(Step::Make { starts: now });
        Times { name: String::new(), created: now, starts: now, ends: None }
    };
    for key in keys.iter().filter(|key| key.starts <= now && key.ends.is_none() && key.name != began.name) {
        steps.push(Step::End { name: key.name.clone(), at: now + AFTER });
    }
    if !keys.iter().any(|key| key.starts > now) {
        steps.push(Step::Make { starts: (began.starts + PERIOD).max(now + NOTICE) });
    }
    steps
}

fn next_of(keys: &mut [Times], now: Timestamp) -> Option<&mut Times> {
    keys.iter_mut().filter(|key| key.starts > now && key.ends.is_none()).min_by_key(|key| key.starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + n * 86_400).expect("a time")
    }

    /// Takes the steps; new keys are named by their number.
    fn take(keys: &mut Vec<Times>, order: Order<'_>, now: Timestamp, made: &mut u32) -> usize {
        let steps = plan(keys, order, now);
        for step in &steps {
            match step {
                Step::Make { starts } => {
                    *made += 1;
                    keys.push(Times { name: format!("k{made}"), created: now, starts: *starts, ends: None });
                }
                Step::Begin { name, at } => keys.iter_mut().filter(|key| key.name == *name).for_each(|key| key.starts = *at),
                Step::End { name, at } => keys.iter_mut().filter(|key| key.name == *name).for_each(|key| key.ends = Some(*at)),
                Step::Forget { name } => keys.retain(|key| key.name != *name),
            }
        }
        steps.len()
    }

    fn signs(keys: &[Times], now: Timestamp) -> &str {
        &signer(keys, now).expect("one signs").name
    }

    #[test]
    fn s_810_over_years_two_keys_or_more_are_published_and_each_a_day_before_it_signs() {
        let (mut keys, mut made) = (Vec::new(), 0);
        let mut before = String::new();
        for hour in 0..24 * 400 {
            let now = day(0) + SignedDuration::from_hours(hour);
            take(&mut keys, Order::Due, now, &mut made);
            assert_eq!(plan(&keys, Order::Due, now), [], "there is nothing left to do");
            assert!(keys.len() >= 2, "two are published");
            let signer = signer(&keys, now).expect("one signs");
            if !before.is_empty() && signer.name != before {
                assert!(now.duration_since(signer.created) >= NOTICE, "{} was published before", signer.name);
                let old = keys.iter().find(|key| key.name == before).expect("the one before is still published");
                assert!(old.ends.is_some_and(|ends| ends.duration_since(now) >= NOTICE + SignedDuration::from_hours(1)));
            }
            before.clone_from(&signer.name);
        }
        assert_eq!(made, 6, "a new one every 90 days, and one more");
        assert!(keys.len() <= 3);
    }

    #[test]
    fn s_810_a_rotation_waits_until_the_next_key_was_published_for_a_day() {
        let (mut keys, mut made) = (Vec::new(), 0);
        take(&mut keys, Order::Due, day(0), &mut made);
        let early = day(0) + SignedDuration::from_hours(1);
        take(&mut keys, Order::Rotate, early, &mut made);
        take(&mut keys, Order::Due, early, &mut made);
        assert_eq!(signs(&keys, early), "k1");
        take(&mut keys, Order::Due, day(1), &mut made);
        assert_eq!(signs(&keys, day(1)), "k2");
        assert_eq!(state(&keys, "k1", day(1)), Some(State::Verifies));
        assert_eq!(state(&keys, "k3", day(1)), Some(State::Next));
        // The next one is a day old, so a second rotation is at once.
        take(&mut keys, Order::Rotate, day(2), &mut made);
        assert_eq!(signs(&keys, day(2)), "k3");
    }

    #[test]
    fn s_810_a_key_that_leaked_goes_at_once_and_the_next_one_signs() {
        let (mut keys, mut made) = (Vec::new(), 0);
        take(&mut keys, Order::Due, day(0), &mut made);
        take(&mut keys, Order::Remove("k1"), day(0), &mut made);
        assert_eq!(state(&keys, "k1", day(0)), None);
        assert_eq!((signs(&keys, day(0)), keys.len()), ("k2", 2));
        take(&mut keys, Order::Remove("k3"), day(0), &mut made);
        assert_eq!((signs(&keys, day(0)), keys.len()), ("k2", 2), "the next one may have leaked, too");
        let before = keys.clone();
        assert_eq!(take(&mut keys, Order::Remove("unknown"), day(0), &mut made), 0);
        assert_eq!(keys, before);
    }

    #[test]
    fn s_810_keys_of_an_older_program_that_began_together_fall_into_the_calendar() {
        let key = |name: &str| Times { name: name.into(), created: day(0), starts: day(0), ends: None };
        let (mut keys, mut made) = (vec![key("b"), key("a")], 0);
        take(&mut keys, Order::Due, day(3), &mut made);
        assert_eq!(signs(&keys, day(3)), "a", "the one that signed before goes on");
        assert_eq!(state(&keys, "b", day(3)), Some(State::Verifies));
        assert_eq!(state(&keys, "k1", day(3)), Some(State::Next));
    }
}
