//! Sessions: a person signed in somewhere (S-805). A browser's session is over when it is idle for a day or a week old.

use jiff::{SignedDuration, Timestamp};

use super::{Method, SignIn};
use crate::directory::User;
use crate::id::{AppId, DeviceId, SessionId, UserId};

/// One person signed in in one browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserSession {
    /// Its id, the `sid` of tokens.
    pub id: SessionId,
    /// The person.
    pub user: UserId,
    /// When they proved who they are.
    pub at: Timestamp,
    /// How.
    pub how: Vec<Method>,
    /// When it was used last.
    pub seen: Timestamp,
    /// When a second factor or a passkey was shown last.
    pub strong: Option<Timestamp>,
    /// Its cookie outlives the browser's window.
    pub keep: bool,
}

const IDLE: SignedDuration = SignedDuration::from_hours(24);
const ABSOLUTE: SignedDuration = SignedDuration::from_hours(24 * 7);

impl BrowserSession {
    /// Whether it still counts for this person.
    pub fn is_live(&self, user: &User, now: Timestamp) -> bool {
        self.user == user.id
            && user.enabled
            && self.at >= user.sessions_valid_from
            && now.duration_since(self.seen) < IDLE
            && now.duration_since(self.at) < ABSOLUTE
    }

    /// The same session after one more proof: what was shown is added, and counts as a second factor.
    #[must_use]
    pub fn strengthened(mut self, by: &[Method], now: Timestamp) -> Self {
        for method in by.iter().copied().chain([Method::Mfa]) {
            if !self.how.contains(&method) {
                self.how.push(method);
            }
        }
        self.how.sort();
        self.strong = Some(now);
        self
    }

    /// The sign-in it stands for.
    pub fn sign_in(&self) -> SignIn {
        SignIn { user: self.user, at: self.at, how: self.how.clone(), session: self.id }
    }
}

/// Where a session lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// A browser, and the programs that were signed in through it.
    Browser,
    /// A program that showed a device code.
    DeviceCode,
    /// A program that sent a name and a password.
    Password,
}

impl Place {
    const ALL: [Self; 3] = [Self::Browser, Self::DeviceCode, Self::Password];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::DeviceCode => "deviceCode",
            Self::Password => "password",
        }
    }
}

/// The word names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no place of a session")]
pub struct BadPlace;

impl std::str::FromStr for Place {
    type Err = BadPlace;
    fn from_str(text: &str) -> Result<Self, BadPlace> {
        Self::ALL.into_iter().find(|place| place.as_str() == text).ok_or(BadPlace)
    }
}

/// A session as it is listed: what a person needs to know one from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id, the `sid` of tokens.
    pub id: SessionId,
    /// The person.
    pub user: UserId,
    /// Where it lives.
    pub place: Place,
    /// The device it lives on.
    pub device: DeviceId,
    /// The browser session that it was approved in; it ends with that one.
    pub parent: Option<SessionId>,
    /// The client that used it last.
    pub app: Option<AppId>,
    /// Where it began.
    pub address: String,
    /// What the browser or program called itself.
    pub agent: Option<String>,
    /// When it began.
    pub began: Timestamp,
    /// When it was used last.
    pub seen: Timestamp,
    /// From where.
    pub seen_from: String,
    /// When nothing of it can be used any more, if it is not used until then.
    pub until: Timestamp,
    /// When it was ended before that.
    pub ended: Option<Timestamp>,
}

impl Session {
    /// Whether anything of it may still be used. The refresh tokens of a device sign-in end after a day, its last token an
    /// hour later.
    pub fn is_live(&self, now: Timestamp) -> bool {
        let young = self.place != Place::DeviceCode || now.duration_since(self.began) < SignedDuration::from_hours(25);
        self.ended.is_none() && now < self.until && young
    }
}

/// How long a browser's session lasts unused.
pub const BROWSER_IDLE: SignedDuration = IDLE;
/// How long a browser's session lasts, however much it is used.
pub const BROWSER_LIFE: SignedDuration = ABSOLUTE;
