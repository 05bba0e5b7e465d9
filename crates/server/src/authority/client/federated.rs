//! Assertions of another issuer (S-242): a pipeline or a workload proves itself with the token it has anyway.
//!
//! Only issuers that the administrator of the directory trusts are believed, or those that the server was started with.
//! The signature comes before subject and audience, so that only holders of a genuine token learn which of them differs.

use std::sync::Arc;
use std::time::Duration;

use entrance_model::directory::Tenant;
use entrance_model::signin::Aadsts;
use entrance_model::signin::federation;
use entrance_wire::oauth::jws::Unverified;

use super::Client;
use super::assertion::times;
use super::key::{Jwks, PublicKey};
use crate::authority::ctx::Ctx;
use crate::authority::issuers::{self, KeysError};
use crate::authority::refused::Refused;

/// The longest life of another issuer's token that is taken.
const LONGEST: i64 = 365 * 24 * 60 * 60;
/// The largest file of keys.
const LARGEST: u64 = 256 * 1024;
const READING: Duration = Duration::from_secs(5);

/// Checks a federated assertion against the client's federated credentials.
pub(super) async fn check(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &Client,
    assertion: &str,
    token: &Unverified,
    issuer: &str,
) -> Result<(), Refused> {
    if issuer.starts_with(&format!("{}/", ctx.app.base())) {
        return Err(Aadsts::FederatedSelfIssued.into());
    }
    if !federation::names(client.credentials(), issuer) {
        return Err(Aadsts::FederatedIssuerMismatch.into());
    }
    times(token, ctx.now(), LONGEST)?;
    let unreadable = |why: String| Refused::from(Aadsts::FederatedKeysUnreachable).because(why);
    let kid = token.header.kid.as_deref();
    let keys = keys(ctx, tenant, issuer, kid).await.map_err(|error| unreadable(error.to_string()))?;
    let mut named = keys.named(kid).filter_map(PublicKey::of_jwk);
    if !named.any(|key| key.verifies(&token.header.alg, assertion)) {
        return Err(unreadable("no key of the issuer fits the signature".to_owned()));
    }
    let found = federation::find(client.credentials(), &token.claims);
    found.map(drop).map_err(|mismatch| Refused::from(mismatch.number()).because(mismatch.to_string()))
}

/// The keys of an issuer: of the directory's list, or of the server's own.
async fn keys(ctx: &Ctx, tenant: &Tenant, issuer: &str, kid: Option<&str>) -> Result<Arc<Jwks>, KeysError> {
    let listed = async { ctx.app.store.read().await?.authority().trusted_issuer(tenant.id, issuer).await };
    if let Some(trusted) = listed.await.map_err(|_| KeysError::Store)? {
        return ctx.app.issuers.keys(&ctx.app, tenant.id, &trusted, kid).await;
    }
    let known = ctx.app.config.trusted_issuers.iter().find(|trusted| trusted.issuer == issuer);
    let file = &known.ok_or(KeysError::NotTrusted)?.jwks;
    let reading = async {
        let size = tokio::fs::metadata(file).await.ok()?.len();
        if size > LARGEST {
            return None;
        }
        tokio::fs::read(file).await.ok()
    };
    let bytes = tokio::time::timeout(READING, reading).await.ok().flatten().ok_or(KeysError::File)?;
    issuers::parse(&bytes, issuer).map(Arc::new)
}
