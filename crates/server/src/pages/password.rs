//! A new password (W-3.3, S-801): because the old one is only good for that (50055), or because its owner wants one.
//! Everything that came from the old one ends.

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use entrance_model::directory::{Tenant, User};
use entrance_model::directory_rules::password::{self, Fault};
use entrance_model::signin::revocation::Target;
use entrance_model::signin::session::BrowserSession;
use entrance_model::signin::steps::Step;
use entrance_model::signin::{Aadsts, Method};
use entrance_store::authority::Versioned;
use entrance_wire::oauth::form::Form;
use serde_json::json;
use zeroize::Zeroizing;

use super::begin::{self, Proof};
use super::cookies::FlowCookie;
use super::flow::{Flow, Purpose};
use super::page::{Frame, render, see_other, shown};
use super::texts::Texts;
use super::{PageError, query, steps};
use crate::authority::ctx::{Ctx, event};
use crate::authority::refused::Refused;
use crate::authority::{credentials, revoke};
use crate::passwords;

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage<'a> {
    frame: Frame,
    t: Texts,
    why: String,
    upn: String,
    flow: &'a str,
    csrf: String,
    shortest: usize,
    rules: String,
    wrong_old: bool,
    wrong_new: bool,
    back: Option<&'static str>,
    error: Option<String>,
}

/// A flow in which somebody may change their password.
struct Asked {
    id: String,
    cookie: FlowCookie,
    flow: Versioned<Flow>,
    tenant: Tenant,
    user: User,
    session: Option<BrowserSession>,
}

async fn asked(ctx: &Ctx, headers: &HeaderMap, id: Option<&str>) -> Result<Result<Asked, Response>, PageError> {
    let (id, cookie, flow) = Flow::open(ctx, headers, id).await?;
    let tenant = flow.state.tenant(ctx).await?;
    let found = match (flow.state.to_change, flow.state.signed_in(ctx, headers).await?) {
        // Knew the old password a moment ago, in this flow. A factor that was set up meanwhile is asked for all the same.
        (Some(user), _) => {
            let mut reader = ctx.app.store.read().await?;
            let alone = !reader.factors().methods(tenant.id, user).await?.any();
            reader.directory().user(tenant.id, user).await?.filter(|_| alone).map(|user| (None, user))
        }
        (None, Some((session, user))) => {
            // A second factor that is there comes first: with the password alone nobody changes it.
            let step = steps::of(ctx, &flow.state.purpose, tenant.id, flow.state.began, (&session, &user)).await?;
            if !matches!(step, Step::PasswordChange | Step::Consent | Step::Return) {
                return Ok(Err(see_other(&steps::address(step, &flow.state.purpose, &id))));
            }
            Some((Some(session), user))
        }
        (None, None) => None,
    };
    let Some((session, user)) = found else {
        return Ok(Err(see_other(&steps::next(ctx, headers, &id, &flow.state).await?)));
    };
    Ok(Ok(Asked { id, cookie, flow, tenant, user, session }))
}

/// What the page says about a form that was refused.
enum Wrong {
    Old(String),
    New(String),
    Both(String),
}

async fn page(ctx: &Ctx, headers: &HeaderMap, asked: &Asked, wrong: Option<Wrong>) -> Response {
    let t = Texts::of(ctx, headers);
    let is_own = matches!(asked.flow.state.purpose, Purpose::Own { .. }) && !asked.user.must_change_password;
    let (wrong_old, wrong_new, error) = match wrong {
        None => (false, false, None),
        Some(Wrong::Old(error)) => (true, false, Some(error)),
        Some(Wrong::New(error)) => (false, true, Some(error)),
        Some(Wrong::Both(error)) => (false, false, Some(error)),
    };
    let page = PasswordPage {
        frame: Frame::of(ctx, headers, Some(asked.tenant.id)).await,
        t,
        why: t.say(if asked.user.must_change_password { "password-must" } else { "password-why" }),
        upn: shown(asked.user.upn.as_str()),
        flow: &asked.id,
        csrf: asked.cookie.csrf(&asked.id),
        shortest: passwords::policy(&ctx.app).shortest,
        rules: t.with("password-rules", &[("shortest", passwords::policy(&ctx.app).shortest)]),
        wrong_old,
        wrong_new,
        back: is_own.then_some("/me"),
        error,
    };
    render(StatusCode::OK, &page, asked.flow.state.form_action().as_deref())
}

/// `GET /signin/password?flow=`.
pub(super) async fn get(ctx: &Ctx, headers: &HeaderMap, text: &str) -> Result<Response, PageError> {
    match asked(ctx, headers, query(text, "flow").as_deref()).await? {
        Ok(asked) => Ok(page(ctx, headers, &asked, None).await),
        Err(elsewhere) => Ok(elsewhere),
    }
}

/// `POST /signin/password`.
pub(super) async fn post(ctx: &Ctx, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let asked = match asked(ctx, headers, form.get("flow")).await? {
        Ok(asked) => asked,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if !asked.cookie.is_csrf(&asked.id, form.get("csrf")) {
        return Err(PageError::Forged);
    }
    let text = |name: &str| Zeroizing::new(form.get(name).unwrap_or_default().to_owned());
    let (old, new, again) = (text("passwd_old"), text("passwd_new"), text("passwd_again"));
    let known = ctx.app.store.read().await?.authority().revocation_head(asked.tenant.id).await?;
    if let Some(wrong) = refused(ctx, headers, &asked, &old, (&new, &again)).await? {
        return Ok(page(ctx, headers, &asked, Some(wrong)).await);
    }
    change(ctx, headers, asked, new, known).await
}

/// What is wrong with a form, the new password first: it tells nobody anything.
async fn refused(
    ctx: &Ctx,
    headers: &HeaderMap,
    asked: &Asked,
    old: &Zeroizing<String>,
    (new, again): (&str, &str),
) -> Result<Option<Wrong>, PageError> {
    let t = Texts::of(ctx, headers);
    if new != again {
        return Ok(Some(Wrong::New(t.say("password-not-equal"))));
    }
    let words = [asked.user.upn.local_part(), asked.user.display_name.as_str(), asked.tenant.display_name.as_str()];
    if let Err(fault) = passwords::judge(&ctx.app, new, &words).await {
        let error = match fault {
            Fault::TooShort => t.with("password-too-short", &[("shortest", passwords::policy(&ctx.app).shortest)]),
            Fault::TooLong => t.with("password-too-long", &[("longest", password::LONGEST)]),
            Fault::Characters => t.say("password-characters"),
            Fault::TooEasy => t.say("password-too-easy"),
            Fault::Breached => t.say("password-breached"),
        };
        let refused = Refused::from(Aadsts::PasswordChangeWeak).of(asked.user.id);
        ctx.record(ctx.decision("signin", asked.tenant.id, None), &refused).await;
        return Ok(Some(Wrong::New(error)));
    }
    match credentials::check(ctx, &asked.tenant, asked.user.upn.as_str(), old).await {
        Ok(_) => {}
        // The password was right, and only good for choosing a new one.
        Err(refused) if CHANGE.contains(&refused.number) => {}
        Err(refused) => {
            let error = match refused.number {
                Aadsts::InvalidUserNameOrPassword => "password-old-wrong",
                Aadsts::IdsLocked => "sign-in-paused",
                _ => return Err(refused.into()),
            };
            ctx.record(ctx.decision("signin", asked.tenant.id, None), &refused).await;
            return Ok(Some(if error == "sign-in-paused" { Wrong::Both(t.say(error)) } else { Wrong::Old(t.say(error)) }));
        }
    }
    if old.as_str() == new {
        return Ok(Some(Wrong::New(t.say("password-same"))));
    }
    Ok(None)
}

/// The refusals that a new password heals.
pub(crate) const CHANGE: [Aadsts; 2] = [Aadsts::InvalidPasswordExpiredPassword, Aadsts::PasswordChangeCompromisedPassword];

/// Sets the password, ends everything that came from the old one, and begins a session with the new one.
async fn change(ctx: &Ctx, headers: &HeaderMap, asked: Asked, new: Zeroizing<String>, known: i64) -> Result<Response, PageError> {
    let Asked { id, flow, tenant, user, session, .. } = asked;
    let hash = ctx.app.hasher.hash(new).await;
    let now = ctx.now();
    let mut tx = ctx.app.store.write().await?;
    let revoked = tx.authority().revocation_of(tenant.id, &Target::Person(user.id)).await?;
    if revoked.is_some_and(|revocation| revocation.number > known) {
        return Err(Refused::from(Aadsts::FreshTokenNeeded).of(user.id).because("revoked in this moment").into());
    }
    let found = tx.directory().user(tenant.id, user.id).await?.filter(|user| user.enabled);
    let mut user = found.ok_or_else(|| Refused::from(Aadsts::UserDisabled).of(user.id))?;
    let by = Some(user.id.into());
    revoke::person(&mut tx, tenant.id, &mut user, "new password", by, now).await?;
    user.must_change_password = false;
    user.other.insert("lastPasswordChangeDateTime".into(), now.to_string().into());
    tx.directory().set_password_hash(tenant.id, user.id, &hash).await?;
    tx.directory().update_user(tenant.id, &user).await?;
    let detail = json!({ "address": ctx.address() });
    tx.audit(now, &event("password.changed", tenant.id, Some(user.id.into()), user.id.to_string(), detail)).await?;
    // What was shown beside the old password counts beside the new one.
    let (mut how, strong, keep) = match session {
        Some(session) => (session.how, session.strong, session.keep),
        None => (Vec::new(), None, false),
    };
    if !how.contains(&Method::Pwd) {
        how.push(Method::Pwd);
        how.sort();
    }
    let proof = Proof { how, strong, word: "new password", keep, known: i64::MAX };
    begin::session_in(ctx, headers, tx, &id, flow, &user, proof).await
}
