//! `/entrance/trustedIssuers`: issuers whose tokens can stand for applications of the directory (S-242).

use axum::extract::Path;
use entrance_model::directory_rules::access::{Action, Area};
use entrance_model::id::{ClusterUid, CredentialId};
use entrance_model::signin::federation::issuer::{Source, TrustedIssuer, acceptable, preset};
use entrance_wire::graph::Object;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Json;
use super::ctx::Ctx;
use super::error::GraphError;
use super::reply::{NoContent, Reply, Shown};
use crate::authority::issuers;

/// Whom a directory believes is a fact of the directory.
const ACTION: Action = Action::Update(Area::Organization);
const LONGEST_TEXT: usize = 256;
const SET: &str = "entrance/trustedIssuers";

/// `GET /entrance/trustedIssuers`
pub(super) async fn list(ctx: Ctx) -> Reply<Shown> {
    ctx.allow(ACTION)?;
    let all = ctx.read().await?.authority().trusted_issuers(ctx.tenant).await?;
    Ok(ctx.values(SET, all.iter().map(|one| Value::Object(show(one))).collect()))
}

/// `GET /entrance/trustedIssuers/{id}`
pub(super) async fn one(ctx: Ctx, Path(id): Path<String>) -> Reply<Shown> {
    let found = find(&ctx, &id).await?;
    Ok(ctx.one(&format!("{SET}/$entity"), show(&found)))
}

/// `POST /entrance/trustedIssuers`: `{issuer | preset | clusterId, jwks?, privateNetwork?, caCertificate?, description?}`.
/// The keys are fetched first: an issuer that cannot be asked is not put on the list.
pub(super) async fn create(ctx: Ctx, body: Json) -> Reply<Shown> {
    let allowed = ctx.allow(ACTION)?;
    let asked = Asked::read(&body.0)?;
    let (issuer, source) = asked.resolve(&ctx).await?;
    let have = ctx.read().await?.authority().trusted_issuers(ctx.tenant).await?;
    acceptable(&issuer, ctx.app.base(), have.len()).map_err(|error| GraphError::bad_request(format!("{error}.")))?;
    if have.iter().any(|one| one.issuer == issuer) {
        return Err(GraphError::taken("issuer"));
    }
    let trusted = TrustedIssuer {
        id: CredentialId::from_uuid(Uuid::new_v4()),
        issuer,
        source,
        description: asked.description,
        created: ctx.now(),
        created_by: Some(ctx.caller.id()),
    };
    let keys = match ctx.app.issuers.look(&ctx.app, ctx.tenant, &trusted).await {
        Ok(keys) => keys,
        Err(error) => {
            ctx.app.issuers.forget(trusted.id);
            return Err(GraphError::bad_request(format!("The keys of the issuer cannot be had: {error}.")));
        }
    };
    let mut tx = ctx.app.store.write().await?;
    tx.authority().trust_issuer(ctx.tenant, &trusted).await?;
    let detail = json!({"issuer": trusted.issuer, "source": source_name(&trusted.source)});
    ctx.record(&mut tx, &allowed, "issuer.trusted", trusted.id.uuid(), detail).await?;
    tx.commit().await?;
    let mut shown = show(&trusted);
    shown.insert("keys".into(), show_keys(&keys));
    Ok(ctx.created(SET, &trusted.id, shown))
}

/// `DELETE /entrance/trustedIssuers/{id}`
pub(super) async fn remove(ctx: Ctx, Path(id): Path<String>) -> Reply<NoContent> {
    let allowed = ctx.allow(ACTION)?;
    let found = find(&ctx, &id).await?;
    let mut tx = ctx.app.store.write().await?;
    tx.authority().distrust_issuer(ctx.tenant, found.id).await?;
    ctx.record(&mut tx, &allowed, "issuer.distrusted", found.id.uuid(), json!({"issuer": found.issuer})).await?;
    tx.commit().await?;
    ctx.app.issuers.forget(found.id);
    Ok(NoContent)
}

/// `POST /entrance/trustedIssuers/{id}/check`: fetches the keys now and tells how that went.
pub(super) async fn check(ctx: Ctx, Path(id): Path<String>) -> Reply<Shown> {
    let found = find(&ctx, &id).await?;
    let mut shown = show(&found);
    let (works, why, keys) = match ctx.app.issuers.look(&ctx.app, ctx.tenant, &found).await {
        Ok(keys) => (true, Value::Null, show_keys(&keys)),
        Err(error) => (false, error.to_string().into(), json!([])),
    };
    shown.extend([("isReachable".into(), works.into()), ("reason".into(), why), ("keys".into(), keys)]);
    Ok(ctx.one(&format!("{SET}/$entity"), shown))
}

/// What somebody wants to trust.
struct Asked {
    issuer: Option<String>,
    cluster: Option<String>,
    jwks: Option<String>,
    private: bool,
    ca: Option<String>,
    description: Option<String>,
}

impl Asked {
    fn read(body: &Value) -> Result<Self, GraphError> {
        const KNOWN: [&str; 7] = ["issuer", "preset", "clusterId", "jwks", "privateNetwork", "caCertificate", "description"];
        let object = body.as_object().ok_or_else(|| GraphError::bad_request("A JSON object is needed."))?;
        if let Some(unknown) = object.keys().find(|name| !name.contains('@') && !KNOWN.contains(&name.as_str())) {
            return Err(GraphError::bad_request(format!("Invalid property '{unknown}'.")));
        }
        let wrong = |name: &str| GraphError::bad_request(format!("Invalid value specified for parameter '{name}'."));
        let text = |name: &str, longest: usize| match object.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.len() <= longest => Ok(Some(text.clone())),
            Some(_) => Err(wrong(name)),
        };
        let named = match text("preset", LONGEST_TEXT)? {
            Some(name) => Some(preset(&name).ok_or_else(|| wrong("preset"))?.issuer.to_owned()),
            None => None,
        };
        let jwks = match object.get("jwks") {
            None | Some(Value::Null) => None,
            // As a document or as its text.
            Some(Value::String(text)) => Some(text.clone()),
            Some(document) => Some(document.to_string()),
        };
        let private = match object.get("privateNetwork") {
            None | Some(Value::Null) => false,
            Some(flag) => flag.as_bool().ok_or_else(|| wrong("privateNetwork"))?,
        };
        let issuer = text("issuer", 600)?;
        let cluster = text("clusterId", 600)?;
        if usize::from(issuer.is_some()) + usize::from(named.is_some()) + usize::from(cluster.is_some()) != 1 {
            return Err(GraphError::bad_request("Exactly one of 'issuer', 'preset' and 'clusterId' is needed."));
        }
        let (ca, description) = (text("caCertificate", 64 * 1024)?, text("description", LONGEST_TEXT)?);
        if cluster.is_some() && (jwks.is_some() || private || ca.is_some()) {
            return Err(GraphError::bad_request("A cluster of ours tells its keys itself; nothing else is needed."));
        }
        Ok(Self { issuer: issuer.or(named), cluster, jwks, private, ca, description })
    }

    /// The issuer's name and where its keys come from. A cluster is asked for its name itself.
    async fn resolve(&self, ctx: &Ctx) -> Result<(String, Source), GraphError> {
        if let Some(cluster) = &self.cluster {
            let uid = cluster_at(ctx, cluster).await?;
            let said = issuers::of_cluster(&ctx.app, ctx.tenant, uid).await;
            let said = said.map_err(|error| GraphError::bad_request(format!("{error}.")))?;
            return Ok((said.issuer, Source::Cluster { uid }));
        }
        let issuer = self.issuer.clone().unwrap_or_default();
        Ok(match &self.jwks {
            Some(jwks) => (issuer, Source::Keys { jwks: jwks.clone() }),
            None => (issuer, Source::Discovery { private: self.private, ca: self.ca.clone() }),
        })
    }
}

/// The cluster of this tenant with a resource id.
async fn cluster_at(ctx: &Ctx, id: &str) -> Result<ClusterUid, GraphError> {
    let clusters = ctx.read().await?.arm().clusters().await?;
    let is_it = |known: &str| known.eq_ignore_ascii_case(id.trim_end_matches('/'));
    let found = clusters.iter().find(|cluster| cluster.tenant == ctx.tenant && is_it(cluster.address.scope().as_str()));
    found.map(|cluster| cluster.uid).ok_or_else(|| GraphError::not_found(id))
}

async fn find(ctx: &Ctx, id: &str) -> Result<TrustedIssuer, GraphError> {
    ctx.allow(ACTION)?;
    let all = ctx.read().await?.authority().trusted_issuers(ctx.tenant).await?;
    all.into_iter().find(|one| one.id.to_string() == id).ok_or_else(|| GraphError::not_found(id))
}

fn source_name(source: &Source) -> &'static str {
    match source {
        Source::Discovery { .. } => "discovery",
        Source::Keys { .. } => "keys",
        Source::Cluster { .. } => "cluster",
    }
}

fn show_keys(keys: &crate::authority::client::key::Jwks) -> Value {
    let one = |(kid, kty, usable): (Option<String>, String, bool)| json!({"kid": kid, "kty": kty, "isUsable": usable});
    keys.summary().into_iter().map(one).collect()
}

fn show(one: &TrustedIssuer) -> Object {
    let (private, cluster) = match &one.source {
        Source::Discovery { private, .. } => (*private, None),
        Source::Keys { .. } => (false, None),
        Source::Cluster { uid } => (false, Some(uid.to_string())),
    };
    let shown = json!({
        "id": one.id.to_string(),
        "issuer": one.issuer,
        "source": source_name(&one.source),
        "privateNetwork": private,
        "clusterUid": cluster,
        "description": one.description,
        "createdDateTime": one.created.to_string(),
        "createdBy": one.created_by.map(|by| by.to_string()),
    });
    shown.as_object().cloned().unwrap_or_default()
}
