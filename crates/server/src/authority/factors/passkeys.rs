//! Passkeys (`WebAuthn` Level 2) by `webauthn-rs`; nothing else here knows that library.
//!
//! The relying party is this host, the origin exactly ours; user verification is required, attestation is not asked for.
//! What a ceremony has to be compared with goes to the browser sealed and bound to what it is for, and counts once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entrance_model::directory::User;
use entrance_model::id::{MethodId, TenantId, UserId};
use entrance_model::signin::Aadsts;
use entrance_model::signin::factors::Kind;
use entrance_store::StoreError;
use entrance_store::factors::KeptPasskey;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{
    AuthenticationResult, DiscoverableAuthentication, Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Webauthn, WebauthnBuilder, WebauthnError,
};

use crate::app::App;
use crate::authority::ctx::{Ctx, event};
use crate::authority::refused::Refused;
use crate::pages::sealed_form::{self, Opened};

/// What a browser needs to ask an authenticator.
pub(crate) struct Offer {
    /// The options as JSON.
    pub(crate) options: String,
    /// What the answer is compared with, sealed.
    pub(crate) ceremony: String,
}

/// Why a passkey did not count.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The answer is none to an open question of ours: cancelled, too late, twice, malformed.
    NotUsed,
    /// Nobody here has this passkey, or nobody who may sign in.
    Unknown,
    /// The signature or what it covers does not fit.
    Wrong,
    /// Its counter went back: there may be a copy of it. It is refused from now on.
    Copied,
    /// The key belongs to somebody already.
    Known,
    /// Nothing can be said now.
    Refused(Box<Refused>),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        match error {
            // The question was answered before.
            StoreError::Conflict => Self::NotUsed,
            StoreError::Exists(_) => Self::Known,
            other => Self::Refused(Box::new(other.into())),
        }
    }
}

impl Failed {
    /// The number, for the sign-in log.
    pub(crate) fn number(&self) -> Aadsts {
        match self {
            Self::NotUsed | Self::Unknown | Self::Known => Aadsts::PasskeyNotFound,
            Self::Wrong | Self::Copied => Aadsts::PasskeySignatureInvalid,
            Self::Refused(refused) => refused.number,
        }
    }

    /// What happened, for the sign-in log.
    pub(crate) const fn why(&self) -> &'static str {
        match self {
            Self::NotUsed => "no answer to an open passkey question",
            Self::Unknown => "a passkey that nobody has who may sign in",
            Self::Wrong => "the passkey's answer does not fit",
            Self::Copied => "the passkey's counter went back",
            Self::Known => "the passkey belongs to somebody already",
            Self::Refused(_) => "the passkey could not be looked at",
        }
    }
}

/// Whether passkeys can be used here: they belong to a host with a name.
pub(crate) fn are_possible(app: &App) -> bool {
    party(app).is_some()
}

fn party(app: &App) -> Option<Webauthn> {
    let origin = Url::parse(app.base()).ok()?;
    let host = origin.domain()?;
    WebauthnBuilder::new(host, &origin).ok()?.rp_name("Entrance").allow_subdomains(false).allow_any_port(false).build().ok()
}

const SIGN_IN: &str = "passkey sign-in";
const SECOND: &str = "passkey second factor";
const REGISTER: &str = "passkey registration";

fn offer(ctx: &Ctx, kind: &str, bound: &str, options: &impl Serialize, state: &impl Serialize) -> Option<Offer> {
    let options = serde_json::to_value(options).ok()?;
    // Whether the browser asks by itself or at a click is the page's choice.
    let options = options.get("publicKey")?.to_string();
    let ceremony = sealed_form::seal(ctx, &format!("{kind}/{bound}"), state);
    Some(Offer { options, ceremony })
}

fn opened<T: DeserializeOwned>(ctx: &Ctx, kind: &str, bound: &str, ceremony: &str) -> Result<Opened<T>, Failed> {
    sealed_form::open(ctx, &format!("{kind}/{bound}"), ceremony).ok_or(Failed::NotUsed)
}

/// An answer of a browser. Its size has a budget, and JSON of this depth none of ours.
fn answer<T: DeserializeOwned>(text: &str) -> Result<T, Failed> {
    if text.len() > LONGEST_ANSWER {
        return Err(Failed::NotUsed);
    }
    serde_json::from_str(text).map_err(|_| Failed::NotUsed)
}

const LONGEST_ANSWER: usize = 16 * 1024;
/// More passkeys than a person keeps apart.
pub(crate) const MOST: usize = 20;

/// Asks for any passkey of this host.
pub(crate) fn offer_sign_in(ctx: &Ctx, flow: &str) -> Option<Offer> {
    let (options, state) = party(&ctx.app)?.start_discoverable_authentication().ok()?;
    offer(ctx, SIGN_IN, flow, &options, &state)
}

/// The tenant that knows the passkey of an answer, which nobody has looked at yet.
pub(crate) async fn tenant_of(ctx: &Ctx, text: &str) -> Result<Option<TenantId>, Refused> {
    let Ok(given) = answer::<PublicKeyCredential>(text) else { return Ok(None) };
    let credential = URL_SAFE_NO_PAD.encode(given.get_credential_id());
    let mut reader = ctx.app.store.read().await?;
    for tenant in reader.directory().tenants().await? {
        if reader.factors().passkey::<Passkey>(tenant.id, &credential).await?.is_some() {
            return Ok(Some(tenant.id));
        }
    }
    Ok(None)
}

/// Checks a passkey that says itself whose it is.
pub(crate) async fn sign_in(ctx: &Ctx, tenant: TenantId, flow: &str, ceremony: &str, text: &str) -> Result<User, Failed> {
    let party = party(&ctx.app).ok_or(Failed::NotUsed)?;
    let ceremony: Opened<DiscoverableAuthentication> = opened(ctx, SIGN_IN, flow, ceremony)?;
    use_up(ctx, &ceremony).await?;
    let given: PublicKeyCredential = answer(text)?;
    let (handle, credential) = party.identify_discoverable_authentication(&given).map_err(|_| Failed::Unknown)?;
    let mut reader = ctx.app.store.read().await?;
    let found = reader.factors().passkey::<Passkey>(tenant, &URL_SAFE_NO_PAD.encode(credential)).await?;
    let kept = found.filter(|kept| kept.user.uuid() == handle && kept.alarmed.is_none()).ok_or(Failed::Unknown)?;
    let user = reader.directory().user(tenant, kept.user).await?.filter(|user| user.enabled).ok_or(Failed::Unknown)?;
    drop(reader);
    let result = party.finish_discoverable_authentication_v2(&given, ceremony.value, &kept.state);
    used(ctx, tenant, kept, result).await?;
    Ok(user)
}

/// Asks for one of a person's passkeys; `None` where they have none that count.
pub(crate) async fn offer_second(ctx: &Ctx, tenant: TenantId, user: UserId, bound: &str) -> Result<Option<Offer>, Refused> {
    let Some(party) = party(&ctx.app) else { return Ok(None) };
    let kept = ctx.app.store.read().await?.factors().passkeys::<Passkey>(tenant, user).await?;
    let keys: Vec<Passkey> = kept.into_iter().filter(|kept| kept.alarmed.is_none()).map(|kept| kept.state).collect();
    if keys.is_empty() {
        return Ok(None);
    }
    let started = party.start_passkey_authentication(&keys).ok();
    Ok(started.and_then(|(options, state)| offer(ctx, SECOND, bound, &options, &state)))
}

/// Checks one of a person's passkeys.
pub(crate) async fn second(
    ctx: &Ctx,
    tenant: TenantId,
    user: UserId,
    bound: &str,
    ceremony: &str,
    text: &str,
) -> Result<(), Failed> {
    let party = party(&ctx.app).ok_or(Failed::NotUsed)?;
    let ceremony: Opened<PasskeyAuthentication> = opened(ctx, SECOND, bound, ceremony)?;
    use_up(ctx, &ceremony).await?;
    let given: PublicKeyCredential = answer(text)?;
    let credential = URL_SAFE_NO_PAD.encode(given.get_credential_id());
    let found = ctx.app.store.read().await?.factors().passkey::<Passkey>(tenant, &credential).await?;
    let kept = found.filter(|kept| kept.user == user && kept.alarmed.is_none()).ok_or(Failed::Unknown)?;
    let result = party.finish_passkey_authentication(&given, &ceremony.value);
    used(ctx, tenant, kept, result).await
}

/// Asks for a new passkey of a person.
pub(crate) async fn offer_registration(ctx: &Ctx, tenant: TenantId, user: &User, bound: &str) -> Result<Option<Offer>, Refused> {
    let Some(party) = party(&ctx.app) else { return Ok(None) };
    let kept = ctx.app.store.read().await?.factors().passkeys::<Passkey>(tenant, user.id).await?;
    if kept.len() >= MOST {
        return Ok(None);
    }
    let known = kept.iter().map(|kept| kept.state.cred_id().clone()).collect();
    let started = party.start_passkey_registration(user.id.uuid(), user.upn.as_str(), &user.display_name, Some(known)).ok();
    Ok(started.and_then(|(options, state)| {
        let mut options = serde_json::to_value(options).ok()?;
        // The passkey has to say whose it is, or nobody could sign in with it without a name.
        let selection = options.pointer_mut("/publicKey/authenticatorSelection")?.as_object_mut()?;
        selection.insert("residentKey".into(), "required".into());
        selection.insert("requireResidentKey".into(), true.into());
        offer(ctx, REGISTER, bound, &options, &state)
    }))
}

/// Keeps a new passkey of a person.
pub(crate) async fn register(
    ctx: &Ctx,
    tenant: TenantId,
    user: UserId,
    bound: &str,
    (ceremony, text): (&str, &str),
    name: &str,
) -> Result<MethodId, Failed> {
    let party = party(&ctx.app).ok_or(Failed::NotUsed)?;
    let ceremony: Opened<PasskeyRegistration> = opened(ctx, REGISTER, bound, ceremony)?;
    let given: RegisterPublicKeyCredential = answer(text)?;
    let passkey = party.finish_passkey_registration(&given, &ceremony.value).map_err(|error| {
        tracing::info!(%error, "a new passkey was refused");
        Failed::Wrong
    })?;
    let credential = URL_SAFE_NO_PAD.encode(passkey.cred_id());
    let id = MethodId::from_uuid(Uuid::new_v4());
    let mut tx = ctx.app.store.write().await?;
    tx.factors().use_challenge(&ceremony.hash, ceremony.until).await?;
    tx.factors().insert_passkey(tenant, user, id, &credential, name, &passkey, ctx.now()).await?;
    super::told_added(ctx, &mut tx, (tenant, user), Kind::Passkey, id).await?;
    tx.commit().await?;
    Ok(id)
}

/// Uses a question up before its answer is looked at.
async fn use_up<T>(ctx: &Ctx, ceremony: &Opened<T>) -> Result<(), Failed> {
    let mut tx = ctx.app.store.write().await?;
    tx.factors().use_challenge(&ceremony.hash, ceremony.until).await?;
    Ok(tx.commit().await?)
}

/// Keeps what the use of a passkey changed; a counter that went back is an alarm.
async fn used(
    ctx: &Ctx,
    tenant: TenantId,
    mut kept: KeptPasskey<Passkey>,
    result: Result<AuthenticationResult, WebauthnError>,
) -> Result<(), Failed> {
    let result = match result {
        Ok(result) if result.user_verified() => result,
        Err(WebauthnError::CredentialPossibleCompromise) => {
            alarm(ctx, tenant, &kept).await?;
            return Err(Failed::Copied);
        }
        Ok(_) => return Err(Failed::Wrong),
        Err(error) => {
            tracing::info!(%error, "a passkey was refused");
            return Err(Failed::Wrong);
        }
    };
    kept.state.update_credential(&result);
    let mut tx = ctx.app.store.write().await?;
    tx.factors().passkey_used(tenant, &kept, ctx.now()).await?;
    Ok(tx.commit().await?)
}

async fn alarm(ctx: &Ctx, tenant: TenantId, kept: &KeptPasskey<Passkey>) -> Result<(), Failed> {
    tracing::error!(method = %kept.id, "the counter of a passkey went back: there may be a copy of it");
    let mut tx = ctx.app.store.write().await?;
    if tx.factors().alarm_passkey(tenant, kept.id, ctx.now()).await? {
        let detail = json!({ "method": kept.id, "address": ctx.address() });
        tx.audit(ctx.now(), &event("passkey.alarmed", tenant, Some(kept.user.into()), kept.user.to_string(), detail)).await?;
    }
    Ok(tx.commit().await?)
}
