//! Authorization codes (S-210).

use entrance_model::signin::Aadsts;
use entrance_model::signin::code::{AuthorizationCode, CodeError, Gave, Redemption};
use entrance_model::signin::pkce::Verifier;
use entrance_model::signin::policy::GrantKind;
use entrance_model::signin::redirect::{Platform, registered};
use entrance_model::signin::refresh::{Ended, Origin};
use entrance_model::signin::revocation::Target;
use entrance_store::StoreError;
use entrance_store::authority::Revoke;
use entrance_wire::oauth::token::Tokens;
use serde_json::json;

use super::Request;
use crate::authority::ctx::event;
use crate::authority::issue::{ForPerson, Lineage, for_person};
use crate::authority::refused::Refused;
use crate::authority::secret;

/// Redeems a code.
pub(super) async fn redeem(request: &Request<'_>) -> Result<Tokens, Refused> {
    let Request { ctx, tenant, client, proof, .. } = request;
    let redirect = request.need("redirect_uri")?;
    let platform = registered(&client.redirects(ctx.app.base()), redirect);
    if platform == Some(Platform::Spa) && !request.is_page {
        return Err(Aadsts::SpaOnlyCrossOrigin.into());
    }
    let needs_proof = match platform {
        Some(Platform::Web) => true,
        Some(Platform::Spa | Platform::PublicClient) => false,
        None => !client.is_public(),
    };
    if needs_proof && !proof.is_some() {
        return Err(Aadsts::ClientCredentialRequired.into());
    }
    let hash = secret::sha256(request.need("code")?);
    let mut reader = ctx.app.store.read().await?;
    let found = reader.authority().code(&hash).await?;
    drop(reader);
    let stored = found.ok_or_else(|| Refused::from(Aadsts::InvalidRequestMalformed).error("invalid_grant"))?;
    let text = request.form.get("code_verifier");
    let s256 = text.map(secret::sha256).unwrap_or_default();
    let with =
        Redemption { tenant: tenant.id, app: client.app, redirect, verifier: text.map(|text| Verifier { text, s256: &s256 }) };
    let now = ctx.now();
    let (_, asked, by) = match stored.state.clone().redeem(with, Gave::default(), now) {
        Ok(redeemed) => redeemed,
        Err(CodeError::Redeemed(gave)) => return Err(replayed(request, gave).await),
        Err(error) => return Err(error.number().into()),
    };
    let mut wanted = request.wanted(Some(&asked.scope))?;
    wanted.nonce.clone_from(&asked.nonce);
    wanted.auth_time |= asked.auth_time || asked.max_age.is_some();
    wanted.client_info |= asked.client_info;
    let user = request.user(by.user).await?;
    let origin = if platform == Some(Platform::Spa) { Origin::Spa } else { Origin::Code };
    let lineage = request.lineage(&wanted, &by, origin, &asked.scope);
    let family = match &lineage {
        Some(Lineage::Begins(id, _)) => Some(*id),
        _ => None,
    };
    let who = ForPerson { tenant, client, proof, user: &user, by: &by, kind: "authorization_code", grant: GrantKind::Code };
    let prepared = for_person(ctx, who, &wanted, lineage).await?;
    // The redeemed code remembers what it gave, so that its second use can end that.
    let gave = Gave { family, token: Some(prepared.token_id().to_owned()) };
    let (after, ..) = stored.state.redeem(with, gave, now).map_err(|error| error.number())?;
    let mut tx = ctx.app.store.write().await?;
    match tx.authority().swap_code(&hash, stored.version, &after).await {
        Ok(()) => {}
        Err(StoreError::Conflict) => {
            drop(tx);
            return Err(replayed_now(request, &hash).await);
        }
        Err(error) => return Err(error.into()),
    }
    proof.spend(&mut tx, now).await?;
    prepared.keep(&mut tx, now).await?;
    tx.commit().await?;
    Ok(prepared.tokens)
}

/// Somebody else redeemed it in this very moment.
async fn replayed_now(request: &Request<'_>, hash: &str) -> Refused {
    let read = async {
        let mut reader = request.ctx.app.store.read().await?;
        reader.authority().code(hash).await
    };
    let gave = match read.await {
        Ok(Some(stored)) => match stored.state {
            AuthorizationCode::Redeemed { gave, .. } => gave,
            AuthorizationCode::Live { .. } => Gave::default(),
        },
        // The sign-in behind it was revoked.
        Ok(None) => return Aadsts::FreshTokenNeeded.into(),
        Err(error) => return error.into(),
    };
    replayed(request, gave).await
}

/// A code that comes back was stolen, from the thief or by them: what came from it ends.
async fn replayed(request: &Request<'_>, gave: Gave) -> Refused {
    let Request { ctx, tenant, client, .. } = request;
    let now = ctx.now();
    let write = async {
        let mut tx = ctx.app.store.write().await?;
        if let Some(family) = gave.family {
            tx.authority().end_family(tenant.id, family, Ended::CodeReplayed).await?;
        }
        if let Some(token) = gave.token.as_deref().and_then(|token| token.parse().ok()) {
            let target = Target::Token(token);
            let revoke = Revoke { target: &target, only: None, reason: "its authorization code came again", by: None, at: now };
            tx.authority().revoke(tenant.id, &revoke).await?;
        }
        let detail = json!({ "client": client.app, "address": ctx.address() });
        tx.audit(now, &event("code.replayed", tenant.id, None, client.app.to_string(), detail)).await?;
        tx.commit().await
    };
    match write.await {
        Ok(()) => Aadsts::OAuth2AuthorizationCodeRedeemed.into(),
        Err(error) => error.into(),
    }
}
