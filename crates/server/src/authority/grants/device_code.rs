//! Device codes (S-230): a poll that finds an answer redeems it, once.

use entrance_model::signin::device::DeviceError;
use entrance_model::signin::policy::GrantKind;
use entrance_model::signin::refresh::Origin;
use entrance_store::StoreError;
use entrance_wire::oauth::token::Tokens;

use super::Request;
use crate::authority::issue::{ForPerson, for_person};
use crate::authority::refused::Refused;
use crate::authority::secret;

/// Answers a poll.
pub(super) async fn redeem(request: &Request<'_>) -> Result<Tokens, Refused> {
    let Request { ctx, tenant, client, proof, form, .. } = request;
    client.demand(proof)?;
    // The old endpoint calls it `code`; az sends it under both names.
    let code = form.get("device_code").or_else(|| form.get("code")).ok_or_else(|| Refused::missing("device_code"))?;
    let hash = secret::sha256(code);
    let now = ctx.now();
    let found = ctx.app.store.glance().await?.authority().device_grant(&hash).await?;
    let stored = found.ok_or_else(|| refused(request, DeviceError::Bad))?;
    let (after, asked, by) = match stored.state.redeem(client.app, now) {
        Ok(redeemed) => redeemed,
        Err(DeviceError::Pending) if ctx.app.authority.poll(&hash, now) => return Err(refused(request, DeviceError::SlowDown)),
        Err(error) => return Err(refused(request, error)),
    };
    if asked.tenant != tenant.id {
        return Err(refused(request, DeviceError::Bad));
    }
    // az sends no scope with its polls: what was asked in the beginning counts.
    let wanted = request.wanted(Some(&asked.scope))?;
    let user = request.user(by.user).await?;
    let lineage = request.lineage(&wanted, &by, Origin::Device, &asked.scope);
    let who = ForPerson { tenant, client, proof, user: &user, by: &by, kind: "device_code", grant: GrantKind::DeviceCode };
    let prepared = for_person(ctx, who, &wanted, lineage).await?;
    let mut tx = ctx.app.store.write().await?;
    match tx.authority().swap_device_grant(&hash, stored.version, &after).await {
        Ok(()) => {}
        Err(StoreError::Conflict) => return Err(refused(request, DeviceError::Bad)),
        Err(error) => return Err(error.into()),
    }
    // A poll that finds nothing uses nothing up: the client may go on with one assertion for as long as that lives.
    proof.spend(&mut tx, now).await?;
    prepared.keep(&mut tx, now).await?;
    tx.commit().await?;
    Ok(prepared.tokens)
}

fn refused(request: &Request<'_>, error: DeviceError) -> Refused {
    Refused::from(error.number()).error(error.error(request.ctx.endpoint))
}
