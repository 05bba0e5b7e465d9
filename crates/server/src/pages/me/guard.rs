//! Who may see and do what on their own page: signed in with everything they have, or a moment ago (W-033).

use axum::http::HeaderMap;
use axum::response::Response;
use entrance_model::id::{SessionId, TenantId};
use entrance_model::signin::steps::Step;

use super::Me;
use crate::authority::ctx::Ctx;
use crate::authority::policies;
use crate::authority::refused::Refused;
use crate::pages::flow::{Flow, Guard, Purpose};
use crate::pages::page::see_other;
use crate::pages::texts::Texts;
use crate::pages::{FlowCookie, PageError, steps};

/// Somebody who is signed in, or where they do that.
pub(super) async fn signed_in(ctx: &Ctx, headers: &HeaderMap) -> Result<Result<Me, Response>, PageError> {
    guarded(ctx, headers, "/me", Guard::SignedIn).await
}

/// Somebody who is as sure as the guard asks, or where they become that. `to` is where they come back to: a path of ours.
pub(super) async fn guarded(ctx: &Ctx, headers: &HeaderMap, to: &str, guard: Guard) -> Result<Result<Me, Response>, PageError> {
    let purpose = Purpose::Own { to: to.to_owned(), guard };
    let Some(me) = Me::find(ctx, headers).await? else {
        let tenant = some_tenant(ctx).await?;
        return Ok(Err(
            begin(ctx, headers, tenant, purpose, None, |id, purpose| steps::address(Step::SignIn, purpose, id)).await?
        ));
    };
    let step = steps::of(ctx, &purpose, me.tenant, ctx.now(), (&me.session, &me.user)).await?;
    if step == Step::Return {
        if guard != Guard::SignedIn {
            // From where a policy keeps somebody out, nobody sets up what lets them in.
            let tenant = ctx.app.store.read().await?.directory().tenant(me.tenant).await?.ok_or(PageError::Forged)?;
            policies::admit_to_directory(ctx, &tenant, &me.user, ("signin", None)).await?;
        }
        return Ok(Ok(me));
    }
    let session = Some(me.session.id);
    Ok(Err(begin(ctx, headers, me.tenant, purpose, session, |id, purpose| steps::address(step, purpose, id)).await?))
}

/// Leaves for a page of the sign-in that leads back.
pub(super) async fn leave(
    ctx: &Ctx,
    headers: &HeaderMap,
    me: &Me,
    to: &str,
    guard: Guard,
    page: Option<&str>,
) -> Result<Response, PageError> {
    let purpose = Purpose::Own { to: to.to_owned(), guard };
    let page = page.unwrap_or("/signin/return");
    begin(ctx, headers, me.tenant, purpose, Some(me.session.id), |id, _| format!("{page}?flow={id}")).await
}

async fn begin(
    ctx: &Ctx,
    headers: &HeaderMap,
    tenant: TenantId,
    purpose: Purpose,
    session: Option<SessionId>,
    address: impl Fn(&str, &Purpose) -> String,
) -> Result<Response, PageError> {
    let cookie = FlowCookie::or_new(headers);
    let app = Texts::of(ctx, headers).say("me-title");
    let id = Flow::begin_with(ctx, &cookie, tenant, app, purpose.clone(), session).await?;
    let mut response = see_other(&address(&id, &purpose));
    cookie.set(response.headers_mut());
    Ok(response)
}

/// The tenant of a page that names none, until the name that signs in says which it is.
async fn some_tenant(ctx: &Ctx) -> Result<TenantId, PageError> {
    let mut reader = ctx.app.store.read().await?;
    let tenants = reader.directory().tenants().await?;
    let first = tenants.first().ok_or_else(|| Refused::from(entrance_model::signin::Aadsts::MissingTenantRealm))?;
    Ok(first.id)
}
