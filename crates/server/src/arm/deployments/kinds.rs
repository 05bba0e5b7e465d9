//! The types of resources that templates can make here: how each is checked, made, watched and looked at.
//!
//! They go the way of their own PUT: the same rules, the same rights, the same audit events.

use axum::http::{HeaderMap, StatusCode};
use entrance_model::access::Action;
use entrance_model::arm::{ClusterAddress, Ended, Scope};
use entrance_model::id::OperationId;
use entrance_model::template::{DEPLOYMENTS, DeploymentAddress, Planned, Progress, nested};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::fault::Fault;
use super::{prepare, put, show};
use crate::arm::clusters::{self, Mode};
use crate::arm::ctx::Ctx;
use crate::arm::error::Refusal;
use crate::arm::roles::assignments;

/// A type of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Cluster,
    RoleAssignment,
    Deployment,
}

/// How far a resource came.
pub(super) enum Pace {
    Done,
    GoesOn,
    Failed(Value),
}

const CLUSTERS: &str = "Microsoft.ContainerService/managedClusters";
const ROLE_ASSIGNMENTS: &str = "Microsoft.Authorization/roleAssignments";

impl Kind {
    pub(super) fn of(resource: &Planned) -> Result<Self, Fault> {
        Self::named(&resource.id)
            .ok_or_else(|| Fault::from(Refusal::NoSuchType { what: format!("Type '{}' in a template", cut(&resource.kind)) }))
    }

    /// The type at the end of an id: an extension's own, whatever it hangs on.
    pub(super) fn named(id: &str) -> Option<Self> {
        let at = id.to_lowercase().rfind("/providers/")?;
        let mut parts = id[at + "/providers/".len()..].split('/');
        let (namespace, kind, name) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || name.is_empty() {
            return None;
        }
        let kind = format!("{namespace}/{kind}");
        [(CLUSTERS, Self::Cluster), (ROLE_ASSIGNMENTS, Self::RoleAssignment), (DEPLOYMENTS, Self::Deployment)]
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(&kind))
            .map(|(_, kind)| kind)
    }

    /// Whether it could be made: by its rules where its body is known, by the caller's rights always.
    pub(super) async fn check(self, ctx: &Ctx, resource: &Planned, body: Option<&Value>) -> Result<(), Fault> {
        match self {
            Self::Cluster => {
                let address = cluster_address(&resource.id)?;
                let allowed = ctx.allow(Action::ClusterWrite, &address.scope())?;
                if let Some(body) = body {
                    clusters::write(ctx, address, allowed, &HeaderMap::new(), body.clone(), Mode::Try).await?;
                }
            }
            Self::RoleAssignment => {
                let (scope, name) = extension(&resource.id)?;
                ctx.allow(Action::RoleAssignmentsWrite, &scope)?;
                if let Some(body) = body {
                    assignments::try_put(ctx, &scope, &name, body).await?;
                }
            }
            Self::Deployment => {
                let address = deployment_address(resource)?;
                ctx.allow(Action::DeploymentsWrite, &address.scope())?;
                if let Some(body) = body {
                    only_here(body)?;
                }
            }
        }
        Ok(())
    }

    /// Begins to make it, under this operation if it takes one.
    pub(super) async fn begin(
        self,
        ctx: &Ctx,
        resource: &Planned,
        body: Value,
        operation: OperationId,
        parent: OperationId,
    ) -> Result<Pace, Fault> {
        match self {
            Self::Cluster => {
                let address = cluster_address(&resource.id)?;
                let allowed = ctx.allow(Action::ClusterWrite, &address.scope())?;
                clusters::write(ctx, address, allowed, &HeaderMap::new(), body, Mode::Commit(operation)).await?;
                Ok(Pace::GoesOn)
            }
            Self::RoleAssignment => {
                let (scope, name) = extension(&resource.id)?;
                assignments::put(ctx, &scope, &name, &body).await?;
                Ok(Pace::Done)
            }
            Self::Deployment => {
                let address = deployment_address(resource)?;
                let allowed = ctx.allow(Action::DeploymentsWrite, &address.scope())?;
                only_here(&body)?;
                let (template, parameters) =
                    nested(&body).ok_or_else(|| Fault::request("A nested deployment needs `properties.template`."))?;
                let text = template.to_string();
                let prepared = prepare::prepare(ctx, address, text, template.clone(), parameters.clone(), 2).await?;
                put::begin(ctx, &allowed, &prepared, operation, Some(parent)).await?;
                Ok(Pace::GoesOn)
            }
        }
    }

    /// How far it is; `None` when nothing was begun under this operation.
    pub(super) async fn watch(self, ctx: &Ctx, operation: OperationId) -> Result<Option<Pace>, Fault> {
        let mut reader = ctx.app.store.read().await?;
        match self {
            Self::RoleAssignment => Ok(None),
            Self::Cluster => Ok(reader.operations().one(operation).await?.map(|found| match found.ended {
                None => Pace::GoesOn,
                Some(Ended { why: None, .. }) => Pace::Done,
                Some(Ended { why: Some(why), .. }) => Pace::Failed(json!({ "code": why.code, "message": why.message })),
            })),
            Self::Deployment => Ok(reader.arm().deployment(operation).await?.map(|found| match found.progress {
                Progress::Accepted | Progress::Running => Pace::GoesOn,
                Progress::Succeeded => Pace::Done,
                Progress::Failed | Progress::Canceled => {
                    let canceled = json!({ "code": "DeploymentCanceled", "message": "The deployment was stopped." });
                    Pace::Failed(found.error.unwrap_or(canceled))
                }
            })),
        }
    }

    /// Asks it to stop, where that is possible.
    pub(super) async fn stop(self, ctx: &Ctx, operation: OperationId) -> Result<(), Fault> {
        if self == Self::Deployment {
            let mut tx = ctx.app.store.write().await?;
            tx.arm().stop_deployment(operation).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

/// A resource as it is, for those who may see it.
pub(super) async fn look(ctx: &Ctx, id: &str) -> Result<Value, Fault> {
    let missing = || Refusal::NotFound(cut(id));
    match Kind::named(id) {
        Some(Kind::Cluster) => {
            let address = cluster_address(id)?;
            ctx.subscription(&address.subscription.to_string()).await?;
            ctx.allow(Action::ClusterRead, &address.scope())?;
            let found = ctx.app.store.read().await?.arm().cluster_at(&address).await?.ok_or_else(missing)?;
            Ok(clusters::shown(&ctx.app, &found))
        }
        Some(Kind::RoleAssignment) => {
            let (scope, name) = extension(id)?;
            // As it is now, not as it was when the caller was looked up.
            let response = assignments::get(ctx, &scope, &name).await?;
            let body = response.into_body().collect().await.map_err(|error| Refusal::Internal(error.to_string()))?;
            serde_json::from_slice(&body.to_bytes()).map_err(|error| Refusal::Internal(error.to_string()).into())
        }
        Some(Kind::Deployment) => {
            let address = address_of(id)?;
            ctx.subscription(&address.subscription.to_string()).await?;
            ctx.allow(Action::DeploymentsRead, &address.scope())?;
            let found = ctx.app.store.read().await?.arm().deployment_at(&address).await?.ok_or_else(missing)?;
            Ok(show::deployment(&found))
        }
        None => {
            Err(Refusal::NotFound(format!("{} (a template can look at clusters, role assignments and deployments)", cut(id)))
                .into())
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}

// `/subscriptions/{s}/resourceGroups/{g}/providers/{namespace}/{kind}/{name}`
fn in_group(id: &str) -> Result<(entrance_model::id::SubscriptionId, entrance_model::arm::GroupName, String), Fault> {
    let scope: Scope = id.parse().map_err(crate::arm::error::ArmError::from)?;
    let parts: Vec<&str> = scope.as_str().split('/').collect();
    let ["", "subscriptions", subscription, "resourceGroups", group, "providers", _, _, name] = parts.as_slice() else {
        return Err(Refusal::NoSuchType { what: cut(id) }.into());
    };
    let subscription = subscription.parse().map_err(|_| Refusal::NoSubscription(cut(subscription)))?;
    Ok((subscription, group.parse().map_err(crate::arm::error::ArmError::from)?, (*name).to_owned()))
}

fn cluster_address(id: &str) -> Result<ClusterAddress, Fault> {
    let (subscription, group, name) = in_group(id)?;
    Ok(ClusterAddress { subscription, group, name: name.parse().map_err(crate::arm::error::ArmError::from)? })
}

fn address_of(id: &str) -> Result<DeploymentAddress, Fault> {
    let (subscription, group, name) = in_group(id)?;
    let name = name.parse().map_err(|bad: entrance_model::template::BadDeploymentName| Fault::name(&bad))?;
    Ok(DeploymentAddress { subscription, group, name })
}

pub(super) fn deployment_address(resource: &Planned) -> Result<DeploymentAddress, Fault> {
    address_of(&resource.id)
}

/// What an extension hangs on, and its name.
fn extension(id: &str) -> Result<(Scope, String), Fault> {
    let bad = || Refusal::NoSuchType { what: cut(id) };
    let at = id.to_lowercase().rfind("/providers/").ok_or_else(bad)?;
    let name = id.rsplit('/').next().ok_or_else(bad)?;
    let scope = if at == 0 { Scope::root() } else { id[..at].parse().map_err(crate::arm::error::ArmError::from)? };
    Ok((scope, name.to_owned()))
}

/// What a deployment in a template may not say.
fn only_here(body: &Value) -> Result<(), Fault> {
    let properties = crate::arm::body::member(body, "properties").unwrap_or(&Value::Null);
    let has = |name: &str| crate::arm::body::member(properties, name).is_some_and(|value| !value.is_null());
    if has("templateLink") || has("parametersLink") {
        return Err(Fault::request("`templateLink` and `parametersLink` are refused: nothing is fetched from other places."));
    }
    let mode = crate::arm::body::member(properties, "mode").and_then(Value::as_str);
    if mode.is_some_and(|mode| !mode.eq_ignore_ascii_case("Incremental")) {
        return Err(Fault::request("A nested deployment has mode Incremental."));
    }
    Ok(())
}

/// A refusal that another try may not meet.
pub(super) fn may_pass(fault: &Fault) -> bool {
    fault.status == StatusCode::SERVICE_UNAVAILABLE || fault.error["code"] == "EtagMismatch"
}
