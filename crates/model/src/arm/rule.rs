//! What every refusal of the resource manager tells besides its text.

use std::error::Error;

/// A refusal that follows a numbered rule.
///
/// People and tests look rules up by number, clients branch on the code, and editors jump to the target.
pub trait Ruled: Error {
    /// The rule's number, such as `R-101`.
    fn rule(&self) -> &'static str;
    /// The HTTP status.
    fn status(&self) -> u16;
    /// The code that clients branch on.
    fn code(&self) -> &'static str;
    /// The member or parameter that is to blame, as a path without `properties.`.
    fn target(&self) -> Option<String> {
        None
    }
}

/// Any refusal, once it does not matter any more which decision made it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// The rule's number.
    pub rule: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The code that clients branch on.
    pub code: &'static str,
    /// What was wrong and what would be right.
    pub message: String,
    /// The member or parameter that is to blame.
    pub target: Option<String>,
}

impl Refused {
    /// What a ruled error tells, without its type.
    pub fn of(error: &impl Ruled) -> Self {
        Self {
            rule: error.rule(),
            status: error.status(),
            code: error.code(),
            message: error.to_string(),
            target: error.target(),
        }
    }
}
