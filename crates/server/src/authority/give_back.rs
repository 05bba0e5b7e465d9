//! `POST /{tenant}/oauth2/v2.0/revoke` (RFC 7009): a program that signs somebody out gives the refresh token back.
//!
//! Entra has no such endpoint; there a sign-out leaves the token good until it expires. Who holds a token may end it, as they may use it.

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use entrance_model::signin::Aadsts;
use entrance_model::signin::refresh::{Ended, Origin};
use entrance_model::signin::revocation::Target;
use entrance_store::authority::{Revoke, StoredRefreshToken};
use serde_json::json;

use super::client::{self, PARAMETERS, Proof};
use super::ctx::{Ctx, event};
use super::place::Place;
use super::refused::Refused;
use super::{secret, token_endpoint};

const KNOWN: [&str; 6] = [PARAMETERS[0], PARAMETERS[1], PARAMETERS[2], PARAMETERS[3], "token", "token_type_hint"];
const REASON: &str = "signed out by the program";

/// Answers a request to end a token.
pub(super) async fn post(ctx: &Ctx, segment: &str, headers: &HeaderMap, body: &[u8]) -> Response {
    match give_back(ctx, segment, headers, body).await {
        Ok(()) => (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response(),
        Err(refused) => refused.answer(&ctx.app, &ctx.info),
    }
}

/// §2.2: a token that does not exist is what the caller wanted, so it is no error.
async fn give_back(ctx: &Ctx, segment: &str, headers: &HeaderMap, body: &[u8]) -> Result<(), Refused> {
    let place = Place::find(&ctx.app, segment).await?;
    let form = token_endpoint::form(headers, body, &KNOWN)?;
    let hash = secret::sha256(form.get("token").ok_or_else(|| Refused::missing("token"))?);
    let mut reader = ctx.app.store.read().await?;
    let found = reader.authority().refresh_token(&hash).await?;
    let tenant = match (&found, place.tenant()) {
        (_, Ok(tenant)) => Arc::clone(tenant),
        (Some(stored), Err(refused)) => Arc::new(reader.directory().tenant(stored.tenant).await?.ok_or(refused)?),
        (None, Err(refused)) => return Err(refused),
    };
    drop(reader);
    let (client, proof) = client::authenticate(ctx, &tenant, &form, token_endpoint::basic(headers)?).await?;
    let Some(stored) = found.filter(|stored| stored.tenant == tenant.id) else { return Ok(()) };
    if stored.family.confidential && !proof.is_some() {
        return Err(Aadsts::ClientCredentialRequired.into());
    }
    // §2.1: another client's token is refused.
    if stored.family.app != client.app {
        return Err(Refused::from(Aadsts::InvalidGrant).because("the token was made for another application"));
    }
    end(ctx, &stored, &proof).await
}

/// A sign-in of the program's own ends with its access tokens; one that a browser's session stands behind only loses this program.
async fn end(ctx: &Ctx, stored: &StoredRefreshToken, proof: &Proof) -> Result<(), Refused> {
    let StoredRefreshToken { tenant, family_id, family, .. } = stored;
    if family.ended.is_some() {
        return Ok(());
    }
    let by = Some(family.by.user.into());
    let mut tx = ctx.app.store.write().await?;
    let at = ctx.now();
    proof.spend(&mut tx, at).await?;
    let mut ended = false;
    if matches!(family.origin, Origin::Device | Origin::Password) {
        let target = Target::Session(family.by.session);
        let revoke = Revoke { target: &target, only: None, reason: REASON, by, at };
        ended = tx.authority().revoke(*tenant, &revoke).await?.is_some();
    }
    if !ended {
        tx.authority().end_family(*tenant, *family_id, Ended::Revoked).await?;
    }
    let detail = json!({ "client": family.app, "session": family.by.session, "address": ctx.address() });
    tx.audit(at, &event("refreshToken.returned", *tenant, by, family_id.to_string(), detail)).await?;
    tx.commit().await?;
    Ok(())
}
