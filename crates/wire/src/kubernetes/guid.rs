//! A GUID as Kubernetes reads it: text, lower case, with hyphens.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The text is no GUID in the usual form with hyphens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a GUID such as `6dae42f8-4368-4678-94ff-3960e28e3630`")]
pub struct NotAGuid;

/// The id of a directory object, in the one spelling that bindings use.
///
/// ```
/// # use entrance_wire::kubernetes::Guid;
/// let id: Guid = "6DAE42F8-4368-4678-94FF-3960E28E3630".parse()?;
/// assert_eq!(id.as_str(), "6dae42f8-4368-4678-94ff-3960e28e3630");
/// assert_eq!(Guid::from_bytes(&[0x0f; 16]).as_str(), "0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f");
/// # Ok::<(), entrance_wire::kubernetes::NotAGuid>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid([u8; 36]);

impl Guid {
    /// The GUID with these bytes, the first one first.
    pub fn from_bytes(bytes: &[u8; 16]) -> Self {
        let mut text = [b'-'; 36];
        let mut at = 0;
        for (n, byte) in bytes.iter().enumerate() {
            if HYPHEN_BEFORE.contains(&n) {
                at += 1;
            }
            text[at] = DIGITS[usize::from(byte >> 4)];
            text[at + 1] = DIGITS[usize::from(byte & 0x0f)];
            at += 2;
        }
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        // Only hexadecimal digits and hyphens are ever put there; an id that is not even text would be nobody's.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Guid {
    type Err = NotAGuid;

    fn from_str(text: &str) -> Result<Self, NotAGuid> {
        let mut id = [0; 36];
        if text.len() != id.len() {
            return Err(NotAGuid);
        }
        for (n, (slot, byte)) in id.iter_mut().zip(text.bytes()).enumerate() {
            let fits = if HYPHENS.contains(&n) { byte == b'-' } else { byte.is_ascii_hexdigit() };
            if !fits {
                return Err(NotAGuid);
            }
            *slot = byte.to_ascii_lowercase();
        }
        Ok(Self(id))
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";
const HYPHENS: [usize; 4] = [8, 13, 18, 23];
const HYPHEN_BEFORE: [usize; 4] = [4, 6, 8, 10];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_form_with_hyphens_is_a_guid() {
        for text in [
            "",
            "system:masters",
            "{6dae42f8-4368-4678-94ff-3960e28e363}",
            "6dae42f8436846789 4ff3960e28e36301234",
            "6dae42f8-4368-4678-94ff-3960e28e363g",
        ] {
            assert_eq!(text.parse::<Guid>(), Err(NotAGuid), "{text}");
        }
    }

    #[test]
    fn bytes_and_text_are_the_same_guid() {
        let bytes = [0x6d, 0xae, 0x42, 0xf8, 0x43, 0x68, 0x46, 0x78, 0x94, 0xff, 0x39, 0x60, 0xe2, 0x8e, 0x36, 0x30];
        assert_eq!("6dae42f8-4368-4678-94ff-3960e28e3630".parse::<Guid>(), Ok(Guid::from_bytes(&bytes)));
    }
}
