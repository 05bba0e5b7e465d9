//! Assertions signed with a registered certificate (S-241).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entrance_model::directory::{Credential, Proof as Registered, Tenant};
use entrance_model::signin::Aadsts;
use entrance_wire::oauth::jws::{Unverified, thumbprint};

use super::assertion::{Spend, hash, times};
use super::key::PublicKey;
use super::{Client, Proof};
use crate::authority::ctx::Ctx;
use crate::authority::refused::Refused;
use crate::hex::hex;

/// The longest life of an assertion: legacy kubelogin signs for exactly a day.
const LONGEST: i64 = 24 * 60 * 60;

/// Checks an assertion against the client's certificates.
pub(super) fn check(ctx: &Ctx, tenant: &Tenant, client: &Client, assertion: &str, token: &Unverified) -> Result<Proof, Refused> {
    let now = ctx.now();
    let id = client.app.to_string();
    let is_id = |claim: &str| token.text(claim).is_some_and(|value| value.eq_ignore_ascii_case(&id));
    if !is_id("iss") || !is_id("sub") {
        return Err(Aadsts::ClientAssertionIdMismatch.into());
    }
    if !token.audiences().iter().any(|audience| is_ours(ctx, tenant, audience)) || token.audiences().len() > 1 {
        return Err(Refused::from(Aadsts::ClientAssertionAudience).because("the assertion was made for another address"));
    }
    let until = times(token, now, LONGEST)?;
    let wrong = |why: &str| Refused::from(Aadsts::ClientAssertionSignatureInvalid).because(why);
    let mut registered = named(client, token).peekable();
    if registered.peek().is_none() {
        return Err(wrong("no registered certificate has this thumbprint"));
    }
    // A registration may be shorter than the certificate, and there may be several of one certificate.
    let registered = registered.find(|(credential, _)| credential.start <= now && now < credential.end);
    let (_, der) = registered.ok_or_else(|| wrong("the registration of the certificate is out of date"))?;
    let der = STANDARD.decode(der).map_err(|_| wrong("the registered certificate cannot be read"))?;
    let (key, starts, ends) =
        PublicKey::of_certificate(&der).ok_or_else(|| wrong("the registered certificate cannot be used"))?;
    if !(starts..ends).contains(&now.as_second()) {
        return Err(wrong("the certificate is out of date"));
    }
    if !key.verifies(&token.header.alg, assertion) {
        return Err(wrong("the signature does not verify"));
    }
    // Without `jti` the whole text takes its place: it is used once all the same.
    let hash = hash(assertion);
    let jti = token.text("jti").map_or_else(|| hash.clone(), crate::authority::secret::sha256);
    Ok(Proof::Assertion(Some(Spend { client: id, jti, hash, until })))
}

/// The registered certificates (base64 DER) that the header names.
fn named<'c>(client: &'c Client, token: &Unverified) -> impl Iterator<Item = (&'c Credential, &'c str)> {
    let digits = |text: &Option<String>| text.as_deref().and_then(thumbprint).map(|bytes| hex(&bytes));
    let (by_sha256, by_sha1) = (digits(&token.header.x5t_s256), digits(&token.header.x5t));
    let kid = token.header.kid.clone();
    let by_kid = kid.as_deref().and_then(thumbprint).map(|bytes| hex(&bytes));
    client.credentials().filter_map(move |credential| {
        let Registered::Certificate { der, sha1, sha256 } = &credential.proof else { return None };
        let is = |known: &str, asked: &Option<String>| asked.as_deref().is_some_and(|asked| known.eq_ignore_ascii_case(asked));
        let named = if by_sha256.is_some() {
            is(sha256, &by_sha256)
        } else if by_sha1.is_some() {
            is(sha1, &by_sha1)
        } else {
            is(sha1, &by_kid) || is(sha256, &by_kid) || kid.as_deref().is_some_and(|kid| kid.eq_ignore_ascii_case(sha1))
        };
        named.then_some((credential, der.as_str()))
    })
}

/// Whether an audience is the token endpoint or the issuer of this tenant, in any of their spellings.
fn is_ours(ctx: &Ctx, tenant: &Tenant, audience: &str) -> bool {
    let plain = audience.strip_suffix("?api-version=1.0").unwrap_or(audience);
    let Some(path) = plain.strip_prefix(ctx.app.base()) else { return false };
    let Some((segment, rest)) = path.strip_prefix('/').and_then(|path| path.split_once('/')) else { return false };
    let is_tenant = segment.eq_ignore_ascii_case(&tenant.id.to_string())
        || tenant.domains.iter().any(|domain| domain.eq_ignore_ascii_case(segment))
        || matches!(segment, "common" | "organizations");
    is_tenant && matches!(rest, "" | "v2.0" | "oauth2/token" | "oauth2/v2.0/token")
}
