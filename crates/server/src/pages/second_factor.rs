//! The second factor (W-3.3), and the same page again before something dangerous (W-033): a code of the authenticator app,
//! a passkey, or a recovery code. What the person does not have is not there.

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use entrance_model::directory::User;
use entrance_model::signin::session::BrowserSession;
use entrance_model::signin::steps::{Methods, Step};
use entrance_model::signin::{Aadsts, Method};
use entrance_store::authority::Versioned;
use entrance_wire::oauth::form::Form;

use super::begin::{self, Stronger};
use super::cookies::FlowCookie;
use super::flow::{Flow, Guard, Purpose};
use super::page::{Frame, render, see_other, shown};
use super::steps::Opened;
use super::texts::Texts;
use super::{PageError, query, steps};
use crate::authority::ctx::Ctx;
use crate::authority::factors::passkeys::{Failed, Offer};
use crate::authority::factors::{passkeys, recovery, totp};
use crate::authority::refused::Refused;

/// Which of the two pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// `/signin/mfa`: on the way in.
    SignIn,
    /// `/signin/stepup`: before something dangerous.
    StepUp,
}

/// Which form the page shows beside the passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    Totp,
    Recovery,
    PasskeyOnly,
    /// Nothing that the person has counts any more.
    Nothing,
}

impl View {
    fn is_totp(self) -> bool {
        self == Self::Totp
    }

    fn is_recovery(self) -> bool {
        self == Self::Recovery
    }

    fn is_nothing(self) -> bool {
        self == Self::Nothing
    }
}

#[derive(Template)]
#[template(path = "mfa.html")]
struct SecondFactorPage<'a> {
    frame: Frame,
    t: Texts,
    title: String,
    why: String,
    step_up: bool,
    upn: String,
    action: &'static str,
    flow: &'a str,
    csrf: String,
    view: View,
    passkey: Option<Offer>,
    recovery_hint: String,
    has_codes: bool,
    /// Something else than recovery codes can be shown.
    has_other: bool,
    leave: String,
    error: Option<String>,
}

/// A flow in which a second factor is what is missing.
struct Asked {
    id: String,
    cookie: FlowCookie,
    flow: Versioned<Flow>,
    session: BrowserSession,
    user: User,
    methods: Methods,
    /// A passkey and nothing else: another factor was shown already, and it is not enough.
    only_passkey: bool,
}

/// The flow, or where it leads instead.
async fn asked(ctx: &Ctx, headers: &HeaderMap, id: Option<&str>) -> Result<Result<Asked, Response>, PageError> {
    let Opened { id, cookie, flow, session, user, step } = match steps::open(ctx, headers, id).await? {
        Ok(opened) => opened,
        Err(elsewhere) => return Ok(Err(elsewhere)),
    };
    if step != Step::SecondFactor {
        return Ok(Err(see_other(&steps::address(step, &flow.state.purpose, &id))));
    }
    let methods = ctx.app.store.read().await?.factors().methods(flow.state.tenant, user.id).await?;
    let only_passkey = steps::only_passkey(ctx, &flow.state.purpose, flow.state.tenant, (&session, &user), methods).await?;
    Ok(Ok(Asked { id, cookie, flow, session, user, methods, only_passkey }))
}

impl Occasion {
    const fn path(self) -> &'static str {
        match self {
            Self::SignIn => "/signin/mfa",
            Self::StepUp => "/signin/stepup",
        }
    }
}

async fn page(
    ctx: &Ctx,
    headers: &HeaderMap,
    occasion: Occasion,
    asked: &Asked,
    wants_recovery: bool,
    error: Option<&str>,
) -> Result<Response, PageError> {
    let t = Texts::of(ctx, headers);
    let tenant = asked.flow.state.tenant;
    let codes_left = if asked.only_passkey { 0 } else { asked.methods.recovery_codes };
    // Where all passkeys are refused, recovery codes are what is left.
    let has_other = asked.methods.is_good() || asked.only_passkey;
    let view = match (asked.methods.totp && !asked.only_passkey, (wants_recovery || !has_other) && codes_left > 0) {
        (_, true) => View::Recovery,
        (true, false) => View::Totp,
        (false, false) if has_other => View::PasskeyOnly,
        (false, false) => View::Nothing,
    };
    let passkey = passkeys::offer_second(ctx, tenant, asked.user.id, &asked.id).await?;
    let step_up = occasion == Occasion::StepUp;
    let leave = match &asked.flow.state.purpose {
        Purpose::Own { guard: Guard::StepUp | Guard::Enrolment, .. } => "/me".to_owned(),
        _ => format!("/signin?flow={}", asked.id),
    };
    let page = SecondFactorPage {
        frame: Frame::of(ctx, headers, Some(tenant)).await,
        t,
        title: t.say(if step_up { "stepup-title" } else { "mfa-title" }),
        why: t.say(match (has_other, step_up) {
            (false, _) => "mfa-why-refused",
            (true, true) => "stepup-why",
            (true, false) => "mfa-why",
        }),
        step_up,
        upn: shown(asked.user.upn.as_str()),
        action: occasion.path(),
        flow: &asked.id,
        csrf: asked.cookie.csrf(&asked.id),
        view,
        passkey,
        recovery_hint: t.with("mfa-recovery-hint", &[("left", codes_left)]),
        has_codes: codes_left > 0,
        has_other,
        leave,
        error: error.map(|key| t.say(key)),
    };
    Ok(render(StatusCode::OK, &page, asked.flow.state.form_action().as_deref()))
}

/// `GET /signin/mfa?flow=` and `GET /signin/stepup?flow=`.
pub(super) async fn get(ctx: &Ctx, headers: &HeaderMap, occasion: Occasion, text: &str) -> Result<Response, PageError> {
    match asked(ctx, headers, query(text, "flow").as_deref()).await? {
        Ok(asked) => page(ctx, headers, occasion, &asked, query(text, "with").as_deref() == Some("recovery"), None).await,
        Err(elsewhere) => Ok(elsewhere),
    }
}

/// What somebody showed.
struct Shown {
    stronger: Result<Stronger, &'static str>,
    refused: Option<Refused>,
}

/// `POST /signin/mfa` and `POST /signin/stepup`.
pub(super) async fn post(ctx: &Ctx, headers: &HeaderMap, occasion: Occasion, form: &Form) -> Result<Response, PageError> {
    let asked = match asked(ctx, headers, form.get("flow")).await? {
        Ok(asked) => asked,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if !asked.cookie.is_csrf(&asked.id, form.get("csrf")) {
        return Err(PageError::Forged);
    }
    let wants_recovery = form.get("recovery").is_some();
    let Shown { stronger, refused } = show(ctx, &asked, form).await?;
    match stronger {
        Ok(stronger) => begin::strengthen(ctx, headers, &asked.id, asked.flow, (asked.session, &asked.user), stronger).await,
        Err(error) => {
            if let Some(refused) = refused {
                let mut decision = ctx.decision("signin", asked.flow.state.tenant, None);
                decision.interactive = true;
                decision.session = Some(asked.session.id);
                ctx.record(decision, &refused.of(asked.user.id)).await;
            }
            page(ctx, headers, occasion, &asked, wants_recovery, Some(error)).await
        }
    }
}

/// Looks at what was shown. A form that shows nothing asks again.
async fn show(ctx: &Ctx, asked: &Asked, form: &Form) -> Result<Shown, PageError> {
    let (tenant, user) = (asked.flow.state.tenant, asked.user.id);
    let wrong = |why: &str| Some(Refused::from(Aadsts::UserStrongAuthClientAuthNRequiredInterrupt).because(why));
    if form.get("step") == Some("passkey") {
        let (ceremony, text) = (form.get("ceremony").unwrap_or_default(), form.get("assertion").unwrap_or_default());
        return Ok(match passkeys::second(ctx, tenant, user, &asked.id, ceremony, text).await {
            Ok(()) => Shown { stronger: Ok(Stronger { by: &[Method::Fido], word: "passkey", then: None }), refused: None },
            Err(Failed::Refused(refused)) => return Err((*refused).into()),
            Err(failed) => {
                let refused = Refused::from(failed.number()).because(failed.why());
                Shown { stronger: Err("passkey-refused-mfa"), refused: Some(refused) }
            }
        });
    }
    if asked.only_passkey {
        return Ok(Shown { stronger: Err("mfa-passkey-only"), refused: None });
    }
    let whole = asked.flow.state.tenant(ctx).await?;
    let (outcome, stronger, what) = if let Some(typed) = form.get("recovery") {
        let stronger = Stronger { by: &[Method::Otp], word: "recovery code", then: None };
        (recovery::check(ctx, &whole, &asked.user, typed).await, stronger, "wrong recovery code")
    } else {
        let typed = form.get("totp").unwrap_or_default();
        let stronger = Stronger { by: &[Method::Otp], word: "authenticator app", then: None };
        (totp::check(ctx, &whole, &asked.user, typed).await, stronger, "wrong or used code of the authenticator app")
    };
    match outcome {
        Ok(true) => Ok(Shown { stronger: Ok(stronger), refused: None }),
        Ok(false) => Ok(Shown { stronger: Err("mfa-wrong"), refused: wrong(what) }),
        Err(refused) if refused.number == Aadsts::IdsLocked => {
            Ok(Shown { stronger: Err("sign-in-paused"), refused: Some(refused) })
        }
        Err(refused) => Err(refused.into()),
    }
}
