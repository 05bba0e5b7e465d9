//! Sign-in from the caller's side: finding the token service, the grants, and a cache of tokens on disk that many processes share.
//!
//! Nothing here prints. What a person must see goes through [`Talk`], so that each program speaks in its own voice.

pub mod authority;
pub mod cache;
pub mod child;
mod clock;
mod error;
pub mod grant;
mod http;
pub mod key;
pub mod pop;
mod secret;
mod text;
mod watch;
pub mod why;

pub use error::{Kind, SignInError};
pub use http::{Http, Trust};
pub use secret::Secret;
pub use text::{printable, printable_json};
pub use watch::{Watcher, watch};

use jiff::Timestamp;

/// Says something to the person who signs in.
pub trait Talk: Sync {
    /// One message; it may have several lines and never holds a secret.
    fn say(&self, message: &str);

    /// Where somebody has to go to sign in; `message` says the same in words.
    fn invite(&self, message: &str, to: &Invitation<'_>) {
        let _ = to;
        self.say(message);
    }
}

/// Where somebody signs in, for programs that show it in their own way.
#[derive(Debug, Clone, Copy)]
pub struct Invitation<'a> {
    /// The page.
    pub address: &'a str,
    /// What has to be typed there.
    pub code: Option<&'a str>,
    /// How long that is good for, in seconds.
    pub good_for: u64,
}

/// What a grant gave.
pub struct SignedIn {
    /// The token for the resource.
    pub access_token: Secret,
    /// When it ends.
    pub expires: Timestamp,
    /// What gets the next one without a person.
    pub refresh_token: Option<Secret>,
    /// Who signed in, as far as the service told.
    pub user_name: Option<String>,
}
