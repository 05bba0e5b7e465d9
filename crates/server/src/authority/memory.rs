//! What token requests ask for again and again, kept in memory as long as it cannot have changed (decision 0026).
//!
//! Every value is kept with the edition of its area in the store ([`entrance_store::Area`]), which was read *before* the
//! value. A value of another edition is read again, so the request that follows an answered change sees the change. What
//! is read may have been changed by a commit that nobody was told of yet; then its edition is about to move, too.

use std::hash::Hash;
use std::sync::Arc;

use entrance_model::directory::{Application, ServicePrincipal, Tenant, User};
use entrance_model::id::{AppId, PrincipalId, ServicePrincipalId, TenantId, UserId};
use entrance_model::signin::lockout::Lockout;
use entrance_model::signin::resource::Resource;
use entrance_store::{Area, StoreError};
use quick_cache::Equivalent;
use quick_cache::sync::Cache;
use uuid::Uuid;

use super::client::Client;
use super::ctx::Ctx;
use super::place::Place;
use super::policies::Rulebook;
use crate::app::App;

/// Values of one kind, each with its edition.
pub(crate) struct Kept<K, V>(Cache<K, (u64, V)>);

impl<K: Eq + Hash + Clone, V: Clone> Kept<K, V> {
    fn new(most: usize) -> Self {
        Self(Cache::new(most))
    }

    /// The value, if it is of this edition.
    pub(crate) fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q, edition: u64) -> Option<V> {
        self.0.get(key).filter(|(of, _)| *of == edition).map(|(_, value)| value)
    }

    /// Keeps a value that was read after the edition.
    pub(crate) fn put(&self, key: K, edition: u64, value: V) {
        self.0.insert(key, (edition, value));
    }
}

/// Who holds roles of what: tenant, application, holder.
type Holding = (TenantId, ServicePrincipalId, PrincipalId);
/// Who allowed what to whom: tenant, client, resource, person.
type Allowing = (TenantId, ServicePrincipalId, ServicePrincipalId, UserId);

/// The values.
pub(crate) struct Memory {
    /// By the first segment of a path.
    pub(crate) places: Kept<String, Place>,
    pub(crate) clients: Kept<(TenantId, AppId), Arc<Client>>,
    /// By what was asked, and whether that is the id of a cluster.
    pub(crate) resources: Kept<(TenantId, String, bool), Arc<Resource>>,
    pub(crate) rulebooks: Kept<TenantId, Arc<Rulebook>>,
    /// The names of what a client may do for a person, as the store has them.
    pub(crate) allowed: Kept<Allowing, Arc<[String]>>,
    /// Whether client and address may try a secret.
    pub(crate) tries: Kept<String, Lockout>,
    heads: Kept<TenantId, i64>,
    principals: Kept<(TenantId, AppId), Arc<ServicePrincipal>>,
    applications: Kept<(TenantId, AppId), Arc<Application>>,
    users: Kept<(TenantId, UserId), Arc<User>>,
    factors: Kept<(TenantId, UserId), bool>,
    roles: Kept<Holding, Arc<[Uuid]>>,
}

/// Kinds of which there are few.
const FEW: usize = 2_000;
/// Kinds of which there is one for each person.
const MANY: usize = 10_000;

impl Memory {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            places: Kept::new(FEW),
            clients: Kept::new(FEW),
            resources: Kept::new(FEW),
            rulebooks: Kept::new(FEW),
            allowed: Kept::new(MANY),
            tries: Kept::new(MANY),
            heads: Kept::new(FEW),
            principals: Kept::new(FEW),
            applications: Kept::new(FEW),
            users: Kept::new(MANY),
            factors: Kept::new(MANY),
            roles: Kept::new(MANY),
        }
    }
}

/// What was known when a request was read: a token of it is older than every revocation since.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// The number of the last revocation.
    pub(crate) revocation: i64,
    /// The edition of the directory.
    pub(crate) edition: u64,
}

impl Known {
    /// Reads it; to be done before anything is looked at that may be revoked.
    pub(crate) async fn now(app: &App, tenant: TenantId) -> Result<Self, StoreError> {
        let (edition, heads) = (edition(app), &app.authority.memory.heads);
        if let Some(revocation) = heads.get(&tenant, edition) {
            return Ok(Self { revocation, edition });
        }
        let revocation = app.store.glance().await?.authority().revocation_head(tenant).await?;
        heads.put(tenant, edition, revocation);
        Ok(Self { revocation, edition })
    }
}

/// The edition of the directory.
pub(crate) fn edition(app: &App) -> u64 {
    app.store.edition(Area::Directory)
}

/// An application's identity in a tenant.
pub(crate) async fn principal(ctx: &Ctx, tenant: &Tenant, app: AppId) -> Result<Option<Arc<ServicePrincipal>>, StoreError> {
    let (edition, kept, key) = (edition(&ctx.app), &ctx.app.authority.memory.principals, (tenant.id, app));
    if let Some(known) = kept.get(&key, edition) {
        return Ok(Some(known));
    }
    let mut reader = ctx.app.store.read().await?;
    let found = reader.directory().service_principal_of(tenant.id, app).await?.map(Arc::new);
    if let Some(found) = &found {
        kept.put(key, edition, Arc::clone(found));
    }
    Ok(found)
}

/// A registration.
pub(crate) async fn application(ctx: &Ctx, tenant: &Tenant, app: AppId) -> Result<Option<Arc<Application>>, StoreError> {
    let (edition, kept, key) = (edition(&ctx.app), &ctx.app.authority.memory.applications, (tenant.id, app));
    if let Some(known) = kept.get(&key, edition) {
        return Ok(Some(known));
    }
    let mut reader = ctx.app.store.read().await?;
    let found = reader.directory().application_by_app_id(tenant.id, app).await?.map(Arc::new);
    if let Some(found) = &found {
        kept.put(key, edition, Arc::clone(found));
    }
    Ok(found)
}

/// A person as the directory knows them now.
pub(crate) async fn user(ctx: &Ctx, tenant: &Tenant, id: UserId) -> Result<Option<Arc<User>>, StoreError> {
    let (edition, kept, key) = (edition(&ctx.app), &ctx.app.authority.memory.users, (tenant.id, id));
    if let Some(known) = kept.get(&key, edition) {
        return Ok(Some(known));
    }
    let found = ctx.app.store.glance().await?.directory().user(tenant.id, id).await?.map(Arc::new);
    if let Some(found) = &found {
        kept.put(key, edition, Arc::clone(found));
    }
    Ok(found)
}

/// Whether a person has a second factor.
pub(crate) async fn has_factor(ctx: &Ctx, tenant: &Tenant, user: UserId) -> Result<bool, StoreError> {
    let (edition, kept, key) = (ctx.app.store.edition(Area::Factors), &ctx.app.authority.memory.factors, (tenant.id, user));
    if let Some(known) = kept.get(&key, edition) {
        return Ok(known);
    }
    let has = ctx.app.store.glance().await?.factors().methods(tenant.id, user).await?.any();
    kept.put(key, edition, has);
    Ok(has)
}

/// The roles that somebody has at an application, by themselves or as a direct member of a group.
pub(crate) async fn roles_held(
    ctx: &Ctx,
    tenant: &Tenant,
    resource: ServicePrincipalId,
    holder: PrincipalId,
) -> Result<Arc<[Uuid]>, StoreError> {
    let (edition, kept, key) = (edition(&ctx.app), &ctx.app.authority.memory.roles, (tenant.id, resource, holder));
    if let Some(known) = kept.get(&key, edition) {
        return Ok(known);
    }
    let held: Arc<[Uuid]> = ctx.app.store.glance().await?.directory().app_roles_held(tenant.id, resource, holder).await?.into();
    kept.put(key, edition, Arc::clone(&held));
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_another_edition_is_not_given_out() {
        let kept = Kept::new(10);
        kept.put("alice", 1, "enabled");
        assert_eq!(kept.get("alice", 1), Some("enabled"));
        assert_eq!(kept.get("alice", 2), None);
        kept.put("alice", 2, "disabled");
        assert_eq!((kept.get("alice", 1), kept.get("alice", 2)), (None, Some("disabled")));
    }
}
