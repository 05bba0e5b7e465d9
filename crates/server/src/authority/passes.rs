//! Setting a password with a temporary pass: the same work and the same answer for everyone whose code does not fit.

use entrance_model::directory::{Tenant, User};
use entrance_model::name::Upn;
use entrance_model::signin::one_time_code::OneTimeCode;
use entrance_store::StoreError;
use serde_json::json;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::ctx::{Ctx, event};
use super::refused::Refused;
use super::{lockouts, revoke, secret, strangers};
use crate::passwords;

/// Why no password was set.
pub(crate) enum PassError {
    /// The name, the code, or its time.
    Wrong,
    /// Too many tries.
    Paused,
    /// The new password is too easy.
    Password,
    /// Something else.
    Refused(Box<Refused>),
}

impl From<StoreError> for PassError {
    fn from(error: StoreError) -> Self {
        match error {
            // Used in this moment by somebody else.
            StoreError::Conflict => Self::Wrong,
            other => Self::Refused(Box::new(other.into())),
        }
    }
}

/// What is kept of a code. It has eighty random bits, so one hash is enough.
pub(crate) fn hash(tenant: &Tenant, code: &OneTimeCode) -> String {
    secret::mac_text(&tenant.salt, format!("pass\0{}", code.as_str()).as_bytes())
}

/// Sets the password of whoever has this name and this code. All that they hold ends with it.
pub(crate) async fn redeem(ctx: &Ctx, name: &str, code: &str, new: &str) -> Result<(), PassError> {
    let folded = name.trim().to_ascii_lowercase();
    let refused = |refused| PassError::Refused(Box::new(refused));
    strangers::pass(ctx).map_err(refused)?;
    let counted = lockouts::one_time_code(ctx).await.map_err(refused)?;
    let counted = counted.map_err(|_| PassError::Paused)?;
    let tenant = tenant_of(ctx, &folded).await?.ok_or(PassError::Wrong)?;
    let now = ctx.now();
    let mut reader = ctx.app.store.read().await?;
    let user = match folded.parse::<Upn>() {
        Ok(upn) => reader.directory().user_by_upn(tenant.id, &upn).await?,
        Err(_) => None,
    };
    let kept = match &user {
        Some(user) => reader.authority().pass_of(tenant.id, user.id).await?,
        None => None,
    };
    drop(reader);
    let typed = code.parse::<OneTimeCode>().map(|code| hash(&tenant, &code)).unwrap_or_default();
    let fits = kept.as_ref().is_some_and(|(_, hash)| bool::from(hash.as_bytes().ct_eq(typed.as_bytes())));
    let (Some(user), Some((pass, _)), true) = (user, kept, fits) else { return Err(PassError::Wrong) };
    if pass.usable(now).is_err() || !user.enabled {
        return Err(PassError::Wrong);
    }
    check(ctx, &tenant, &user, new).await?;
    let hash = ctx.app.hasher.hash(Zeroizing::new(new.to_owned())).await;
    let mut tx = ctx.app.store.write().await?;
    tx.authority().use_pass(tenant.id, pass.id, now).await?;
    // What the directory says of them now, not before the hashing.
    let mut user = tx.directory().user(tenant.id, user.id).await?.filter(|user| user.enabled).ok_or(PassError::Wrong)?;
    user.must_change_password = false;
    let by = Some(user.id.into());
    revoke::person(&mut tx, tenant.id, &mut user, "new password", by, now).await?;
    user.other.insert("lastPasswordChangeDateTime".into(), now.to_string().into());
    tx.directory().set_password_hash(tenant.id, user.id, &hash).await?;
    tx.directory().update_user(tenant.id, &user).await?;
    counted.right(&mut tx, now).await?;
    let detail = json!({ "pass": pass.id.to_string(), "address": ctx.address() });
    tx.audit(now, &event("user.passUsed", tenant.id, by, user.id.to_string(), detail)).await?;
    tx.commit().await?;
    Ok(())
}

/// The tenant whose domain the name is on; without a domain of ours, some tenant, so that the work is the same.
async fn tenant_of(ctx: &Ctx, name: &str) -> Result<Option<Tenant>, PassError> {
    let domain = name.rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
    let tenants = ctx.app.store.read().await?.directory().tenants().await?;
    let at = tenants.iter().position(|tenant| tenant.domains.iter().any(|known| known.eq_ignore_ascii_case(domain)));
    Ok(tenants.into_iter().nth(at.unwrap_or(0)))
}

async fn check(ctx: &Ctx, tenant: &Tenant, user: &User, new: &str) -> Result<(), PassError> {
    let words = [user.upn.local_part(), user.display_name.as_str(), tenant.display_name.as_str()];
    passwords::judge(&ctx.app, new, &words).await.map_err(|_| PassError::Password)
}
