//! The sign-in page (W-3.1): name and password on one page, the same answer for everyone who is not let in.

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use entrance_model::directory::Tenant;
use entrance_model::id::UserId;
use entrance_model::signin::steps::Step;
use entrance_model::signin::{Aadsts, Method};
use entrance_store::authority::Versioned;
use entrance_wire::oauth::form::Form;

use super::begin::{self, Proof};
use super::cookies::FlowCookie;
use super::flow::{Flow, Purpose};
use super::page::{Frame, render, see_other, shown};
use super::texts::{Mark, Rich, Texts};
use super::{PageError, password, query, steps};
use crate::authority::ctx::Ctx;
use crate::authority::factors::passkeys::{self, Failed, Offer};
use crate::authority::refused::Refused;
use crate::authority::{credentials, strangers};

#[derive(Template)]
#[template(path = "signin.html")]
struct SignInPage<'a> {
    frame: Frame,
    t: Texts,
    to_app: Rich,
    flow: &'a str,
    csrf: String,
    login: &'a str,
    keep: bool,
    passkey: Option<Offer>,
    error: Option<String>,
}

/// The words that lead from the page to the application.
pub(super) fn to_app(t: Texts, flow: &Flow) -> Rich {
    let app = shown(&flow.app);
    let app = [("app", Mark::strong(&app))];
    match flow.purpose {
        Purpose::Authorize { .. } | Purpose::AdminConsent { .. } | Purpose::Own { .. } => t.rich("to-continue", &app),
        Purpose::Device { .. } => t.rich("to-continue-device", &app),
    }
}

async fn page(
    ctx: &Ctx,
    headers: &HeaderMap,
    id: &str,
    cookie: &FlowCookie,
    flow: &Flow,
    login: &str,
    error: Option<&'static str>,
) -> Response {
    let t = Texts::of(ctx, headers);
    let page = SignInPage {
        // A page of our own is every tenant's until it is known who comes.
        frame: Frame::of(ctx, headers, (!flow.is_own()).then_some(flow.tenant)).await,
        t,
        to_app: to_app(t, flow),
        flow: id,
        csrf: cookie.csrf(id),
        login,
        keep: ctx.app.config.keep_signed_in,
        passkey: passkeys::offer_sign_in(ctx, id),
        error: error.map(|key| t.say(key)),
    };
    render(StatusCode::OK, &page, flow.form_action().as_deref())
}

/// `GET /signin?flow=`.
pub(super) async fn get(ctx: &Ctx, headers: &HeaderMap, text: &str) -> Result<Response, PageError> {
    let (id, cookie, flow) = Flow::open(ctx, headers, query(text, "flow").as_deref()).await?;
    Ok(page(ctx, headers, &id, &cookie, &flow.state, flow.state.hint(), None).await)
}

/// `POST /signin`.
pub(super) async fn post(ctx: &Ctx, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let (id, cookie, mut flow) = Flow::open(ctx, headers, form.get("flow")).await?;
    if !cookie.is_csrf(&id, form.get("csrf")) {
        return Err(PageError::Forged);
    }
    let name = form.get("login").unwrap_or_default();
    let tenant = tenant(ctx, &flow.state, name).await?;
    flow.state.tenant = tenant.id;
    let decision = ctx.decision("signin", tenant.id, None);
    // What is revoked while the password is looked at meets this sign-in too.
    let known = ctx.app.store.read().await?.authority().revocation_head(tenant.id).await?;
    match credentials::check(ctx, &tenant, name, form.get("passwd").unwrap_or_default()).await {
        Ok(proven) => {
            let keep = form.get("keep").is_some() && ctx.app.config.keep_signed_in;
            let proof = Proof { how: vec![Method::Pwd], strong: None, word: "password", keep, known };
            begin::session(ctx, headers, &id, flow, proven.user(), proof).await
        }
        Err(refused) => {
            let mut decision = decision;
            decision.interactive = true;
            ctx.record(decision, &refused).await;
            // The password is right, and only good for choosing a new one: whoever reads this answer knew it.
            if let Some(user) = refused.user.filter(|_| password::CHANGE.contains(&refused.number)) {
                let user = user.as_user();
                let mut reader = ctx.app.store.read().await?;
                if !reader.factors().methods(tenant.id, user).await?.any() {
                    drop(reader);
                    return to_change(ctx, &id, flow, user).await;
                }
                // Whoever has a second factor shows it first: the old password may be somebody else's by now.
                let person = reader.directory().user(tenant.id, user).await?.filter(|person| person.enabled);
                drop(reader);
                let person = person.ok_or_else(|| Refused::from(Aadsts::UserDisabled).of(user))?;
                let keep = form.get("keep").is_some() && ctx.app.config.keep_signed_in;
                let proof = Proof { how: vec![Method::Pwd], strong: None, word: "password to be changed", keep, known };
                return begin::session(ctx, headers, &id, flow, &person, proof).await;
            }
            let error = match refused.number {
                Aadsts::InvalidUserNameOrPassword => "sign-in-wrong",
                Aadsts::IdsLocked => "sign-in-paused",
                _ => return Err(refused.into()),
            };
            let shown = if name.len() <= 256 { name } else { "" };
            Ok(page(ctx, headers, &id, &cookie, &flow.state, shown, Some(error)).await)
        }
    }
}

/// The tenant that somebody signs in to. A page of our own names none: there it is the one whose domain the name is on, as
/// with `common`. For a name of no domain of ours the same work is done, and the answer is the same.
async fn tenant(ctx: &Ctx, flow: &Flow, name: &str) -> Result<Tenant, PageError> {
    let begun = flow.tenant(ctx).await?;
    let Some((_, domain)) = name.trim().rsplit_once('@').filter(|_| flow.is_own()) else { return Ok(begun) };
    let mut reader = ctx.app.store.read().await?;
    let mut directory = reader.directory();
    let found = match directory.tenant_of_domain(&domain.to_ascii_lowercase()).await? {
        Some(id) => directory.tenant(id).await?,
        None => None,
    };
    Ok(found.unwrap_or(begun))
}

/// Remembers who has to choose a new password, and leads there.
async fn to_change(ctx: &Ctx, id: &str, flow: Versioned<Flow>, user: UserId) -> Result<Response, PageError> {
    let mut after = flow.state;
    after.to_change = Some(user);
    let mut tx = ctx.app.store.write().await?;
    tx.authority().swap_flow(id, flow.version, &after).await?;
    tx.commit().await?;
    Ok(see_other(&steps::address(Step::PasswordChange, &after.purpose, id)))
}

/// `POST /signin/passkey`: a passkey says itself whose it is, and counts as two factors.
pub(super) async fn passkey(ctx: &Ctx, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let (id, cookie, mut flow) = Flow::open(ctx, headers, form.get("flow")).await?;
    if !cookie.is_csrf(&id, form.get("csrf")) {
        return Err(PageError::Forged);
    }
    // An answer uses its question up, right or wrong.
    strangers::pass(ctx)?;
    let (ceremony, answer) = (form.get("ceremony").unwrap_or_default(), form.get("assertion").unwrap_or_default());
    if flow.state.is_own()
        && let Some(tenant) = passkeys::tenant_of(ctx, answer).await?
    {
        flow.state.tenant = tenant;
    }
    let tenant = flow.state.tenant;
    let known = ctx.app.store.read().await?.authority().revocation_head(tenant).await?;
    match passkeys::sign_in(ctx, tenant, &id, ceremony, answer).await {
        Ok(user) => {
            let keep = form.get("keep").is_some() && ctx.app.config.keep_signed_in;
            let how = vec![Method::Fido, Method::Mfa];
            let proof = Proof { how, strong: Some(ctx.now()), word: "passkey", keep, known };
            begin::session(ctx, headers, &id, flow, &user, proof).await
        }
        Err(Failed::Refused(refused)) => Err((*refused).into()),
        Err(failed) => {
            let mut decision = ctx.decision("signin", tenant, None);
            decision.interactive = true;
            ctx.record(decision, &Refused::from(failed.number()).because(failed.why())).await;
            Ok(page(ctx, headers, &id, &cookie, &flow.state, flow.state.hint(), Some("passkey-refused")).await)
        }
    }
}
