//! A signed assertion instead of a secret: by the client's own certificate, or by an issuer that it trusts.

use entrance_model::Timestamp;
use entrance_model::directory::{Proof as Registered, Tenant};
use entrance_model::signin::Aadsts;
use entrance_store::{StoreError, Tx};
use entrance_wire::oauth::jws::Unverified;

use super::{Client, Proof, certificate, federated};
use crate::authority::ctx::Ctx;
use crate::authority::refused::Refused;
use crate::authority::secret::sha256;

/// How far clocks may differ, in seconds (S-241).
pub(super) const SKEW: i64 = 300;
/// A client library sends one assertion again for so long, letter for letter.
const AGAIN: i64 = 60;

/// An assertion that is used up by the answer it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spend {
    pub(super) client: String,
    pub(super) jti: String,
    pub(super) hash: String,
    pub(super) until: Timestamp,
}

impl Spend {
    /// Uses the assertion up, in the transaction of its answer.
    pub(crate) async fn spend(&self, tx: &mut Tx, now: Timestamp) -> Result<Result<(), Refused>, StoreError> {
        let before = tx.authority().use_assertion(&self.client, &self.jti, &self.hash, now, self.until).await?;
        Ok(match before {
            None => Ok(()),
            Some((hash, at)) if hash == self.hash && now.as_second() - at.as_second() <= AGAIN => Ok(()),
            Some(_) => Err(Refused::from(Aadsts::ClientAssertionSignatureInvalid).because("the assertion was used before")),
        })
    }
}

/// The subject that an assertion claims, for requests that name their client nowhere else.
pub(super) fn subject(assertion: &str) -> Option<String> {
    Unverified::parse(assertion.trim()).ok()?.text("sub").map(str::to_owned)
}

/// Checks an assertion. One that the client issued for itself is a certificate's; another is a federated issuer's.
pub(super) async fn check(ctx: &Ctx, tenant: &Tenant, client: &Client, assertion: &str) -> Result<Proof, Refused> {
    let malformed = || Refused::from(Aadsts::InvalidJwtToken);
    let token = Unverified::parse(assertion).map_err(|_| malformed())?;
    let issuer = token.text("iss").ok_or_else(malformed)?;
    let is_own = issuer.eq_ignore_ascii_case(&client.app.to_string());
    let names_itself = token.text("sub").is_some_and(|subject| subject.eq_ignore_ascii_case(&client.app.to_string()));
    let federates = client.credentials().any(|c| matches!(c.proof, Registered::Federated { .. }));
    if is_own || names_itself || !federates {
        certificate::check(ctx, tenant, client, assertion, &token)
    } else {
        federated::check(ctx, tenant, client, assertion, &token, issuer).await.map(|()| Proof::Assertion(None))
    }
}

/// Checks `exp`, `nbf` and `iat`; answers when the token ends.
pub(super) fn times(token: &Unverified, now: Timestamp, longest: i64) -> Result<Timestamp, Refused> {
    let seconds = now.as_second();
    let out_of_time = || Refused::from(Aadsts::ClientAssertionNotInTimeRange);
    let ends = token.seconds("exp").ok_or_else(|| Refused::from(Aadsts::InvalidJwtToken))?;
    let late = seconds >= ends.saturating_add(SKEW);
    let far = ends > seconds.saturating_add(longest).saturating_add(SKEW);
    let early = ["nbf", "iat"].iter().any(|name| token.seconds(name).is_some_and(|at| at > seconds.saturating_add(SKEW)));
    if late || far || early {
        return Err(out_of_time());
    }
    Timestamp::from_second(ends.saturating_add(SKEW)).map_err(|_| out_of_time())
}

/// SHA-256 of the whole assertion.
pub(super) fn hash(assertion: &str) -> String {
    sha256(assertion)
}
