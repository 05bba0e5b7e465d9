//! `Microsoft.Resources/deployments`: templates, one file per action (contract azure-cli, 4.8).
//!
//! Everything that can be found wrong is found before anything is made. A deployment is in the store before anybody works on
//! it, and goes on after a restart ([`run`]); each of its resources is written with the rights of whoever asked for it.

mod cancel;
mod delete;
mod fault;
mod get;
mod kinds;
mod prepare;
mod put;
mod run;
mod sent;
mod show;
mod try_out;

use axum::routing::{get as read, post};
use entrance_model::access::Action;
use entrance_model::template::{Deployment, DeploymentAddress};

use super::ctx::{Allowed, Ctx};
use super::error::Refusal;
use super::groups::place;
use super::routes::Routes;
use fault::Fault;

pub(crate) use run::start;

/// Subscription, group and name, as a path gives them.
type At = axum::extract::Path<(String, String, String)>;

/// The routes of deployments.
pub(super) fn router() -> Routes {
    let all = "/subscriptions/{subscription}/resourcegroups/{group}/providers/microsoft.resources/deployments";
    let one = format!("{all}/{{name}}");
    let action = |name: &str| format!("{one}/{name}");
    // Clients ask for operations without the provider.
    let short = |name: &str| format!("/subscriptions/{{subscription}}/resourcegroups/{{group}}/deployments/{{name}}/{name}");
    Routes::new()
        .route(all, read(get::list))
        .route(&one, read(get::get).head(get::exists).put(put::put).delete(delete::delete))
        .route(&action("validate"), post(try_out::validate))
        .route(&action("whatif"), post(try_out::what_if))
        .route(&action("exporttemplate"), post(get::export))
        .route(&action("cancel"), post(cancel::cancel))
        .route(&action("operations"), read(get::operations))
        .route(&action("operations/{operation}"), read(get::operation))
        .route(&short("operations"), read(get::operations))
        .route(&short("operations/{operation}"), read(get::operation))
        .route(&action("operationstatuses/{id}"), read(get::status))
}

/// The address that a path names, and the proof that the caller may do the action there.
async fn allowed(ctx: &Ctx, at: &(String, String, String), action: Action) -> Result<(DeploymentAddress, Allowed), Fault> {
    let (subscription, group) = place(ctx, &at.0, &at.1).await?;
    let name = at.2.parse().map_err(|error: entrance_model::template::BadDeploymentName| Fault::name(&error))?;
    let address = DeploymentAddress { subscription, group, name };
    let allowed = ctx.allow(action, &address.scope())?;
    Ok((address, allowed))
}

/// The deployment at the address, after the caller was allowed.
async fn existing(ctx: &Ctx, address: &DeploymentAddress) -> Result<Deployment, Fault> {
    let mut reader = ctx.app.store.read().await?;
    if reader.arm().group(address.subscription, &address.group).await?.is_none() {
        return Err(Refusal::NoGroup(address.group.to_string()).into());
    }
    let found = reader.arm().deployment_at(address).await?;
    found.ok_or_else(|| Fault::missing(&format!("Deployment '{}' could not be found.", address.name)))
}
