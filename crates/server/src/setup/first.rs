//! The first tenant of a server and its first administrator: nobody has a default password.
//!
//! A server whose directory nobody administers writes a one-time code to a file in its data directory that only its owner
//! can read. Whoever shows the code over loopback says who the first administrator is and sets their password. The code is
//! new at every start, is good once, and is gone with the file as soon as there is an administrator.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use entrance_model::access::{Assignment, PrincipalType, built_in};
use entrance_model::arm::{Scope, Subscription};
use entrance_model::directory::{Tenant, User};
use entrance_model::directory_rules::names;
use entrance_model::directory_rules::password::WeakPassword;
use entrance_model::id::{AssignmentId, SubscriptionId, TenantId, UserId};
use entrance_model::name::{Upn, is_domain};
use entrance_model::signin::lockout;
use entrance_model::signin::one_time_code::OneTimeCode;
use entrance_store::{AuditEvent, StoreError, Tx};
use serde_json::json;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::seed::SeedError;
use super::{SetupError, insert_tenant};
use crate::app::App;
use crate::authority::secret;
use crate::data_dir::write_whole;
use crate::passwords;

/// The file with the code.
pub const CODE_FILE: &str = "bootstrap-code";
/// Where wrong codes are counted. There is one door, and it is on loopback, so there is one counter.
const COUNTER: &str = "bootstrap";

/// The door for the first administrator: open while a code is out.
#[derive(Default)]
pub(crate) struct Bootstrap(Mutex<Option<Open>>);

#[derive(Clone)]
struct Open {
    /// SHA-256 of the code.
    hash: String,
    tenant: TenantId,
    file: PathBuf,
}

impl Bootstrap {
    fn get(&self) -> Option<Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, open: Option<Open>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = open;
    }

    /// The tenant that waits for its first administrator.
    pub(crate) fn tenant(&self) -> Option<TenantId> {
        self.get().map(|open| open.tenant)
    }
}

/// Who the first administrator is.
pub(crate) struct First<'a> {
    /// The code from the file.
    pub(crate) code: &'a str,
    /// The name to sign in with.
    pub(crate) upn: &'a str,
    /// The name that people read; the first part of `upn` when it is empty.
    pub(crate) display_name: &'a str,
    /// The password to set.
    pub(crate) password: &'a str,
}

/// Why there is no first administrator yet.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FirstError {
    /// No code is out: there is an administrator.
    #[error("this server has an administrator already")]
    Closed,
    /// The code is not the one in the file.
    #[error("that is not the code in the file `{CODE_FILE}` of the server's data directory; it changes at every start")]
    Code,
    /// Too many wrong codes.
    #[error("too many wrong codes; try again in {0} seconds, or restart the server for a new code")]
    Paused(i64),
    /// The name has no form, or is of a domain of somebody else.
    #[error("a name to sign in with looks like `admin@{0}`")]
    Name(String),
    /// The password is too easy.
    #[error(transparent)]
    Password(#[from] WeakPassword),
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the first tenant and its subscription in a new data directory; as long as nobody administers it, writes a new
/// code, and names the file.
pub async fn prepare(app: &App, name: &str, domain: &str) -> Result<Option<PathBuf>, SetupError> {
    let file = app.data.join(CODE_FILE);
    let tenants = app.store.read().await?.directory().tenants().await?;
    let tenant = match tenants.first() {
        Some(tenant) => tenant.id,
        None => make(app, name, domain).await?,
    };
    if has_administrator(app, tenant).await? {
        remove(&file);
        return Ok(None);
    }
    let code = OneTimeCode::of(secret::random());
    let write = write_whole(&file, format!("{}\n", code.grouped()).as_bytes(), 0o600);
    write.map_err(|e| SetupError::File(file.clone(), e.to_string()))?;
    app.bootstrap.set(Some(Open { hash: secret::sha256(code.as_str()), tenant, file: file.clone() }));
    let now = app.now();
    let mut tx = app.store.write().await?;
    // Guesses at the code before this one are worth nothing.
    tx.authority().clear_lockout(COUNTER).await?;
    tx.audit(now, &event("bootstrap.opened", tenant, None, tenant.to_string(), json!({}))).await?;
    tx.commit().await?;
    Ok(Some(file))
}

/// Makes the first administrator, and owner of the subscription, for whoever has the code. `from` is where they are.
pub(crate) async fn administrator(app: &App, first: &First<'_>, from: &str) -> Result<User, FirstError> {
    let open = app.bootstrap.get().ok_or(FirstError::Closed)?;
    count(app, &open, from).await?;
    let typed = first.code.parse::<OneTimeCode>().map_err(|_| FirstError::Code)?;
    if !bool::from(secret::sha256(typed.as_str()).as_bytes().ct_eq(open.hash.as_bytes())) {
        return Err(FirstError::Code);
    }
    forget_tries(app).await?;
    let tenant = app.store.read().await?.directory().tenant(open.tenant).await?.ok_or(FirstError::Closed)?;
    let user = person(app, first, &tenant)?;
    let words = [user.upn.local_part(), user.display_name.as_str(), tenant.display_name.as_str()];
    passwords::judge(app, first.password, &words).await.map_err(|_| WeakPassword)?;
    let hash = app.hasher.hash(Zeroizing::new(first.password.to_owned())).await;
    let mut tx = app.store.write().await?;
    // Two who come with the same code: the first one counts.
    if tx.directory().other_administrators(tenant.id, UserId::from_uuid(Uuid::nil())).await? > 0 {
        return Err(FirstError::Closed);
    }
    tx.directory().insert_user(tenant.id, &user).await?;
    tx.directory().set_password_hash(tenant.id, user.id, &hash).await?;
    own_subscriptions(app, &mut tx, &tenant, &user).await?;
    let detail = json!({ "userPrincipalName": user.upn.as_str(), "address": from });
    tx.audit(app.now(), &event("bootstrap.used", tenant.id, Some(user.id), user.id.to_string(), detail)).await?;
    tx.commit().await?;
    app.bootstrap.set(None);
    remove(&open.file);
    Ok(user)
}

/// Counts a try before the code is looked at, so that many at once are no way around the limit.
async fn count(app: &App, open: &Open, from: &str) -> Result<(), FirstError> {
    let now = app.now();
    let mut tx = app.store.write().await?;
    let counted = tx.authority().lockout(COUNTER).await?.count(None, lockout::Policy::CLIENT, now);
    let counted = counted.map_err(|locked| FirstError::Paused(locked.until.duration_since(now).as_secs().max(1)))?;
    tx.authority().set_lockout(COUNTER, &counted.after, now).await?;
    if counted.after.locked(lockout::Policy::CLIENT, now).is_err() {
        let paused = event("bootstrap.paused", open.tenant, None, open.tenant.to_string(), json!({ "address": from }));
        tx.audit(now, &paused).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Whoever has the code may take some time over the name and the password.
async fn forget_tries(app: &App) -> Result<(), FirstError> {
    let mut tx = app.store.write().await?;
    tx.authority().clear_lockout(COUNTER).await?;
    Ok(tx.commit().await?)
}

fn person(app: &App, first: &First<'_>, tenant: &Tenant) -> Result<User, FirstError> {
    let domain = tenant.domains.first().cloned().unwrap_or_default();
    let name = first.upn.trim();
    // Most people will type the part before the `@`.
    let full = if name.contains('@') { name.to_owned() } else { format!("{name}@{domain}") };
    let upn: Upn = full.parse().map_err(|_| FirstError::Name(domain.clone()))?;
    names::upn_domain(&upn, &tenant.domains).map_err(|_| FirstError::Name(domain.clone()))?;
    let shown = first.display_name.trim();
    let display_name = if shown.is_empty() { upn.local_part() } else { shown };
    names::display_name(display_name).map_err(|_| FirstError::Name(domain.clone()))?;
    names::mail_nickname(upn.local_part()).map_err(|_| FirstError::Name(domain))?;
    let now = app.now();
    let mut other = serde_json::Map::new();
    other.insert("lastPasswordChangeDateTime".into(), now.to_string().into());
    Ok(User {
        id: UserId::from_uuid(Uuid::new_v4()),
        mail_nickname: upn.local_part().to_owned(),
        display_name: display_name.to_owned(),
        upn,
        given_name: None,
        surname: None,
        mail: None,
        enabled: true,
        must_change_password: false,
        sessions_valid_from: now,
        is_directory_admin: true,
        created: now,
        other,
    })
}

async fn own_subscriptions(app: &App, tx: &mut Tx, tenant: &Tenant, user: &User) -> Result<(), StoreError> {
    let now = app.now();
    for subscription in tx.arm().subscriptions(tenant.id).await? {
        let owner = Assignment {
            id: AssignmentId::from_uuid(Uuid::new_v4()),
            tenant: tenant.id,
            scope: Scope::subscription(subscription.id),
            role: built_in::OWNER,
            principal: user.id.into(),
            principal_type: PrincipalType::User,
            description: None,
            condition: None,
            created: now,
            created_by: None,
            updated: now,
            updated_by: None,
        };
        tx.arm().insert_assignment(&owner).await?;
    }
    Ok(())
}

async fn has_administrator(app: &App, tenant: TenantId) -> Result<bool, StoreError> {
    let nobody = UserId::from_uuid(Uuid::nil());
    Ok(app.store.read().await?.directory().other_administrators(tenant, nobody).await? > 0)
}

async fn make(app: &App, name: &str, domain: &str) -> Result<TenantId, SetupError> {
    let domain = domain.to_ascii_lowercase();
    if !is_domain(&domain) {
        return Err(SetupError::Seed(SeedError::Invalid(domain, "domain")));
    }
    let now = app.now();
    let tenant = Tenant {
        id: TenantId::from_uuid(Uuid::new_v4()),
        display_name: name.to_owned(),
        domains: vec![domain],
        salt: secret::random::<32>().to_vec(),
        created: now,
    };
    let subscription =
        Subscription { id: SubscriptionId::from_uuid(Uuid::new_v4()), tenant: tenant.id, name: name.to_owned(), created: now };
    let mut tx = app.store.write().await?;
    insert_tenant(&mut tx, &tenant, now).await?;
    tx.arm().insert_subscription(&subscription).await?;
    tx.commit().await?;
    Ok(tenant.id)
}

fn event(kind: &'static str, tenant: TenantId, actor: Option<UserId>, target: String, detail: serde_json::Value) -> AuditEvent {
    AuditEvent { kind, tenant: Some(tenant), actor: actor.map(Into::into), target: Some(target), detail }
}

fn remove(file: &Path) {
    if let Err(error) = std::fs::remove_file(file)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, file = %file.display(), "the used code could not be removed; it opens nothing any more");
    }
}
