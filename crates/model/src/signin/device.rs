//! The device authorization grant (RFC 8628), in the dialect of Entra's endpoints (S-230).
//!
//! A person types a short code on a device with a keyboard; a device without one polls until they did.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Aadsts, Endpoint, SignIn, micros};
use crate::id::{AppId, TenantId};

/// How long a code lives.
pub const LIFE: SignedDuration = SignedDuration::from_mins(15);
/// What devices are told to wait between two polls, in seconds.
pub const INTERVAL: u32 = 5;

/// The letters and digits of a code: none that people confuse, no vowels that make words.
pub const ALPHABET: &[u8; 28] = b"BCDFGHJKLMNPQRSTVWXZ23456789";
/// How many of them make a code.
pub const CODE_LENGTH: usize = 9;

/// A code that a person types.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode([u8; CODE_LENGTH]);

/// The text is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a code: it has nine letters and digits")]
pub struct BadUserCode;

impl UserCode {
    /// Makes a code from random bytes; `None` when too many had to be dropped to keep all letters equally likely.
    pub fn from_random(bytes: &[u8]) -> Option<Self> {
        // 252 is the largest multiple of 28 that fits a byte.
        let mut letters = bytes.iter().filter(|byte| **byte < 252).map(|byte| ALPHABET[usize::from(byte % 28)]);
        let mut code = [0; CODE_LENGTH];
        for letter in &mut code {
            *letter = letters.next()?;
        }
        Some(Self(code))
    }

    /// The code as it is shown.
    ///
    /// # Panics
    ///
    /// Never: the alphabet is ASCII.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("the alphabet is ASCII")
    }
}

impl FromStr for UserCode {
    type Err = BadUserCode;

    fn from_str(typed: &str) -> Result<Self, BadUserCode> {
        let letters = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase());
        let mut code = [0; CODE_LENGTH];
        let mut count = 0;
        for letter in letters {
            let byte = u8::try_from(letter).ok().filter(|byte| ALPHABET.contains(byte)).ok_or(BadUserCode)?;
            *code.get_mut(count).ok_or(BadUserCode)? = byte;
            count += 1;
        }
        if count == CODE_LENGTH { Ok(Self(code)) } else { Err(BadUserCode) }
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(•••)")
    }
}

/// What a device asked for, and from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRequest {
    /// The tenant.
    pub tenant: TenantId,
    /// The client.
    pub app: AppId,
    /// The scope of a v2 request, the resource of a v1 request.
    pub scope: String,
    /// Which generation was asked.
    pub endpoint: Endpoint,
    /// The address the request came from.
    pub from: String,
    /// That address speaks for others: where the device is, is not known.
    #[serde(default)]
    pub relayed: bool,
    /// What the program calls itself.
    pub agent: String,
    /// When it was asked.
    #[serde(with = "micros")]
    pub asked: Timestamp,
    /// Until when it can be answered and redeemed.
    #[serde(with = "micros")]
    pub until: Timestamp,
}

/// A device sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum DeviceGrant {
    /// Nobody has answered yet.
    Waiting(DeviceRequest),
    /// A person said yes.
    Approved {
        /// What was asked.
        request: DeviceRequest,
        /// Who said yes.
        by: SignIn,
    },
    /// A person said no.
    Declined(DeviceRequest),
    /// The device has its tokens.
    Redeemed {
        /// When.
        #[serde(with = "micros")]
        at: Timestamp,
        /// For which client.
        app: AppId,
    },
}

/// Why a device gets nothing, or a person's answer does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Nobody has answered yet.
    #[error("the sign-in is not finished yet")]
    Pending,
    /// The device asks too fast.
    #[error("the device asks too fast")]
    SlowDown,
    /// A person said no.
    #[error("the person declined")]
    Declined,
    /// Too late.
    #[error("the code expired; ask for a new one")]
    Expired,
    /// Unknown, of another client, or redeemed before.
    #[error("the code is not valid")]
    Bad,
    /// It was answered before.
    #[error("the request was answered already")]
    Answered,
}

impl DeviceError {
    /// Its number.
    pub const fn number(self) -> Aadsts {
        match self {
            Self::Pending | Self::SlowDown => Aadsts::AuthorizationPending,
            Self::Declined => Aadsts::DeviceFlowDeclined,
            Self::Expired => Aadsts::CodeExpired,
            Self::Bad => Aadsts::BadVerificationCode,
            Self::Answered => Aadsts::InvalidDeviceFlowRequest,
        }
    }

    /// The OAuth error, which differs on the old endpoint (S-230).
    pub fn error(self, endpoint: Endpoint) -> &'static str {
        match (self, endpoint) {
            (Self::SlowDown, _) => "slow_down",
            (Self::Declined, Endpoint::V1) => "access_denied",
            (Self::Expired, Endpoint::V1) => "code_expired",
            _ => &self.number().entry().error,
        }
    }
}

impl DeviceGrant {
    /// The tenant that it was asked in; a grant that was redeemed does not know it any more.
    pub const fn tenant(&self) -> Option<crate::id::TenantId> {
        match self {
            Self::Waiting(request) | Self::Approved { request, .. } | Self::Declined(request) => Some(request.tenant),
            Self::Redeemed { .. } => None,
        }
    }

    /// The request, while it is open for a person's answer.
    pub fn open(&self, now: Timestamp) -> Result<&DeviceRequest, DeviceError> {
        match self {
            Self::Waiting(request) if now < request.until => Ok(request),
            Self::Waiting(_) => Err(DeviceError::Expired),
            Self::Approved { .. } | Self::Declined(_) | Self::Redeemed { .. } => Err(DeviceError::Answered),
        }
    }

    /// A person says yes.
    pub fn approve(self, by: SignIn, now: Timestamp) -> Result<Self, DeviceError> {
        self.open(now)?;
        match self {
            Self::Waiting(request) => Ok(Self::Approved { request, by }),
            Self::Approved { .. } | Self::Declined(_) | Self::Redeemed { .. } => Err(DeviceError::Answered),
        }
    }

    /// A person says no.
    pub fn decline(self, now: Timestamp) -> Result<Self, DeviceError> {
        self.open(now)?;
        match self {
            Self::Waiting(request) => Ok(Self::Declined(request)),
            Self::Approved { .. } | Self::Declined(_) | Self::Redeemed { .. } => Err(DeviceError::Answered),
        }
    }

    /// The device takes its tokens, once.
    pub fn redeem(self, client: AppId, now: Timestamp) -> Result<(Self, DeviceRequest, SignIn), DeviceError> {
        match self {
            Self::Waiting(request) | Self::Approved { request, .. } | Self::Declined(request) if request.app != client => {
                Err(DeviceError::Bad)
            }
            Self::Waiting(request) | Self::Approved { request, .. } | Self::Declined(request) if now >= request.until => {
                Err(DeviceError::Expired)
            }
            Self::Waiting(_) => Err(DeviceError::Pending),
            Self::Approved { request, by } => Ok((Self::Redeemed { at: now, app: client }, request, by)),
            Self::Declined(_) => Err(DeviceError::Declined),
            Self::Redeemed { .. } => Err(DeviceError::Bad),
        }
    }
}

/// How fast a device polls. Old clients end their sign-in at two `slow_down` in a row, and begin with a burst.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    polls: u32,
    last: Option<Timestamp>,
    slowed: bool,
}

const FREE_POLLS: u32 = 6;
const SHORTEST: SignedDuration = SignedDuration::from_secs(2);

impl Pace {
    /// Counts a poll; tells whether the device should be told to slow down.
    #[must_use]
    pub fn poll(self, now: Timestamp) -> (Self, bool) {
        let fast = self.last.is_some_and(|last| now.duration_since(last) < SHORTEST);
        let slow = self.polls >= FREE_POLLS && fast && !self.slowed;
        (Self { polls: self.polls.saturating_add(1), last: Some(now), slowed: slow }, slow)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::{SessionId, UserId};
    use crate::well_known;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).expect("a time")
    }

    fn waiting() -> DeviceGrant {
        DeviceGrant::Waiting(DeviceRequest {
            relayed: false,
            tenant: TenantId::from_uuid(Uuid::nil()),
            app: well_known::AZURE_CLI,
            scope: "openid".into(),
            endpoint: Endpoint::V2,
            from: "192.0.2.1".into(),
            agent: "az".into(),
            asked: at(0),
            until: at(900),
        })
    }

    fn alice() -> SignIn {
        SignIn {
            user: UserId::from_uuid(Uuid::max()),
            at: at(5),
            how: vec![super::super::Method::Pwd],
            session: SessionId::from_uuid(Uuid::max()),
        }
    }

    #[test]
    fn s_230_a_device_is_pending_until_a_person_says_yes_and_gets_tokens_once() {
        let grant = waiting();
        assert_eq!(grant.clone().redeem(well_known::AZURE_CLI, at(1)), Err(DeviceError::Pending));
        let grant = grant.approve(alice(), at(10)).expect("approves");
        let (grant, request, by) = grant.redeem(well_known::AZURE_CLI, at(11)).expect("redeems");
        assert_eq!((request.app, by), (well_known::AZURE_CLI, alice()));
        assert_eq!(grant.redeem(well_known::AZURE_CLI, at(12)), Err(DeviceError::Bad));
    }

    #[test]
    fn s_230_a_code_belongs_to_its_client() {
        let grant = waiting().approve(alice(), at(10)).expect("approves");
        assert_eq!(grant.redeem(well_known::AKS_CLIENT, at(11)), Err(DeviceError::Bad));
    }

    #[test]
    fn s_230_declined_and_expired_say_so_in_the_words_of_each_endpoint() {
        let grant = waiting().decline(at(10)).expect("declines");
        assert_eq!(grant.clone().approve(alice(), at(11)), Err(DeviceError::Answered));
        assert_eq!(grant.redeem(well_known::AZURE_CLI, at(11)), Err(DeviceError::Declined));
        assert_eq!(waiting().redeem(well_known::AZURE_CLI, at(900)), Err(DeviceError::Expired));
        assert_eq!(waiting().approve(alice(), at(900)), Err(DeviceError::Expired));
        assert_eq!(DeviceError::Declined.error(Endpoint::V1), "access_denied");
        assert_eq!(DeviceError::Expired.error(Endpoint::V1), "code_expired");
        assert_eq!(DeviceError::Declined.error(Endpoint::V2), "authorization_declined");
        assert_eq!(DeviceError::Expired.error(Endpoint::V2), "expired_token");
        assert_eq!(DeviceError::SlowDown.error(Endpoint::V2), "slow_down");
    }

    #[test]
    fn s_230_the_first_polls_are_free_and_slow_down_never_comes_twice_in_a_row() {
        let mut pace = Pace::default();
        let mut answers = Vec::new();
        for n in 0..12 {
            let (next, slow) = pace.poll(at(n));
            pace = next;
            answers.push(slow);
        }
        assert_eq!(answers, [false, false, false, false, false, false, true, false, true, false, true, false]);
        assert!(!pace.poll(at(20)).1, "a device that waits is never told to slow down");
    }

    #[test]
    fn s_230_codes_are_read_without_regard_to_case_spaces_and_dashes() {
        let code: UserCode = " bcd-fgh 234".parse().expect("a code");
        assert_eq!(code.as_str(), "BCDFGH234");
        for bad in ["", "BCDFGH23", "BCDFGH2345", "BCDFGHA23", "BCDFGH0AB", "ÄCDFGH234"] {
            assert_eq!(bad.parse::<UserCode>(), Err(BadUserCode), "{bad}");
        }
        assert_eq!(UserCode::from_random(&[255; 40]), None);
        assert_eq!(UserCode::from_random(&[0; 9]).expect("a code").as_str(), "BBBBBBBBB");
    }
}
