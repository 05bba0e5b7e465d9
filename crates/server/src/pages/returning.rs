//! The answer to an application (S-103, S-104, W-3.6): a code, or why there is none, in the way it was asked for.

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use entrance_model::directory::User;
use entrance_model::signin::authorize::{AuthorizeRequest, ResponseMode};
use entrance_model::signin::code::{AuthorizationCode, LIFE};
use entrance_model::signin::session::{BROWSER_IDLE, BrowserSession};
use entrance_model::signin::{Aadsts, redirect};
use entrance_store::{StoreError, Tx};
use entrance_wire::oauth::client_info::client_info;

use super::PageError;
use super::flow::{Flow, Outcome, Purpose};
use super::page::{Frame, render, see_other, shown};
use super::query;
use super::steps;
use super::texts::{Mark, Rich, Texts};
use crate::authority::ctx::Ctx;
use crate::authority::refused::Refused;
use crate::authority::{issue, policies, secret};

#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPostPage<'a> {
    frame: Frame,
    t: Texts,
    returning: Rich,
    redirect: &'a str,
    fields: &'a [(&'static str, String)],
}

/// `GET /signin/return?flow=`: the person is known; the application gets its code.
pub(super) async fn get(ctx: &Ctx, headers: &HeaderMap, text: &str) -> Result<Response, PageError> {
    let (id, _, flow) = Flow::open(ctx, headers, query(text, "flow").as_deref()).await?;
    // The browser may have come by any way: what is still missing comes first.
    let Some((session, user)) = steps::finished(ctx, headers, &flow.state).await? else {
        return Ok(see_other(&steps::next(ctx, headers, &id, &flow.state).await?));
    };
    let request = match flow.state.purpose.clone() {
        Purpose::Authorize { request } => request,
        Purpose::Own { to, .. } => return Ok(see_other(&to)),
        Purpose::Device { .. } | Purpose::AdminConsent { .. } => return Err(Aadsts::FlowTokenExpired.into()),
    };
    let tenant = flow.state.tenant(ctx).await?;
    let judged = match request.only {
        // OpenID Connect Core §3.1.2.1: the application means somebody else.
        Some(only) if only != user.id => Err(Refused::from(Aadsts::UserInformationNotProvided)
            .error("login_required")
            .of(user.id)
            .because("another person signed in than the ID token of the application names")),
        _ => policies::for_session(ctx, &tenant, &user, &request, &session).await,
    };
    let made = match judged {
        Ok(_) => Ok(make(ctx, &request, &session, &user).await?),
        Err(refused) if refused.number == Aadsts::BadTokenDueToSignInFrequency => {
            return Ok(see_other(&format!("/signin?flow={id}")));
        }
        Err(refused) => Err(refused),
    };
    let mut after = flow.state;
    after.outcome = Some(Outcome::Answered);
    let app = after.app.clone();
    let mut tx = ctx.app.store.write().await?;
    tx.authority().swap_flow(&id, flow.version, &after).await?;
    let made = match made {
        Ok(made) => made,
        Err(refused) => {
            tx.commit().await?;
            ctx.record(ctx.decision("authorize", request.tenant, Some(request.app)), &refused).await;
            return Ok(answer(ctx, headers, &request, &app, &refusal(ctx, &request, &refused)).await);
        }
    };
    let fields = keep(ctx, &mut tx, &request, &session, &user, made).await?;
    tx.commit().await?;
    Ok(answer(ctx, headers, &request, &app, &fields).await)
}

/// What an application gets, made before anything is written.
pub(crate) struct Made {
    code: Option<String>,
    id_token: Option<String>,
}

/// Makes what was asked for: a code, an ID token, or both.
pub(crate) async fn make(ctx: &Ctx, request: &AuthorizeRequest, session: &BrowserSession, user: &User) -> Result<Made, Refused> {
    let code = request.response.has_code().then(|| format!("1.{}", secret::opaque()));
    let id_token = if request.response.has_id_token() {
        Some(issue::for_browser(ctx, request, (user, &session.sign_in()), code.as_deref()).await?)
    } else {
        None
    };
    Ok(Made { code, id_token })
}

/// Keeps the hash of the code, and tells what the application reads.
pub(crate) async fn keep(
    ctx: &Ctx,
    tx: &mut Tx,
    request: &AuthorizeRequest,
    session: &BrowserSession,
    user: &User,
    made: Made,
) -> Result<Vec<(&'static str, String)>, Refused> {
    let now = ctx.now();
    let kept = AuthorizationCode::begin(request.clone(), session.sign_in(), now);
    let mut decision = ctx.decision("authorize", request.tenant, Some(request.app));
    decision.user = Some(user.id.into());
    decision.interactive = true;
    decision.reason = if made.code.is_some() { "authorization code" } else { "ID token" }.into();
    let mut authority = tx.authority();
    decision.session = Some(session.id);
    if let Some(code) = &made.code {
        authority.insert_code(&secret::sha256(code), &kept, now + LIFE).await?;
    }
    match authority.browser_session_seen(request.tenant, session.id, now).await {
        Ok(()) => {}
        // It was revoked in this moment.
        Err(StoreError::Conflict) => return Err(Refused::from(Aadsts::FlowTokenExpired).of(user.id)),
        Err(error) => return Err(error.into()),
    }
    let until = now + BROWSER_IDLE;
    authority.session_used(request.tenant, session.id, Some(request.app), &decision.address, now, until).await?;
    authority.decided(now, &decision).await?;
    let mut fields = Vec::new();
    fields.extend(made.code.map(|code| ("code", code)));
    if let Some(id_token) = made.id_token {
        fields.push(("id_token", id_token));
        if request.client_info {
            fields.push(("client_info", client_info(&user.id.to_string(), &request.tenant.to_string())));
        }
    }
    fields.extend(request.state.clone().map(|state| ("state", state)));
    fields.push(("session_state", session.id.to_string()));
    fields.push(("iss", ctx.app.issuer_v2(request.tenant)));
    Ok(fields)
}

/// Why there is no code, as the application reads it.
pub(crate) fn refusal(ctx: &Ctx, request: &AuthorizeRequest, refused: &Refused) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("error", refused.oauth_error().to_owned()),
        ("error_description", refused.description(&ctx.app, &ctx.info)),
        ("error_uri", refused.uri(&ctx.app)),
    ];
    fields.extend(request.state.clone().map(|state| ("state", state)));
    fields.push(("iss", ctx.app.issuer_v2(request.tenant)));
    fields
}

/// Sends an answer to the registered address of the request.
pub(crate) async fn answer(
    ctx: &Ctx,
    headers: &HeaderMap,
    request: &AuthorizeRequest,
    app: &str,
    fields: &[(&'static str, String)],
) -> Response {
    let joined = || url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    match request.mode {
        ResponseMode::Query => {
            let sign = if request.redirect.contains('?') { '&' } else { '?' };
            see_other(&format!("{}{sign}{}", request.redirect, joined()))
        }
        ResponseMode::Fragment => see_other(&format!("{}#{}", request.redirect, joined())),
        ResponseMode::FormPost => {
            let t = Texts::of(ctx, headers);
            let page = FormPostPage {
                frame: Frame::of(ctx, headers, Some(request.tenant)).await,
                t,
                returning: t.rich("returning", &[("app", Mark::name(&shown(app)))]),
                redirect: &request.redirect,
                fields,
            };
            render(StatusCode::OK, &page, redirect::form_action(&request.redirect).as_deref())
        }
    }
}
