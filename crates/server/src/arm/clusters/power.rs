//! `POST …/stop` and `POST …/start`: the processes of a control plane end, its data and its port stay, and it comes back.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use entrance_model::access::Action;
use entrance_model::cluster::{Desired, Observed, Power, Stage, State, Step, Work, plan};

use super::begin::{Begun, accepted};
use super::{At, allowed, missing};
use crate::arm::ctx::Ctx;
use crate::arm::error::{ArmError, Refusal};

/// `POST …/stop`.
pub(super) async fn stop(ctx: Ctx, Path(at): At) -> Result<Response, ArmError> {
    turn(ctx, at, Action::ClusterStop, Power::Stopped).await
}

/// `POST …/start`.
pub(super) async fn start(ctx: Ctx, Path(at): At) -> Result<Response, ArmError> {
    turn(ctx, at, Action::ClusterStart, Power::Running).await
}

async fn turn(ctx: Ctx, at: (String, String, String), action: Action, to: Power) -> Result<Response, ArmError> {
    let (address, allowed) = allowed(&ctx, &at, action).await?;
    let (work, kind) = match to {
        Power::Stopped => (Work::Stop, "cluster.stopping"),
        Power::Running => (Work::Start, "cluster.starting"),
    };
    let mut tx = ctx.app.store.write().await?;
    let Some(cluster) = tx.arm().cluster_at(&address).await? else { return Err(missing(&ctx, &address).await) };
    if let Some(operation) = cluster.is_already(work) {
        return Ok(accepted(&ctx, &cluster, operation));
    }
    // A cluster that runs and is not well is brought up again.
    let is_done = cluster.power == to && (to == Power::Stopped || cluster.state == State::Ready);
    if is_done && cluster.state.operation().is_none() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    if cluster.applied.is_none() && cluster.state.operation().is_none() {
        return Err(Refusal::NeverMade("there is nothing to stop or to start".to_owned()).into());
    }
    let steps = match to {
        Power::Stopped => vec![Step::Halt],
        Power::Running => {
            let believed = Observed { stage: Stage::Incomplete, ..Observed::default() };
            plan(Desired::Present(&cluster.spec()?), &believed)
        }
    };
    let begun = Begun { cluster, work, steps, kind, allowed: &allowed };
    begun.commit(&ctx, tx).await
}
