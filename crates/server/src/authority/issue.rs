//! Makes tokens (S-7, S-8), and keeps in one transaction what has to be remembered about them.

use std::sync::Arc;

use entrance_model::Timestamp;
use entrance_model::directory::{Tenant, User};
use entrance_model::id::{SessionId, TenantId, UserId};
use entrance_model::signin::authorize::AuthorizeRequest;
use entrance_model::signin::policy::GrantKind;
use entrance_model::signin::refresh::{Family, FamilyId, RefreshToken};
use entrance_model::signin::resource::{Kind, Resource};
use entrance_model::signin::revocation::Revocation;
use entrance_model::signin::scope::{Asked, Oidc};
use entrance_model::signin::{Aadsts, Endpoint, SignIn};
use entrance_model::well_known;
use entrance_store::authority::Decision;
use entrance_store::{Decided, MadeToken, Tx};
use entrance_wire::oauth::client_info::client_info;
use entrance_wire::oauth::token::Tokens;
use jiff::SignedDuration;

use super::claims;
use super::client::{Client, Proof};
use super::ctx::Ctx;
use super::entitled::{self, Subject};
use super::keys::Header;
use super::memory::Known;
use super::policies::{self, Asker, Question};
use super::refused::Refused;
use super::{consent, factors, grants, secret, target};

/// What a request asks for besides the grant itself.
pub(crate) struct Wanted {
    /// The scope, taken apart.
    pub(crate) asked: Asked,
    /// `client_info=1`.
    pub(crate) client_info: bool,
    /// The client can answer a claims challenge.
    pub(crate) can_answer_challenge: bool,
    /// Goes into the ID token.
    pub(crate) nonce: Option<String>,
    /// `auth_time` goes into the ID token.
    pub(crate) auth_time: bool,
    /// The key that a proof-of-possession token is bound to (S-430): its RFC 7638 thumbprint.
    pub(crate) key: Option<String>,
    /// What was known before anything of the request was looked at.
    pub(crate) known: Known,
}

impl Wanted {
    fn token_type(&self) -> &'static str {
        if self.key.is_some() { "pop" } else { "Bearer" }
    }
}

/// Where a new refresh token belongs.
pub(crate) enum Lineage {
    /// It begins a family.
    Begins(FamilyId, Family),
    /// It continues one.
    Continues(FamilyId),
}

struct NewRefresh {
    hash: String,
    lineage: Lineage,
    token: RefreshToken,
    until: Timestamp,
}

/// Tokens that are signed and not yet answered: first [`Prepared::keep`], then show them.
pub(crate) struct Prepared {
    /// The answer.
    pub(crate) tokens: Tokens,
    /// What the log will say.
    pub(crate) decision: Decision,
    refresh: Option<NewRefresh>,
    tenant: TenantId,
    token: MadeToken,
    used: Option<Used>,
}

/// The session of a token, which was used by its making.
struct Used {
    session: SessionId,
    /// When nothing of the session can be used any more, if it is not used until then.
    until: Timestamp,
    from: String,
}

/// How long an unused refresh token is kept.
const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(24 * 90);
/// The life of an application's own token, in seconds (S-313).
const APP_TOKEN_LIFE: i64 = 60 * 60;

impl Prepared {
    /// The id of the access token (`uti`).
    pub(crate) fn token_id(&self) -> &str {
        &self.token.id
    }

    /// Remembers what was made, in the transaction that redeems the grant. Nothing is handed out that was revoked since the
    /// request was read: the token would not know of it.
    pub(crate) async fn keep(&self, tx: &mut Tx, now: Timestamp) -> Result<(), Refused> {
        let is_unchanged = tx.is_directory_as_of(self.token.as_of);
        let mut authority = tx.authority();
        if !is_unchanged && let Some(revocation) = authority.revoked(self.tenant, &self.token.issued()).await? {
            return Err(self.revoked(&revocation));
        }
        if let Some(Used { session, until, from }) = &self.used {
            authority.session_used(self.tenant, *session, Some(self.token.app), from, now, *until).await?;
        }
        if let Some(refresh) = &self.refresh {
            let family = match &refresh.lineage {
                Lineage::Begins(id, family) => {
                    authority.insert_family(self.tenant, *id, family).await?;
                    *id
                }
                Lineage::Continues(id) => *id,
            };
            authority.insert_refresh_token(&refresh.hash, self.tenant, family, &refresh.token, refresh.until).await?;
        }
        Ok(authority.decided(now, &self.decision).await?)
    }

    /// Hands out what leaves nothing behind but its line in the log; like [`Prepared::keep`], once that is on disk.
    pub(crate) async fn hand_out(self, ctx: &Ctx) -> Result<Tokens, Refused> {
        let decided = Decided { at: ctx.now(), decision: self.decision.clone(), token: Some(self.token.clone()) };
        match ctx.app.store.decide(decided).await? {
            None => Ok(self.tokens),
            Some(revocation) => Err(self.revoked(&revocation)),
        }
    }

    fn revoked(&self, revocation: &Revocation) -> Refused {
        let why = format!("revoked in this moment: {}", revocation.target.kind());
        Refused::from(Aadsts::FreshTokenNeeded).of(self.token.subject).because(why)
    }
}

/// The id of a token that was just made.
fn id_of(claims: &serde_json::Map<String, serde_json::Value>) -> String {
    claims["uti"].as_str().unwrap_or_default().to_owned()
}

/// A person, as a token will speak for them.
pub(crate) struct ForPerson<'a> {
    /// The tenant.
    pub(crate) tenant: &'a Tenant,
    /// The client.
    pub(crate) client: &'a Client,
    /// How it proved itself.
    pub(crate) proof: &'a Proof,
    /// The person, as the directory knows them now.
    pub(crate) user: &'a User,
    /// Their sign-in.
    pub(crate) by: &'a SignIn,
    /// The grant, for the log.
    pub(crate) kind: &'static str,
    /// The grant, for the policies: that of the sign-in, however old (S-803).
    pub(crate) grant: GrantKind,
}

/// Finds the resource of a request and what the client may do there in the name of anybody who allows it (S-301, S-304).
pub(crate) async fn permitted(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &Client,
    asked: &Asked,
) -> Result<(Arc<Resource>, Vec<String>), Refused> {
    allowed(ctx, tenant, client, asked, None).await
}

/// The same for one person, who (or whose administrator) has to have allowed it.
pub(crate) async fn permitted_to(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &Client,
    asked: &Asked,
    user: &User,
) -> Result<(Arc<Resource>, Vec<String>), Refused> {
    allowed(ctx, tenant, client, asked, Some(user.id)).await
}

async fn allowed(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &Client,
    asked: &Asked,
    user: Option<UserId>,
) -> Result<(Arc<Resource>, Vec<String>), Refused> {
    let part = asked.single()?;
    if asked.is_empty() {
        return Err(Aadsts::EmptyScope.into());
    }
    let consent::Standing { resource, weighed, .. } = consent::standing(ctx, tenant, client, part, user).await?;
    match weighed.missing.first() {
        Some(missing) if user.is_some() => Err(Refused::from(Aadsts::DelegationDoesNotExist).about("scope", &missing.value)),
        _ => Ok((resource, weighed.granted)),
    }
}

/// Makes the tokens of a person. The caller keeps them together with the grant they came from.
pub(crate) async fn for_person(
    ctx: &Ctx,
    who: ForPerson<'_>,
    wanted: &Wanted,
    lineage: Option<Lineage>,
) -> Result<Prepared, Refused> {
    let now = ctx.now();
    let ForPerson { tenant, client, proof, user, by, kind, grant } = who;
    if !user.enabled {
        return Err(Refused::from(Aadsts::UserDisabled).of(user.id));
    }
    if by.at < user.sessions_valid_from {
        return Err(Refused::from(Aadsts::FreshTokenNeeded).of(user.id));
    }
    entitled::admit(ctx, tenant, user, client).await?;
    // A token that is exchanged was refused or not when it was made; what came of it goes on for longer.
    if kind != "on_behalf_of" {
        factors::demanded(ctx, tenant, user, by).await?;
    }
    let asked = &wanted.asked;
    let (resource, granted) = permitted_to(ctx, tenant, client, asked, user).await.map_err(|refused| refused.of(user.id))?;
    let resources = std::slice::from_ref(&*resource);
    let question = Question { asker: Asker::Person(user), client, resources, grant, asked_from: None };
    let judged = policies::for_person(ctx, tenant, &question, by).await.map_err(|refused| refused.of(user.id))?;
    let granted: Vec<&str> = granted.iter().map(String::as_str).collect();
    let entitled = entitled::at(ctx, tenant, Subject::Person(user), &resource).await?;
    let tell_oidc = resource.kind == Kind::Graph;
    let facts = claims::Facts {
        app: &ctx.app,
        tenant,
        client,
        proof,
        resource: &resource,
        now,
        life: user_token_life(ctx, resource.kind),
        wanted,
        address: ctx.address(),
    };
    let access = claims::user_access(&facts, user, by, &granted, &entitled);
    let header = if resource.version == 2 { Header::V2 } else { Header::V1 };
    let id_token = if asked.has(Oidc::Openid) { Some(id_token(ctx, &facts, user, by, None).await?) } else { None };
    let mut tokens = Tokens {
        token_type: wanted.token_type(),
        scope: Some(asked.echo(&granted, tell_oidc)),
        expires_in: facts.life,
        expires_on: facts.ends(),
        not_before: now.as_second(),
        refresh_in: None,
        resource: resource.asked.clone(),
        access_token: ctx.app.keys.sign(&access, header),
        refresh_token: None,
        id_token,
        client_info: wanted.client_info.then(|| client_info(&user.id.to_string(), &tenant.id.to_string())),
        foci: None,
    };
    let refresh = lineage.map(|lineage| {
        let token = format!("1.{}", secret::opaque());
        let hash = secret::sha256(&token);
        tokens.refresh_token = Some(token);
        tokens.foci = client.family();
        NewRefresh { hash, lineage, token: RefreshToken { issued: now, used: None }, until: now + REFRESH_LIFE }
    });
    let mut decision = ctx.decision(kind, tenant.id, Some(client.app));
    decision.user = Some(user.id.into());
    decision.resource = Some(resource.app);
    decision.interactive = kind != "refresh_token";
    decision.session = Some(by.session);
    decision.judged = Some(judged);
    decision.token = Some(id_of(&access));
    decision.reason = format!(
        "token for `{}` with {}",
        resource.asked,
        if granted.is_empty() { "OpenID scopes".to_owned() } else { granted.join(" ") }
    );
    let ends = now + SignedDuration::from_secs(facts.life);
    let token = MadeToken {
        id: id_of(&access),
        session: Some(by.session),
        subject: user.id.into(),
        app: client.app,
        known: wanted.known.revocation,
        as_of: wanted.known.edition,
        at: now,
    };
    let until = refresh.as_ref().map_or(ends, |refresh| refresh.until);
    let used = Used { session: by.session, until, from: ctx.address() };
    Ok(Prepared { tokens, decision, refresh, tenant: tenant.id, token, used: Some(used) })
}

/// Makes an ID token for the client of a request, in the version of the endpoint that was asked.
///
/// One that travels together with a code names it, so that nobody swaps the code on the way (`c_hash`).
async fn id_token(ctx: &Ctx, facts: &claims::Facts<'_>, user: &User, by: &SignIn, code: Option<&str>) -> Result<String, Refused> {
    let entitled = entitled::for_client(ctx, facts.tenant, user, facts.client.manifest(), facts.client.principal.id).await?;
    let (mut claims, header) = match ctx.endpoint {
        Endpoint::V2 => (claims::id_v2(facts, user, by, &entitled), Header::V2),
        Endpoint::V1 => (claims::id_v1(facts, user, by, &entitled), Header::V1),
    };
    if let Some(code) = code {
        claims.insert("c_hash".into(), secret::half_hash(code).into());
    }
    Ok(ctx.app.keys.sign(&claims, header))
}

/// The ID token that goes to an application through the browser (S-102), before or without a code being redeemed.
pub(crate) async fn for_browser(
    ctx: &Ctx,
    request: &AuthorizeRequest,
    (user, by): (&User, &SignIn),
    code: Option<&str>,
) -> Result<String, Refused> {
    let mut reader = ctx.app.store.read().await?;
    let tenant = reader.directory().tenant(request.tenant).await?.ok_or_else(|| Refused::from(Aadsts::FlowTokenExpired))?;
    drop(reader);
    let known = Known::now(&ctx.app, tenant.id).await?;
    // The page may have been reached by another generation of endpoint than the request.
    let ctx = Ctx { endpoint: request.endpoint, ..ctx.clone() };
    let client = Client::find(&ctx, &tenant, &request.app.to_string()).await?;
    entitled::admit(&ctx, &tenant, user, &client).await?;
    let wanted = Wanted {
        asked: grants::asked(request.endpoint, Some(&request.scope))?,
        client_info: request.client_info,
        can_answer_challenge: false,
        nonce: request.nonce.clone(),
        auth_time: request.auth_time || request.max_age.is_some(),
        key: None,
        known,
    };
    let resource = target::find(&ctx, &tenant, &well_known::GRAPH.to_string()).await?;
    let facts = claims::Facts {
        app: &ctx.app,
        tenant: &tenant,
        client: &client,
        proof: &Proof::None,
        resource: &resource,
        now: ctx.now(),
        life: 0,
        wanted: &wanted,
        address: ctx.address(),
    };
    id_token(&ctx, &facts, user, by, code).await
}

/// How long an access token of a person lives, in seconds (S-313).
fn user_token_life(ctx: &Ctx, kind: Kind) -> i64 {
    match kind {
        Kind::Cluster => i64::from(ctx.app.config.cluster_token_minutes.clamp(10, 60)) * 60,
        other => other.user_token_life(),
    }
}

/// Makes the token of an application by itself (S-240).
pub(crate) async fn for_application(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &Client,
    proof: &Proof,
    resource: &Resource,
    wanted: &Wanted,
) -> Result<Prepared, Refused> {
    let now = ctx.now();
    let judged = policies::for_application(ctx, tenant, client, resource).await?;
    let entitled = entitled::at(ctx, tenant, Subject::Application(client.principal.id.into()), resource).await?;
    let life = APP_TOKEN_LIFE;
    let facts = claims::Facts { app: &ctx.app, tenant, client, proof, resource, now, life, wanted, address: ctx.address() };
    let header = if resource.version == 2 { Header::V2 } else { Header::V1 };
    let access = claims::app_access(&facts, &entitled);
    let tokens = Tokens {
        token_type: wanted.token_type(),
        expires_in: facts.life,
        expires_on: facts.ends(),
        not_before: now.as_second(),
        resource: resource.asked.clone(),
        access_token: ctx.app.keys.sign(&access, header),
        ..Tokens::default()
    };
    let mut decision = ctx.decision("client_credentials", tenant.id, Some(client.app));
    decision.user = Some(client.principal.id.into());
    decision.resource = Some(resource.app);
    decision.reason = format!("token for `{}`", resource.asked);
    decision.judged = Some(judged);
    decision.token = Some(id_of(&access));
    let token = MadeToken {
        id: id_of(&access),
        session: None,
        subject: client.principal.id.into(),
        app: client.app,
        known: wanted.known.revocation,
        as_of: wanted.known.edition,
        at: now,
    };
    Ok(Prepared { tokens, decision, refresh: None, tenant: tenant.id, token, used: None })
}
