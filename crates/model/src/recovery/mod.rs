//! Recovery keys: who can open a sealed door together (DESIGN 5.2).
//!
//! A recovery key is a native key of the file encryption tool `age`, so it can be made, kept and used without Entrance, too.

pub mod bech32;
pub mod shares;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The public half of a recovery key, `age1…`: an X25519 public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecoveryKey([u8; 32]);

/// A text that is no recovery key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRecoveryKey {
    /// Somebody pasted the half that is to be kept.
    #[error("this is the secret half of a recovery key; keep it, and give the line that begins with `age1`")]
    Secret,
    /// Another kind of key, such as a plugin's.
    #[error("only native age keys can be used, and this is another kind")]
    Kind,
    /// A sign is missing or wrong.
    #[error("no age key: `entrance break-glass keygen` or `age-keygen` makes one, which begins with `age1` and has 62 signs")]
    Spelling,
}

impl RecoveryKey {
    /// The key with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this is a point at which every secret agrees to the same: such a key protects nothing.
    fn is_degenerate(&self) -> bool {
        // All points of small order, with the bit that is ignored cleared.
        let mut point = self.0;
        point[31] &= 0x7F;
        SMALL_ORDER.contains(&point)
    }
}

impl FromStr for RecoveryKey {
    type Err = BadRecoveryKey;

    fn from_str(text: &str) -> Result<Self, BadRecoveryKey> {
        let text = text.trim();
        if text.len() > 10 && text[..text.floor_char_boundary(16)].to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
            return Err(BadRecoveryKey::Secret);
        }
        let bytes = bech32::decode("age", text).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        match bytes.map(Self) {
            Some(key) if !key.is_degenerate() => Ok(key),
            None if text.starts_with("age1") && text[4..].contains('1') => Err(BadRecoveryKey::Kind),
            _ => Err(BadRecoveryKey::Spelling),
        }
    }
}

impl TryFrom<String> for RecoveryKey {
    type Error = BadRecoveryKey;
    fn try_from(text: String) -> Result<Self, BadRecoveryKey> {
        text.parse()
    }
}

impl From<RecoveryKey> for String {
    fn from(key: RecoveryKey) -> Self {
        key.to_string()
    }
}

impl fmt::Display for RecoveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bech32::encode("age", &self.0))
    }
}

/// Who can open together: `threshold` of the `keys`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The keys, in the order in which they were given; at least one, none of them twice.
    keys: Vec<RecoveryKey>,
    /// How many of them are needed.
    threshold: u8,
}

/// Why keys and a threshold do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRecovery {
    /// One of them is none.
    #[error("key {at} is {why}")]
    Key {
        /// Which one, from 1.
        at: usize,
        /// What is wrong with it.
        why: BadRecoveryKey,
    },
    /// The same twice would count twice.
    #[error("key {0} is there twice; each holder needs a key of their own")]
    Twice(usize),
    /// A number of keys that is too large.
    #[error("{0} keys are too many; at most 16 can be given")]
    TooMany(usize),
    /// Nobody said how many are needed.
    #[error("with {0} keys, say how many of them are needed")]
    ThresholdMissing(usize),
    /// It cannot be reached, or is reached by nobody.
    #[error("{threshold} of {keys} keys cannot be asked for; use 1 to {keys}")]
    Threshold {
        /// What was asked for.
        threshold: u64,
        /// How many there are.
        keys: usize,
    },
}

impl BadRecovery {
    /// The member of `breakGlass` that is wrong.
    pub const fn member(&self) -> &'static str {
        match self {
            Self::Key { .. } | Self::Twice(_) | Self::TooMany(_) => "recoveryKeys",
            Self::ThresholdMissing(_) | Self::Threshold { .. } => "threshold",
        }
    }
}

impl Recovery {
    /// No keys: no sealed door. One key needs no threshold.
    pub fn new(keys: &[&str], threshold: Option<u64>) -> Result<Option<Self>, BadRecovery> {
        if keys.is_empty() {
            return Ok(None);
        }
        if keys.len() > MOST {
            return Err(BadRecovery::TooMany(keys.len()));
        }
        let mut read: Vec<RecoveryKey> = Vec::with_capacity(keys.len());
        for (at, key) in keys.iter().enumerate() {
            let key = key.parse().map_err(|why| BadRecovery::Key { at: at + 1, why })?;
            if read.contains(&key) {
                return Err(BadRecovery::Twice(at + 1));
            }
            read.push(key);
        }
        let threshold = match threshold {
            Some(threshold) => threshold,
            None if read.len() == 1 => 1,
            None => return Err(BadRecovery::ThresholdMissing(read.len())),
        };
        match u8::try_from(threshold) {
            Ok(small) if (1..=read.len()).contains(&usize::from(small)) => Ok(Some(Self { keys: read, threshold: small })),
            _ => Err(BadRecovery::Threshold { threshold, keys: read.len() }),
        }
    }

    /// The keys.
    pub fn keys(&self) -> &[RecoveryKey] {
        &self.keys
    }

    /// How many of them are needed.
    pub fn threshold(&self) -> u8 {
        self.threshold
    }
}

const MOST: usize = 16;

/// The points of small order on Curve25519 and its twist, in their canonical and their other spellings.
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    one(1),
    [
        0xE0, 0xEB, 0x7A, 0x7C, 0x3B, 0x41, 0xB8, 0xAE, 0x16, 0x56, 0xE3, 0xFA, 0xF1, 0x9F, 0xC4, 0x6A, 0xDA, 0x09, 0x8D, 0xEB,
        0x9C, 0x32, 0xB1, 0xFD, 0x86, 0x62, 0x05, 0x16, 0x5F, 0x49, 0xB8, 0x00,
    ],
    [
        0x5F, 0x9C, 0x95, 0xBC, 0xA3, 0x50, 0x8C, 0x24, 0xB1, 0xD0, 0xB1, 0x55, 0x9C, 0x83, 0xEF, 0x5B, 0x04, 0x44, 0x5C, 0xC4,
        0x58, 0x1C, 0x8E, 0x86, 0xD8, 0x22, 0x4E, 0xDD, 0xD0, 0x9F, 0x11, 0x57,
    ],
    near_the_prime(0xEC),
    near_the_prime(0xED),
    near_the_prime(0xEE),
];

const fn one(value: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = value;
    bytes
}

const fn near_the_prime(lowest: u8) -> [u8; 32] {
    let mut bytes = [0xFF; 32];
    bytes[0] = lowest;
    bytes[31] = 0x7F;
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made by other people's programs.
    const BY_AGE: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

    fn key(n: u8) -> String {
        RecoveryKey::from_bytes([n; 32]).to_string()
    }

    fn refused(keys: &[&str], threshold: Option<u64>) -> String {
        Recovery::new(keys, threshold).expect_err("it cannot be").to_string()
    }

    #[test]
    fn a_key_is_read_and_written_as_age_writes_it() {
        let read: RecoveryKey = BY_AGE.parse().expect("a key of the age documentation");
        assert_eq!(read.to_string(), BY_AGE);
        assert_eq!(format!("  {BY_AGE}\n").parse(), Ok(read));
    }

    #[test]
    fn what_is_no_key_is_told_apart() {
        use BadRecoveryKey::{Kind, Secret, Spelling};
        let secret = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
        let plugin = "age1yubikey1q2w7u3vpya839jxxuq8g0sedh3d740d4xvn639sqhr95ejj8vu3hyfumptt";
        let cases =
            [(secret, Secret), (&secret.to_lowercase(), Secret), (plugin, Kind), ("ssh-ed25519 AAAA", Spelling), ("", Spelling)];
        for (text, why) in cases {
            assert_eq!(text.parse::<RecoveryKey>(), Err(why), "{text}");
        }
        let mut typo = BY_AGE.to_owned();
        typo.replace_range(20..21, "q");
        assert_eq!(typo.parse::<RecoveryKey>(), Err(Spelling));
        for point in SMALL_ORDER {
            let text = RecoveryKey::from_bytes(point).to_string();
            assert_eq!(text.parse::<RecoveryKey>(), Err(Spelling), "{text} would protect nothing");
        }
    }

    #[test]
    fn keys_and_threshold_have_to_go_together() {
        let (a, b) = (key(1), key(2));
        assert_eq!(Recovery::new(&[], Some(2)), Ok(None));
        assert_eq!(Recovery::new(&[&a], None).expect("fine").expect("a key").threshold(), 1);
        assert_eq!(Recovery::new(&[&a, &b], Some(2)).expect("fine").expect("keys").threshold(), 2);
        assert_eq!(refused(&[&a, &b], None), "with 2 keys, say how many of them are needed");
        assert_eq!(refused(&[&a, &b], Some(3)), "3 of 2 keys cannot be asked for; use 1 to 2");
        assert_eq!(refused(&[&a, &b], Some(0)), "0 of 2 keys cannot be asked for; use 1 to 2");
        assert_eq!(refused(&[&a, &b, &a], Some(2)), "key 3 is there twice; each holder needs a key of their own");
        let many: Vec<String> = (1..=17).map(key).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(refused(&many, Some(1)), "17 keys are too many; at most 16 can be given");
    }
}
