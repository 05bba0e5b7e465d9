//! `/me`: the person who asks (G-200).

use entrance_model::directory_rules::access::{Action, Caller};
use entrance_model::id::UserId;
use entrance_wire::graph::tables::USER;

use super::body::Json;
use super::ctx::Ctx;
use super::error::GraphError;
use super::reply::{NoContent, Reply, Shown};
use super::{show, users};

impl Ctx {
    /// The person who asks; an application by itself is nobody.
    pub(super) fn me(&self) -> Result<UserId, GraphError> {
        match self.caller {
            Caller::Person { id, .. } => Ok(id),
            Caller::Application { .. } => {
                Err(GraphError::bad_path("/me request is only valid with delegated authentication flow."))
            }
        }
    }
}

/// `GET /me`
pub(super) async fn show(ctx: Ctx) -> Reply<Shown> {
    let id = ctx.me()?;
    ctx.allow(Action::ReadOwn)?;
    let options = ctx.options()?;
    USER.check_select(options.select.as_deref())?;
    let user = ctx.user(&mut ctx.read().await?.directory(), &id.to_string()).await?;
    Ok(ctx.one("users/$entity", USER.cut(show::user(&user), options.select.as_deref())))
}

/// `PATCH /me`
pub(super) async fn update(ctx: Ctx, Json(body): Json) -> Reply<NoContent> {
    let id = ctx.me()?;
    users::change(&ctx, &id.to_string(), body).await
}
