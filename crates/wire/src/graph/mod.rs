//! Microsoft Graph's shapes: entities and their properties, query options, filters, references and errors.
//!
//! Nothing here knows the directory; the server turns its objects into these shapes and back.

pub mod body;
pub mod entity;
pub mod error;
pub mod filter;
pub mod path;
pub mod query;
pub mod reference;
pub mod tables;

use serde_json::{Map, Value};

/// The version of the API in the path. Both serve the same (G-001).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `/v1.0`
    V1,
    /// `/beta`
    Beta,
}

impl Version {
    /// The path segment.
    pub const fn segment(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::Beta => "beta",
        }
    }
}

/// `@odata.context` of an answer.
pub fn context(base: &str, version: Version, fragment: &str) -> String {
    format!("{base}/{}/$metadata#{fragment}", version.segment())
}

/// A JSON object as Graph answers it.
pub type Object = Map<String, Value>;
