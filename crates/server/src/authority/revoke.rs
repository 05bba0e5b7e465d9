//! Ending what somebody holds: the one way in which a directory's people, applications, sessions and tokens are revoked.

use entrance_model::Timestamp;
use entrance_model::directory::User;
use entrance_model::id::{PrincipalId, TenantId};
use entrance_model::signin::revocation::Target;
use entrance_store::authority::{Revoke, Revoked};
use entrance_store::{StoreError, Tx};

/// Ends everything that a person holds, in the transaction of what made it necessary. The caller keeps the person.
pub(crate) async fn person(
    tx: &mut Tx,
    tenant: TenantId,
    user: &mut User,
    reason: &str,
    by: Option<PrincipalId>,
    at: Timestamp,
) -> Result<Option<Revoked>, StoreError> {
    user.sessions_valid_from = at;
    let target = Target::Person(user.id);
    tx.authority().revoke(tenant, &Revoke { target: &target, only: None, reason, by, at }).await
}
