//! Client secrets: ours are 256 random bits, so one hash is enough, compared in constant time (S-203).

use entrance_model::directory::Proof as Registered;
use entrance_model::signin::Aadsts;
use entrance_model::signin::lockout::{Lockout, Policy};
use entrance_store::authority::CLIENTS;
use entrance_store::{Area, StoreError};
use subtle::ConstantTimeEq as _;

use super::{Client, Proof};
use crate::authority::ctx::Ctx;
use crate::authority::refused::Refused;
use crate::hex::sha256_hex;

/// Checks a secret against all that the client has.
pub(super) async fn check(ctx: &Ctx, client: &Client, secret: &str) -> Result<Proof, Refused> {
    let now = ctx.now();
    let key = format!("{CLIENTS}{}/{}", client.app, ctx.address());
    if let Err(locked) = tries(ctx, &key).await?.locked(Policy::CLIENT, now) {
        let wait = u32::try_from(locked.until.duration_since(now).as_secs()).unwrap_or(60).max(1);
        return Err(Refused::from(Aadsts::TenantThrottling).retry_after(wait).because("too many wrong client secrets"));
    }
    let hash = sha256_hex(secret.as_bytes());
    let mut found = None;
    for credential in client.credentials() {
        if let Registered::Secret { sha256, .. } = &credential.proof
            && bool::from(sha256.as_bytes().ct_eq(hash.as_bytes()))
        {
            found = Some(credential);
        }
    }
    match found {
        Some(credential) if now >= credential.end => Err(Aadsts::InvalidClientSecretExpired.into()),
        Some(credential) if now < credential.start => Err(refused(client).because("the secret is not valid yet")),
        Some(_) => Ok(Proof::Secret),
        None => {
            let mut tx = ctx.app.store.write().await?;
            let mut authority = tx.authority();
            if let Ok(tried) = authority.lockout(&key).await?.count(None, Policy::CLIENT, now) {
                authority.set_lockout(&key, &tried.after, now).await?;
                tx.commit().await?;
            }
            Err(refused(client).because("wrong client secret"))
        }
    }
}

/// The wrong tries of a client from an address.
async fn tries(ctx: &Ctx, key: &str) -> Result<Lockout, StoreError> {
    let (edition, kept) = (ctx.app.store.edition(Area::ClientTries), &ctx.app.authority.memory.tries);
    kept.or_read(key.to_owned(), edition, async { ctx.app.store.glance().await?.authority().lockout(key).await }).await
}

fn refused(client: &Client) -> Refused {
    Refused::from(Aadsts::InvalidClientSecret).saying(format!(
        "{} (application '{}')",
        Aadsts::InvalidClientSecret.entry().says,
        client.app
    ))
}
