//! `/servicePrincipals`: applications as the tenant knows them (G-405, G-408).

use axum::extract::Path;
use axum::response::Response;
use entrance_model::directory::ServicePrincipal;
use entrance_model::directory_rules::access::{Action, Allowed, Area, Because};
use entrance_model::directory_rules::names;
use entrance_model::id::{AppId, ServicePrincipalId};
use entrance_store::{StoreError, Tx};
use entrance_wire::graph::Object;
use entrance_wire::graph::body::{BadBody, Body, Mode};
use entrance_wire::graph::tables::SERVICE_PRINCIPAL;
use serde_json::{Value, json};
use uuid::Uuid;

use super::applications::key_material;
use super::body::Json;
use super::ctx::Ctx;
use super::error::GraphError;
use super::find::service_principal_target;
use super::groups::creator;
use super::reply::{NoContent, Reply, Shown};
use super::show::KeyMaterial;
use super::source::Source;
use super::{certificate, list};

/// `GET /servicePrincipals`
pub(super) async fn list(ctx: Ctx) -> Reply<Shown> {
    ctx.allow(Action::Read(Area::ServicePrincipals))?;
    list::list(&ctx, Source::ServicePrincipals).await
}

/// `GET /servicePrincipals/$count`
pub(super) async fn count(ctx: Ctx) -> Reply<Response> {
    ctx.allow(Action::Read(Area::ServicePrincipals))?;
    list::count(&ctx, Source::ServicePrincipals).await
}

/// `GET /servicePrincipals/{id}`
pub(super) async fn show(ctx: Ctx, Path(key): Path<String>) -> Reply<Shown> {
    let options = ctx.options()?;
    SERVICE_PRINCIPAL.check_select(options.select.as_deref())?;
    let mut reader = ctx.read().await?;
    let mut directory = reader.directory();
    let principal = ctx.or_forbidden(Action::Read(Area::ServicePrincipals), ctx.service_principal(&mut directory, &key).await)?;
    ctx.allow_on(&mut directory, Action::Read(Area::ServicePrincipals), service_principal_target(&principal)).await?;
    let select = options.select.as_deref();
    let complete = ctx.show_service_principal(&mut directory, &principal, key_material(select)).await?;
    Ok(ctx.one("servicePrincipals/$entity", SERVICE_PRINCIPAL.cut(complete, select)))
}

/// `POST /servicePrincipals`
pub(super) async fn create(ctx: Ctx, Json(body): Json) -> Reply<Shown> {
    let allowed = ctx.allow(Action::Create(Area::ServicePrincipals))?;
    let mut body = Body::read(&SERVICE_PRINCIPAL, body, Mode::Create)?;
    let missing = BadBody::Missing { property: "appId", entity: SERVICE_PRINCIPAL.name };
    let text = body.take_text("appId").flatten().ok_or(missing)?;
    let app_id: AppId = text.parse().map_err(|_| GraphError::no_backing_application(&text))?;
    let mut tx = ctx.app.store.write().await?;
    let app = tx.directory().application_by_app_id(ctx.tenant, app_id).await?;
    let app = app.ok_or_else(|| GraphError::no_backing_application(&text))?;
    let mut principal = ServicePrincipal {
        id: ServicePrincipalId::from_uuid(Uuid::new_v4()),
        app_id,
        display_name: app.display_name,
        enabled: true,
        is_first_party: false,
        assignment_required: false,
        credentials: Vec::new(),
        created: ctx.now(),
        other: Object::new(),
    };
    apply(&ctx, &mut principal, body)?;
    match tx.directory().insert_service_principal(ctx.tenant, &principal).await {
        Err(StoreError::Exists(_)) => {
            return Err(GraphError::same_key(format!(
                "The service principal cannot be created, updated, or restored because the service principal name {app_id} is already in use."
            )));
        }
        done => done?,
    }
    if allowed.because() != Because::Administrator {
        tx.directory().add_owner(ctx.tenant, &principal.id.to_string(), creator(&ctx)).await?;
    }
    ctx.record(&mut tx, &allowed, "servicePrincipal.created", principal.id.uuid(), json!({"appId": app_id.to_string()})).await?;
    let complete = ctx.show_service_principal(&mut tx.directory(), &principal, KeyMaterial::Hidden).await?;
    tx.commit().await?;
    Ok(ctx.created("servicePrincipals", &principal.id, SERVICE_PRINCIPAL.cut(complete, None)))
}

/// The service principal that is to be changed, as this transaction sees it, and the proof that the caller may.
pub(super) async fn to_change(
    ctx: &Ctx,
    tx: &mut Tx,
    key: &str,
    action: Action,
) -> Result<(ServicePrincipal, Allowed), GraphError> {
    let principal = ctx.or_forbidden(action, ctx.service_principal(&mut tx.directory(), key).await)?;
    let allowed = ctx.allow_on(&mut tx.directory(), action, service_principal_target(&principal)).await?;
    Ok((principal, allowed))
}

/// `PATCH /servicePrincipals/{id}`
pub(super) async fn update(ctx: Ctx, Path(key): Path<String>, Json(body): Json) -> Reply<NoContent> {
    let body = Body::read(&SERVICE_PRINCIPAL, body, Mode::Update)?;
    let mut tx = ctx.app.store.write().await?;
    let (mut principal, allowed) = to_change(&ctx, &mut tx, &key, Action::Update(Area::ServicePrincipals)).await?;
    let changed = body.names().collect::<Vec<_>>().join(",");
    if body.mentions("keyCredentials") {
        let action = Action::ChangeCredentials(Area::ServicePrincipals);
        ctx.allow_on(&mut tx.directory(), action, service_principal_target(&principal)).await?;
    }
    apply(&ctx, &mut principal, body)?;
    tx.directory().update_service_principal(ctx.tenant, &principal).await?;
    ctx.record(&mut tx, &allowed, "servicePrincipal.updated", principal.id.uuid(), json!({"changed": changed})).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// `DELETE /servicePrincipals/{id}`: the registration stays.
pub(super) async fn remove(ctx: Ctx, Path(key): Path<String>) -> Reply<NoContent> {
    let mut tx = ctx.app.store.write().await?;
    let (principal, allowed) = to_change(&ctx, &mut tx, &key, Action::Delete(Area::ServicePrincipals)).await?;
    tx.directory().delete_service_principal(ctx.tenant, &principal, ctx.now()).await?;
    let detail = json!({"appId": principal.app_id.to_string()});
    ctx.record(&mut tx, &allowed, "servicePrincipal.deleted", principal.id.uuid(), detail).await?;
    tx.commit().await?;
    Ok(NoContent)
}

fn apply(ctx: &Ctx, principal: &mut ServicePrincipal, mut body: Body) -> Result<(), GraphError> {
    let invalid = |property| GraphError::from(BadBody::Value { property, entity: SERVICE_PRINCIPAL.name });
    if body.mentions("accountEnabled") {
        principal.enabled = body.take_flag("accountEnabled").ok_or_else(|| invalid("accountEnabled"))?;
    }
    if let Some(flag) = body.take_value("appRoleAssignmentRequired") {
        principal.assignment_required = flag.as_bool().unwrap_or(false);
    }
    if let Some(name) = body.take_text("displayName").flatten() {
        names::display_name(&name).map_err(|_| invalid("displayName"))?;
        principal.display_name = name;
    }
    if let Some(keys) = body.take_value("keyCredentials") {
        certificate::replace(&mut principal.credentials, &keys, ctx.now())?;
    }
    if let Some(Value::Array(secrets)) = body.take_value("passwordCredentials")
        && !secrets.is_empty()
    {
        return Err(BadBody::ReadOnly("passwordCredentials").into());
    }
    // What the registration says is shown from there; a copy would grow old.
    for name in ["servicePrincipalNames", "replyUrls", "appRoles", "oauth2PermissionScopes"] {
        body.take_value(name);
    }
    body.keep_rest(&mut principal.other);
    Ok(())
}
