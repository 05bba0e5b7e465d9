//! A name and a password (S-250, S-800): the same work and the same answer for everyone who is not let in.

use entrance_model::directory::{Tenant, User};
use entrance_model::id::UserId;
use entrance_model::name::Upn;
use entrance_model::signin::Aadsts;
use entrance_model::signin::network::subnet;
use entrance_store::Tx;
use serde_json::json;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::ctx::{Ctx, event};
use super::refused::Refused;
use super::{floods, lockouts};

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
    floods::pass(ctx)?;
    let now = ctx.now();
    let wrong = || Refused::from(Aadsts::InvalidUserNameOrPassword);
    let folded = name.trim().to_ascii_lowercase();
    let network = subnet(ctx.info.peer.ip());
    let Found { user, phc, familiar } = find(ctx, tenant, &folded, &network).await?;
    // Counted before the password is looked at, so that many guesses at once are no way around the limit.
    let counted = lockouts::password(ctx, tenant, &folded, user.as_ref(), password, familiar).await;
    let counted = counted.map_err(|refused| match &user {
        Some(user) => refused.of(user.id),
        None => refused,
    })?;
    let fits = ctx.app.hasher.verify(phc, Zeroizing::new(password.to_owned())).await;
    let Some(user) = user else { return Err(wrong().because("no such person")) };
    if !fits || password.len() > LONGEST_PASSWORD {
        return Err(wrong().of(user.id).because("wrong password"));
    }
    let is_breached = user.enabled && !user.must_change_password && ctx.app.breached.holds(password).await;
    let mut tx = ctx.app.store.write().await?;
    counted.right(&mut tx, now).await?;
    tx.authority().familiar_network(tenant.id, user.id, &network, now).await?;
    if is_breached {
        demand_another(ctx, &mut tx, tenant, user.id).await?;
    }
    tx.commit().await?;
    if is_breached {
        return Err(Refused::from(Aadsts::PasswordChangeCompromisedPassword).of(user.id));
    }
    if !user.enabled {
        return Err(Refused::from(Aadsts::UserDisabled).of(user.id));
    }
    if user.must_change_password {
        return Err(Refused::from(Aadsts::InvalidPasswordExpiredPassword).of(user.id));
    }
    Ok(Proven(user))
}

/// A password that is right and that guessers know is good for choosing another one, and for nothing else (50135).
async fn demand_another(ctx: &Ctx, tx: &mut Tx, tenant: &Tenant, id: UserId) -> Result<(), Refused> {
    let Some(mut user) = tx.directory().user(tenant.id, id).await? else { return Ok(()) };
    user.must_change_password = true;
    tx.directory().update_user(tenant.id, &user).await?;
    let detail = json!({ "address": ctx.address() });
    Ok(tx.audit(ctx.now(), &event("password.breached", tenant.id, None, id.to_string(), detail)).await?)
}

struct Found {
    user: Option<User>,
    phc: Option<String>,
    /// They signed in from this network before.
    familiar: bool,
}

/// Looks a person up; for a name that nobody has, the same is asked of the store.
async fn find(ctx: &Ctx, tenant: &Tenant, name: &str, network: &str) -> Result<Found, Refused> {
    let upn = name.parse::<Upn>().or_else(|_| NOBODY.parse()).map_err(|_| Refused::from(Aadsts::InvalidUserNameOrPassword))?;
    let mut reader = ctx.app.store.read().await?;
    let mut directory = reader.directory();
    let user = directory.user_by_upn(tenant.id, &upn).await?;
    let id = user.as_ref().map_or(UserId::from_uuid(Uuid::nil()), |user| user.id);
    let phc = directory.password_hash(tenant.id, id).await?;
    let familiar = reader.authority().is_familiar_network(tenant.id, id, network).await?;
    Ok(Found { user, phc, familiar })
}

/// A name that no directory can hold: `.invalid` is nobody's domain.
const NOBODY: &str = "nobody@entrance.invalid";
