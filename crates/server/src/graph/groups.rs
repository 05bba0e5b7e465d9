//! `/groups`: groups (G-300, G-301).

use axum::extract::Path;
use axum::response::Response;
use entrance_model::directory::{Group, Member, MemberKind};
use entrance_model::directory_rules::access::{Action, Area, Because, Caller};
use entrance_model::directory_rules::names;
use entrance_model::id::GroupId;
use entrance_wire::graph::Object;
use entrance_wire::graph::body::{BadBody, Body, Mode};
use entrance_wire::graph::tables::GROUP;
use serde_json::json;
use uuid::Uuid;

use super::body::Json;
use super::ctx::Ctx;
use super::error::GraphError;
use super::find::group_target;
use super::reply::{NoContent, Reply, Shown};
use super::source::Source;
use super::{list, members, owners, show};

/// How many links one body may carry.
const MOST_LINKS: usize = 20;

/// `GET /groups`
pub(super) async fn list(ctx: Ctx) -> Reply<Shown> {
    ctx.allow(Action::Read(Area::Groups))?;
    list::list(&ctx, Source::Groups).await
}

/// `GET /groups/$count`
pub(super) async fn count(ctx: Ctx) -> Reply<Response> {
    ctx.allow(Action::Read(Area::Groups))?;
    list::count(&ctx, Source::Groups).await
}

/// `GET /groups/{id}`
pub(super) async fn show(ctx: Ctx, Path(key): Path<String>) -> Reply<Shown> {
    ctx.allow(Action::Read(Area::Groups))?;
    let options = ctx.options()?;
    GROUP.check_select(options.select.as_deref())?;
    let group = ctx.group(&mut ctx.read().await?.directory(), &key).await?;
    Ok(ctx.one("groups/$entity", GROUP.cut(show::group(&group), options.select.as_deref())))
}

/// `POST /groups`
pub(super) async fn create(ctx: Ctx, Json(body): Json) -> Reply<Shown> {
    let allowed = ctx.allow(Action::Create(Area::Groups))?;
    let mut body = Body::read(&GROUP, body, Mode::Create)?;
    let missing = |property| BadBody::Missing { property, entity: GROUP.name };
    let display_name = body.take_text("displayName").flatten().ok_or(missing("displayName"))?;
    let mail_enabled = body.take_flag("mailEnabled").ok_or(missing("mailEnabled"))?;
    let mail_nickname = body.take_text("mailNickname").flatten().ok_or(missing("mailNickname"))?;
    let security_enabled = body.take_flag("securityEnabled").ok_or(missing("securityEnabled"))?;
    let types = body.take_texts("groupTypes").unwrap_or_default();
    let is_unified = types.iter().any(|kind| kind == "Unified");
    let (links, owner_links) = (take_links(&mut body, "members")?, take_links(&mut body, "owners")?);
    refuse_other_links(&body)?;
    if types.iter().any(|kind| kind != "Unified") {
        return Err(BadBody::Value { property: "groupTypes", entity: GROUP.name }.into());
    }
    if mail_enabled != is_unified {
        return Err(BadBody::Value { property: "mailEnabled", entity: GROUP.name }.into());
    }
    if !mail_enabled && !security_enabled {
        return Err(GraphError::bad_request("A group must be security-enabled or mail-enabled."));
    }
    let mut group = Group {
        id: GroupId::from_uuid(Uuid::new_v4()),
        display_name,
        mail_nickname,
        description: None,
        security_enabled,
        mail_enabled,
        created: ctx.now(),
        other: Object::new(),
    };
    if is_unified {
        group.other.insert("groupTypes".into(), json!(types));
    }
    apply(&mut group, body)?;

    let mut tx = ctx.app.store.write().await?;
    tx.directory().insert_group(ctx.tenant, &group).await?;
    // Who makes a group without administering the directory has to be able to go on with it.
    if allowed.because() != Because::Administrator {
        tx.directory().add_owner(ctx.tenant, &group.id.to_string(), creator(&ctx)).await?;
    }
    for link in &owner_links {
        owners::insert(&ctx, &mut tx.directory(), group.id.uuid(), link, owners::IfThere::Keep).await?;
    }
    for link in &links {
        members::insert(&ctx, &mut tx.directory(), &group, link).await?;
    }
    let detail = json!({"displayName": group.display_name, "members": links.len(), "owners": owner_links.len()});
    ctx.record(&mut tx, &allowed, "group.created", group.id.uuid(), detail).await?;
    tx.commit().await?;
    Ok(ctx.created("groups", &group.id, GROUP.cut(show::group(&group), None)))
}

/// `PATCH /groups/{id}`; `members@odata.bind` adds, all or nothing.
pub(super) async fn update(ctx: Ctx, Path(key): Path<String>, Json(body): Json) -> Reply<NoContent> {
    let mut body = Body::read(&GROUP, body, Mode::Update)?;
    let (links, owner_links) = (take_links(&mut body, "members")?, take_links(&mut body, "owners")?);
    refuse_other_links(&body)?;
    let mut tx = ctx.app.store.write().await?;
    let mut group = ctx.or_forbidden(Action::Update(Area::Groups), ctx.group(&mut tx.directory(), &key).await)?;
    let target = group_target(&group);
    // G-008: what the body does decides, not the route it came by.
    if !links.is_empty() {
        let allowed = ctx.allow_on(&mut tx.directory(), Action::ChangeMembers, target).await?;
        for link in &links {
            let member = members::insert(&ctx, &mut tx.directory(), &group, link).await?;
            ctx.record(&mut tx, &allowed, "group.memberAdded", group.id.uuid(), json!({"member": member.id.to_string()})).await?;
        }
    }
    if !owner_links.is_empty() {
        let allowed = ctx.allow_on(&mut tx.directory(), Action::ChangeOwners(Area::Groups), target).await?;
        for link in &owner_links {
            let owner = owners::insert(&ctx, &mut tx.directory(), group.id.uuid(), link, owners::IfThere::Refuse).await?;
            ctx.record(&mut tx, &allowed, "group.ownerAdded", group.id.uuid(), json!({"owner": owner.id.to_string()})).await?;
        }
    }
    if !body.is_empty() || (links.is_empty() && owner_links.is_empty()) {
        let allowed = ctx.allow_on(&mut tx.directory(), Action::Update(Area::Groups), target).await?;
        let changed = body.names().collect::<Vec<_>>().join(",");
        apply(&mut group, body)?;
        tx.directory().update_group(ctx.tenant, &group).await?;
        ctx.record(&mut tx, &allowed, "group.updated", group.id.uuid(), json!({"changed": changed})).await?;
    }
    tx.commit().await?;
    Ok(NoContent)
}

/// `DELETE /groups/{id}`
pub(super) async fn remove(ctx: Ctx, Path(key): Path<String>) -> Reply<NoContent> {
    let mut tx = ctx.app.store.write().await?;
    let group = ctx.or_forbidden(Action::Delete(Area::Groups), ctx.group(&mut tx.directory(), &key).await)?;
    let allowed = ctx.allow_on(&mut tx.directory(), Action::Delete(Area::Groups), group_target(&group)).await?;
    tx.directory().delete_group(ctx.tenant, &group, ctx.now()).await?;
    ctx.record(&mut tx, &allowed, "group.deleted", group.id.uuid(), json!({"displayName": group.display_name})).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// Whoever makes something, as its owner.
pub(super) fn creator(ctx: &Ctx) -> Member {
    let kind = match ctx.caller {
        Caller::Person { .. } => MemberKind::User,
        Caller::Application { .. } => MemberKind::ServicePrincipal,
    };
    Member { id: ctx.caller.id(), kind }
}

fn take_links(body: &mut Body, relation: &str) -> Result<Vec<String>, GraphError> {
    let links = body.take_bind(relation).unwrap_or_default();
    if links.len() > MOST_LINKS {
        return Err(GraphError::bad_request(format!("The limit of {MOST_LINKS} references in one request is exceeded.")));
    }
    Ok(links)
}

fn refuse_other_links(body: &Body) -> Result<(), GraphError> {
    body.other_bind().map_or(Ok(()), |name| Err(BadBody::Unknown(name.to_owned()).into()))
}

fn apply(group: &mut Group, mut body: Body) -> Result<(), GraphError> {
    let required = |property| BadBody::Missing { property, entity: GROUP.name };
    let invalid = |property| BadBody::Value { property, entity: GROUP.name };
    if let Some(text) = body.take_text("displayName") {
        group.display_name = text.ok_or(required("displayName"))?;
    }
    if let Some(text) = body.take_text("mailNickname") {
        group.mail_nickname = text.ok_or(required("mailNickname"))?;
    }
    if let Some(text) = body.take_text("description") {
        group.description = text.filter(|text| !text.is_empty());
    }
    if body.mentions("securityEnabled") {
        group.security_enabled = body.take_flag("securityEnabled").ok_or(invalid("securityEnabled"))?;
    }
    names::display_name(&group.display_name).map_err(|_| invalid("displayName"))?;
    names::mail_nickname(&group.mail_nickname).map_err(|_| invalid("mailNickname"))?;
    body.keep_rest(&mut group.other);
    Ok(())
}
