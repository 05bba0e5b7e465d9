//! `…/owners`: who may change a group, an application or a service principal (G-302).

use axum::extract::Path;
use entrance_model::directory::Member;
use entrance_model::directory_rules::access::{Action, Area};
use entrance_model::directory_rules::members::{Remover, may_leave_ownership, may_own};
use entrance_model::id::PrincipalId;
use entrance_store::directory::Directory;
use entrance_store::{StoreError, Write};
use entrance_wire::graph::reference;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Json;
use super::ctx::{Ctx, Object};
use super::error::GraphError;
use super::find::{group_target, service_principal_target, typed};
use super::list;
use super::members::{already_there, link, links};
use super::reply::{NoContent, Reply, Shown};
use super::show::{self, KeyMaterial};
use super::source::Source;

/// What is owned.
struct Owned {
    area: Area,
    object: Object,
}

/// The object that the path is about.
async fn owned_object<M>(ctx: &Ctx, directory: &mut Directory<'_, M>, key: &str) -> Result<Owned, GraphError> {
    if ctx.path.starts_with("/groups/") {
        return Ok(Owned { area: Area::Groups, object: group_target(&ctx.group(directory, key).await?) });
    }
    if ctx.path.starts_with("/applications/") {
        let object = Object::plain(ctx.application(directory, key).await?.id.uuid());
        return Ok(Owned { area: Area::Applications, object });
    }
    let object = service_principal_target(&ctx.service_principal(directory, key).await?);
    Ok(Owned { area: Area::ServicePrincipals, object })
}

fn area(ctx: &Ctx) -> Area {
    if ctx.path.starts_with("/groups/") {
        Area::Groups
    } else if ctx.path.starts_with("/applications/") {
        Area::Applications
    } else {
        Area::ServicePrincipals
    }
}

async fn owners(ctx: &Ctx, key: &str) -> Result<Vec<Member>, GraphError> {
    ctx.allow(Action::Read(area(ctx)))?;
    let mut reader = ctx.read().await?;
    let mut directory = reader.directory();
    let held = owned_object(ctx, &mut directory, key).await?;
    Ok(directory.owners(ctx.tenant, &held.object.id.to_string()).await?)
}

/// `GET …/owners`
pub(super) async fn list(ctx: Ctx, Path(key): Path<String>) -> Reply<Shown> {
    let owners = owners(&ctx, &key).await?;
    list::list(&ctx, Source::Fixed(owners)).await
}

/// `GET …/owners/$ref`
pub(super) async fn references(ctx: Ctx, Path(key): Path<String>) -> Reply<Shown> {
    let owners = owners(&ctx, &key).await?;
    Ok(links(&ctx, &owners))
}

/// `POST …/owners/$ref`
pub(super) async fn add(ctx: Ctx, Path(key): Path<String>, body: Json) -> Reply<NoContent> {
    let mut tx = ctx.app.store.write().await?;
    let held = ctx.or_forbidden(Action::ChangeOwners(area(&ctx)), owned_object(&ctx, &mut tx.directory(), &key).await)?;
    let allowed = ctx.allow_on(&mut tx.directory(), Action::ChangeOwners(held.area), held.object).await?;
    let link = link(&body)?;
    let owner = insert(&ctx, &mut tx.directory(), held.object.id, &link, IfThere::Refuse).await?;
    ctx.record(&mut tx, &allowed, "object.ownerAdded", held.object.id, json!({"owner": owner.id.to_string()})).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// What to do about somebody who owns it already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfThere {
    /// The caller should know.
    Refuse,
    /// Whoever made the object, named once more.
    Keep,
}

/// Adds the owner that a link names.
pub(super) async fn insert(
    ctx: &Ctx,
    directory: &mut Directory<'_, Write>,
    target: Uuid,
    link: &str,
    if_there: IfThere,
) -> Result<Member, GraphError> {
    let id = reference::target(link, ctx.app.base())?;
    let owner = ctx.principal(directory, &id).await?;
    may_own(owner)?;
    match directory.add_owner(ctx.tenant, &target.to_string(), owner).await {
        Ok(()) => Ok(owner),
        Err(StoreError::Exists(_)) if if_there == IfThere::Keep => Ok(owner),
        Err(StoreError::Exists(_)) => Err(already_there("owners")),
        Err(error) => Err(error.into()),
    }
}

/// `DELETE …/owners/{owner}/$ref`
pub(super) async fn remove(ctx: Ctx, Path((key, owner)): Path<(String, String)>) -> Reply<NoContent> {
    let mut tx = ctx.app.store.write().await?;
    let held = ctx.or_forbidden(Action::ChangeOwners(area(&ctx)), owned_object(&ctx, &mut tx.directory(), &key).await)?;
    let allowed = ctx.allow_on(&mut tx.directory(), Action::ChangeOwners(held.area), held.object).await?;
    let id: PrincipalId = owner.parse().map_err(|_| GraphError::not_found(&owner))?;
    let target = held.object.id.to_string();
    let owners = tx.directory().owners(ctx.tenant, &target).await?;
    if !owners.iter().any(|one| one.id == id) {
        return Err(GraphError::not_found(&owner));
    }
    if held.area == Area::Groups {
        let group = ctx.group(&mut tx.directory(), &target).await?;
        let by = if ctx.caller.is_administrator() { Remover::Administrator } else { Remover::Other };
        may_leave_ownership(&group, &owners, id, by)?;
    }
    tx.directory().remove_owner(ctx.tenant, &target, id).await?;
    ctx.record(&mut tx, &allowed, "object.ownerRemoved", held.object.id, json!({"owner": id.to_string()})).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// `GET /me/ownedObjects`, `/users/{id}/ownedObjects`, `/servicePrincipals/{id}/ownedObjects`
pub(super) async fn owned(ctx: Ctx) -> Reply<Shown> {
    let mut reader = ctx.read().await?;
    let mut directory = reader.directory();
    let action = if ctx.path.starts_with("/me/") { Action::ReadOwn } else { Action::Read(Area::Users) };
    ctx.allow(action)?;
    let subject = ctx.subject(&mut directory).await?;
    let options = ctx.options()?;
    let mut values = Vec::new();
    for id in directory.owned(ctx.tenant, subject.id).await? {
        let shown = if let Ok(member) = ctx.principal(&mut directory, &id).await {
            ctx.show_principal(&mut directory, member).await?
        } else {
            match ctx.application(&mut directory, &id).await {
                Ok(app) => Some(typed("application", show::application(&app, None, KeyMaterial::Hidden))),
                Err(_) => None,
            }
        };
        let cut = |object| Value::Object(list::cut(&Source::Fixed(Vec::new()), object, options.select.as_deref()));
        values.extend(shown.map(cut));
    }
    Ok(ctx.values("directoryObjects", values))
}
