//! What the token service remembers: codes, device grants, refresh tokens, sessions, revocations, wrong tries, decisions.
//!
//! Everything that may be redeemed once is changed by compare-and-swap: the row must still have the version that was read.
//! Bearer values (codes, tokens, cookies) come in as their SHA-256.

mod assertions;
mod codes;
mod device;
mod flows;
pub(crate) mod grants;
mod identities;
mod issuers;
mod lockouts;
mod log;
mod log_search;
mod passes;
mod refresh;
mod revocations;
mod session_apps;
mod sessions;
mod signed_in;
mod sweep;

pub use lockouts::CLIENTS;
#[cfg(test)]
pub(crate) use log::INSERTS;
pub(crate) use log::keep_decisions;
pub use log::{Decision, DecisionRow, Judged};
pub use log_search::SignInSearch;
pub use refresh::StoredRefreshToken;
pub use revocations::{Revoke, Revoked};
pub use signed_in::Holder;

use sqlx::sqlite::SqliteQueryResult;

use crate::error::StoreError;
use crate::session::Scope;

/// The token service's tables.
pub struct Authority<'s, M>(pub(crate) Scope<'s, M>);

/// A stored state with the version that a change has to name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The state.
    pub state: T,
    /// Its version.
    pub version: i64,
}

/// A compare-and-swap changes exactly one row, or somebody else was first.
fn swapped(result: &SqliteQueryResult) -> Result<(), StoreError> {
    if result.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

/// Statements of the token service, for the test that prepares all.
#[cfg(test)]
pub(crate) fn all_statements() -> Vec<(&'static str, &'static str)> {
    [
        assertions::ALL,
        codes::ALL,
        device::ALL,
        flows::ALL,
        grants::ALL,
        identities::ALL,
        issuers::ALL,
        lockouts::ALL,
        log::ALL,
        log_search::ALL,
        passes::ALL,
        refresh::ALL,
        revocations::ALL,
        session_apps::ALL,
        sessions::ALL,
        signed_in::ALL,
        sweep::ALL,
    ]
    .concat()
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod revocation_tests;
