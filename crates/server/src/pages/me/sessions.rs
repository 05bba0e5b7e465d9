//! Ending one's own sessions and devices (S-806): immediately, with everything that came from them.

use axum::http::HeaderMap;
use axum::response::Response;
use entrance_model::id::SessionId;
use entrance_model::signin::revocation::Target;
use entrance_store::Tx;
use entrance_store::authority::Revoke;
use entrance_wire::oauth::form::Form;
use serde_json::json;

use super::{Me, guard};
use crate::authority::ctx::{Ctx, event};
use crate::pages::page::see_other;
use crate::pages::{PageError, cookies};

const REASON: &str = "ended by its owner";
/// More than a page lists.
pub(super) const MOST: u32 = 100;

/// `POST /me/sessions`: one (`session`), or all but this one (`all`).
pub(super) async fn end(ctx: &Ctx, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let me = match guard::signed_in(ctx, headers).await? {
        Ok(me) => me,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if !me.sent(headers, form) {
        return Err(PageError::Forged);
    }
    let now = ctx.now();
    let mut tx = ctx.app.store.write().await?;
    if form.get("all").is_some() {
        for session in tx.authority().sessions(me.tenant, Some(me.user.id), now, u32::MAX).await? {
            if session.id != me.session.id && session.is_live(now) {
                revoke(ctx, &mut tx, &me, session.id).await?;
            }
        }
        tx.commit().await?;
        return Ok(see_other("/me?done=ended"));
    }
    let asked: Option<SessionId> = form.get("session").and_then(|id| id.parse().ok());
    let session = match asked {
        Some(id) => tx.authority().session(me.tenant, id).await?,
        None => None,
    };
    // What is not one's own is not there.
    let Some(session) = session.filter(|session| session.user == me.user.id) else { return Ok(see_other("/me")) };
    revoke(ctx, &mut tx, &me, session.id).await?;
    tx.commit().await?;
    if session.id != me.session.id {
        return Ok(see_other("/me?done=ended"));
    }
    let mut response = see_other("/signedout");
    cookies::drop_session(response.headers_mut());
    Ok(response)
}

async fn revoke(ctx: &Ctx, tx: &mut Tx, me: &Me, id: SessionId) -> Result<(), PageError> {
    let by = Some(me.user.id.into());
    let target = Target::Session(id);
    let at = ctx.now();
    let revoked = tx.authority().revoke(me.tenant, &Revoke { target: &target, only: None, reason: REASON, by, at }).await?;
    if let Some(revoked) = revoked {
        let detail = json!({
            "kind": "session", "id": id, "reason": REASON, "number": revoked.revocation.number, "sessions": revoked.sessions,
        });
        tx.audit(at, &event("session.revoked", me.tenant, by, id.to_string(), detail)).await?;
    }
    Ok(())
}
