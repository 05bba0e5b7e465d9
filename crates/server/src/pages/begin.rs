//! A session begins, or becomes stronger. Either way the browser gets a new cookie (S-805): one that somebody planted or
//! saw before is worth nothing afterwards.

use axum::http::HeaderMap;
use axum::response::Response;
use entrance_model::Timestamp;
use entrance_model::directory::User;
use entrance_model::id::{SessionId, TenantId};
use entrance_model::signin::revocation::Target;
use entrance_model::signin::session::{BROWSER_IDLE, BrowserSession, Place, Session};
use entrance_model::signin::{Aadsts, Method};
use entrance_store::Tx;
use entrance_store::authority::Versioned;
use serde_json::json;
use uuid::Uuid;

use super::cookies::{self, DeviceCookie};
use super::flow::Flow;
use super::page::see_other;
use super::{PageError, steps};
use crate::authority::ctx::{Ctx, event};
use crate::authority::refused::Refused;
use crate::authority::secret;

/// How somebody proved who they are.
pub(super) struct Proof {
    /// With what.
    pub(super) how: Vec<Method>,
    /// When a second factor or a passkey was among it.
    pub(super) strong: Option<Timestamp>,
    /// The same in a word, for the log.
    pub(super) word: &'static str,
    /// The cookie outlives the window.
    pub(super) keep: bool,
    /// The last revocation that was known before the proof was looked at.
    pub(super) known: i64,
}

/// Begins a session, remembers it in the flow, and leads to the next page.
pub(super) async fn session(
    ctx: &Ctx,
    headers: &HeaderMap,
    id: &str,
    flow: Versioned<Flow>,
    user: &User,
    proof: Proof,
) -> Result<Response, PageError> {
    let tx = ctx.app.store.write().await?;
    session_in(ctx, headers, tx, id, flow, user, proof).await
}

/// The same, together with what is in the transaction already.
pub(super) async fn session_in(
    ctx: &Ctx,
    headers: &HeaderMap,
    mut tx: Tx,
    id: &str,
    flow: Versioned<Flow>,
    user: &User,
    proof: Proof,
) -> Result<Response, PageError> {
    let (session, begun) = insert(ctx, headers, &mut tx, &flow.state, user, proof).await?;
    let mut after = flow.state;
    after.session = Some(session.id);
    after.to_change = None;
    tx.authority().swap_flow(id, flow.version, &after).await?;
    tx.commit().await?;
    // The browser does not have the new cookie yet, so the session is named here.
    let step = steps::of(ctx, &after.purpose, after.tenant, after.began, (&session, user)).await?;
    let mut response = see_other(&steps::address(step, &after.purpose, id));
    begun.set(response.headers_mut());
    Ok(response)
}

/// The cookies of a session that just began.
pub(super) struct Begun {
    cookie: String,
    keep: bool,
    device: DeviceCookie,
}

impl Begun {
    /// Gives them to the browser.
    pub(super) fn set(&self, headers: &mut HeaderMap) {
        cookies::set_session(headers, &self.cookie, self.keep);
        self.device.set(headers);
    }
}

async fn insert(
    ctx: &Ctx,
    headers: &HeaderMap,
    tx: &mut Tx,
    flow: &Flow,
    user: &User,
    proof: Proof,
) -> Result<(BrowserSession, Begun), PageError> {
    let now = ctx.now();
    let session = BrowserSession {
        id: SessionId::from_uuid(Uuid::new_v4()),
        user: user.id,
        at: now,
        how: proof.how,
        seen: now,
        strong: proof.strong,
        keep: proof.keep,
    };
    let begun = Begun { cookie: secret::opaque(), keep: proof.keep, device: DeviceCookie::or_new(headers) };
    let browser = secret::sha256(&begun.cookie);
    let mut decision = ctx.decision("signin", flow.tenant, None);
    decision.user = Some(user.id.into());
    decision.interactive = true;
    decision.session = Some(session.id);
    proof.word.clone_into(&mut decision.reason);
    let kept = Session {
        id: session.id,
        user: user.id,
        place: Place::Browser,
        device: begun.device.id(),
        parent: None,
        app: None,
        address: ctx.address(),
        agent: ctx.info.user_agent.clone(),
        began: now,
        seen: now,
        seen_from: ctx.address(),
        until: now + BROWSER_IDLE,
        ended: None,
    };
    let mut authority = tx.authority();
    let person = authority.revocation_of(flow.tenant, &Target::Person(user.id)).await?;
    if person.is_some_and(|revocation| revocation.number > proof.known) {
        return Err(Refused::from(Aadsts::FreshTokenNeeded).of(user.id).because("revoked in this moment").into());
    }
    authority.insert_session(flow.tenant, &kept).await?;
    if let Some(before) = cookies::browser(headers) {
        authority.move_browser(&before, &browser).await?;
    }
    authority.insert_browser_session(flow.tenant, &browser, &session).await?;
    authority.decided(now, &decision).await?;
    let detail = json!({ "address": ctx.address(), "how": proof.word });
    tx.audit(now, &event("signIn.succeeded", flow.tenant, Some(user.id.into()), session.id.to_string(), detail)).await?;
    Ok((session, begun))
}

/// A proof that comes on top of a session.
pub(super) struct Stronger {
    /// With what.
    pub(super) by: &'static [Method],
    /// The same in words, for the log.
    pub(super) word: &'static str,
    /// Where it leads, if not to the next page.
    pub(super) then: Option<String>,
}

/// Adds a proof to a session, under a new cookie, and leads to the next page.
pub(super) async fn strengthen(
    ctx: &Ctx,
    headers: &HeaderMap,
    id: &str,
    flow: Versioned<Flow>,
    (session, user): (BrowserSession, &User),
    proof: Stronger,
) -> Result<Response, PageError> {
    let session = BrowserSession { seen: ctx.now(), ..session.strengthened(proof.by, ctx.now()) };
    let cookie = secret::opaque();
    let mut after = flow.state;
    after.session = Some(session.id);
    let mut tx = ctx.app.store.write().await?;
    stronger(ctx, headers, &mut tx, after.tenant, (&session, user), (proof.word, &cookie)).await?;
    tx.authority().swap_flow(id, flow.version, &after).await?;
    tx.commit().await?;
    let to = if let Some(to) = proof.then {
        to
    } else {
        let step = steps::of(ctx, &after.purpose, after.tenant, after.began, (&session, user)).await?;
        steps::address(step, &after.purpose, id)
    };
    let mut response = see_other(&to);
    cookies::set_session(response.headers_mut(), &cookie, session.keep);
    Ok(response)
}

/// The same on a page of our own, outside of a flow.
pub(super) async fn strengthen_own(
    ctx: &Ctx,
    headers: &HeaderMap,
    tenant: TenantId,
    (session, user): (BrowserSession, &User),
    (by, word): (&'static [Method], &'static str),
    to: &str,
) -> Result<Response, PageError> {
    let session = BrowserSession { seen: ctx.now(), ..session.strengthened(by, ctx.now()) };
    let cookie = secret::opaque();
    let mut tx = ctx.app.store.write().await?;
    stronger(ctx, headers, &mut tx, tenant, (&session, user), (word, &cookie)).await?;
    tx.commit().await?;
    let mut response = see_other(to);
    cookies::set_session(response.headers_mut(), &cookie, session.keep);
    Ok(response)
}

/// Keeps a stronger session under its new cookie, and tells it.
async fn stronger(
    ctx: &Ctx,
    headers: &HeaderMap,
    tx: &mut Tx,
    tenant: TenantId,
    (session, user): (&BrowserSession, &User),
    (word, cookie): (&str, &str),
) -> Result<(), PageError> {
    let now = ctx.now();
    let mut decision = ctx.decision("signin", tenant, None);
    decision.user = Some(user.id.into());
    decision.interactive = true;
    decision.session = Some(session.id);
    decision.reason = format!("second factor: {word}");
    let mut authority = tx.authority();
    if let Some(before) = cookies::browser(headers) {
        authority.move_browser(&before, &secret::sha256(cookie)).await?;
    }
    // One that was revoked in this moment is gone: that is a conflict.
    authority.strengthen_browser_session(tenant, session).await?;
    authority.decided(now, &decision).await?;
    let detail = json!({ "address": ctx.address(), "how": word });
    let told = event("signIn.secondFactor", tenant, Some(user.id.into()), session.id.to_string(), detail);
    Ok(tx.audit(now, &told).await?)
}
