//! Finds what a token is asked for (S-300, S-302): a built-in API, an application of the tenant, or one cluster.
//!
//! A cluster whose `tokenAudience` is `cluster` has an application id of its own (DESIGN 4.1). Nobody registers it: it
//! exists for the cluster's directory as long as the cluster's gate asks for it, and for no other directory.

use std::sync::Arc;

use entrance_model::directory::{Application, Tenant};
use entrance_model::id::AppId;
use entrance_model::signin::Aadsts;
use entrance_model::signin::manifest::Manifest;
use entrance_model::signin::resource::{Identifier, Kind, Resource, audience, built_in, identify};
use entrance_model::well_known::AKS_SERVER;

use super::ctx::Ctx;
use super::memory;
use super::refused::Refused;

/// The resource with this identifier in a tenant.
pub(crate) async fn find(ctx: &Ctx, tenant: &Tenant, asked: &str) -> Result<Arc<Resource>, Refused> {
    let identifier = identify(asked, ctx.app.base());
    // Clusters are known from the directory in memory, which has a clock of its own.
    let is_cluster = match identifier {
        Identifier::App(app) => built_in(app).is_none() && is_cluster(ctx, tenant, app)?,
        Identifier::Uri(_) => false,
    };
    let (edition, resources) = (memory::edition(&ctx.app), &ctx.app.authority.memory.resources);
    let key = (tenant.id, asked.to_owned(), is_cluster);
    let read = async { look_up(ctx, tenant, (asked, identifier), is_cluster).await.map(Arc::new) };
    resources.or_read(key, edition, read).await
}

async fn look_up(
    ctx: &Ctx,
    tenant: &Tenant,
    (asked, identifier): (&str, Identifier),
    is_cluster: bool,
) -> Result<Resource, Refused> {
    let unknown = || Refused::from(Aadsts::InvalidResourceServicePrincipalNotFound).about("resource", asked);
    let mut reader = ctx.app.store.read().await?;
    let mut directory = reader.directory();
    let own = match identifier {
        Identifier::App(app) => {
            let kind = match built_in(app) {
                None if is_cluster => Some(Kind::Cluster),
                kind => kind,
            };
            if let Some(kind) = kind {
                // Whoever needs an assignment for clusters needs it for each of them (S-305).
                let by = if kind == Kind::Cluster { AKS_SERVER } else { app };
                let principal = directory.service_principal_of(tenant.id, by).await?.ok_or_else(unknown)?;
                return Ok(Resource {
                    app,
                    kind,
                    asked: audience(asked),
                    version: 1,
                    permissions: Vec::new(),
                    assignment_required: principal.assignment_required,
                    principal: principal.id,
                    manifest: kind.manifest(),
                });
            }
            directory.application_by_app_id(tenant.id, app).await?
        }
        // S-002: one trailing slash more or less is the same identifier.
        Identifier::Uri(uri) => match directory.application_by_uri(tenant.id, &uri).await? {
            Some(found) => Some(found),
            None => match uri.strip_suffix('/') {
                Some(trimmed) => directory.application_by_uri(tenant.id, trimmed).await?,
                None => directory.application_by_uri(tenant.id, &format!("{uri}/")).await?,
            },
        },
    };
    let own = own.ok_or_else(unknown)?;
    let principal = directory.service_principal_of(tenant.id, own.app_id).await?.ok_or_else(unknown)?;
    Ok(Resource {
        app: own.app_id,
        kind: Kind::Own,
        asked: audience(asked),
        version: own.token_version,
        permissions: permissions(&own),
        assignment_required: principal.assignment_required,
        principal: principal.id,
        manifest: Manifest::of(&own.other),
    })
}

/// Whether this is the own application id of one of the tenant's clusters.
fn is_cluster(ctx: &Ctx, tenant: &Tenant, app: AppId) -> Result<bool, Refused> {
    let snapshot = ctx.app.people.snapshot(ctx.now());
    let snapshot = snapshot.map_err(|why| Refused::from(Aadsts::DirectoryUnavailable).retry_after(1).because(why.to_string()))?;
    Ok(snapshot.own_audience(tenant.id, app).is_some())
}

/// The delegated permissions that an application offers and that are switched on.
fn permissions(app: &Application) -> Vec<String> {
    let offered = app.other.get("api").and_then(|api| api.get("oauth2PermissionScopes")).and_then(|all| all.as_array());
    offered
        .into_iter()
        .flatten()
        .filter(|scope| scope.get("isEnabled").and_then(serde_json::Value::as_bool).unwrap_or(true))
        .filter_map(|scope| scope.get("value").and_then(|value| value.as_str()))
        .map(str::to_owned)
        .collect()
}
