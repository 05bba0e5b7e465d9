//! Counts wrong tries before anybody looks at what was tried (S-800), and takes the right ones back.
//!
//! Counters are rows of the store, so a restart is no way around a pause, and every try is its own transaction, so a
//! hundred at once are a hundred.

use entrance_model::Timestamp;
use entrance_model::directory::{Tenant, User};
use entrance_model::id::{TenantId, UserId};
use entrance_model::signin::Aadsts;
use entrance_model::signin::lockout::{Locked, Lockout, Policy};
use entrance_model::signin::network::subnet;
use entrance_store::{Reader, StoreError, Tx};
use serde_json::json;

use super::ctx::{Ctx, event};
use super::refused::Refused;
use super::secret;

/// Where wrong tries are counted.
struct Counter {
    key: String,
    policy: Policy,
    /// What the audit log calls it.
    of: &'static str,
}

/// A try that was counted, and waits for how it turns out.
#[must_use = "a right try has to be taken back"]
pub(crate) struct Counted {
    counters: Vec<(Counter, bool)>,
    print: Option<u32>,
}

/// Why a try is not looked at.
enum Paused {
    Locked(Locked),
    Store(StoreError),
}

impl From<StoreError> for Paused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Paused> for Refused {
    fn from(paused: Paused) -> Self {
        match paused {
            Paused::Locked(_) => Self::from(Aadsts::IdsLocked).because("too many wrong tries"),
            Paused::Store(error) => error.into(),
        }
    }
}

/// Counts a password for a name, known or not: for the account, the address and its small network.
pub(crate) async fn password(
    ctx: &Ctx,
    tenant: &Tenant,
    name: &str,
    user: Option<&User>,
    password: &str,
    familiar: bool,
) -> Result<Counted, Refused> {
    let ip = ctx.info.peer.ip();
    // A few bits of a keyed hash: enough to see a repeated password, too few to find it with.
    let print = secret::mac(&tenant.salt, format!("try\0{name}\0{password}").as_bytes());
    let print = u32::from(u16::from_be_bytes([print[0], print[1]]));
    let counters = vec![
        Counter { key: account(tenant, name, familiar), policy: Policy::ACCOUNT, of: "account" },
        Counter { key: format!("address/{}", ip.to_canonical()), policy: Policy::ADDRESS, of: "address" },
        Counter { key: format!("network/{}", subnet(ip)), policy: Policy::NETWORK, of: "network" },
    ];
    let user = user.map(|user| user.id);
    count(ctx, Some(tenant.id), user, counters, Some(print)).await.map_err(Refused::from)
}

/// Counts a second factor of somebody who knows their password: a counter of its own, so that nobody who does not know the
/// password can use it up.
pub(crate) async fn second_factor(ctx: &Ctx, tenant: &Tenant, user: &User) -> Result<Counted, Refused> {
    let counter = Counter { key: factor(tenant.id, user.id), policy: Policy::SECOND_FACTOR, of: "secondFactor" };
    count(ctx, Some(tenant.id), Some(user.id), vec![counter], None).await.map_err(|paused| Refused::from(paused).of(user.id))
}

/// Counts a typed device code: for the browser, its address and its small network (W-102). `Err(until)` while paused.
pub(crate) async fn device_code(ctx: &Ctx, browser: &str) -> Result<Result<Counted, Timestamp>, Refused> {
    let ip = ctx.info.peer.ip();
    let counters = vec![
        Counter { key: format!("devicecode/{}", ip.to_canonical()), policy: Policy::DEVICE_CODE, of: "deviceCode" },
        Counter { key: format!("devicecode/browser/{browser}"), policy: Policy::DEVICE_CODE, of: "deviceCode" },
        Counter { key: format!("devicecode/{}", subnet(ip)), policy: Policy::DEVICE_CODE_NETWORK, of: "deviceCode" },
    ];
    anonymous(ctx, counters).await
}

/// Counts a one-time code: for where it comes from, and never for the name. The code is too long to be guessed, and strangers
/// must not be able to keep a new colleague out. `Err(until)` while paused.
pub(crate) async fn one_time_code(ctx: &Ctx) -> Result<Result<Counted, Timestamp>, Refused> {
    let ip = ctx.info.peer.ip().to_canonical();
    // Whoever has one address of IPv6 has many.
    let single = if ip.is_ipv6() { subnet(ip) } else { ip.to_string() };
    let counters = vec![
        Counter { key: format!("pass-address/{single}"), policy: Policy::ADDRESS, of: "oneTimeCode" },
        Counter { key: format!("pass-network/{}", subnet(ip)), policy: Policy::NETWORK, of: "oneTimeCode" },
    ];
    anonymous(ctx, counters).await
}

/// Counts a try that nobody in particular is behind.
async fn anonymous(ctx: &Ctx, counters: Vec<Counter>) -> Result<Result<Counted, Timestamp>, Refused> {
    match count(ctx, None, None, counters, None).await {
        Ok(counted) => Ok(Ok(counted)),
        Err(Paused::Locked(locked)) => Ok(Err(locked.until)),
        Err(Paused::Store(error)) => Err(error.into()),
    }
}

/// Lifts the pause of an account, wherever its tries came from. Addresses stay paused: they are not the account's.
pub(crate) async fn unlock(tx: &mut Tx, tenant: &Tenant, user: &User) -> Result<(), StoreError> {
    let mut authority = tx.authority();
    for key in keys(tenant, user) {
        authority.clear_lockout(&key).await?;
    }
    Ok(())
}

/// Until when an account is paused, whatever counter says so.
pub(crate) async fn paused_until(
    reader: &mut Reader,
    tenant: &Tenant,
    user: &User,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let mut latest = None;
    for (key, policy) in keys(tenant, user).into_iter().zip([Policy::ACCOUNT, Policy::ACCOUNT, Policy::SECOND_FACTOR]) {
        if let Err(locked) = reader.authority().lockout(&key).await?.locked(policy, now) {
            latest = latest.max(Some(locked.until));
        }
    }
    Ok(latest)
}

fn keys(tenant: &Tenant, user: &User) -> [String; 3] {
    let name = user.upn.as_str().to_ascii_lowercase();
    [account(tenant, &name, false), account(tenant, &name, true), factor(tenant.id, user.id)]
}

/// Familiar networks are counted apart. The name is hashed: people type passwords into its field.
fn account(tenant: &Tenant, name: &str, familiar: bool) -> String {
    let name = secret::mac_text(&tenant.salt, format!("account\0{name}").as_bytes());
    format!("account/{}/{name}{}", tenant.id, if familiar { "/familiar" } else { "" })
}

fn factor(tenant: TenantId, user: UserId) -> String {
    format!("factor/{tenant}/{user}")
}

async fn count(
    ctx: &Ctx,
    tenant: Option<TenantId>,
    user: Option<UserId>,
    counters: Vec<Counter>,
    print: Option<u32>,
) -> Result<Counted, Paused> {
    let now = ctx.now();
    let mut tx = ctx.app.store.write().await?;
    let mut counted = Vec::with_capacity(counters.len());
    for counter in counters {
        let before: Lockout = tx.authority().lockout(&counter.key).await?;
        let tried = before.count(print, counter.policy, now).map_err(Paused::Locked)?;
        if tried.counted {
            tx.authority().set_lockout(&counter.key, &tried.after, now).await?;
            if let (Err(locked), Some(tenant)) = (tried.after.locked(counter.policy, now), tenant) {
                tracing::warn!(address = ctx.address(), counter = counter.of, "the last try before a pause");
                let target = user.map_or_else(|| "an unknown name".to_owned(), |user| user.to_string());
                let detail = json!({ "counter": counter.of, "address": ctx.address(), "until": locked.until.to_string() });
                tx.audit(now, &event("signIn.paused", tenant, user.map(Into::into), target, detail)).await?;
            }
        }
        counted.push((counter, tried.counted));
    }
    tx.commit().await?;
    Ok(Counted { counters: counted, print })
}

impl Counted {
    /// The try was right: a counter of its own is forgotten, the others, which are shared with strangers, lose this one try.
    pub(crate) async fn right(self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        let mut authority = tx.authority();
        for (counter, counted) in self.counters {
            if matches!(counter.of, "account" | "secondFactor") {
                authority.clear_lockout(&counter.key).await?;
            } else if counted {
                let back = authority.lockout(&counter.key).await?.take_back(self.print);
                authority.set_lockout(&counter.key, &back, now).await?;
            }
        }
        Ok(())
    }
}
