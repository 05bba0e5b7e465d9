//! Roles of applications and who has them (G-407): `…/appRoleAssignments` of people, groups and service principals, and
//! `/servicePrincipals/{id}/appRoleAssignedTo`.

use axum::extract::Path;
use entrance_model::directory::{AppRoleAssignment, Member, MemberKind, ServicePrincipal};
use entrance_model::directory_rules::access::{Action, Area};
use entrance_model::id::{PrincipalId, ServicePrincipalId};
use entrance_model::signin::manifest::{AppRole, Manifest};
use entrance_model::signin::resource::built_in;
use entrance_store::StoreError;
use entrance_store::directory::Directory;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Json;
use super::ctx::Ctx;
use super::error::GraphError;
use super::find::service_principal_target;
use super::reply::{NoContent, Reply, Shown};

/// `GET …/appRoleAssignments`: the roles of a person, a group or a service principal itself.
pub(super) async fn held(ctx: Ctx) -> Reply<Shown> {
    ctx.allow(Action::Read(Area::ServicePrincipals))?;
    let mut reader = ctx.read().await?;
    let mut directory = reader.directory();
    let subject = ctx.subject(&mut directory).await?;
    let all = directory.app_roles_of(ctx.tenant, subject.id).await?;
    list(&ctx, &mut directory, all).await
}

/// `GET /servicePrincipals/{id}/appRoleAssignedTo`: who has roles of an application.
pub(super) async fn given(ctx: Ctx, Path(key): Path<String>) -> Reply<Shown> {
    ctx.allow(Action::Read(Area::ServicePrincipals))?;
    let mut reader = ctx.read().await?;
    let mut directory = reader.directory();
    let resource = ctx.service_principal(&mut directory, &key).await?;
    let all = directory.app_roles_at(ctx.tenant, resource.id).await?;
    list(&ctx, &mut directory, all).await
}

/// `POST` to either: gives a role. The path and the body have to name the same.
pub(super) async fn give(ctx: Ctx, body: Json) -> Reply<Shown> {
    let id = |name: &'static str| {
        let text = body.required(name)?.as_str().unwrap_or_default();
        text.parse::<Uuid>().map_err(|_| GraphError::bad_request(format!("Invalid value specified for property '{name}'.")))
    };
    let (principal, resource, role) = (id("principalId")?, id("resourceId")?, id("appRoleId")?);
    let mut tx = ctx.app.store.write().await?;
    let (of, key) = collection(&ctx);
    let named = if of == "me" { ctx.me()?.to_string() } else { ctx.subject(&mut tx.directory()).await?.id.to_string() };
    let expected = if key == "approleassignedto" { resource } else { principal };
    if named != expected.to_string() {
        return Err(GraphError::bad_request("The address and the body name different objects."));
    }
    let mut directory = tx.directory();
    let principal_id = PrincipalId::from_uuid(principal);
    let kind = directory.principal_kind(ctx.tenant, principal_id).await?;
    let kind = kind.ok_or_else(|| GraphError::not_found(&principal.to_string()))?;
    let application = ctx.service_principal(&mut directory, &resource.to_string()).await?;
    let allowed = ctx.allow_on(&mut directory, Action::AssignAppRoles, service_principal_target(&application)).await?;
    check(&roles(&ctx, &mut directory, &application).await?, role, kind)?;
    let assignment = AppRoleAssignment {
        id: Uuid::new_v4(),
        principal: Member { id: principal_id, kind },
        resource: application.id,
        role,
        created: ctx.now(),
    };
    match directory.insert_app_role(ctx.tenant, &assignment).await {
        Err(StoreError::Exists(_)) => {
            return Err(GraphError::bad_request("Permission being assigned already exists on the object"));
        }
        done => done?,
    }
    let shown = show(&ctx, &mut tx.directory(), &assignment).await?;
    let detail = json!({"principal": principal, "role": role});
    ctx.record(&mut tx, &allowed, "appRole.assigned", application.id.uuid(), detail).await?;
    tx.commit().await?;
    let Value::Object(shown) = shown else { return Err(GraphError::not_found(&assignment.id.to_string())) };
    Ok(ctx.created("appRoleAssignments", &assignment.id, shown))
}

/// `DELETE …/{assignment}`: takes a role away.
pub(super) async fn take(ctx: Ctx, Path((_, id)): Path<(String, String)>) -> Reply<NoContent> {
    let unknown = || GraphError::not_found(&id);
    let assignment: Uuid = id.parse().map_err(|_| unknown())?;
    let mut tx = ctx.app.store.write().await?;
    let mut directory = tx.directory();
    let subject = ctx.subject(&mut directory).await?;
    let found = directory.app_role_assignment(ctx.tenant, assignment).await?.ok_or_else(unknown)?;
    if found.principal.id != subject.id && PrincipalId::from(found.resource) != subject.id {
        return Err(unknown());
    }
    let application = ctx.service_principal(&mut directory, &found.resource.to_string()).await?;
    let allowed = ctx.allow_on(&mut directory, Action::AssignAppRoles, service_principal_target(&application)).await?;
    directory.delete_app_role(ctx.tenant, assignment).await?;
    let detail = json!({"principal": found.principal.id, "role": found.role});
    ctx.record(&mut tx, &allowed, "appRole.removed", application.id.uuid(), detail).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// The first segment of the path and the last one that is a name.
fn collection(ctx: &Ctx) -> (String, String) {
    let mut segments = ctx.path.split('/').filter(|segment| !segment.is_empty());
    let first = segments.next().unwrap_or_default().to_owned();
    (first, segments.next_back().unwrap_or_default().to_owned())
}

/// Plain access is for everybody; a role has to exist and be for this kind of principal.
fn check(roles: &[AppRole], role: Uuid, kind: MemberKind) -> Result<(), GraphError> {
    let fits = |known: &AppRole| match kind {
        MemberKind::User | MemberKind::Group => known.for_people,
        MemberKind::ServicePrincipal => known.for_applications,
    };
    if role.is_nil() || roles.iter().any(|known| known.id == role && fits(known)) {
        Ok(())
    } else {
        Err(GraphError::bad_request("Permission being assigned was not found on application"))
    }
}

async fn roles<M>(
    ctx: &Ctx,
    directory: &mut Directory<'_, M>,
    application: &ServicePrincipal,
) -> Result<Vec<AppRole>, GraphError> {
    if let Some(kind) = built_in(application.app_id) {
        return Ok(kind.manifest().roles);
    }
    let registration = directory.application_by_app_id(ctx.tenant, application.app_id).await?;
    Ok(registration.map(|registration| Manifest::of(&registration.other).roles).unwrap_or_default())
}

async fn list<M>(ctx: &Ctx, directory: &mut Directory<'_, M>, all: Vec<AppRoleAssignment>) -> Reply<Shown> {
    let options = ctx.options()?;
    let mut values = Vec::with_capacity(all.len());
    for one in &all {
        let shown = show(ctx, directory, one).await?;
        let matches =
            |filter: &entrance_wire::graph::filter::Filter| shown.as_object().is_some_and(|shown| filter.matches(shown));
        if options.filter.as_ref().is_none_or(matches) {
            values.push(shown);
        }
    }
    Ok(ctx.values("appRoleAssignments", values))
}

async fn show<M>(ctx: &Ctx, directory: &mut Directory<'_, M>, one: &AppRoleAssignment) -> Result<Value, GraphError> {
    let Member { id, kind } = one.principal;
    let (kind, name) = match kind {
        MemberKind::User => ("User", directory.user(ctx.tenant, id.as_user()).await?.map(|user| user.display_name)),
        MemberKind::Group => ("Group", directory.group(ctx.tenant, id.as_group()).await?.map(|group| group.display_name)),
        MemberKind::ServicePrincipal => ("ServicePrincipal", name(ctx, directory, id.as_service_principal()).await?),
    };
    Ok(json!({
        "id": one.id,
        "deletedDateTime": null,
        "appRoleId": one.role,
        "createdDateTime": one.created.to_string(),
        "principalDisplayName": name,
        "principalId": id,
        "principalType": kind,
        "resourceDisplayName": self::name(ctx, directory, one.resource).await?,
        "resourceId": one.resource,
    }))
}

async fn name<M>(ctx: &Ctx, directory: &mut Directory<'_, M>, id: ServicePrincipalId) -> Result<Option<String>, GraphError> {
    Ok(directory.service_principal(ctx.tenant, id).await?.map(|principal| principal.display_name))
}
