//! `/oauth2PermissionGrants`: what applications may do in people's names (G-406).

use axum::extract::Path;
use entrance_model::directory::ServicePrincipal;
use entrance_model::directory_rules::access::Action;
use entrance_model::id::{GrantId, PrincipalId, ServicePrincipalId, UserId};
use entrance_model::signin::consent::{For, PermissionGrant};
use entrance_store::{StoreError, Tx};
use entrance_wire::graph::Object;
use entrance_wire::graph::body::{BadBody, Body, Mode};
use entrance_wire::graph::tables::PERMISSION_GRANT;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Json;
use super::ctx::{self, Ctx};
use super::error::GraphError;
use super::reply::{NoContent, Reply, Shown};

/// More than a tenant of ours has; az asks for one client's.
const MOST: u32 = 10_000;
const SET: &str = "oauth2PermissionGrants";

/// `GET /oauth2PermissionGrants`
pub(super) async fn list(ctx: Ctx) -> Reply<Shown> {
    ctx.allow(Action::ReadGrants)?;
    let grants = ctx.read().await?.authority().permission_grants(ctx.tenant, None, MOST).await?;
    show(&ctx, &grants)
}

/// `GET /me/oauth2PermissionGrants` and `/users/{id}/oauth2PermissionGrants`: what somebody allowed for themselves.
pub(super) async fn of_person(ctx: Ctx) -> Reply<Shown> {
    let mut reader = ctx.read().await?;
    let subject = ctx.subject(&mut reader.directory()).await?;
    ctx.allow_on(&mut reader.directory(), Action::ReadGrants, ctx::Object::plain(subject.id.uuid())).await?;
    let grants = reader.authority().permission_grants_of(ctx.tenant, subject.id.as_user(), MOST).await?;
    show(&ctx, &grants)
}

/// `GET /servicePrincipals/{id}/oauth2PermissionGrants`: what one application was allowed.
pub(super) async fn of_client(ctx: Ctx, Path(key): Path<String>) -> Reply<Shown> {
    ctx.allow(Action::ReadGrants)?;
    let mut reader = ctx.read().await?;
    let client = ctx.service_principal(&mut reader.directory(), &key).await?.id;
    let grants = reader.authority().permission_grants(ctx.tenant, Some(client), MOST).await?;
    show(&ctx, &grants)
}

fn show(ctx: &Ctx, grants: &[PermissionGrant]) -> Reply<Shown> {
    let options = ctx.options()?;
    PERMISSION_GRANT.check_select(options.select.as_deref())?;
    let all = grants.iter().map(object);
    let found = all.filter(|object| options.filter.as_ref().is_none_or(|filter| filter.matches(object)));
    let cut = found.map(|object| Value::Object(PERMISSION_GRANT.cut(object, options.select.as_deref())));
    Ok(ctx.values(SET, cut.collect()))
}

fn object(grant: &PermissionGrant) -> Object {
    let shown = json!({
        "clientId": grant.client.to_string(),
        "consentType": grant.who.kind(),
        "id": grant.id.to_string(),
        "principalId": grant.who.person().map(|id| id.to_string()),
        "resourceId": grant.resource.to_string(),
        "scope": grant.scopes.join(" "),
    });
    shown.as_object().cloned().unwrap_or_default()
}

/// `GET /oauth2PermissionGrants/{id}`
pub(super) async fn one(ctx: Ctx, Path(key): Path<String>) -> Reply<Shown> {
    let mut reader = ctx.read().await?;
    let found = match key.parse::<GrantId>() {
        Ok(id) => reader.authority().permission_grant(ctx.tenant, id).await?,
        Err(_) => None,
    };
    let Some(grant) = found else {
        ctx.allow(Action::ReadGrants)?;
        return Err(GraphError::not_found(&key));
    };
    ctx.allow_on(&mut reader.directory(), Action::ReadGrants, target(&grant)).await?;
    Ok(ctx.one(&format!("{SET}/$entity"), object(&grant)))
}

/// What authorization has to know: whom a grant speaks for.
fn target(grant: &PermissionGrant) -> ctx::Object {
    ctx::Object::plain(grant.who.person().map(UserId::uuid).unwrap_or_default())
}

/// `POST /oauth2PermissionGrants`
pub(super) async fn create(ctx: Ctx, Json(body): Json) -> Reply<Shown> {
    // Nobody allows something in another one's name but administrators; people do it on the consent page.
    let allowed = ctx.allow(Action::ChangeGrants)?;
    let mut body = Body::read(&PERMISSION_GRANT, body, Mode::Create)?;
    let mut text = |property: &'static str| {
        let missing = BadBody::Missing { property, entity: PERMISSION_GRANT.name };
        body.take_text(property).flatten().ok_or(GraphError::from(missing))
    };
    let (client, resource, kind) = (text("clientId")?, text("resourceId")?, text("consentType")?);
    let scope = text("scope")?;
    let person = body.take_text("principalId").flatten();
    let mut tx = ctx.app.store.write().await?;
    let client = known(&ctx, &mut tx, &client, "clientId").await?;
    if client.is_first_party {
        return Err(GraphError::bad_request("Permissions of a built-in application cannot be changed."));
    }
    let who = match (kind.as_str(), person) {
        ("AllPrincipals", None) => For::Everybody,
        ("Principal", Some(id)) => For::Person(person_of(&ctx, &mut tx, &id).await?),
        ("AllPrincipals", Some(_)) => {
            return Err(GraphError::bad_request("principalId cannot be specified when consentType is AllPrincipals."));
        }
        ("Principal", None) => return Err(GraphError::bad_request("principalId is required when consentType is Principal.")),
        _ => return Err(BadBody::Value { property: "consentType", entity: PERMISSION_GRANT.name }.into()),
    };
    let grant = PermissionGrant {
        id: GrantId::from_uuid(Uuid::new_v4()),
        client: client.id,
        resource: known(&ctx, &mut tx, &resource, "resourceId").await?.id,
        who,
        scopes: PermissionGrant::names(&scope),
    };
    match tx.authority().insert_permission_grant(ctx.tenant, &grant, ctx.now()).await {
        Err(StoreError::Exists(_)) => return Err(GraphError::same_key("Permission entry already exists.")),
        done => done?,
    }
    ctx.record(&mut tx, &allowed, "consent.granted", grant.client.uuid(), told(&grant)).await?;
    tx.commit().await?;
    Ok(ctx.created(SET, &grant.id, object(&grant)))
}

async fn known(ctx: &Ctx, tx: &mut Tx, id: &str, property: &'static str) -> Result<ServicePrincipal, GraphError> {
    let invalid = || GraphError::from(BadBody::Value { property, entity: PERMISSION_GRANT.name });
    let id: ServicePrincipalId = id.parse().map_err(|_| invalid())?;
    tx.directory().service_principal(ctx.tenant, id).await?.ok_or_else(|| GraphError::not_found(&id.to_string()))
}

async fn person_of(ctx: &Ctx, tx: &mut Tx, id: &str) -> Result<UserId, GraphError> {
    let found = match id.parse::<PrincipalId>() {
        Ok(id) => tx.directory().user(ctx.tenant, id.as_user()).await?,
        Err(_) => None,
    };
    found.map(|user| user.id).ok_or_else(|| GraphError::not_found(id))
}

/// `PATCH /oauth2PermissionGrants/{id}`: the list of permissions.
pub(super) async fn update(ctx: Ctx, Path(key): Path<String>, Json(body): Json) -> Reply<NoContent> {
    // Somebody may take back what they allowed; only administrators write what they like.
    let allowed = ctx.allow(Action::ChangeGrants)?;
    let mut body = Body::read(&PERMISSION_GRANT, body, Mode::Update)?;
    let mut tx = ctx.app.store.write().await?;
    let mut grant = find(&ctx, &mut tx, &key).await?;
    if let Some(scope) = body.take_text("scope") {
        grant.scopes = PermissionGrant::names(&scope.unwrap_or_default());
    }
    tx.authority().update_permission_grant(ctx.tenant, &grant).await?;
    ctx.record(&mut tx, &allowed, "consent.changed", grant.client.uuid(), told(&grant)).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// `DELETE /oauth2PermissionGrants/{id}`: refresh tokens give nothing from then on (65001).
pub(super) async fn remove(ctx: Ctx, Path(key): Path<String>) -> Reply<NoContent> {
    let mut tx = ctx.app.store.write().await?;
    let grant = ctx.or_forbidden(Action::ChangeGrants, find(&ctx, &mut tx, &key).await)?;
    let allowed = ctx.allow_on(&mut tx.directory(), Action::ChangeGrants, target(&grant)).await?;
    tx.authority().delete_permission_grant(ctx.tenant, &grant).await?;
    ctx.record(&mut tx, &allowed, "consent.revoked", grant.client.uuid(), told(&grant)).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn find(ctx: &Ctx, tx: &mut Tx, key: &str) -> Result<PermissionGrant, GraphError> {
    let found = match key.parse::<GrantId>() {
        Ok(id) => tx.authority().permission_grant(ctx.tenant, id).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| GraphError::not_found(key))
}

fn told(grant: &PermissionGrant) -> Value {
    json!({ "resource": grant.resource, "consentType": grant.who.kind(), "principal": grant.who.person(), "scope": grant.scopes.join(" ") })
}
