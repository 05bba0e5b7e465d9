//! `Microsoft.ContainerService/managedClusters`: one file per action.

mod abort;
mod begin;
mod credentials;
mod delete;
mod doors;
mod explain;
mod get;
mod health;
mod pools;
mod power;
mod put;
mod rotate;
mod sealed;
mod strict;
mod tags;
mod versions;

use axum::http::HeaderMap;
use axum::routing::{get, post};
use entrance_model::access::Action;
use entrance_model::arm::ClusterAddress;
use entrance_model::cluster::{Cluster, Showing, show};
use serde_json::Value;

use super::ctx::{Allowed, Ctx, header_text};
use super::error::{ArmError, Refusal};
use super::groups::place;
use super::routes::Routes;
use crate::app::App;

pub(super) use get::in_place;
pub(super) use put::{Mode, write};
pub(super) use tags::retag;

/// The type of clusters.
pub(super) const CLUSTERS: &str = "Microsoft.ContainerService/managedClusters";

/// Subscription, group and name, as a path gives them.
type At = axum::extract::Path<(String, String, String)>;

/// The routes of clusters.
pub(super) fn router() -> Routes {
    let in_subscription = "/subscriptions/{subscription}/providers/microsoft.containerservice";
    let in_group = "/subscriptions/{subscription}/resourcegroups/{group}/providers/microsoft.containerservice/managedclusters";
    let one = format!("{in_group}/{{name}}");
    let action = |name: &str| format!("{one}/{name}");
    Routes::new()
        .route(&format!("{in_subscription}/managedclusters"), get(get::list))
        .route(&format!("{in_subscription}/locations/{{location}}/kubernetesversions"), get(versions::list))
        .route(in_group, get(get::list_in_group))
        .route(&one, get(get::get).put(put::put).patch(tags::patch).delete(delete::delete))
        .route(&action("listclusterusercredential"), post(credentials::user))
        .route(&action("listclusteradmincredential"), post(credentials::admin))
        .route(&action("listclustermonitoringusercredential"), post(credentials::monitoring))
        .route(&action("accessprofiles/{role}/listcredential"), post(credentials::access_profile))
        .route(&action("explain"), post(explain::post))
        .route(&action("diagnose"), post(health::diagnose))
        .route(&action("verifyfreshness"), post(health::verify_freshness))
        .route(&action("resetaadprofile"), post(put::reset_aad_profile))
        .route(&action("resetserviceprincipalprofile"), post(put::reset_service_principal_profile))
        .route(&action("breakglassdoors"), get(doors::list).post(doors::ask))
        .route(&action("breakglassdoors/{door}"), get(doors::get))
        .route(&action("breakglassdoors/{door}/approve"), post(doors::approve))
        .route(&action("breakglassdoors/{door}/close"), post(doors::close))
        .route(&action("breakglassdoors/{door}/credential"), post(doors::credential))
        .route(&action("sealeddoor"), get(sealed::get))
        .route(&action("sealeddoor/export"), post(sealed::export))
        .route(&action("sealeddoor/renew"), post(sealed::renew))
        .route(&action("sealeddoor/drill"), post(sealed::drill))
        .route(&action("stop"), post(power::stop))
        .route(&action("start"), post(power::start))
        .route(&action("rotateclustercertificates"), post(rotate::certificates))
        .route(&action("rotateserviceaccountsigningkeys"), post(rotate::signing_keys))
        .route(&action("abort"), post(abort::post))
        .route(&action("agentpools"), get(pools::list))
        .route(&action("agentpools/{pool}"), get(pools::get).put(pools::put).delete(pools::delete))
        .route(&action("agentpools/{pool}/upgradenodeimageversion"), post(pools::upgrade_image))
        .route(&action("agentpools/{pool}/abort"), post(pools::abort))
        .route(&action("agentpools/{pool}/upgradeprofiles/default"), get(versions::pool_upgrade_profile))
        .route(&action("availableagentpoolversions"), get(versions::of_pools))
        .route(&action("upgradeprofiles/default"), get(versions::upgrade_profile))
}

/// The address that a path names, and the proof that the caller may do the action there.
async fn allowed(ctx: &Ctx, at: &(String, String, String), action: Action) -> Result<(ClusterAddress, Allowed), ArmError> {
    let (subscription, group) = place(ctx, &at.0, &at.1).await?;
    let address = ClusterAddress { subscription, group, name: at.2.parse()? };
    let allowed = ctx.allow(action, &address.scope())?;
    Ok((address, allowed))
}

/// what is not there.
async fn missing(ctx: &Ctx, address: &ClusterAddress) -> ArmError {
    let group = match ctx.app.store.read().await {
        Ok(mut reader) => reader.arm().group(address.subscription, &address.group).await,
        Err(error) => Err(error),
    };
    match group {
        Ok(None) => Refusal::NoGroup(address.group.to_string()).into(),
        Ok(Some(_)) => Refusal::NoResource {
            kind: "Microsoft.ContainerService/managedClusters",
            name: address.name.to_string(),
            group: address.group.to_string(),
        }
        .into(),
        Err(error) => error.into(),
    }
}

/// The cluster at the address, after the caller was allowed.
async fn existing(ctx: &Ctx, address: &ClusterAddress) -> Result<Cluster, ArmError> {
    match ctx.app.store.read().await?.arm().cluster_at(address).await? {
        Some(cluster) => Ok(cluster),
        None => Err(missing(ctx, address).await),
    }
}

/// the conditions of a request, against what is there.
fn preconditions(headers: &HeaderMap, body: Option<&Value>, current: Option<&Cluster>) -> Result<(), Refusal> {
    let in_body = body.and_then(|body| super::body::member(body, "eTag")).and_then(Value::as_str).filter(|tag| !tag.is_empty());
    for tag in [header_text(headers, "if-match"), in_body].into_iter().flatten() {
        if !current.is_some_and(|cluster| cluster.etag().is(tag)) {
            return Err(Refusal::Precondition(tag.chars().take(64).collect()));
        }
    }
    match (header_text(headers, "if-none-match"), current) {
        (Some("*"), Some(cluster)) => Err(Refusal::Exists(cluster.address.name.to_string())),
        _ => Ok(()),
    }
}

/// The resource's JSON.
pub(super) fn shown(app: &App, cluster: &Cluster) -> Value {
    show(cluster, Showing { dns_suffix: crate::clusters::DNS_SUFFIX, base: app.base() })
}
