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

    /// The value of this edition: the kept one, or the one that is read now and kept. `read` does nothing where it is not
    /// needed.
    pub(crate) async fn or_read<E>(&self, key: K, edition: u64, read: impl Future<Output = Result<V, E>>) -> Result<V, E> {
        match self.get(&key, edition) {
            Some(known) => Ok(known),
            None => Ok(self.put(key, edition, read.await?)),
        }
    }

    /// The same for what need not be there. That it is not there is not kept: strangers can ask for any number of ids.
    async fn or_find<E>(&self, key: K, edition: u64, find: impl Future<Output = Result<Option<V>, E>>) -> Result<Option<V>, E> {
        match self.get(&key, edition) {
            Some(known) => Ok(Some(known)),
            None => Ok(find.await?.map(|found| self.put(key, edition, found))),
        }
    }

    fn get(&self, key: &K, edition: u64) -> Option<V> {
        self.0.get(key).filter(|(of, _)| *of == edition).map(|(_, value)| value)
    }

    fn put(&self, key: K, edition: u64, value: V) -> V {
        self.0.insert(key, (edition, value.clone()));
        value
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
        let read = async { app.store.glance().await?.authority().revocation_head(tenant).await };
        let revocation = heads.or_read(tenant, edition, read).await?;
        Ok(Self { revocation, edition })
    }
}

/// The edition of the directory.
pub(crate) fn edition(app: &App) -> u64 {
    app.store.edition(Area::Directory)
}

/// An application's identity in a tenant.
pub(crate) async fn principal(ctx: &Ctx, tenant: &Tenant, app: AppId) -> Result<Option<Arc<ServicePrincipal>>, StoreError> {
    let find = async { Ok(ctx.app.store.glance().await?.directory().service_principal_of(tenant.id, app).await?.map(Arc::new)) };
    ctx.app.authority.memory.principals.or_find((tenant.id, app), edition(&ctx.app), find).await
}

/// A registration.
pub(crate) async fn application(ctx: &Ctx, tenant: &Tenant, app: AppId) -> Result<Option<Arc<Application>>, StoreError> {
    let find = async { Ok(ctx.app.store.glance().await?.directory().application_by_app_id(tenant.id, app).await?.map(Arc::new)) };
    ctx.app.authority.memory.applications.or_find((tenant.id, app), edition(&ctx.app), find).await
}

/// A person as the directory knows them now.
pub(crate) async fn user(ctx: &Ctx, tenant: &Tenant, id: UserId) -> Result<Option<Arc<User>>, StoreError> {
    let find = async { Ok(ctx.app.store.glance().await?.directory().user(tenant.id, id).await?.map(Arc::new)) };
    ctx.app.authority.memory.users.or_find((tenant.id, id), edition(&ctx.app), find).await
}

/// Whether a person has a second factor.
pub(crate) async fn has_factor(ctx: &Ctx, tenant: &Tenant, user: UserId) -> Result<bool, StoreError> {
    let read = async { Ok(ctx.app.store.glance().await?.factors().methods(tenant.id, user).await?.any()) };
    ctx.app.authority.memory.factors.or_read((tenant.id, user), ctx.app.store.edition(Area::Factors), read).await
}

/// The roles that somebody has at an application, by themselves or as a direct member of a group.
pub(crate) async fn roles_held(
    ctx: &Ctx,
    tenant: &Tenant,
    resource: ServicePrincipalId,
    holder: PrincipalId,
) -> Result<Arc<[Uuid]>, StoreError> {
    let read = async { Ok(ctx.app.store.glance().await?.directory().app_roles_held(tenant.id, resource, holder).await?.into()) };
    ctx.app.authority.memory.roles.or_read((tenant.id, resource, holder), edition(&ctx.app), read).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_value_of_another_edition_is_read_again_and_one_of_the_same_is_not() {
        let kept = Kept::new(10);
        let read = |edition, value: &'static str| kept.or_read("alice", edition, async move { Ok::<_, StoreError>(value) });
        assert_eq!(read(1, "enabled").await.ok(), Some("enabled"));
        assert_eq!(read(1, "never read").await.ok(), Some("enabled"));
        assert_eq!(read(2, "disabled").await.ok(), Some("disabled"));
        assert_eq!(read(1, "before").await.ok(), Some("before"));
    }

    #[tokio::test]
    async fn that_somebody_is_not_there_is_not_kept() {
        let kept = Kept::new(10);
        let find = |value: Option<&'static str>| kept.or_find("bob", 1, async move { Ok::<_, StoreError>(value) });
        assert_eq!(find(None).await.ok(), Some(None));
        assert_eq!(find(Some("bob")).await.ok(), Some(Some("bob")));
        assert_eq!(find(None).await.ok(), Some(Some("bob")));
    }
}
