//! Refresh tokens (S-220).

use entrance_model::signin::client::may_refresh;
use entrance_model::signin::refresh::{Ended, Origin, RefreshError, Use};
use entrance_model::signin::resource::of_scope;
use entrance_model::signin::{Aadsts, Endpoint};
use entrance_store::StoreError;
use entrance_store::authority::StoredRefreshToken;
use entrance_wire::oauth::token::Tokens;
use serde_json::json;

use super::{Request, asked};
use crate::authority::ctx::event;
use crate::authority::issue::{ForPerson, Lineage, for_person};
use crate::authority::refused::Refused;
use crate::authority::{secret, target};

/// Two processes may redeem one token in the same moment; the second one reads again.
const TRIES: u32 = 3;

/// Redeems a refresh token.
pub(super) async fn redeem(request: &Request<'_>) -> Result<Tokens, Refused> {
    let hash = secret::sha256(request.need("refresh_token")?);
    for _ in 0..TRIES {
        if let Some(tokens) = redeem_once(request, &hash).await? {
            return Ok(tokens);
        }
    }
    Err(Refused::from(Aadsts::DirectoryUnavailable).retry_after(1))
}

async fn redeem_once(request: &Request<'_>, hash: &str) -> Result<Option<Tokens>, Refused> {
    let Request { ctx, tenant, client, proof, .. } = request;
    let unknown = || Refused::from(Aadsts::InvalidRequestMalformed).error("invalid_grant").suberror("bad_token");
    let found = ctx.app.store.glance().await?.authority().refresh_token(hash).await?;
    let stored = found.filter(|stored| stored.tenant == tenant.id).ok_or_else(unknown)?;
    if stored.family.confidential && !proof.is_some() {
        return Err(Aadsts::ClientCredentialRequired.into());
    }
    if stored.family.origin == Origin::Spa && !request.is_page {
        return Err(Aadsts::SpaOnlyCrossOrigin.into());
    }
    let user = request.user(stored.family.by.user).await?;
    let now = ctx.now();
    let (after, how) = match stored.family.redeem(stored.token.state.clone(), client.app, &user, now) {
        Ok(redeemed) => redeemed,
        Err(RefreshError::Replayed) => return Err(replayed(request, &stored).await.of(user.id)),
        Err(error) => return Err(Refused::from(error.number()).of(user.id).because(error.to_string())),
    };
    let before = match ctx.endpoint {
        Endpoint::V2 => stored.family.scope.clone(),
        // A family that began on v2 keeps a scope; v1 wants its resource.
        Endpoint::V1 => asked(Endpoint::V2, Some(&stored.family.scope))
            .ok()
            .and_then(|asked| asked.single().ok().map(of_scope))
            .unwrap_or_default(),
    };
    let wanted = request.wanted(Some(&before))?;
    let resource = target::find(ctx, tenant, &of_scope(wanted.asked.single()?)).await?;
    if !may_refresh(client.app, resource.kind) {
        return Err(Refused::from(Aadsts::PreauthorizationRequired)
            .of(user.id)
            .because("this client's refresh tokens are for clusters only"));
    }
    let who = ForPerson {
        tenant,
        client,
        proof,
        user: &user,
        by: &stored.family.by,
        kind: "refresh_token",
        grant: stored.family.origin.into(),
    };
    let prepared = for_person(ctx, who, &wanted, Some(Lineage::Continues(stored.family_id))).await?;
    let mut tx = ctx.app.store.write().await?;
    if how == Use::First {
        match tx.authority().swap_refresh_token(hash, stored.token.version, &after).await {
            Ok(()) => {}
            Err(StoreError::Conflict) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
    proof.spend(&mut tx, now).await?;
    prepared.keep(&mut tx, now).await?;
    tx.commit().await?;
    Ok(Some(prepared.tokens))
}

/// A token that comes back after its time was copied: the whole family ends.
async fn replayed(request: &Request<'_>, stored: &StoredRefreshToken) -> Refused {
    let Request { ctx, tenant, client, .. } = request;
    let write = async {
        let mut tx = ctx.app.store.write().await?;
        tx.authority().end_family(tenant.id, stored.family_id, Ended::Replayed).await?;
        let detail = json!({ "client": client.app, "address": ctx.address() });
        let user = stored.family.by.user;
        tx.audit(ctx.now(), &event("refreshToken.replayed", tenant.id, Some(user.into()), stored.family_id.to_string(), detail))
            .await?;
        tx.commit().await
    };
    match write.await {
        Ok(()) => Refused::from(RefreshError::Replayed.number())
            .because("a refresh token that was used before came back; its family ended"),
        Err(error) => error.into(),
    }
}
