//! Kubeconfigs: the file that people sign in with, and the break-glass file (contract R, 4.2 and 4.3).

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use entrance_model::access::Action;
use entrance_model::cluster::{Cluster, Endpoint, SignIn, Spec, State};
use entrance_model::well_known::AKS_CLIENT;
use entrance_wire::kubeconfig;
use serde::Deserialize;
use serde_json::json;

use super::{At, allowed, existing};
use crate::arm::ctx::{Allowed, Ctx};
use crate::arm::error::{ArmError, Refusal};
use crate::clusters::doors;

/// What a credential call may ask for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    format: Option<String>,
    #[serde(rename = "server-fqdn")]
    server_fqdn: Option<String>,
}

/// `POST …/listClusterUserCredential`.
pub(super) async fn user(ctx: Ctx, Path(at): At, asked: Result<Query<Asked>, QueryRejection>) -> Result<Response, ArmError> {
    let (address, allowed) = allowed(&ctx, &at, Action::ListUserCredential).await?;
    let asked = understood(asked)?;
    let cluster = existing(&ctx, &address).await?;
    let file = user_file(&ctx, &cluster, &asked, &allowed).await?;
    Ok(kubeconfigs("clusterUser", &file))
}

/// `POST …/listClusterMonitoringUserCredential`: the user's file under another name.
pub(super) async fn monitoring(
    ctx: Ctx,
    Path(at): At,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ArmError> {
    let (address, allowed) = allowed(&ctx, &at, Action::ListMonitoringCredential).await?;
    let asked = understood(asked)?;
    let cluster = existing(&ctx, &address).await?;
    let file = user_file(&ctx, &cluster, &asked, &allowed).await?;
    Ok(kubeconfigs("clusterMonitoringUser", &file))
}

/// `POST …/listClusterAdminCredential`.
pub(super) async fn admin(ctx: Ctx, Path(at): At, asked: Result<Query<Asked>, QueryRejection>) -> Result<Response, ArmError> {
    let (address, allowed) = allowed(&ctx, &at, Action::ListAdminCredential).await?;
    let asked = understood(asked)?;
    let cluster = existing(&ctx, &address).await?;
    let file = admin_file(&ctx, &cluster, &asked, &allowed).await?;
    Ok(kubeconfigs("clusterAdmin", &file))
}

/// `POST …/accessProfiles/{role}/listCredential`: the old call, one file for one of two roles.
pub(super) async fn access_profile(
    ctx: Ctx,
    Path((subscription, group, name, role)): Path<(String, String, String, String)>,
) -> Result<Response, ArmError> {
    let (address, allowed) = allowed(&ctx, &(subscription, group, name), Action::ListAccessProfile).await?;
    let cluster = existing(&ctx, &address).await?;
    let asked = Asked::default();
    let (role, file) = match role.to_ascii_lowercase().as_str() {
        "clusteradmin" => ("clusterAdmin", admin_file(&ctx, &cluster, &asked, &allowed).await?),
        "clusteruser" => ("clusterUser", user_file(&ctx, &cluster, &asked, &allowed).await?),
        _ => return Err(Refusal::NoAccessProfile(role.chars().take(64).collect()).into()),
    };
    let profile = json!({
        "id": format!("{}/accessProfiles/{role}", cluster.address),
        "name": role,
        "type": "Microsoft.ContainerService/ManagedClusters/AccessProfiles",
        "location": cluster.document.text("location"),
        "properties": { "kubeConfig": BASE64.encode(file) }
    });
    Ok(([NO_STORE], Json(profile)).into_response())
}

async fn user_file(ctx: &Ctx, cluster: &Cluster, asked: &Asked, allowed: &Allowed) -> Result<String, ArmError> {
    let (spec, endpoint) = reachable(cluster, asked)?;
    let at = place_of(cluster, &endpoint);
    let base = format!("{}/", ctx.app.base());
    let (server, client, tenant, legacy) = match &spec.sign_in {
        SignIn::Certificates => {
            return certificate_file(ctx, cluster, &endpoint, kubeconfig::user_certificate, allowed).await;
        }
        SignIn::Managed(managed) => {
            (spec.entrance.audience.server_app(cluster.uid).to_string(), AKS_CLIENT.to_string(), managed.tenant, false)
        }
        SignIn::Legacy { client, server, tenant } => (server.clone(), client.clone(), *tenant, true),
    };
    let tenant = tenant.to_string();
    let sign_in =
        kubeconfig::SignIn { server_id: &server, client_id: &client, tenant_id: &tenant, authority_host: Some(&base), legacy };
    let file = match format(asked)? {
        Format::Exec => kubeconfig::user_exec(&at, &sign_in),
        Format::Azure => kubeconfig::user_azure(&at, &sign_in),
    };
    record(ctx, "credential.user", allowed).await?;
    Ok(file)
}

async fn admin_file(ctx: &Ctx, cluster: &Cluster, asked: &Asked, allowed: &Allowed) -> Result<String, ArmError> {
    let (_, endpoint) = reachable(cluster, asked)?;
    certificate_file(ctx, cluster, &endpoint, kubeconfig::admin_certificate, allowed).await
}

type Writer = fn(&kubeconfig::Cluster<'_>, &str, &str) -> String;

/// a certificate in the caller's name, for one open door.
async fn certificate_file(
    ctx: &Ctx,
    cluster: &Cluster,
    endpoint: &Endpoint,
    write: Writer,
    allowed: &Allowed,
) -> Result<String, ArmError> {
    let opened = doors::for_az(&ctx.app, cluster, ctx.oid(), &super::doors::by(ctx, allowed)).await?;
    record(ctx, "credential.admin", allowed).await?;
    Ok(write(&place_of(cluster, endpoint), &opened.certificate, &opened.key))
}

/// what is in force, and where the API server answers.
pub(super) fn reachable(cluster: &Cluster, asked: &Asked) -> Result<(Spec, Endpoint), ArmError> {
    let ready = cluster.state.has_control_plane().then(|| cluster.in_force().zip(cluster.endpoint.clone())).flatten();
    let Some(ready) = ready else {
        return Err(match &cluster.state {
            State::Failed { why, .. } => Refusal::NeverMade(why.message.clone()).into(),
            State::Canceled { .. } => Refusal::NeverMade("its creation was aborted".to_owned()).into(),
            _ => Refusal::NotMadeYet.into(),
        });
    };
    let private = cluster.document.flag("properties.apiServerAccessProfile.enablePrivateCluster") == Some(true);
    let public_name = cluster.document.flag("properties.apiServerAccessProfile.enablePrivateClusterPublicFQDN") == Some(true);
    if asked.server_fqdn.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("public")) && private && !public_name {
        return Err(Refusal::NoPublicName.into());
    }
    Ok(ready)
}

fn understood(asked: Result<Query<Asked>, QueryRejection>) -> Result<Asked, Refusal> {
    let bad = |e: QueryRejection| Refusal::Parameter { name: "format", detail: e.body_text() };
    asked.map(|Query(asked)| asked).map_err(bad)
}

enum Format {
    Exec,
    Azure,
}

// R-201; without case, and nothing means exec, as every version here is far beyond 1.24.
fn format(asked: &Asked) -> Result<Format, Refusal> {
    match asked.format.as_deref().filter(|text| !text.is_empty()) {
        None => Ok(Format::Exec),
        Some(text) if text.eq_ignore_ascii_case("exec") => Ok(Format::Exec),
        Some(text) if text.eq_ignore_ascii_case("azure") => Ok(Format::Azure),
        Some(text) => Err(Refusal::Format(text.chars().take(64).collect())),
    }
}

pub(super) fn place_of<'a>(cluster: &'a Cluster, endpoint: &'a Endpoint) -> kubeconfig::Cluster<'a> {
    kubeconfig::Cluster {
        name: cluster.address.name.as_str(),
        resource_group: cluster.address.group.as_str(),
        server: &endpoint.url,
        authority_pem: &endpoint.ca,
    }
}

async fn record(ctx: &Ctx, kind: &'static str, allowed: &Allowed) -> Result<(), ArmError> {
    let mut tx = ctx.app.store.write().await?;
    tx.audit(ctx.app.now(), &ctx.event(kind, allowed, json!({}))).await?;
    Ok(tx.commit().await?)
}

// nobody keeps such an answer.
const NO_STORE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

pub(super) fn kubeconfigs(name: &str, file: &str) -> Response {
    ([NO_STORE], Json(json!({ "kubeconfigs": [{ "name": name, "value": BASE64.encode(file) }] }))).into_response()
}
