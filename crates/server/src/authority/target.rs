//! Finds what a token is asked for (S-300, S-302).

use entrance_model::directory::{Application, Tenant};
use entrance_model::signin::Aadsts;
use entrance_model::signin::resource::{Identifier, Kind, Resource, audience, built_in, identify};

use super::ctx::Ctx;
use super::refused::Refused;

/// The resource with this identifier in a tenant.
pub(crate) async fn find(ctx: &Ctx, tenant: &Tenant, asked: &str) -> Result<Resource, Refused> {
    let unknown = || Refused::from(Aadsts::InvalidResourceServicePrincipalNotFound).about("resource", asked);
    let mut reader = ctx.app.store.read().await?;
    let mut directory = reader.directory();
    let own = match identify(asked, ctx.app.base()) {
        Identifier::App(app) => match built_in(app) {
            Some(kind) => {
                let principal = directory.service_principal_of(tenant.id, app).await?.ok_or_else(unknown)?;
                return Ok(Resource {
                    app,
                    kind,
                    asked: audience(asked),
                    version: 1,
                    permissions: Vec::new(),
                    assignment_required: principal.assignment_required,
                });
            }
            None => directory.application_by_app_id(tenant.id, app).await?,
        },
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
    })
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
