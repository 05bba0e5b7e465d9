//! Which Kubernetes versions there are, and where a cluster can move to.

use axum::Json;
use axum::extract::Path;
use entrance_model::access::Action;
use entrance_model::arm::Scope;
use serde_json::{Map, Value, json};

use super::{At, allowed, existing};
use crate::arm::ctx::Ctx;
use crate::arm::error::{ArmError, Refusal};

/// `GET …/locations/{l}/kubernetesVersions`; the list is called `values`.
pub(super) async fn list(ctx: Ctx, Path((subscription, _)): Path<(String, String)>) -> Result<Json<Value>, ArmError> {
    let subscription = ctx.subscription(&subscription).await?;
    ctx.allow(Action::VersionsRead, &Scope::subscription(subscription.id))?;
    let versions = ctx.app.clusters.versions();
    let mut minors: Vec<String> = versions.all().iter().map(entrance_model::cluster::KubernetesVersion::minor).collect();
    minors.dedup();
    let default = versions.default().map(|version| version.minor());
    let values = minors.iter().map(|minor| {
        let patches: Map<String, Value> = versions
            .all()
            .iter()
            .filter(|version| version.minor() == *minor)
            .map(|version| {
                let upgrades: Vec<String> =
                    versions.all().iter().filter(|other| *other > version).map(ToString::to_string).collect();
                (version.to_string(), json!({ "upgrades": upgrades }))
            })
            .collect();
        json!({
            "version": minor,
            "isDefault": default.as_ref() == Some(minor),
            "isPreview": false,
            "capabilities": { "supportPlan": ["KubernetesOfficial"] },
            "patchVersions": patches
        })
    });
    Ok(Json(json!({ "values": values.collect::<Vec<_>>() })))
}

/// `GET …/upgradeProfiles/default`.
pub(super) async fn upgrade_profile(ctx: Ctx, Path(at): At) -> Result<Json<Value>, ArmError> {
    let (address, _) = allowed(&ctx, &at, Action::UpgradeProfilesRead).await?;
    let cluster = existing(&ctx, &address).await?;
    let versions = ctx.app.clusters.versions();
    let upgrades: Vec<Value> = versions
        .all()
        .iter()
        .filter(|version| **version > cluster.version)
        .map(|version| json!({ "kubernetesVersion": version.to_string(), "isPreview": false }))
        .collect();
    let profile = |name: Option<&str>| json!({ "kubernetesVersion": cluster.version.to_string(), "name": name, "osType": "Linux", "upgrades": upgrades });
    let pools: Vec<Value> = cluster.spec()?.pools.iter().map(|pool| profile(Some(&pool.name))).collect();
    Ok(Json(json!({
        "id": format!("{}/upgradeprofiles/default", cluster.address),
        "name": "default",
        "type": "Microsoft.ContainerService/managedClusters/upgradeprofiles",
        "properties": { "controlPlaneProfile": profile(None), "agentPoolProfiles": pools }
    })))
}

/// `GET …/availableAgentPoolVersions`: nodes of a cluster have the version of its control plane, or an older one that is installed.
pub(super) async fn of_pools(ctx: Ctx, Path(at): At) -> Result<Json<Value>, ArmError> {
    let (address, _) = allowed(&ctx, &at, Action::AgentPoolVersionsRead).await?;
    let cluster = existing(&ctx, &address).await?;
    let versions = ctx.app.clusters.versions();
    let fitting = versions.all().iter().filter(|version| **version <= cluster.version);
    let all: Vec<Value> = fitting
        .map(|version| {
            json!({ "default": *version == cluster.version, "kubernetesVersion": version.to_string(), "isPreview": false })
        })
        .collect();
    Ok(Json(json!({
        "id": format!("{}/availableagentpoolversions", cluster.address),
        "name": "default",
        "type": "Microsoft.ContainerService/managedClusters/availableAgentpoolVersions",
        "properties": { "agentPoolVersions": all }
    })))
}

/// `GET …/agentPools/{pool}/upgradeProfiles/default`.
pub(super) async fn pool_upgrade_profile(
    ctx: Ctx,
    Path((subscription, group, name, pool)): Path<(String, String, String, String)>,
) -> Result<Json<Value>, ArmError> {
    let (address, _) = allowed(&ctx, &(subscription, group, name), Action::AgentPoolProfilesRead).await?;
    let cluster = existing(&ctx, &address).await?;
    let known = cluster.spec()?.pools.into_iter().find(|known| known.name.eq_ignore_ascii_case(&pool));
    let missing = || Refusal::NoResource {
        kind: "Microsoft.ContainerService/managedClusters/agentPools",
        name: pool.chars().take(64).collect(),
        group: address.group.to_string(),
    };
    let known = known.ok_or_else(missing)?;
    let id = format!("{}/agentPools/{}/upgradeProfiles/default", cluster.address, known.name);
    Ok(Json(json!({
        "id": id,
        "name": "default",
        "type": "Microsoft.ContainerService/managedClusters/agentPools/upgradeProfiles",
        // Nodes follow their control plane when it is upgraded.
        "properties": {
            "kubernetesVersion": cluster.version.to_string(), "osType": "Linux", "upgrades": [],
            "latestNodeImageVersion": format!("Simulated-{}", cluster.version)
        }
    })))
}
