//! Sign-in from the caller's side: finding the token service, the grants, and a cache of tokens on disk that many processes share.
//!
//! Nothing here prints. What a person must see goes through [`Talk`], so that each program speaks in its own voice.

pub mod authority;
pub mod cache;
pub mod child;
mod error;
pub mod grant;
mod http;
pub mod pop;
mod secret;
mod text;
pub mod why;

pub use error::SignInError;
pub use http::{Http, Trust};
pub use secret::Secret;
pub use text::printable;

use jiff::Timestamp;

/// Says something to the person who signs in.
pub trait Talk: Sync {
    /// One message; it may have several lines and never holds a secret.
    fn say(&self, message: &str);
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
