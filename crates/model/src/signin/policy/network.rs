//! Named locations: ranges of addresses with a name.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::LocationId;

/// A range of addresses with a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// Its id.
    pub id: LocationId,
    /// Its name.
    pub name: String,
    /// Whether policies count it among the trusted ones.
    pub is_trusted: bool,
    /// The ranges.
    pub ranges: Vec<IpRange>,
    /// When it was made.
    #[serde(with = "crate::signin::micros")]
    pub created: Timestamp,
    /// When it was changed last, in microseconds.
    pub modified: Option<i64>,
}

/// `192.0.2.0/24` or `2001:db8::/32`. Bits behind the prefix are kept as written and do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IpRange {
    address: IpAddr,
    prefix: u8,
}

/// The text is no range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a range of addresses is needed, such as `192.0.2.0/24` or `2001:db8::/32`, and not all addresses")]
pub struct BadRange;

impl IpRange {
    /// Whether it is of IPv4.
    pub const fn is_v4(&self) -> bool {
        self.address.is_ipv4()
    }

    /// Whether the address lies in it. An IPv4 address inside IPv6 is that IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(range), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.prefix);
                range.to_bits() >> shift == address.to_bits() >> shift
            }
            (IpAddr::V6(range), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.prefix);
                range.to_bits() >> shift == address.to_bits() >> shift
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for IpRange {
    type Err = BadRange;

    fn from_str(text: &str) -> Result<Self, BadRange> {
        let (address, prefix) = text.split_once('/').ok_or(BadRange)?;
        if prefix.is_empty() || prefix.len() > 3 || !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadRange);
        }
        let prefix: u8 = prefix.parse().map_err(|_| BadRange)?;
        let (address, longest) = match address.parse::<Ipv4Addr>() {
            Ok(v4) => (IpAddr::V4(v4), 32),
            Err(_) => (IpAddr::V6(address.parse::<Ipv6Addr>().map_err(|_| BadRange)?), 128),
        };
        // A prefix of zero would be everywhere: whoever means that says `All`.
        if prefix == 0 || prefix > longest { Err(BadRange) } else { Ok(Self { address, prefix }) }
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl TryFrom<String> for IpRange {
    type Error = BadRange;

    fn try_from(text: String) -> Result<Self, BadRange> {
        text.parse()
    }
}

impl From<IpRange> for String {
    fn from(range: IpRange) -> Self {
        range.to_string()
    }
}
