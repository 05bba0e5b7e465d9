//! `/applications`: registrations (G-400 to G-402, G-408).

use axum::extract::Path;
use axum::response::Response;
use entrance_model::directory::{Application, Redirects};
use entrance_model::directory_rules::access::{Action, Allowed, Area, Because};
use entrance_model::id::{AppId, AppObjectId};
use entrance_store::Tx;
use entrance_wire::graph::Object;
use entrance_wire::graph::body::{BadBody, Body, Mode};
use entrance_wire::graph::tables::APPLICATION;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Json;
use super::ctx::{self, Ctx};
use super::error::GraphError;
use super::groups::creator;
use super::reply::{NoContent, Reply, Shown};
use super::show::{self, KeyMaterial};
use super::source::Source;
use super::{certificate, list, registration};

/// `GET /applications`
pub(super) async fn list(ctx: Ctx) -> Reply<Shown> {
    ctx.allow(Action::Read(Area::Applications))?;
    list::list(&ctx, Source::Applications).await
}

/// `GET /applications/$count`
pub(super) async fn count(ctx: Ctx) -> Reply<Response> {
    ctx.allow(Action::Read(Area::Applications))?;
    list::count(&ctx, Source::Applications).await
}

/// `GET /applications/{id}`
pub(super) async fn show(ctx: Ctx, Path(key): Path<String>) -> Reply<Shown> {
    let options = ctx.options()?;
    APPLICATION.check_select(options.select.as_deref())?;
    let mut reader = ctx.read().await?;
    let mut directory = reader.directory();
    let app = ctx.or_forbidden(Action::Read(Area::Applications), ctx.application(&mut directory, &key).await)?;
    ctx.allow_on(&mut directory, Action::Read(Area::Applications), target(&app)).await?;
    let tenant = ctx.organization(&mut directory).await?;
    let complete = show::application(&app, tenant.domains.first().map(String::as_str), key_material(options.select.as_deref()));
    Ok(ctx.one("applications/$entity", APPLICATION.cut(complete, options.select.as_deref())))
}

/// Certificates are shown whole only to those who ask for them by name.
pub(super) fn key_material(select: Option<&[String]>) -> KeyMaterial {
    let asked = select.is_some_and(|names| names.iter().any(|name| name.eq_ignore_ascii_case("keyCredentials")));
    if asked { KeyMaterial::Shown } else { KeyMaterial::Hidden }
}

/// What authorization has to know of a registration.
pub(super) fn target(app: &Application) -> ctx::Object {
    ctx::Object::plain(app.id.uuid())
}

/// `POST /applications`
pub(super) async fn create(ctx: Ctx, Json(body): Json) -> Reply<Shown> {
    let allowed = ctx.allow(Action::Create(Area::Applications))?;
    let mut body = Body::read(&APPLICATION, body, Mode::Create)?;
    if !body.mentions("displayName") {
        return Err(BadBody::Missing { property: "displayName", entity: APPLICATION.name }.into());
    }
    let keys = body.take_value("keyCredentials");
    refuse_secrets(&mut body)?;
    let mut app = Application {
        id: AppObjectId::from_uuid(Uuid::new_v4()),
        app_id: AppId::from_uuid(Uuid::new_v4()),
        display_name: String::new(),
        identifier_uris: Vec::new(),
        redirects: Redirects::default(),
        is_public_client: false,
        token_version: 1,
        credentials: Vec::new(),
        created: ctx.now(),
        other: Object::new(),
    };
    if let Some(keys) = &keys {
        certificate::replace(&mut app.credentials, keys, ctx.now())?;
    }
    let tenant = ctx.organization(&mut ctx.read().await?.directory()).await?;
    registration::apply(&mut app, body, ctx.tenant, &tenant.domains)?;

    let mut tx = ctx.app.store.write().await?;
    tx.directory().insert_application(ctx.tenant, &app).await?;
    if allowed.because() != Because::Administrator {
        tx.directory().add_owner(ctx.tenant, &app.id.to_string(), creator(&ctx)).await?;
    }
    let detail = json!({"appId": app.app_id.to_string(), "displayName": app.display_name, "keys": app.credentials.len()});
    ctx.record(&mut tx, &allowed, "application.created", app.id.uuid(), detail).await?;
    tx.commit().await?;
    let complete = show::application(&app, tenant.domains.first().map(String::as_str), KeyMaterial::Hidden);
    Ok(ctx.created("applications", &app.id, APPLICATION.cut(complete, None)))
}

/// Secrets are made by `addPassword` only; an empty list says nothing.
fn refuse_secrets(body: &mut Body) -> Result<(), GraphError> {
    match body.take_value("passwordCredentials") {
        Some(Value::Array(all)) if !all.is_empty() => Err(BadBody::ReadOnly("passwordCredentials").into()),
        _ => Ok(()),
    }
}

/// The application that is to be changed, as this transaction sees it, and the proof that the caller may.
pub(super) async fn to_change(ctx: &Ctx, tx: &mut Tx, key: &str, action: Action) -> Result<(Application, Allowed), GraphError> {
    let app = ctx.or_forbidden(action, ctx.application(&mut tx.directory(), key).await)?;
    let allowed = ctx.allow_on(&mut tx.directory(), action, target(&app)).await?;
    Ok((app, allowed))
}

/// `PATCH /applications/{id}`
pub(super) async fn update(ctx: Ctx, Path(key): Path<String>, Json(body): Json) -> Reply<NoContent> {
    let mut body = Body::read(&APPLICATION, body, Mode::Update)?;
    let mut tx = ctx.app.store.write().await?;
    let (mut app, allowed) = to_change(&ctx, &mut tx, &key, Action::Update(Area::Applications)).await?;
    let changed = body.names().collect::<Vec<_>>().join(",");
    if let Some(keys) = body.take_value("keyCredentials") {
        let action = Action::ChangeCredentials(Area::Applications);
        let allowed = ctx.allow_on(&mut tx.directory(), action, target(&app)).await?;
        certificate::replace(&mut app.credentials, &keys, ctx.now())?;
        ctx.record(
            &mut tx,
            &allowed,
            "application.keysReplaced",
            app.id.uuid(),
            json!({"keys": keys.as_array().map_or(0, Vec::len)}),
        )
        .await?;
    }
    refuse_secrets(&mut body)?;
    let tenant = ctx.organization(&mut tx.directory()).await?;
    registration::apply(&mut app, body, ctx.tenant, &tenant.domains)?;
    tx.directory().update_application(ctx.tenant, &app).await?;
    // The service principal goes by the application's name.
    if let Some(mut principal) = tx.directory().service_principal_of(ctx.tenant, app.app_id).await?
        && principal.display_name != app.display_name
    {
        principal.display_name.clone_from(&app.display_name);
        tx.directory().update_service_principal(ctx.tenant, &principal).await?;
    }
    ctx.record(&mut tx, &allowed, "application.updated", app.id.uuid(), json!({"changed": changed})).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// `DELETE /applications/{id}`: its service principal goes with it (G-408).
pub(super) async fn remove(ctx: Ctx, Path(key): Path<String>) -> Reply<NoContent> {
    let mut tx = ctx.app.store.write().await?;
    let (app, allowed) = to_change(&ctx, &mut tx, &key, Action::Delete(Area::Applications)).await?;
    let now = ctx.now();
    if let Some(principal) = tx.directory().service_principal_of(ctx.tenant, app.app_id).await? {
        tx.directory().delete_service_principal(ctx.tenant, &principal, now).await?;
    }
    tx.directory().delete_application(ctx.tenant, &app, now).await?;
    ctx.record(&mut tx, &allowed, "application.deleted", app.id.uuid(), json!({"appId": app.app_id.to_string()})).await?;
    tx.commit().await?;
    Ok(NoContent)
}
