//! Which groups something is in: `getMemberGroups`, `checkMemberGroups`, `memberOf` (G-303 to G-305).

use std::collections::HashSet;

use entrance_model::directory::{Member, MemberKind};
use entrance_model::directory_rules::access::{Action, Area};
use entrance_model::id::GroupId;
use entrance_store::directory::{Ancestor, Directory};
use serde_json::Value;

use super::body::Json;
use super::ctx::Ctx;
use super::error::GraphError;
use super::list;
use super::reply::{Reply, Shown};
use super::source::Source;

const MOST_IDS: usize = 11_000;
const MOST_CHECKS: usize = 20;

/// `POST …/getMemberGroups`
pub(super) async fn groups(ctx: Ctx, body: Json) -> Reply<Shown> {
    let only = body.required("securityEnabledOnly")?.as_bool();
    let only = only.ok_or_else(|| GraphError::bad_request("Invalid value specified for parameter 'securityEnabledOnly'."))?;
    let mut reader = ctx.read().await?;
    let all = ancestors(&ctx, &mut reader.directory()).await?;
    let ids: Vec<Value> =
        all.iter().filter(|group| group.security_enabled || !only).map(|group| group.id.to_string().into()).collect();
    if ids.len() > MOST_IDS {
        return Err(GraphError::too_many_ids());
    }
    Ok(ctx.values("Collection(Edm.String)", ids))
}

/// `POST …/getMemberObjects`: groups; directory roles would be here too.
pub(super) async fn objects(ctx: Ctx, body: Json) -> Reply<Shown> {
    groups(ctx, body).await
}

/// `POST …/checkMemberGroups`
pub(super) async fn check_groups(ctx: Ctx, body: Json) -> Reply<Shown> {
    let asked = body.texts("groupIds", MOST_CHECKS)?;
    check(&ctx, &asked).await
}

/// `POST …/checkMemberObjects`
pub(super) async fn check_objects(ctx: Ctx, body: Json) -> Reply<Shown> {
    let asked = body.texts("ids", MOST_CHECKS)?;
    check(&ctx, &asked).await
}

/// Those of the asked ids that it is in; unknown ones are left out.
async fn check(ctx: &Ctx, asked: &[String]) -> Reply<Shown> {
    let mut reader = ctx.read().await?;
    let all: HashSet<GroupId> = ancestors(ctx, &mut reader.directory()).await?.iter().map(|group| group.id).collect();
    let mut is_in: Vec<GroupId> = asked.iter().filter_map(|id| id.parse().ok()).filter(|id| all.contains(id)).collect();
    is_in.sort_unstable();
    is_in.dedup();
    Ok(ctx.values("Collection(Edm.String)", is_in.iter().map(|id| id.to_string().into()).collect()))
}

/// `GET …/memberOf`
pub(super) async fn direct(ctx: Ctx) -> Reply<Shown> {
    let mut reader = ctx.read().await?;
    let mut directory = reader.directory();
    let subject = allowed_subject(&ctx, &mut directory).await?;
    let parents = directory.parents(ctx.tenant, subject.id).await?;
    drop(reader);
    list::list(&ctx, fixed(parents)).await
}

/// `GET …/transitiveMemberOf`
pub(super) async fn transitive(ctx: Ctx) -> Reply<Shown> {
    let mut reader = ctx.read().await?;
    let all = ancestors(&ctx, &mut reader.directory()).await?;
    drop(reader);
    list::list(&ctx, fixed(all.iter().map(|group| group.id).collect())).await
}

fn fixed(groups: Vec<GroupId>) -> Source {
    let member = |id: GroupId| Member { id: id.into(), kind: MemberKind::Group };
    Source::Fixed(groups.into_iter().map(member).collect())
}

/// All groups that it is in, but never itself: on a cycle a group would lead back to itself.
async fn ancestors<M>(ctx: &Ctx, directory: &mut Directory<'_, M>) -> Result<Vec<Ancestor>, GraphError> {
    let subject = allowed_subject(ctx, directory).await?;
    let mut all = directory.ancestors(ctx.tenant, subject.id).await?;
    all.retain(|group| subject.id != group.id.into());
    Ok(all)
}

/// What the path is about, if the caller may know its groups: their own always, those of others who may read groups.
async fn allowed_subject<M>(ctx: &Ctx, directory: &mut Directory<'_, M>) -> Result<Member, GraphError> {
    let subject = match ctx.subject(directory).await {
        // `/me` says by itself what is wrong with it.
        Err(error) if ctx.path.starts_with("/me/") => return Err(error),
        found => ctx.or_forbidden(Action::Read(Area::Groups), found)?,
    };
    let action = if subject.id == ctx.caller.id() { Action::ReadOwn } else { Action::Read(Area::Groups) };
    ctx.allow(action)?;
    Ok(subject)
}
