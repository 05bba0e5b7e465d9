//! Profile `strict`: who is cluster admin is said by those who may give rights (decision 0032).

use entrance_model::access::Action;
use entrance_model::cluster::{Cluster, Profile, Spec};

use crate::arm::ctx::Ctx;
use crate::arm::error::ArmError;

/// Refuses an update that decides anew who enters, unless the caller may say so.
///
/// The profile that counts is the present one, so leaving `strict` needs the right too. A cluster that never came to be has
/// nothing to guard yet.
pub(super) fn guard(ctx: &Ctx, cluster: &Cluster, after: &Spec) -> Result<(), ArmError> {
    let before = cluster.spec()?;
    if cluster.applied.is_some() && before.entrance.profile == Profile::Strict && before.decides_who_enters(after) {
        ctx.allow(Action::ClusterAdminsWrite, &cluster.address.scope())?;
    }
    Ok(())
}
