//! An ID token of ours that comes back as a hint about who is meant (`id_token_hint`), at the authorization endpoint (OIDC
//! Core §3.1.2.1) and at sign-out (S-120). It may have expired: a hint opens nothing.

use entrance_model::id::{SessionId, TenantId, UserId};
use serde::Deserialize;

use super::ctx::Ctx;

/// What is read from the token.
#[derive(Deserialize)]
pub(super) struct Hint {
    /// The client that it was made for.
    pub(super) aud: String,
    /// The tenant.
    pub(super) tid: TenantId,
    /// The person.
    pub(super) oid: UserId,
    /// The session.
    #[serde(default)]
    pub(super) sid: Option<SessionId>,
    iss: String,
    #[serde(default)]
    idtyp: Option<String>,
    #[serde(default)]
    preferred_username: Option<String>,
    #[serde(default)]
    unique_name: Option<String>,
}

impl Hint {
    /// Reads a hint; `None` where it is no ID token of ours.
    pub(super) fn read(ctx: &Ctx, token: &str) -> Option<Self> {
        let hint: Self = ctx.app.keys.verify_claims(token).ok()?;
        let is_ours = hint.iss == ctx.app.issuer_v2(hint.tid) || hint.iss == ctx.app.issuer_v1(hint.tid);
        // An access token is no ID token (S-406).
        (is_ours && hint.idtyp.is_none()).then_some(hint)
    }

    /// The name that the person signed in with.
    pub(super) fn name(&self) -> Option<&str> {
        self.preferred_username.as_deref().or(self.unique_name.as_deref())
    }
}
