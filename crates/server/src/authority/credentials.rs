//! A name and a password (S-250, S-800): the same work and the same answer for everyone who is not let in.

use entrance_model::directory::{Tenant, User};
use entrance_model::name::Upn;
use entrance_model::signin::Aadsts;
use entrance_model::signin::lockout::Policy;
use entrance_model::signin::network::subnet;
use serde_json::json;
use zeroize::Zeroizing;

use super::ctx::{Ctx, event};
use super::refused::Refused;
use super::secret;

/// A person who proved that they know the password; only [`check`] makes one.
pub(crate) struct Proven(User);

impl Proven {
    /// The person.
    pub(crate) fn user(&self) -> &User {
        &self.0
    }
}

/// The longest password that is looked at.
pub(crate) const LONGEST_PASSWORD: usize = 1024;

/// Checks a name and a password.
pub(crate) async fn check(ctx: &Ctx, tenant: &Tenant, name: &str, password: &str) -> Result<Proven, Refused> {
    let now = ctx.now();
    let wrong = || Refused::from(Aadsts::InvalidUserNameOrPassword);
    let folded = name.trim().to_ascii_lowercase();
    let keys = Keys::of(ctx, tenant, &folded);
    // A few bits of a keyed hash: enough to see a repeated password, too few to find it with.
    let print = secret::mac(&tenant.salt, format!("try\0{folded}\0{password}").as_bytes());
    let print = u32::from(u16::from_be_bytes([print[0], print[1]]));

    let (user, phc) = find(ctx, tenant, &folded).await?;
    // Counted before the password is looked at, so that many guesses at once are no way around the limit.
    let mut tx = ctx.app.store.write().await?;
    let mut authority = tx.authority();
    for (key, policy) in keys.each() {
        let counted = authority.lockout(key).await?.count(Some(print), policy, now);
        let Ok(counted) = counted else {
            drop(tx);
            let refused = Refused::from(Aadsts::IdsLocked).because("too many wrong tries");
            return Err(user.map_or(refused.clone(), |user| refused.of(user.id)));
        };
        if counted.locked(policy, now).is_err() {
            let target = user.as_ref().map_or_else(|| "an unknown name".to_owned(), |user| user.id.to_string());
            tracing::warn!(address = ctx.address(), "the last try before a pause");
            let detail = json!({ "counter": policy_name(policy), "address": ctx.address() });
            let paused = event("signIn.paused", tenant.id, user.as_ref().map(|user| user.id.into()), target, detail);
            authority.set_lockout(key, &counted, now).await?;
            tx.audit(now, &paused).await?;
            authority = tx.authority();
        } else {
            authority.set_lockout(key, &counted, now).await?;
        }
    }
    tx.commit().await?;

    let fits = ctx.app.hasher.verify(phc, Zeroizing::new(password.to_owned())).await;
    let Some(user) = user else { return Err(wrong().because("no such person")) };
    if !fits || password.len() > LONGEST_PASSWORD {
        return Err(wrong().of(user.id).because("wrong password"));
    }
    let mut tx = ctx.app.store.write().await?;
    let mut authority = tx.authority();
    authority.clear_lockout(&keys.account).await?;
    for (key, _) in keys.each().into_iter().skip(1) {
        let back = authority.lockout(key).await?.take_back();
        authority.set_lockout(key, &back, now).await?;
    }
    tx.commit().await?;
    if !user.enabled {
        return Err(Refused::from(Aadsts::UserDisabled).of(user.id));
    }
    if user.must_change_password {
        return Err(Refused::from(Aadsts::InvalidPasswordExpiredPassword).of(user.id));
    }
    Ok(Proven(user))
}

async fn find(ctx: &Ctx, tenant: &Tenant, name: &str) -> Result<(Option<User>, Option<String>), Refused> {
    let Ok(upn) = name.parse::<Upn>() else { return Ok((None, None)) };
    let mut reader = ctx.app.store.read().await?;
    let mut directory = reader.directory();
    let Some(user) = directory.user_by_upn(tenant.id, &upn).await? else { return Ok((None, None)) };
    let phc = directory.password_hash(tenant.id, user.id).await?;
    Ok((Some(user), phc))
}

/// Where wrong tries are counted.
struct Keys {
    account: String,
    address: String,
    network: String,
}

impl Keys {
    fn of(ctx: &Ctx, tenant: &Tenant, name: &str) -> Self {
        // Hashed: people type passwords into the name field.
        let account = secret::mac_text(&tenant.salt, format!("account\0{name}").as_bytes());
        let ip = ctx.info.peer.ip();
        Self {
            account: format!("account/{}/{account}", tenant.id),
            address: format!("address/{}", ip.to_canonical()),
            network: format!("network/{}", subnet(ip)),
        }
    }

    fn each(&self) -> [(&str, Policy); 3] {
        [(&self.account, Policy::ACCOUNT), (&self.address, Policy::ADDRESS), (&self.network, Policy::NETWORK)]
    }
}

fn policy_name(policy: Policy) -> &'static str {
    if policy == Policy::ACCOUNT {
        "account"
    } else if policy == Policy::ADDRESS {
        "address"
    } else {
        "network"
    }
}
