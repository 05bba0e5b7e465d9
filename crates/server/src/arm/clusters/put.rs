//! PUT of a cluster: one commit makes the record, the operation and the audit event; a runner does the rest.

use std::collections::HashSet;

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use entrance_model::access::Action;
use entrance_model::arm::{ClusterAddress, Operation};
use entrance_model::cluster::door::Closing;
use entrance_model::cluster::{
    Accepted, Cluster, Desired, House, Keys, Observed, Power, Quota, Stage, State, TokenAudience, Unacceptable, UserName,
    Warning, Work, create, plan, reset_service_principal, reset_sign_in, update,
};
use entrance_model::id::{AppId, ClusterUid, GroupId, OperationId, TenantId};
use entrance_store::{StoreError, Tx};
use serde_json::{Value, json};
use uuid::Uuid;

use super::begin::operation;
use super::{At, allowed, existing, preconditions, shown};
use crate::arm::body::{Body, member};
use crate::arm::ctx::{Allowed, Ctx};
use crate::arm::error::{ArmError, Refusal};
use crate::arm::operations::{CONTAINER_SERVICE, Headers, Urls};
use crate::clusters::doors;
use crate::clusters::{MAX_ADMIN_GROUPS, MAX_CLUSTERS, locations};
use crate::config::Exceptions;

/// `PUT …/managedClusters/{name}`.
pub(super) async fn put(ctx: Ctx, Path(at): At, headers: HeaderMap, Body(body): Body) -> Result<Response, ArmError> {
    let (address, allowed) = allowed(&ctx, &at, Action::ClusterWrite).await?;
    let begun = write(&ctx, address, allowed, &headers, body, Mode::Commit(OperationId::from_uuid(Uuid::new_v4()))).await?;
    let status = if begun.operation.work == Work::Create { StatusCode::CREATED } else { StatusCode::OK };
    Ok(answer(&ctx, status, &begun))
}

/// `POST …/resetAADProfile`: other applications for a legacy cluster.
pub(super) async fn reset_aad_profile(ctx: Ctx, at: At, body: Body) -> Result<Response, ArmError> {
    reset(ctx, at, body, Action::ResetAadProfile, reset_sign_in).await
}

/// `POST …/resetServicePrincipalProfile`: another service principal for a cluster without a managed identity.
pub(super) async fn reset_service_principal_profile(ctx: Ctx, at: At, body: Body) -> Result<Response, ArmError> {
    reset(ctx, at, body, Action::ResetServicePrincipal, |cluster, body, _| reset_service_principal(cluster, body)).await
}

async fn reset(
    ctx: Ctx,
    Path(at): At,
    Body(body): Body,
    action: Action,
    judge: impl FnOnce(&Cluster, Value, &House<'_>) -> Result<Accepted, Unacceptable>,
) -> Result<Response, ArmError> {
    let (address, allowed) = allowed(&ctx, &at, action).await?;
    existing(&ctx, &address).await?;
    let mut tx = ctx.app.store.write().await?;
    let cluster = tx.arm().cluster_at(&address).await?.ok_or(Refusal::Race)?;
    let facts = Facts::gather(&mut tx, &ctx, &address, Some(&body), Some(&cluster)).await?;
    let operation = OperationId::from_uuid(Uuid::new_v4());
    let change = Change { allowed, operation, mode: Mode::Commit(operation) };
    let begun = alter(&ctx, tx, cluster, &facts, &change, |cluster, house| judge(cluster, body, house)).await?;
    Ok((StatusCode::ACCEPTED, urls(&ctx, &begun.operation).headers(Headers::Location)).into_response())
}

/// A write that was accepted: the operation that puts it through is in the store.
pub(in crate::arm) struct Begun {
    /// The cluster as it shall be.
    pub(in crate::arm) cluster: Cluster,
    /// What makes it so.
    pub(in crate::arm) operation: Operation,
    warnings: Vec<Warning>,
}

/// Whether something is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::arm) enum Mode {
    /// It is, under an operation with this id.
    Commit(OperationId),
    /// Nothing is; the rules are asked all the same.
    Try,
}

/// Makes or changes a cluster for a caller who may write it: everything a PUT does, without its answer.
pub(in crate::arm) async fn write(
    ctx: &Ctx,
    address: ClusterAddress,
    allowed: Allowed,
    headers: &HeaderMap,
    body: Value,
    mode: Mode,
) -> Result<Begun, ArmError> {
    let mut tx = ctx.app.store.write().await?;
    let group =
        tx.arm().group(address.subscription, &address.group).await?.ok_or_else(|| Refusal::NoGroup(address.group.to_string()))?;
    if group.deleting.is_some() {
        return Err(Refusal::GroupDeleting(group.name.to_string()).into());
    }
    // The group's name is written as it was created.
    let address = ClusterAddress { group: group.name, ..address };
    let current = tx.arm().cluster_at(&address).await?;
    preconditions(headers, Some(&body), current.as_ref())?;
    let profile = member(&body, "properties").and_then(|p| member(p, "aadProfile"));
    let facts = Facts::gather(&mut tx, ctx, &address, profile, current.as_ref()).await?;
    let operation = match mode {
        Mode::Commit(operation) => operation,
        Mode::Try => OperationId::from_uuid(Uuid::new_v4()),
    };
    let change = Change { allowed, operation, mode };
    match current {
        None => make(ctx, tx, address, body, &facts, &change).await,
        Some(cluster) => alter(ctx, tx, cluster, &facts, &change, |cluster, house| update(cluster, body, house)).await,
    }
}

/// What a PUT of the whole cluster would do, for those that change a part of it.
pub(super) async fn change(ctx: &Ctx, mut tx: Tx, cluster: Cluster, body: Value, allowed: Allowed) -> Result<Begun, ArmError> {
    let address = cluster.address.clone();
    let facts = Facts::gather(&mut tx, ctx, &address, None, Some(&cluster)).await?;
    let operation = OperationId::from_uuid(Uuid::new_v4());
    let change = Change { allowed, operation, mode: Mode::Commit(operation) };
    alter(ctx, tx, cluster, &facts, &change, |cluster, house| update(cluster, body, house)).await
}

struct Change {
    allowed: Allowed,
    operation: OperationId,
    mode: Mode,
}

/// What the rules need and the body cannot know, read in the same transaction.
struct Facts {
    tenant: TenantId,
    known_groups: HashSet<GroupId>,
    /// The server application that was named, if it is registered there.
    server: Option<AppId>,
    clusters: usize,
}

impl Facts {
    async fn gather(
        tx: &mut Tx,
        ctx: &Ctx,
        address: &ClusterAddress,
        profile: Option<&Value>,
        current: Option<&Cluster>,
    ) -> Result<Self, StoreError> {
        let sent = profile.and_then(|p| member(p, "adminGroupObjectIDs"));
        let mut mentioned: Vec<GroupId> =
            sent.and_then(Value::as_array).into_iter().flatten().filter_map(|id| id.as_str()?.parse().ok()).collect();
        if let Some(spec) = current.and_then(|cluster| cluster.spec().ok()) {
            mentioned.extend(spec.admins());
        }
        // More than the limit is refused anyway.
        mentioned.truncate(2 * MAX_ADMIN_GROUPS);
        let mut known_groups = HashSet::new();
        for id in mentioned {
            if tx.directory().group(ctx.tenant(), id).await?.is_some() {
                known_groups.insert(id);
            }
        }
        let named = |name| profile.and_then(|p| member(p, name)).and_then(Value::as_str);
        let tenant = named("tenantID").and_then(|id| id.parse().ok()).unwrap_or(ctx.tenant());
        let server = match named("serverAppID").and_then(|id| id.parse().ok()) {
            Some(app) => tx.directory().application_by_app_id(tenant, app).await?.map(|app| app.app_id),
            None => None,
        };
        let clusters = tx.arm().count_clusters(address.subscription).await?;
        Ok(Self { tenant: ctx.tenant(), known_groups, server, clusters })
    }

    fn accept<E>(&self, ctx: &Ctx, judge: impl FnOnce(&House<'_>) -> Result<Accepted, E>) -> Result<Accepted, E> {
        let versions = ctx.app.clusters.versions();
        let Exceptions { legacy_create, foreign_tenant, lockout } = ctx.app.config.exceptions;
        judge(&House {
            locations: &locations(),
            versions: &versions,
            tenant: self.tenant,
            max_admin_groups: MAX_ADMIN_GROUPS,
            allow_foreign_tenant: foreign_tenant,
            allow_lockout: lockout,
            allow_legacy_create: legacy_create,
            // What runs on this machine is made for scripts that know the shared id (DESIGN 4.1).
            token_audience: TokenAudience::Shared,
            user_name: UserName::Upn,
            quota: Quota { used: self.clusters, max: MAX_CLUSTERS },
            is_group: &|id| self.known_groups.contains(&id),
            is_registered: &|app| self.server == Some(app),
        })
    }
}

async fn make(
    ctx: &Ctx,
    mut tx: Tx,
    address: ClusterAddress,
    body: Value,
    facts: &Facts,
    change: &Change,
) -> Result<Begun, ArmError> {
    let (uid, now) = (ClusterUid::from_uuid(Uuid::new_v4()), ctx.app.now());
    let Accepted { document, spec, warnings } = facts.accept(ctx, |house| create(&address, uid, body, house))?;
    let versions = ctx.app.clusters.versions();
    let version = versions.resolve(Some(&spec.kubernetes)).ok_or(Refusal::Race)?;
    let name = address.name.to_string();
    let cluster = Cluster {
        uid,
        address,
        tenant: ctx.tenant(),
        document,
        applied: None,
        version,
        state: State::Gone.begin(Work::Create, change.operation, &name, now)?,
        power: Power::Running,
        endpoint: None,
        revision: 1,
        created: now,
        created_by: Some(ctx.oid()),
        modified: now,
        modified_by: Some(ctx.oid()),
    };
    let steps = plan(Desired::Present(&spec), &Observed::default());
    let operation = operation(ctx, &cluster, Work::Create, change.operation, steps);
    if change.mode == Mode::Try {
        return Ok(Begun { cluster, operation, warnings });
    }
    tx.arm().insert_cluster(&cluster).await?;
    tx.operations().insert(&operation).await?;
    let detail = json!({ "operation": operation.id, "aadProfile": cluster.document.at("properties.aadProfile") });
    tx.audit(now, &ctx.event("cluster.created", &change.allowed, detail)).await?;
    tx.commit().await?;
    ctx.app.jobs.wake();
    Ok(Begun { cluster, operation, warnings })
}

async fn alter(
    ctx: &Ctx,
    mut tx: Tx,
    mut cluster: Cluster,
    facts: &Facts,
    change: &Change,
    judge: impl FnOnce(&Cluster, &House<'_>) -> Result<Accepted, Unacceptable>,
) -> Result<Begun, ArmError> {
    let now = ctx.app.now();
    // A cluster whose creation failed is made by putting it again.
    let work = if cluster.applied.is_some() { Work::Update } else { Work::Create };
    cluster.begin(work, change.operation, now)?;
    let Accepted { document, spec, warnings } = facts.accept(ctx, |house| judge(&cluster, house))?;
    super::strict::guard(ctx, &cluster, &spec)?;
    let before = cluster.document.at("properties.aadProfile").cloned();
    cluster.document = document;
    cluster.modified = now;
    cluster.modified_by = Some(ctx.oid());
    let believed = Observed {
        stage: if work == Work::Create { Stage::Nothing } else { Stage::Ready },
        lives: work != Work::Create,
        keys: Keys::default(),
        pools: spec.pools.clone(),
        admins: cluster.in_force().map(|spec| spec.admins().to_vec()),
        in_force: cluster.applied.as_ref() == Some(&cluster.document),
    };
    let steps = plan(Desired::Present(&spec), &believed);
    let operation = operation(ctx, &cluster, work, change.operation, steps);
    if change.mode == Mode::Try {
        return Ok(Begun { cluster, operation, warnings });
    }
    tx.arm().update_cluster(&mut cluster).await?;
    tx.operations().insert(&operation).await?;
    // in the same commit, so that enabling them again finds none of these open.
    let closed = if spec.local_accounts {
        0
    } else {
        let by = super::doors::by(ctx, &change.allowed);
        doors::close_all(&mut tx, &cluster, Closing::LocalAccountsDisabled, &by, now).await?
    };
    let detail = json!({ "operation": operation.id, "before": before, "after": cluster.document.at("properties.aadProfile") });
    tx.audit(now, &ctx.event("cluster.updated", &change.allowed, detail)).await?;
    tx.commit().await?;
    if closed > 0 {
        ctx.app.doors.wake();
    }
    ctx.app.jobs.wake();
    Ok(Begun { cluster, operation, warnings })
}

pub(super) fn urls(ctx: &Ctx, operation: &Operation) -> Urls {
    Urls::new(ctx.app.base(), operation.subscription, CONTAINER_SERVICE, &operation.location, operation.id)
}

fn answer(ctx: &Ctx, status: StatusCode, begun: &Begun) -> Response {
    let mut headers = urls(ctx, &begun.operation).headers(Headers::Async);
    for warning in &begun.warnings {
        if let Ok(value) = HeaderValue::from_str(&format!("299 entrance \"{}: {warning}\"", warning.rule())) {
            headers.append(HeaderName::from_static("warning"), value);
        }
    }
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", begun.cluster.etag())) {
        headers.insert(header::ETAG, tag);
    }
    (status, headers, Json(shown(&ctx.app, &begun.cluster))).into_response()
}
