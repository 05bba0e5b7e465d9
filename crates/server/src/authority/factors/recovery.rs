//! Recovery codes: for the day when the phone is gone. Ten, random, kept as hashes, each good once.

use entrance_model::directory::{Tenant, User};
use entrance_model::id::UserId;
use entrance_model::signin::factors::{RECOVERY_BYTES, RECOVERY_CODES, RecoveryCode};
use entrance_store::StoreError;
use serde_json::json;

use crate::authority::ctx::{Ctx, event};
use crate::authority::refused::Refused;
use crate::authority::{lockouts, secret};

/// New codes. They count once their owner says that they keep them.
pub(crate) fn new_codes() -> Vec<RecoveryCode> {
    std::iter::repeat_with(|| RecoveryCode::from_random(&secret::random::<RECOVERY_BYTES>()))
        .flatten()
        .take(RECOVERY_CODES)
        .collect()
}

/// A code holds 76 random bits: one keyed hash is enough, nobody tries them all.
fn hash(tenant: &Tenant, user: UserId, code: &RecoveryCode) -> String {
    secret::mac_text(&tenant.salt, format!("recovery code\0{user}\0{}", code.letters()).as_bytes())
}

/// Why new codes do not count.
pub(crate) enum NotKept {
    /// This very page was answered before.
    Before,
    /// The store did not take them.
    Store(StoreError),
}

impl From<StoreError> for NotKept {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Conflict) { Self::Before } else { Self::Store(error) }
    }
}

/// Keeps new codes in place of the old ones.
pub(crate) async fn replace(
    ctx: &Ctx,
    tenant: &Tenant,
    user: UserId,
    codes: &[RecoveryCode],
    challenge: (&str, entrance_model::Timestamp),
) -> Result<(), NotKept> {
    let hashes: Vec<String> = codes.iter().map(|code| hash(tenant, user, code)).collect();
    let mut tx = ctx.app.store.write().await?;
    // The page they were shown on counts once: sent again later it would bring used codes back.
    tx.factors().use_challenge(challenge.0, challenge.1).await?;
    tx.factors().replace_recovery_codes(tenant.id, user, &hashes).await?;
    let detail = json!({ "address": ctx.address(), "count": hashes.len() });
    tx.audit(ctx.now(), &event("recoveryCodes.made", tenant.id, Some(user.into()), user.to_string(), detail)).await?;
    Ok(tx.commit().await?)
}

/// Checks a typed recovery code; a right one is used up.
pub(crate) async fn check(ctx: &Ctx, tenant: &Tenant, user: &User, typed: &str) -> Result<bool, Refused> {
    let counted = lockouts::second_factor(ctx, tenant, user).await?;
    let user = user.id;
    let Ok(code) = typed.parse::<RecoveryCode>() else { return Ok(false) };
    let mut tx = ctx.app.store.write().await?;
    if !tx.factors().use_recovery_code(tenant.id, user, &hash(tenant, user, &code), ctx.now()).await? {
        return Ok(false);
    }
    counted.right(&mut tx, ctx.now()).await?;
    let left = tx.factors().methods(tenant.id, user).await?.recovery_codes;
    let detail = json!({ "address": ctx.address(), "left": left });
    tx.audit(ctx.now(), &event("recoveryCode.used", tenant.id, Some(user.into()), user.to_string(), detail)).await?;
    tx.commit().await?;
    Ok(true)
}
