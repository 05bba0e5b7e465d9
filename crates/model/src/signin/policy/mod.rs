//! Sign-in policies (S-803): who, which application, from where and how, and what follows: nothing at all, a second factor,
//! a passkey, a fresh sign-in.
//!
//! They are asked at every issuance, so a policy reaches refresh tokens that are older than it. Refusing wins over every
//! demand, and demands add up. A policy that only reports changes nothing but the log.

mod decide;
mod guard;
mod network;
mod rules;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use decide::{Applied, Effect, Unmet, Verdict, decide};
pub use guard::{Administrator, LocksEverybodyOut, guard, spares_nobody};
pub use network::{BadRange, IpRange, Location};
pub use rules::{DeviceRule, PasswordRule, RuleBreach, SignInRules};

use super::Method;
use super::network::Nearness;
use super::refresh::Origin;
use crate::id::{AppId, GroupId, LocationId, PolicyId, ServicePrincipalId, UserId};

/// One policy of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Its id.
    pub id: PolicyId,
    /// Its name, which refusals and the log tell.
    pub name: String,
    /// Whether it counts.
    pub state: State,
    /// Whom it is about.
    pub who: Who,
    /// What they ask for.
    pub applications: Applications,
    /// Which kinds of programs; none named: all.
    pub clients: Vec<ClientKind>,
    /// From where; `None`: from anywhere.
    pub places: Option<Places>,
    /// Only sign-ins by device code.
    pub device_code: Option<DeviceCode>,
    /// What follows.
    pub control: Control,
    /// How old a sign-in may be.
    pub frequency: Option<Frequency>,
    /// When it was made.
    #[serde(with = "super::micros")]
    pub created: Timestamp,
    /// When it was changed last, in microseconds.
    pub modified: Option<i64>,
}

/// Whether a policy counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// It counts.
    Enabled,
    /// It does not.
    Disabled,
    /// It is judged and logged, and changes nothing.
    ReportOnly,
}

/// Whom a policy is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Who {
    /// People; an excluded person is never meant.
    People {
        /// These.
        include: People,
        /// But not these.
        exclude: People,
    },
    /// Applications by themselves.
    Applications {
        /// These.
        include: Principals,
        /// But not these.
        exclude: Vec<ServicePrincipalId>,
    },
}

/// A set of people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct People {
    /// Everybody.
    pub all: bool,
    /// Those who were invited.
    pub guests: bool,
    /// Those who administer the directory.
    pub administrators: bool,
    /// These.
    pub users: Vec<UserId>,
    /// Whoever is in one of these groups, also through other groups.
    pub groups: Vec<GroupId>,
}

/// A set of applications that ask for themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Principals {
    /// Every one of the tenant.
    All,
    /// These.
    These(Vec<ServicePrincipalId>),
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Applications {
    /// Whatever it is.
    pub all: bool,
    /// These: as the resource, or as the program that asks.
    pub include: Vec<AppId>,
    /// But not these resources. A program is not excluded by its id: anybody can send that.
    pub exclude: Vec<AppId>,
}

/// Kinds of programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClientKind {
    /// Web and single-page applications.
    Browser,
    /// Programs on somebody's machine, device codes among them.
    Native,
    /// Programs that send a name and a password.
    Other,
    /// Exchange `ActiveSync`. There is none here, so it never matches; policies from elsewhere name it.
    ActiveSync,
}

/// Where a request comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Places {
    /// From here.
    pub include: PlaceSet,
    /// But not from here.
    pub exclude: PlaceSet,
}

/// A set of networks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PlaceSet {
    /// Anywhere.
    pub all: bool,
    /// Every named location that is marked as trusted.
    pub trusted: bool,
    /// These named locations.
    pub named: Vec<LocationId>,
}

/// Which sign-ins by device code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeviceCode {
    /// All.
    Any,
    /// Those whose browser is not in the network that the code was asked from (W-111).
    OtherNetwork,
}

/// What follows from a policy that meets a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Control {
    /// No token.
    Block,
    /// A second factor.
    SecondFactor,
    /// A passkey.
    Passkey,
    /// Only what the rest of the policy says.
    Nothing,
}

/// How old a sign-in may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Frequency {
    /// So many hours.
    Hours(u16),
    /// So many days.
    Days(u16),
    /// As fresh as pages allow: five minutes.
    EveryTime,
}

impl Frequency {
    /// As a length of time.
    pub fn within(self) -> SignedDuration {
        match self {
            Self::Hours(hours) => SignedDuration::from_hours(hours.into()),
            Self::Days(days) => SignedDuration::from_hours(24 * i64::from(days)),
            Self::EveryTime => SignedDuration::from_mins(5),
        }
    }
}

/// How a token is come by. A refresh token counts as the grant that it descends from: a way in that is closed later is
/// closed for those who came in by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GrantKind {
    /// An authorization code, or a page on the way to one.
    Code,
    /// A device code.
    DeviceCode,
    /// A name and a password sent by a program.
    Password,
    /// On behalf of somebody.
    OnBehalfOf,
    /// An application by itself.
    ClientCredentials,
}

impl From<Origin> for GrantKind {
    fn from(origin: Origin) -> Self {
        // An origin that is added has to be thought about here.
        match origin {
            Origin::Code | Origin::Spa => Self::Code,
            Origin::Device => Self::DeviceCode,
            Origin::Password => Self::Password,
            Origin::OnBehalfOf => Self::OnBehalfOf,
        }
    }
}

/// Who asks for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// A person.
    Person {
        /// Their object id.
        id: UserId,
        /// Every group they are in, also through others, sorted.
        groups: &'a [GroupId],
        /// They administer the directory.
        is_administrator: bool,
        /// They were invited.
        is_guest: bool,
    },
    /// An application by itself.
    Application(ServicePrincipalId),
}

/// What a policy is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Who.
    pub subject: Subject<'a>,
    /// The program.
    pub client: AppId,
    /// Whether it holds no credential.
    pub is_public: bool,
    /// What it asks for, under every id that policies may know it by.
    pub resources: &'a [AppId],
    /// What its token opens besides. A policy about that is met, and one that excludes only what is asked for is not escaped.
    pub besides: &'a [AppId],
    /// How.
    pub grant: GrantKind,
    /// From where.
    pub address: std::net::IpAddr,
    /// At the moment of a device's approval: whether the browser is near the device. Afterwards that is settled.
    pub nearness: Option<Nearness>,
}

/// What has to be shown for a token; demands of several policies add up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Demands {
    /// A second factor.
    pub second_factor: bool,
    /// A passkey.
    pub passkey: bool,
    /// A sign-in that is not older.
    pub fresh_within: Option<SignedDuration>,
}

impl Demands {
    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let shorter = |a: SignedDuration, b: SignedDuration| a.min(b);
        let fresh_within = match (self.fresh_within, other.fresh_within) {
            (Some(a), Some(b)) => Some(shorter(a, b)),
            (a, b) => a.or(b),
        };
        Self { second_factor: self.second_factor || other.second_factor, passkey: self.passkey || other.passkey, fresh_within }
    }

    /// Whether nothing is demanded.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// What a sign-in lacks.
    pub fn unmet(&self, how: &[Method], at: Timestamp, now: Timestamp) -> Option<Unmet> {
        // A passkey is asked with user verification: possession and a gesture or PIN, two factors in one.
        let passkey = how.contains(&Method::Fido);
        if self.passkey && !passkey {
            return Some(Unmet::Passkey);
        }
        if self.second_factor && !passkey && !how.contains(&Method::Mfa) {
            return Some(Unmet::SecondFactor);
        }
        if self.fresh_within.is_some_and(|within| now.duration_since(at) >= within) {
            return Some(Unmet::Fresh);
        }
        None
    }
}
