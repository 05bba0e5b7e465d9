//! Assertions of another issuer (S-242): a pipeline or a workload proves itself with the token it has anyway.
//!
//! Only issuers on the administrator's list are believed, with keys from the file on that list; nothing is fetched.

use std::time::Duration;

use entrance_model::directory::Proof as Registered;
use entrance_model::signin::Aadsts;
use entrance_wire::oauth::jws::Unverified;

use super::Client;
use super::assertion::times;
use super::key::{Jwks, PublicKey};
use crate::authority::ctx::Ctx;
use crate::authority::refused::Refused;

/// The longest life of another issuer's token that is taken.
const LONGEST: i64 = 365 * 24 * 60 * 60;
/// The largest file of keys.
const LARGEST: u64 = 256 * 1024;
const READING: Duration = Duration::from_secs(5);

/// Checks a federated assertion against the client's federated credentials.
pub(super) async fn check(ctx: &Ctx, client: &Client, assertion: &str, token: &Unverified, issuer: &str) -> Result<(), Refused> {
    if issuer.starts_with(&format!("{}/", ctx.app.base())) {
        return Err(Aadsts::FederatedSelfIssued.into());
    }
    matches(client, token, issuer)?;
    times(token, ctx.now(), LONGEST)?;
    let unreadable = |why: &str| Refused::from(Aadsts::FederatedKeysUnreachable).because(why);
    let trusted = ctx.app.config.trusted_issuers.iter().find(|trusted| trusted.issuer == issuer);
    let file = &trusted.ok_or_else(|| unreadable("the issuer is not on the administrator's list"))?.jwks;
    let reading = async {
        let size = tokio::fs::metadata(file).await.ok()?.len();
        if size > LARGEST {
            return None;
        }
        serde_json::from_slice::<Jwks>(&tokio::fs::read(file).await.ok()?).ok()
    };
    let keys = tokio::time::timeout(READING, reading)
        .await
        .ok()
        .flatten()
        .ok_or_else(|| unreadable("the issuer's keys cannot be read"))?;
    let kid = token.header.kid.as_deref();
    let mut named = keys.keys.iter().filter(|key| kid.is_none() || key.kid.as_deref() == kid).filter_map(PublicKey::of_jwk);
    if named.any(|key| key.verifies(&token.header.alg, assertion)) {
        Ok(())
    } else {
        Err(unreadable("no key of the issuer fits"))
    }
}

/// Compares issuer, subject and audience, exactly. The caller learns which of the three it was, as pipelines need;
/// case-only differences are told to the operator.
fn matches(client: &Client, token: &Unverified, issuer: &str) -> Result<(), Refused> {
    let subject = token.text("sub").unwrap_or_default();
    let audiences = token.audiences();
    let mut refused = Refused::from(Aadsts::FederatedIssuerMismatch);
    for credential in client.credentials() {
        let Registered::Federated { issuer: known, subject: expected, audiences: accepted, .. } = &credential.proof else {
            continue;
        };
        if known != issuer {
            continue;
        }
        if expected != subject {
            let number = if expected.eq_ignore_ascii_case(subject) {
                Aadsts::FederatedSubjectCaseMismatch
            } else {
                Aadsts::FederatedSubjectMismatch
            };
            refused = number.into();
            continue;
        }
        if accepted.iter().any(|known| audiences.contains(&known.as_str())) {
            return Ok(());
        }
        refused = Aadsts::FederatedAudienceMismatch.into();
    }
    Err(refused)
}
