//! Giving a refresh token back (RFC 7009), so that nobody can use a copy of it.

use crate::authority::Authority;
use crate::{Http, Secret, SignInError};

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The service does not take it any more.
    Revoked,
    /// The service has no such place.
    NotOffered,
}

/// Gives a refresh token back to the service that made it.
pub async fn revoke(http: &Http, authority: &Authority, client: &str, refresh_token: &Secret) -> Result<Outcome, SignInError> {
    let Some(place) = authority.revocation(http).await? else { return Ok(Outcome::NotOffered) };
    let form = [("token", refresh_token.expose()), ("token_type_hint", "refresh_token"), ("client_id", client)];
    http.post_quietly(&place, &form).await?;
    Ok(Outcome::Revoked)
}
