//! What an application was allowed to do in a person's name (S-304), read from registrations and grants.

use std::collections::BTreeSet;
use std::sync::Arc;

use entrance_model::directory::{Application, Tenant};
use entrance_model::id::{AppId, ServicePrincipalId, UserId};
use entrance_model::signin::Aadsts;
use entrance_model::signin::client::{Refusal, preauthorized};
use entrance_model::signin::consent::{Need, Unknown, Weighed};
use entrance_model::signin::permission::{self, Permission};
use entrance_model::signin::resource::{Kind, Resource, of_scope};
use entrance_model::signin::scope::ForResource;
use entrance_model::well_known::AKS_SERVER;
use entrance_store::StoreError;
use serde_json::Value;

use super::client::Client;
use super::ctx::Ctx;
use super::memory;
use super::refused::Refused;
use super::target;

/// One resource of a request, with what was allowed there.
pub(crate) struct Standing {
    /// The resource.
    pub(crate) resource: Arc<Resource>,
    /// Its identity in the tenant; grants name it.
    pub(crate) principal: ServicePrincipalId,
    /// Its name.
    pub(crate) name: String,
    /// What is granted and what is missing.
    pub(crate) weighed: Weighed,
}

/// Compares one part of a scope with what was allowed to a client: for this person, or for everybody where nobody is known
/// yet.
pub(crate) async fn standing(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &Client,
    part: Option<&ForResource>,
    user: Option<UserId>,
) -> Result<Standing, Refused> {
    let resource = target::find(ctx, tenant, &of_scope(part)).await?;
    let mut free: Vec<String> = match preauthorized(client.app, &resource) {
        Ok(free) => free.into_iter().map(str::to_owned).collect(),
        Err(Refusal::NoConsent) => Vec::new(),
        Err(refusal @ Refusal::NotPreauthorized) => return Err(refusal.number().into()),
    };
    // Consent to the clusters is consent to each of them, whatever audience it has.
    let by = if resource.kind == Kind::Cluster { AKS_SERVER } else { resource.app };
    let unknown = || Refused::from(Aadsts::InvalidResourceServicePrincipalNotFound);
    let principal = memory::principal(ctx, tenant, by).await?.ok_or_else(unknown)?;
    let registration = match resource.kind {
        Kind::Own => memory::application(ctx, tenant, resource.app).await?,
        _ => None,
    };
    let offered = match &registration {
        Some(app) => offered_by(app),
        None => permission::built_in(resource.kind),
    };
    free.extend(registration.iter().flat_map(|app| promised(app, client.app, &offered)));
    let allowed = match user {
        Some(user) => allowed(ctx, tenant, (client.principal.id, principal.id), user).await?,
        None => Arc::default(),
    };
    let listed = client.registration().map(|app| listed(app, by, &offered)).unwrap_or_default();
    let need = Need { asked: part, offered: &offered, free: &free, allowed: &allowed, listed: &listed };
    let weighed = match need.weigh() {
        Ok(weighed) => weighed,
        // Whether a person allowed something is seen once they are known.
        Err(Unknown::NotListed) if user.is_none() => Weighed { granted: Vec::new(), missing: Vec::new(), asked: Vec::new() },
        Err(error @ Unknown::Scope(_)) => {
            let Unknown::Scope(name) = &error else { return Err(error.number().into()) };
            return Err(Refused::from(error.number()).about("scope", name));
        }
        Err(error @ Unknown::NotListed) => return Err(error.number().into()),
    };
    // Nobody is ever asked about a built-in application.
    if client.is_built_in()
        && let Some(first) = weighed.missing.first()
    {
        return Err(Refused::from(Aadsts::DelegationDoesNotExist).about("scope", &first.value));
    }
    Ok(Standing { resource, principal: principal.id, name: principal.display_name.clone(), weighed })
}

/// What counts for a person at a resource: what they allowed themselves, and what was allowed for everybody.
async fn allowed(
    ctx: &Ctx,
    tenant: &Tenant,
    (client, resource): (ServicePrincipalId, ServicePrincipalId),
    user: UserId,
) -> Result<Arc<[String]>, StoreError> {
    let (edition, kept, key) =
        (memory::edition(&ctx.app), &ctx.app.authority.memory.allowed, (tenant.id, client, resource, user));
    let read = async {
        let grants = ctx.app.store.glance().await?.authority().permitted_scopes(tenant.id, client, resource, user).await?;
        Ok(grants.into_iter().flat_map(|grant| grant.scopes).collect())
    };
    kept.or_read(key, edition, read).await
}

/// What a registration offers.
fn offered_by(app: &Application) -> Vec<Permission> {
    permission::registered(app.other.get("api").and_then(|api| api.get("oauth2PermissionScopes")).unwrap_or(&Value::Null))
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn objects(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The names of the permissions with these ids.
fn named<'o>(ids: &BTreeSet<String>, offered: &'o [Permission]) -> impl Iterator<Item = &'o str> {
    offered.iter().filter(|one| ids.contains(&one.id.to_string())).map(|one| one.value.as_str())
}

/// What a resource promises to a client without a question (`api.preAuthorizedApplications`).
fn promised(resource: &Application, client: AppId, offered: &[Permission]) -> Vec<String> {
    let all = objects(resource.other.get("api").and_then(|api| api.get("preAuthorizedApplications")));
    let ids = all
        .iter()
        .filter(|one| text(one, "appId").eq_ignore_ascii_case(&client.to_string()))
        .flat_map(|one| objects(one.get("delegatedPermissionIds").or_else(|| one.get("permissionIds"))))
        .filter_map(|id| id.as_str().map(str::to_ascii_lowercase))
        .collect();
    named(&ids, offered).map(str::to_owned).collect()
}

/// What a client's registration lists for a resource (`requiredResourceAccess`).
fn listed(client: &Application, resource: AppId, offered: &[Permission]) -> Vec<String> {
    let ids = objects(client.other.get("requiredResourceAccess"))
        .iter()
        .filter(|one| text(one, "resourceAppId").eq_ignore_ascii_case(&resource.to_string()))
        .flat_map(|one| objects(one.get("resourceAccess")))
        .filter(|access| text(access, "type").eq_ignore_ascii_case("Scope"))
        .map(|access| text(access, "id").to_ascii_lowercase())
        .collect();
    named(&ids, offered).map(str::to_owned).collect()
}

/// The resources that a client's registration lists permissions of.
pub(crate) fn resources(client: &Application) -> Vec<AppId> {
    let all = objects(client.other.get("requiredResourceAccess"));
    let scopes =
        |one: &Value| objects(one.get("resourceAccess")).iter().any(|access| text(access, "type").eq_ignore_ascii_case("Scope"));
    all.iter().filter(|one| scopes(one)).filter_map(|one| text(one, "resourceAppId").parse().ok()).collect()
}
