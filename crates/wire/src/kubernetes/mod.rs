//! What an API server asks a webhook, and what it is told (`authentication.k8s.io`).
//!
//! The answer cannot say more than a directory may: a [`KubernetesUser`] is named by a UPN or a GUID and is in groups that
//! are GUIDs. Names such as `system:masters` have no spelling here.

mod guid;
mod status;
mod token_review;
mod user;

pub use guid::{Guid, NotAGuid};
pub use status::Status;
pub use token_review::{Answer, BadReview, ReviewVersion, TokenReview};
pub use user::{KubernetesUser, NotAUserName, UserName};
