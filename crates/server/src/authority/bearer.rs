//! Who calls our own APIs: the bearer token of a request, checked against the directory as it is now.

use axum::http::{HeaderMap, header};
use entrance_model::Timestamp;
use entrance_model::id::PrincipalId;
use entrance_model::signin::client::opens_directory_with_arm;
use entrance_model::signin::resource::{Identifier, identify};
use entrance_model::well_known;
use entrance_store::StoreError;

use super::keys::{TokenError, Verified};
use super::token::{AccessToken, IdentityType};
use crate::app::App;

/// Which API is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// The directory.
    Graph,
    /// The resource manager.
    Arm,
}

/// Why the caller is unknown. Each API says it in its own shape.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BearerError {
    /// No `Authorization: Bearer`.
    #[error("no bearer token came with the request")]
    Missing,
    /// Not a token of ours.
    #[error("the token was not issued by this server")]
    Foreign,
    /// Past its end.
    #[error("the token ended at {0}")]
    Expired(Timestamp),
    /// Meant for another API.
    #[error("the token is meant for `{0}`")]
    Audience(String),
    /// The person or application is gone, disabled, or signed out everywhere since. The flag tells whether the client
    /// can answer a claims challenge.
    #[error("the token was revoked")]
    Revoked {
        /// Send a claims challenge, the client gets a new token then.
        challenge: bool,
        /// A token from now on is younger than what ended this one.
        now: Timestamp,
    },
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Checks the bearer token of a request for one of our APIs.
pub async fn check(app: &App, headers: &HeaderMap, api: Api) -> Result<Verified<AccessToken>, BearerError> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or(BearerError::Missing)?;
    let (scheme, token) = value.split_once(' ').ok_or(BearerError::Missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(BearerError::Missing);
    }
    let token = app.keys.verify(token.trim(), app.now()).map_err(|error| match error {
        TokenError::Expired(at) => BearerError::Expired(at),
        TokenError::NotYet | TokenError::Malformed | TokenError::Signature => BearerError::Foreign,
    })?;
    if token.iss != app.issuer_v1(token.tid) && token.iss != app.issuer_v2(token.tid) {
        return Err(BearerError::Foreign);
    }
    // A proof-of-possession token is worthless without its proof (S-431).
    if token.cnf.is_some() {
        return Err(BearerError::Foreign);
    }
    let meant = |api| identify(&token.aud, app.base()) == Identifier::App(api);
    let fits = match api {
        Api::Graph => {
            meant(well_known::GRAPH)
                || (meant(well_known::ARM) && token.idtyp == IdentityType::User && opens_directory_with_arm(token.app_id))
        }
        Api::Arm => meant(well_known::ARM),
    };
    if !fits {
        return Err(BearerError::Audience(token.aud.clone()));
    }
    if is_revoked(app, &token).await? {
        return Err(BearerError::Revoked { challenge: token.can_answer_challenge(), now: app.now() });
    }
    Ok(token)
}

async fn is_revoked(app: &App, token: &AccessToken) -> Result<bool, StoreError> {
    let mut reader = app.store.read().await?;
    if reader.authority().revoked(token.tid, &token.issued()).await?.is_some() {
        return Ok(true);
    }
    let mut directory = reader.directory();
    let subject: PrincipalId = token.oid;
    Ok(match token.idtyp {
        IdentityType::User => directory
            .user(token.tid, subject.as_user())
            .await?
            .is_none_or(|user| !user.enabled || token.iat < user.sessions_valid_from.as_second()),
        IdentityType::App => directory
            .service_principal(token.tid, subject.as_service_principal())
            .await?
            .is_none_or(|principal| !principal.enabled || principal.app_id != token.app_id),
    })
}
