//! Second factors (S-802): what a person shows beside their password, or instead of it.
//!
//! Everything that may be used once is used up in the store before it counts. Wrong tries have a counter of their own, so
//! that who found out a password has five guesses and not a million.

pub(crate) mod passkeys;
pub(crate) mod recovery;
pub(crate) mod totp;

use entrance_model::Timestamp;
use entrance_model::directory::{Tenant, User};
use entrance_model::id::{MethodId, PrincipalId, TenantId, UserId};
use entrance_model::signin::factors::Kind;
use entrance_model::signin::{Aadsts, Method, SignIn};
use entrance_store::{StoreError, Tx};
use serde_json::json;

use super::ctx::{Ctx, event};
use super::memory;
use super::refused::Refused;

/// Whoever has a second factor is signed in with it or not at all, whatever the policies say; also where no page asks
/// (S-250), and for refresh tokens from before it was set up.
pub(crate) async fn demanded(ctx: &Ctx, tenant: &Tenant, user: &User, by: &SignIn) -> Result<(), Refused> {
    if by.how.contains(&Method::Mfa) || !memory::has_factor(ctx, tenant, user.id).await? {
        return Ok(());
    }
    Err(Refused::from(Aadsts::UserStrongAuthClientAuthNRequired)
        .of(user.id)
        .because("the person has a second factor and did not show it"))
}

/// Tells that a person got a second factor.
pub(crate) async fn told_added(
    ctx: &Ctx,
    tx: &mut Tx,
    (tenant, user): (TenantId, UserId),
    kind: Kind,
    id: MethodId,
) -> Result<(), StoreError> {
    let detail = json!({ "kind": kind.as_str(), "method": id, "address": ctx.address() });
    tx.audit(ctx.now(), &event("factor.added", tenant, Some(user.into()), user.to_string(), detail)).await
}

/// Removes a second factor, and tells it.
pub(crate) async fn remove(
    tx: &mut Tx,
    (tenant, user): (TenantId, UserId),
    id: MethodId,
    by: PrincipalId,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.factors().remove(tenant, user, id).await?;
    let detail = json!({ "method": id });
    tx.audit(now, &event("factor.removed", tenant, Some(by), user.to_string(), detail)).await
}
