//! A browser's session (S-805): idle for a day or a week old, it is over.

use jiff::{SignedDuration, Timestamp};

use super::{Method, SignIn};
use crate::directory::User;
use crate::id::{SessionId, UserId};

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

    /// The sign-in it stands for.
    pub fn sign_in(&self) -> SignIn {
        SignIn { user: self.user, at: self.at, how: self.how.clone(), session: self.id }
    }
}
