//! An application by itself (S-240).

use entrance_model::signin::{Aadsts, Endpoint};
use entrance_wire::oauth::token::Tokens;

use super::Request;
use crate::authority::client::Proof;
use crate::authority::issue::for_application;
use crate::authority::refused::Refused;
use crate::authority::target;

/// Gives an application its own token.
pub(super) async fn redeem(request: &Request<'_>) -> Result<Tokens, Refused> {
    let Request { ctx, place, tenant, client, proof, .. } = request;
    if let Some(shared) = place.shared {
        return Err(Refused::from(Aadsts::GrantNotOverCommon).about("tenant", shared));
    }
    if !proof.is_some() {
        let number = if client.is_built_in() { Aadsts::ClientCredentialMissing } else { Aadsts::ClientCredentialRequired };
        return Err(number.into());
    }
    let wanted = request.wanted(None)?;
    let asked = request.form.get(request.scope_name()).ok_or_else(|| Refused::missing(request.scope_name()))?;
    let spans = || Refused::from(Aadsts::InvalidScope).about("scope", asked);
    let part = wanted.asked.single().map_err(|_| spans())?;
    let default = part.filter(|part| part.default && part.identifier.is_some());
    let not_default = || Refused::from(Aadsts::ClientCredentialScopeNotDefault).about("scope", asked);
    let identifier = match (ctx.endpoint, default) {
        (Endpoint::V1, _) => asked,
        (Endpoint::V2, Some(part)) => part.identifier.as_deref().ok_or_else(not_default)?,
        (Endpoint::V2, None) => return Err(not_default()),
    };
    let resource = target::find(ctx, tenant, identifier).await?;
    let prepared = for_application(ctx, tenant, client, proof, &resource, &wanted).await?;
    if !matches!(proof, Proof::Assertion(Some(_))) {
        return prepared.hand_out(ctx).await;
    }
    let now = ctx.now();
    let mut tx = ctx.app.store.write().await?;
    proof.spend(&mut tx, now).await?;
    prepared.keep(&mut tx, now).await?;
    tx.commit().await?;
    Ok(prepared.tokens)
}
