//! `/entrance/revocations`: the kill switch. A revocation is answered when the directory in memory holds it, so that the
//! answer can say from when on API servers refuse.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use entrance_model::Timestamp;
use entrance_model::directory_rules::access::{Action, Allowed};
use entrance_model::id::{PrincipalId, UserId};
use entrance_model::signin::revocation::{Kind, Revocation, Target, TokenId};
use entrance_store::Tx;
use entrance_store::authority::{Revoke, Revoked};
use entrance_store::directory::Directory;
use entrance_wire::graph::Object;
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Json;
use super::ctx::{self, Ctx};
use super::error::GraphError;
use super::find::{service_principal_target, user_target};
use super::reply::{Reply, Shown};
use crate::authority::revoke;
use crate::authority::token::AccessToken;

/// An API server asks again after so long at the latest: how long it remembers a token that was good.
const API_SERVER_MEMORY: SignedDuration = SignedDuration::from_secs(10);
/// How long the answer waits for the directory in memory.
const PATIENCE: Duration = Duration::from_secs(5);
const LONGEST_REASON: usize = 256;
const MOST_SHOWN: u32 = 1_000;

/// `GET /entrance/revocations`: all that still count, for administrators; for others what they revoked themselves.
pub(super) async fn list(ctx: Ctx) -> Reply<Shown> {
    let sees_all = ctx.allow(Action::ReadSessions).is_ok();
    if !sees_all {
        ctx.allow(Action::ReadOwn)?;
    }
    let mut reader = ctx.read().await?;
    let all = reader.authority().revocations(ctx.tenant, ctx.now(), MOST_SHOWN).await?;
    let mine = all.iter().filter(|revocation| sees_all || revocation.by == Some(ctx.caller.id()));
    Ok(ctx.values("entrance/revocations", mine.map(|revocation| Value::Object(show(&ctx, revocation))).collect()))
}

/// `POST /entrance/revocations` `{kind, id, reason}`; a token can be sent itself, as `token`.
pub(super) async fn create(ctx: Ctx, body: Json) -> Reply<Response> {
    let wanted = Wanted::read(&ctx, &body)?;
    let mut tx = ctx.app.store.write().await?;
    let Permitted { target, only, user, allowed } = wanted.permitted(&ctx, &mut tx).await?;
    // The time is taken behind the lock: whoever was here before has an earlier one.
    let at = ctx.now();
    let by = Some(ctx.caller.id());
    let revoked = match user {
        Some(id) => {
            let mut user = ctx.user(&mut tx.directory(), &id.to_string()).await?;
            let revoked = revoke::person(&mut tx, ctx.tenant, &mut user, &wanted.reason, by, at).await?;
            tx.directory().update_user(ctx.tenant, &user).await?;
            revoked
        }
        None => tx.authority().revoke(ctx.tenant, &Revoke { target: &target, only, reason: &wanted.reason, by, at }).await?,
    };
    let Revoked { revocation, sessions } = revoked.ok_or_else(GraphError::too_many_revocations)?;
    let detail = json!({
        "kind": target.kind().as_str(), "id": target.id(), "reason": wanted.reason, "number": revocation.number,
        "sessions": sessions,
    });
    ctx.record(&mut tx, &allowed, event(target.kind()), subject(&allowed, &target), detail).await?;
    tx.commit().await?;
    tracing::info!(kind = target.kind().as_str(), number = revocation.number, sessions = sessions.len(), "revoked");
    let since = in_force(&ctx).await?;
    let mut shown = show(&ctx, &revocation);
    shown.insert("sessionsEnded".into(), sessions.len().into());
    let time = |at: Option<Timestamp>| at.map_or(Value::Null, |at| at.to_string().into());
    shown.insert("inForceDateTime".into(), time(since));
    shown.insert("apiServersRefuseByDateTime".into(), time(since.map(|since| since + API_SERVER_MEMORY)));
    let body = ctx.with_context("entrance/revocations/$entity", shown);
    Ok((StatusCode::CREATED, axum::Json(body)).into_response())
}

/// Waits until the directory in memory holds what was just written; `None` when that takes too long.
pub(super) async fn in_force(ctx: &Ctx) -> Result<Option<Timestamp>, GraphError> {
    let head = ctx.read().await?.feed_position().await?.head;
    let reached = tokio::time::timeout(PATIENCE, ctx.app.people.reached(head)).await;
    Ok(reached.is_ok().then(|| ctx.now()))
}

fn show(ctx: &Ctx, revocation: &Revocation) -> Object {
    let held = ctx.app.people.snapshot(ctx.now()).is_ok_and(|now| now.revocation_head(ctx.tenant) >= revocation.number);
    let through = revocation.through.as_ref().map(|larger| json!({"kind": larger.kind().as_str(), "id": larger.id()}));
    let shown = json!({
        "number": revocation.number,
        "kind": revocation.target.kind().as_str(),
        "id": revocation.target.id(),
        "through": through,
        "reason": revocation.reason,
        "revokedBy": revocation.by,
        "revokedDateTime": revocation.at.to_string(),
        "forgottenDateTime": revocation.until.to_string(),
        "isInForce": held,
    });
    shown.as_object().cloned().unwrap_or_default()
}

const fn event(kind: Kind) -> &'static str {
    match kind {
        Kind::Token => "token.revoked",
        Kind::Session => "session.revoked",
        Kind::Person => "user.sessionsRevoked",
        Kind::Application => "application.revoked",
        Kind::Device => "device.revoked",
    }
}

/// The object that an audit event is about.
fn subject(allowed: &Allowed, target: &Target) -> Uuid {
    match target {
        Target::Session(id) => id.uuid(),
        Target::Device(id) => id.uuid(),
        Target::Person(_) | Target::Application(_) | Target::Token(_) => allowed.target().unwrap_or_default(),
    }
}

/// What a request wants to revoke.
struct Wanted {
    kind: Kind,
    key: String,
    reason: String,
    /// Who holds the token, where the token itself was sent.
    holder: Option<PrincipalId>,
}

/// What may be revoked.
struct Permitted {
    target: Target,
    /// Only this person's part of it.
    only: Option<UserId>,
    /// The person, where it is one.
    user: Option<UserId>,
    allowed: Allowed,
}

impl Wanted {
    fn read(ctx: &Ctx, body: &Json) -> Result<Self, GraphError> {
        let text = |name: &str| {
            let value = body.required(name)?.as_str();
            value.ok_or_else(|| GraphError::bad_request(format!("Invalid value specified for parameter '{name}'.")))
        };
        let kind: Kind = text("kind")?.parse().map_err(|e: entrance_model::signin::revocation::BadKind| {
            GraphError::bad_request(format!("Invalid value specified for parameter 'kind': {e}."))
        })?;
        let reason = text("reason")?.trim().to_owned();
        if reason.is_empty() || reason.chars().count() > LONGEST_REASON || reason.chars().any(char::is_control) {
            let message = format!("A 'reason' has 1 to {LONGEST_REASON} characters and is one line.");
            return Err(GraphError::bad_request(message));
        }
        if kind == Kind::Token && body.0.get("token").is_some() {
            let token: AccessToken = ctx
                .app
                .keys
                .verify_claims(text("token")?)
                .ok()
                .filter(|token: &AccessToken| token.tid == ctx.tenant)
                .ok_or_else(|| GraphError::bad_request("The 'token' is no access token of this directory."))?;
            return Ok(Self { kind, key: token.uti, reason, holder: Some(token.oid) });
        }
        Ok(Self { kind, key: text("id")?.to_owned(), reason, holder: None })
    }

    /// Finds it, and the proof that the caller may do that. Who may not learns nothing about what exists.
    async fn permitted(&self, ctx: &Ctx, tx: &mut Tx) -> Result<Permitted, GraphError> {
        let found = match self.kind {
            Kind::Person => self.person(ctx, tx).await?,
            Kind::Application => self.application(ctx, tx).await?,
            Kind::Session => self.session(ctx, tx).await?,
            Kind::Token => self.token(ctx, tx).await?,
            Kind::Device => self.device(ctx, tx).await?,
        };
        let Some(found) = found else {
            ctx.allow(if self.kind == Kind::Application { Action::RevokeApplication } else { Action::RevokeSessions })?;
            return Err(GraphError::not_found(&self.key));
        };
        Ok(found)
    }

    async fn person(&self, ctx: &Ctx, tx: &mut Tx) -> Result<Option<Permitted>, GraphError> {
        let Ok(user) = ctx.user(&mut tx.directory(), &self.key).await else { return Ok(None) };
        let allowed = ctx.allow_on(&mut tx.directory(), Action::RevokeSessions, user_target(&user)).await?;
        Ok(Some(Permitted { target: Target::Person(user.id), only: None, user: Some(user.id), allowed }))
    }

    /// By the object id of its service principal, or by its client id.
    async fn application(&self, ctx: &Ctx, tx: &mut Tx) -> Result<Option<Permitted>, GraphError> {
        let mut directory = tx.directory();
        let principal = match ctx.service_principal(&mut directory, &self.key).await {
            Ok(principal) => principal,
            Err(_) => match ctx.service_principal(&mut directory, &format!("appid={}", self.key)).await {
                Ok(principal) => principal,
                Err(_) => return Ok(None),
            },
        };
        let target = service_principal_target(&principal);
        let allowed = ctx.allow_on(&mut directory, Action::RevokeApplication, target).await?;
        Ok(Some(Permitted { target: Target::Application(principal.app_id), only: None, user: None, allowed }))
    }

    async fn session(&self, ctx: &Ctx, tx: &mut Tx) -> Result<Option<Permitted>, GraphError> {
        let Ok(id) = self.key.parse() else { return Ok(None) };
        let Some(session) = tx.authority().session(ctx.tenant, id).await? else { return Ok(None) };
        let allowed = of_person(ctx, &mut tx.directory(), session.user).await?;
        Ok(Some(Permitted { target: Target::Session(id), only: None, user: None, allowed }))
    }

    async fn token(&self, ctx: &Ctx, tx: &mut Tx) -> Result<Option<Permitted>, GraphError> {
        let Ok(id) = self.key.parse::<TokenId>() else { return Ok(None) };
        let holder = match self.holder {
            Some(holder) => Some(holder),
            None => tx.authority().token_holder(ctx.tenant, &id).await?.map(|holder| holder.subject),
        };
        let Some(holder) = holder else { return Ok(None) };
        let mut directory = tx.directory();
        let allowed = match directory.service_principal(ctx.tenant, holder.as_service_principal()).await? {
            Some(principal) => {
                ctx.allow_on(&mut directory, Action::RevokeApplication, service_principal_target(&principal)).await?
            }
            None => of_person(ctx, &mut directory, holder.as_user()).await?,
        };
        Ok(Some(Permitted { target: Target::Token(id), only: None, user: None, allowed }))
    }

    /// A device may be several people's. Who may not speak for them ends only what is their own there.
    async fn device(&self, ctx: &Ctx, tx: &mut Tx) -> Result<Option<Permitted>, GraphError> {
        let Ok(id) = self.key.parse() else { return Ok(None) };
        let mut users: Vec<UserId> =
            tx.authority().sessions_of_device(ctx.tenant, id).await?.iter().map(|session| session.user).collect();
        users.sort_unstable();
        users.dedup();
        let (mut all, mut mine) = (None, None);
        let mut refused = None;
        for user in users {
            match of_person(ctx, &mut tx.directory(), user).await {
                Ok(allowed) if PrincipalId::from(user) == ctx.caller.id() => mine = Some((user, allowed)),
                Ok(allowed) => all = Some(allowed),
                Err(error) => refused = Some(error),
            }
        }
        let target = Target::Device(id);
        Ok(match (refused, mine, all) {
            (None, Some((_, allowed)), _) | (None, None, Some(allowed)) => {
                Some(Permitted { target, only: None, user: None, allowed })
            }
            (Some(_), Some((user, allowed)), _) => Some(Permitted { target, only: Some(user), user: None, allowed }),
            (Some(error), None, _) => return Err(error),
            (None, None, None) => None,
        })
    }
}

/// The proof that the caller may end what a person holds; a person who is gone is left to administrators.
async fn of_person<M>(ctx: &Ctx, directory: &mut Directory<'_, M>, id: UserId) -> Result<Allowed, GraphError> {
    let target = match directory.user(ctx.tenant, id).await? {
        Some(user) => user_target(&user),
        None => ctx::Object::plain(id.uuid()),
    };
    ctx.allow_on(directory, Action::RevokeSessions, target).await
}
