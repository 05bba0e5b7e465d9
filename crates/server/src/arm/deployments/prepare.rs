//! Everything that can be found wrong with a deployment before anything is made.

use std::sync::Arc;

use axum::http::StatusCode;
use entrance_model::arm::ResourceGroup;
use entrance_model::template::{DeploymentAddress, Input, Plan, Program, Template, World, nested};
use entrance_store::StoreError;
use serde_json::{Value, json};
use uuid::Uuid;

use super::fault::Fault;
use super::kinds::Kind;
use crate::arm::ctx::Ctx;
use crate::arm::error::Refusal;

/// A deployment that may begin.
pub(super) struct Prepared {
    pub(super) address: DeploymentAddress,
    pub(super) text: String,
    pub(super) program: Arc<Program>,
    pub(super) plan: Arc<Plan>,
    pub(super) input: Input,
}

/// How deep deployments may stand in each other.
const LEVELS: usize = 5;

/// Reads the template, makes the plan, and asks for each resource whether it could be written.
pub(super) async fn prepare(
    ctx: &Ctx,
    address: DeploymentAddress,
    text: String,
    template: Value,
    parameters: Value,
    level: usize,
) -> Result<Prepared, Fault> {
    if level > LEVELS {
        return Err(Fault::request(&format!("Deployments stand more than {LEVELS} levels deep in each other.")));
    }
    let (group, subscription_name) = group(ctx, &address).await?;
    // The group's name is written as it was created.
    let address = DeploymentAddress { group: group.name.clone(), ..address };
    let input = Input {
        parameters: serde_json::Map::new(),
        subscription_name,
        location: group.location.to_string(),
        tags: json!(group.document.tags),
    };
    let world = World {
        subscription: address.subscription,
        subscription_name: input.subscription_name.clone(),
        tenant: ctx.tenant(),
        group: group.name,
        location: group.location,
        tags: input.tags.clone(),
        deployment: address.name.to_string(),
        deployer: ctx.oid(),
        now: ctx.app.now(),
        seed: Uuid::new_v4(),
        base: ctx.app.base().to_owned(),
    };
    // Evaluating may take a while, and others are waiting.
    let evaluated = tokio::task::spawn_blocking(move || {
        let outcome = Template::read(&template)
            .and_then(|template| Program::new(template, &parameters, world))
            .and_then(|program| program.check().map(|plan| (program, plan)));
        (outcome, text)
    });
    let (outcome, text) = evaluated.await.map_err(|error| Refusal::Internal(error.to_string()))?;
    let (program, plan) = outcome.map_err(|error| Fault::template(&error, &text))?;
    let input = Input { parameters: program.parameters().clone(), ..input };
    let prepared = Prepared { address, text, program: Arc::new(program), plan: Arc::new(plan), input };
    preflight(ctx, &prepared, level).await?;
    Ok(prepared)
}

async fn group(ctx: &Ctx, address: &DeploymentAddress) -> Result<(ResourceGroup, String), Fault> {
    let mut reader = ctx.app.store.read().await?;
    let found: Result<_, StoreError> = reader.arm().group(address.subscription, &address.group).await;
    let group = found?.ok_or_else(|| Refusal::NoGroup(address.group.to_string()))?;
    if group.deleting.is_some() {
        return Err(Refusal::GroupDeleting(group.name.to_string()).into());
    }
    let subscription = reader.arm().subscription(address.subscription).await?;
    Ok((group, subscription.map(|found| found.name).unwrap_or_default()))
}

async fn preflight(ctx: &Ctx, prepared: &Prepared, level: usize) -> Result<(), Fault> {
    let mut details: Vec<(StatusCode, Value)> = Vec::new();
    for resource in &prepared.plan.resources {
        let kind = match Kind::of(resource) {
            Ok(kind) => kind,
            Err(fault) => {
                details.push(fault.about(&resource.id));
                continue;
            }
        };
        if resource.is_existing {
            continue;
        }
        let checked = match (kind, &resource.body) {
            (Kind::Deployment, Some(body)) => Box::pin(inside(ctx, resource, body, level)).await,
            (kind, body) => kind.check(ctx, resource, body.as_ref()).await,
        };
        if let Err(fault) = checked {
            let (status, detail) = fault.about(&resource.id);
            details.push((status, prepared.program.hide(detail)));
        }
    }
    if details.is_empty() { Ok(()) } else { Err(Fault::preflight(prepared.address.name.as_str(), details)) }
}

/// A deployment in this one, whose parameters are known.
async fn inside(ctx: &Ctx, resource: &entrance_model::template::Planned, body: &Value, level: usize) -> Result<(), Fault> {
    Kind::Deployment.check(ctx, resource, Some(body)).await?;
    let address = super::kinds::deployment_address(resource)?;
    let (template, parameters) =
        nested(body).ok_or_else(|| Fault::request("A nested deployment needs `properties.template`."))?;
    let text = template.to_string();
    prepare(ctx, address, text, template.clone(), parameters.clone(), level + 1).await.map(drop)
}
