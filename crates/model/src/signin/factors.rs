//! Second factors as they are listed and typed (S-802): what is told of each, and how a typed code is read.

use std::str::FromStr;

use jiff::Timestamp;

use crate::id::{MethodId, UserId};

/// What kind of factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A passkey.
    Passkey,
    /// An authenticator app that shows a new code every half minute.
    Totp,
}

impl Kind {
    /// Its word, for the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
            Self::Totp => "totp",
        }
    }
}

/// One second factor, as its owner and an administrator see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factor {
    /// Its id.
    pub id: MethodId,
    /// Whose it is.
    pub user: UserId,
    /// What kind.
    pub kind: Kind,
    /// What its owner calls it.
    pub name: String,
    /// When it was set up.
    pub created: Timestamp,
    /// When it was used last.
    pub used: Option<Timestamp>,
    /// When it was refused because a copy of it may exist.
    pub alarmed: Option<Timestamp>,
}

/// The six digits of an authenticator app. People type them with spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TotpCode(u32);

/// The text is no code of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such code")]
pub struct BadCode;

/// Longer input is not looked at.
const LONGEST_TYPED: usize = 64;

impl FromStr for TotpCode {
    type Err = BadCode;
    fn from_str(typed: &str) -> Result<Self, BadCode> {
        if typed.len() > LONGEST_TYPED {
            return Err(BadCode);
        }
        let digits: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(BadCode);
        }
        digits.parse().map(Self).map_err(|_| BadCode)
    }
}

impl TotpCode {
    /// As the authenticator app shows it.
    pub fn digits(self) -> String {
        format!("{:06}", self.0)
    }
}

/// A recovery code: sixteen letters and digits that nobody mixes up, worth 76 random bits; shown in fours.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(String);

/// How many are made at once.
pub const RECOVERY_CODES: usize = 10;
/// Random bytes for one code. Each gives one character.
pub const RECOVERY_BYTES: usize = 48;

const ALPHABET: &[u8; 28] = b"23456789BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 16;

impl RecoveryCode {
    /// A code from random bytes; a byte that would prefer some letters is skipped. `None` where too few are left, which
    /// random bytes practically never cause.
    pub fn from_random(bytes: &[u8; RECOVERY_BYTES]) -> Option<Self> {
        let fair = (256 / ALPHABET.len() * ALPHABET.len()) as u64;
        let letters = bytes.iter().filter(|byte| u64::from(**byte) < fair);
        let code: String = letters.take(LENGTH).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect();
        (code.len() == LENGTH).then_some(Self(code))
    }

    /// The letters without dashes: what is hashed.
    pub fn letters(&self) -> &str {
        &self.0
    }

    /// As it is shown: four groups of four.
    pub fn shown(&self) -> String {
        let groups: Vec<&str> = (0..LENGTH).step_by(4).map(|at| &self.0[at..at + 4]).collect();
        groups.join("-")
    }
}

impl FromStr for RecoveryCode {
    type Err = BadCode;
    fn from_str(typed: &str) -> Result<Self, BadCode> {
        if typed.len() > LONGEST_TYPED {
            return Err(BadCode);
        }
        let letters = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase());
        let code: String = letters.collect();
        let known = |b: u8| ALPHABET.contains(&b);
        if code.len() == LENGTH && code.bytes().all(known) { Ok(Self(code)) } else { Err(BadCode) }
    }
}

/// The name of a passkey, as its owner writes it: one line, neither empty nor long.
pub fn passkey_name(typed: &str) -> Option<String> {
    let name = typed.trim();
    let fits = !name.is_empty() && name.chars().count() <= 60 && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn w_044_a_code_of_an_app_may_be_pasted_with_spaces() {
        for typed in ["012345", " 012 345 ", "012-345", "01 23 45"] {
            assert_eq!(typed.parse::<TotpCode>().map(TotpCode::digits).as_deref(), Ok("012345"), "{typed}");
        }
        for typed in ["", "12345", "1234567", "12345a", "٠١٢٣٤٥", "+12345", &"1".repeat(100)] {
            assert_eq!(typed.parse::<TotpCode>(), Err(BadCode), "{typed}");
        }
    }

    #[test]
    fn s_802_a_recovery_code_holds_76_random_bits() {
        let bits = f64::from(u32::try_from(LENGTH).expect("small")) * f64::from(28_u32).log2();
        assert!(bits > 76.0, "{bits}");
        assert!(RecoveryCode::from_random(&[255; RECOVERY_BYTES]).is_none(), "an unfair byte is no letter");
        let code = RecoveryCode::from_random(&[0; RECOVERY_BYTES]).expect("a code");
        assert_eq!(code.shown(), "2222-2222-2222-2222");
    }

    #[test]
    fn w_4_12_a_passkey_has_a_name_of_one_line() {
        assert_eq!(passkey_name("  my key "), Some("my key".into()));
        for bad in ["", "  ", "a\nb", &"x".repeat(61)] {
            assert_eq!(passkey_name(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn s_802_a_shown_recovery_code_is_read_back(bytes in proptest::collection::vec(any::<u8>(), RECOVERY_BYTES)) {
            let bytes: [u8; RECOVERY_BYTES] = bytes.try_into().expect("the length fits");
            if let Some(code) = RecoveryCode::from_random(&bytes) {
                prop_assert_eq!(code.shown().parse::<RecoveryCode>().map(|code| code.0), Ok(code.0.clone()));
                prop_assert_eq!(code.shown().to_lowercase().replace('-', " ").parse::<RecoveryCode>().map(|code| code.0), Ok(code.0));
            }
        }

        #[test]
        fn w_044_no_typed_text_is_a_panic(typed in ".{0,80}") {
            let _ = (typed.parse::<TotpCode>(), typed.parse::<RecoveryCode>(), passkey_name(&typed));
        }
    }
}
