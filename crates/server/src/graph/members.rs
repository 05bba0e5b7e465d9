//! `/groups/{id}/members`: who is in a group, directly or through other groups (G-302, G-303).

use axum::extract::Path;
use entrance_model::directory::{Group, Member};
use entrance_model::directory_rules::access::{Action, Area};
use entrance_model::directory_rules::members::may_join;
use entrance_model::id::PrincipalId;
use entrance_store::StoreError;
use entrance_store::Write;
use entrance_store::directory::{Directory, PageAfter};
use entrance_wire::graph::reference;
use serde_json::json;

use super::body::Json;
use super::ctx::Ctx;
use super::error::GraphError;
use super::find::group_target;
use super::list;
use super::reply::{NoContent, Reply, Shown};
use super::source::Source;

/// `GET /groups/{id}/members`
pub(super) async fn list(ctx: Ctx, Path(key): Path<String>) -> Reply<Shown> {
    ctx.allow(Action::Read(Area::Groups))?;
    let group = ctx.group(&mut ctx.read().await?.directory(), &key).await?;
    list::list(&ctx, Source::Members(group.id)).await
}

/// `GET /groups/{id}/members/microsoft.graph.{type}`
pub(super) async fn cast(ctx: Ctx, Path((key, kind)): Path<(String, String)>) -> Reply<Shown> {
    ctx.allow(Action::Read(Area::Groups))?;
    let only = type_name(&kind)?;
    let group = ctx.group(&mut ctx.read().await?.directory(), &key).await?;
    list::cast(&ctx, Source::Members(group.id), Some(only)).await
}

/// `GET /groups/{id}/transitiveMembers`
pub(super) async fn transitive(ctx: Ctx, Path(key): Path<String>) -> Reply<Shown> {
    let source = descendants(&ctx, &key).await?;
    list::list(&ctx, source).await
}

/// `GET /groups/{id}/transitiveMembers/microsoft.graph.{type}`
pub(super) async fn transitive_cast(ctx: Ctx, Path((key, kind)): Path<(String, String)>) -> Reply<Shown> {
    let only = type_name(&kind)?;
    let source = descendants(&ctx, &key).await?;
    list::cast(&ctx, source, Some(only)).await
}

async fn descendants(ctx: &Ctx, key: &str) -> Result<Source, GraphError> {
    ctx.allow(Action::Read(Area::Groups))?;
    let mut reader = ctx.read().await?;
    let mut directory = reader.directory();
    let group = ctx.group(&mut directory, key).await?;
    let mut all = directory.descendants(ctx.tenant, group.id).await?;
    // On a cycle the group would be among its own members.
    all.retain(|member| member.id != group.id.into());
    Ok(Source::Fixed(all))
}

fn type_name(segment: &str) -> Result<&str, GraphError> {
    let unknown = || GraphError::bad_path(format!("Resource not found for the segment '{segment}'."));
    segment.strip_prefix("microsoft.graph.").ok_or_else(unknown)
}

/// `GET /groups/{id}/members/$ref`
pub(super) async fn references(ctx: Ctx, Path(key): Path<String>) -> Reply<Shown> {
    ctx.allow(Action::Read(Area::Groups))?;
    let mut reader = ctx.read().await?;
    let mut directory = reader.directory();
    let group = ctx.group(&mut directory, &key).await?;
    let members = directory.members(ctx.tenant, group.id, PageAfter::ALL).await?;
    Ok(links(&ctx, &members))
}

/// A list of references.
pub(super) fn links(ctx: &Ctx, members: &[Member]) -> Shown {
    let link = |member: &Member| json!({"@odata.id": format!("{}/{}/directoryObjects/{}", ctx.app.base(), ctx.version.segment(), member.id)});
    ctx.values("Collection($ref)", members.iter().map(link).collect())
}

/// `POST /groups/{id}/members/$ref`
pub(super) async fn add(ctx: Ctx, Path(key): Path<String>, body: Json) -> Reply<NoContent> {
    let mut tx = ctx.app.store.write().await?;
    let group = ctx.or_forbidden(Action::ChangeMembers, ctx.group(&mut tx.directory(), &key).await)?;
    let allowed = ctx.allow_on(&mut tx.directory(), Action::ChangeMembers, group_target(&group)).await?;
    let link = link(&body)?;
    let member = insert(&ctx, &mut tx.directory(), &group, &link).await?;
    ctx.record(&mut tx, &allowed, "group.memberAdded", group.id.uuid(), json!({"member": member.id.to_string()})).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// The `@odata.id` of a body.
pub(super) fn link(body: &Json) -> Result<String, GraphError> {
    let link = body.required("@odata.id")?.as_str();
    link.map(str::to_owned).ok_or_else(|| reference::BadReference::Format.into())
}

/// Adds the member that a link names.
pub(super) async fn insert(
    ctx: &Ctx,
    directory: &mut Directory<'_, Write>,
    group: &Group,
    link: &str,
) -> Result<Member, GraphError> {
    let id = reference::target(link, ctx.app.base())?;
    let member = ctx.principal(directory, &id).await?;
    may_join(group, member)?;
    match directory.add_member(ctx.tenant, group.id, member).await {
        Ok(()) => Ok(member),
        Err(StoreError::Exists(_)) => Err(already_there("members")),
        Err(error) => Err(error.into()),
    }
}

/// Matched by Terraform and `az` (G-090).
pub(super) fn already_there(relation: &str) -> GraphError {
    GraphError::bad_request(format!(
        "One or more added object references already exist for the following modified properties: '{relation}'."
    ))
}

/// `DELETE /groups/{id}/members/{member}/$ref`
pub(super) async fn remove(ctx: Ctx, Path((key, member)): Path<(String, String)>) -> Reply<NoContent> {
    let mut tx = ctx.app.store.write().await?;
    let group = ctx.or_forbidden(Action::ChangeMembers, ctx.group(&mut tx.directory(), &key).await)?;
    let allowed = ctx.allow_on(&mut tx.directory(), Action::ChangeMembers, group_target(&group)).await?;
    let id: PrincipalId = member.parse().map_err(|_| GraphError::not_found(&member))?;
    if !tx.directory().remove_member(ctx.tenant, group.id, id).await? {
        return Err(GraphError::not_found(&member));
    }
    ctx.record(&mut tx, &allowed, "group.memberRemoved", group.id.uuid(), json!({"member": id.to_string()})).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// `DELETE …/members/{member}` without `$ref` would delete the member itself in the original (G-009).
pub(super) async fn refuse_delete(ctx: Ctx) -> GraphError {
    GraphError::bad_request(format!("Use {}/$ref to remove a reference.", ctx.path))
}
