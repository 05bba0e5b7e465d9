//! Codes that are typed once: for the first administrator of a new server, and for a person who sets a new password.
//!
//! Eighty random bits in letters that nobody confuses, in groups of four. Case, spaces and dashes do not matter when the
//! code is typed.

use std::str::FromStr;

/// A code in its one spelling. It has no `Debug`: whoever reads it can use it.
#[derive(PartialEq, Eq)]
pub struct OneTimeCode([u8; LENGTH]);

/// The text is no such code. What is wrong with it is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a one-time code: sixteen letters and digits, as in `ABCD-EFGH-JKLM-NPQR`")]
pub struct BadOneTimeCode;

const LENGTH: usize = 16;
/// Thirty-two letters and digits without `0`, `1`, `I` and `O`, so that a random byte picks each with the same chance.
const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

impl OneTimeCode {
    /// The code of sixteen random bytes.
    pub fn of(random: [u8; LENGTH]) -> Self {
        Self(random.map(|byte| LETTERS[usize::from(byte % 32)]))
    }

    /// The spelling that is hashed and compared.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("all letters are ASCII")
    }

    /// The spelling that people read, in groups.
    pub fn grouped(&self) -> String {
        let groups: Vec<&str> = self.0.chunks(4).map(|group| std::str::from_utf8(group).expect("ASCII")).collect();
        groups.join("-")
    }
}

impl FromStr for OneTimeCode {
    type Err = BadOneTimeCode;

    fn from_str(typed: &str) -> Result<Self, BadOneTimeCode> {
        if typed.len() > 64 {
            return Err(BadOneTimeCode);
        }
        let plain = typed.bytes().filter(|byte| !b" -\t\r\n".contains(byte)).map(|byte| byte.to_ascii_uppercase());
        let letters: Vec<u8> = plain.collect();
        let letters: [u8; LENGTH] = letters.try_into().map_err(|_| BadOneTimeCode)?;
        if letters.iter().all(|letter| LETTERS.contains(letter)) { Ok(Self(letters)) } else { Err(BadOneTimeCode) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed_and_in_no_other_letters() {
        let code = OneTimeCode::of([0, 1, 2, 3, 4, 5, 6, 7, 8, 31, 32, 33, 64, 255, 30, 29]);
        assert_eq!(code.grouped(), "ABCD-EFGH-J9AB-A987");
        for typed in ["ABCD-EFGH-J9AB-A987", " abcdefghj9aba987\n", "abcd efgh j9ab a987"] {
            assert!(typed.parse() == Ok(OneTimeCode(*b"ABCDEFGHJ9ABA987")), "{typed}");
        }
        for bad in ["", "ABCD", "ABCD-EFGH-J9AB-A980", "ABCD-EFGH-J9AB-A987-A", "ÄBCD-EFGH-J9AB-A987", &" ".repeat(100)] {
            assert!(bad.parse::<OneTimeCode>().is_err(), "{bad}");
        }
    }
}
