//! OAuth 2.0 and `OpenID` Connect from the server's side, in the dialect that Entra's clients speak.
//!
//! The v1 endpoints write numbers as text; the v2 endpoints write numbers.

pub mod client_info;
pub mod device;
pub mod discovery;
pub mod error;
pub mod form;
pub mod jws;
pub mod pop;
mod strict;
pub mod token;
