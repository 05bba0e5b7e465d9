//! `/entrance/managedIdentities`: applications that processes of the server's machine are (S-270).

use axum::extract::Path;
use entrance_model::directory_rules::access::{Action, Area};
use entrance_model::id::CredentialId;
use entrance_model::signin::managed_identity::{ManagedIdentity, is_name};
use entrance_wire::graph::Object;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Json;
use super::ctx::Ctx;
use super::error::GraphError;
use super::find::service_principal_target;
use super::reply::{NoContent, Reply, Shown};
use crate::authority::secret;

/// Which processes of a machine are believed is a fact of the directory.
const ACTION: Action = Action::Update(Area::Organization);
const SET: &str = "entrance/managedIdentities";

/// `GET /entrance/managedIdentities`
pub(super) async fn list(ctx: Ctx) -> Reply<Shown> {
    ctx.allow(ACTION)?;
    let all = ctx.read().await?.authority().managed_identities(ctx.tenant).await?;
    Ok(ctx.values(SET, all.iter().map(|one| Value::Object(show(&ctx, one, None))).collect()))
}

/// `POST /entrance/managedIdentities` `{name, servicePrincipalId, everyProcess?}`. The header is shown once.
pub(super) async fn create(ctx: Ctx, body: Json) -> Reply<Shown> {
    let allowed = ctx.allow(ACTION)?;
    let text = |name: &str| {
        let value = body.required(name)?.as_str().map(str::to_owned);
        value.ok_or_else(|| GraphError::bad_request(format!("Invalid value specified for parameter '{name}'.")))
    };
    let (name, key) = (text("name")?, text("servicePrincipalId")?.to_ascii_lowercase());
    if !is_name(&name) {
        return Err(GraphError::bad_request("A name has 3 to 120 letters, digits, dots, dashes and underscores."));
    }
    let every = body.0.get("everyProcess").and_then(Value::as_bool).unwrap_or(false);
    let mut tx = ctx.app.store.write().await?;
    let principal = ctx.service_principal(&mut tx.directory(), &key).await?;
    // As good as a secret of the application, so whoever may add one has to be asked, and nobody gets the built-in ones.
    let target = service_principal_target(&principal);
    ctx.allow_on(&mut tx.directory(), Action::ChangeCredentials(Area::ServicePrincipals), target).await?;
    let header = (!every).then(secret::opaque);
    let one = ManagedIdentity {
        tenant: ctx.tenant,
        id: CredentialId::from_uuid(Uuid::new_v4()),
        name,
        principal: principal.id,
        needs_header: header.is_some(),
        created: ctx.now(),
        created_by: Some(ctx.caller.id()),
    };
    tx.authority().add_managed_identity(&one, header.as_deref().map(secret::sha256).as_deref()).await?;
    let detail = json!({"name": one.name, "principal": one.principal.to_string(), "everyProcess": every});
    ctx.record(&mut tx, &allowed, "identity.added", one.id.uuid(), detail).await?;
    tx.commit().await?;
    Ok(ctx.created(SET, &one.id, show(&ctx, &one, header.as_deref())))
}

/// `DELETE /entrance/managedIdentities/{id}`
pub(super) async fn remove(ctx: Ctx, Path(id): Path<String>) -> Reply<NoContent> {
    let allowed = ctx.allow(ACTION)?;
    let mut tx = ctx.app.store.write().await?;
    let all = tx.authority().managed_identities(ctx.tenant).await?;
    let one = all.into_iter().find(|one| one.id.to_string() == id).ok_or_else(|| GraphError::not_found(&id))?;
    tx.authority().remove_managed_identity(ctx.tenant, one.id).await?;
    ctx.record(&mut tx, &allowed, "identity.removed", one.id.uuid(), json!({"name": one.name})).await?;
    tx.commit().await?;
    Ok(NoContent)
}

fn show(ctx: &Ctx, one: &ManagedIdentity, header: Option<&str>) -> Object {
    let endpoint = ctx.app.identity_address().map(|at| format!("http://{at}/msi/token"));
    let shown = json!({
        "id": one.id.to_string(),
        "name": one.name,
        "servicePrincipalId": one.principal.to_string(),
        "everyProcess": !one.needs_header,
        "createdDateTime": one.created.to_string(),
        "createdBy": one.created_by.map(|by| by.to_string()),
        "identityEndpoint": endpoint,
        "identityHeader": header,
    });
    shown.as_object().cloned().unwrap_or_default()
}
