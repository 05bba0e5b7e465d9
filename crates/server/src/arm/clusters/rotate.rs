//! `POST …/rotateClusterCertificates` and `POST …/rotateServiceAccountSigningKeys` (contract R, 4.5).

use axum::extract::Path;
use axum::response::Response;
use entrance_model::access::Action;
use entrance_model::cluster::door::Closing;
use entrance_model::cluster::{Desired, Observed, Work, plan};
use entrance_model::id::OperationId;
use uuid::Uuid;

use super::begin::Begun;
use super::{At, allowed, missing};
use crate::arm::ctx::Ctx;
use crate::arm::error::{ArmError, Refusal};
use crate::clusters::doors;

/// `POST …/rotateClusterCertificates`: every file from before is refused when it has ended, so doors are closed as it begins.
pub(super) async fn certificates(ctx: Ctx, Path(at): At) -> Result<Response, ArmError> {
    rotate(ctx, at, Action::RotateCertificates, Work::RotateCertificates).await
}

/// `POST …/rotateServiceAccountSigningKeys`.
pub(super) async fn signing_keys(ctx: Ctx, Path(at): At) -> Result<Response, ArmError> {
    rotate(ctx, at, Action::RotateSigningKeys, Work::RotateSigningKey).await
}

async fn rotate(ctx: Ctx, at: (String, String, String), action: Action, work: Work) -> Result<Response, ArmError> {
    let (address, allowed) = allowed(&ctx, &at, action).await?;
    let mut tx = ctx.app.store.write().await?;
    let Some(cluster) = tx.arm().cluster_at(&address).await? else { return Err(missing(&ctx, &address).await) };
    if cluster.applied.is_none() && cluster.state.operation().is_none() {
        return Err(Refusal::NeverMade("there are no certificates to rotate".to_owned()).into());
    }
    let (spec, id) = (cluster.spec()?, OperationId::from_uuid(Uuid::new_v4()));
    let believed = Observed::as_wished(&spec);
    let wanted = match work {
        Work::RotateCertificates => Desired::Rotated(&spec, id),
        _ => Desired::Resigned(&spec, id),
    };
    let steps = plan(wanted, &believed);
    if work == Work::RotateCertificates && cluster.state.operation().is_none() && !cluster.is_stopped() {
        let by = super::doors::by(&ctx, &allowed);
        doors::close_all(&mut tx, &cluster, Closing::CertificatesRotated, &by, ctx.app.now()).await?;
    }
    Begun { cluster, work, steps, kind: "cluster.rotating", allowed: &allowed }.commit(&ctx, tx).await
}
