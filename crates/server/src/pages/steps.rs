//! Which page comes next in a sign-in: gathers the facts, the model decides (`model::signin::steps`).

use axum::http::HeaderMap;
use axum::response::Response;
use entrance_model::Timestamp;
use entrance_model::directory::User;
use entrance_model::id::TenantId;
use entrance_model::signin::authorize::Prompt;
use entrance_model::signin::policy::Demands;
use entrance_model::signin::session::BrowserSession;
use entrance_model::signin::steps::{self, ENROLMENT, Facts, Methods, STEP_UP, Step};
use entrance_model::signin::{Aadsts, Method};
use entrance_store::authority::Versioned;
use jiff::SignedDuration;

use super::cookies::FlowCookie;
use super::flow::{self, Flow, Guard, Purpose};
use super::page::see_other;
use super::{PageError, consent};
use crate::authority::ctx::Ctx;
use crate::authority::policies;
use crate::authority::refused::Refused;

/// The address of the next page of a flow.
pub(crate) async fn next(ctx: &Ctx, headers: &HeaderMap, id: &str, flow: &Flow) -> Result<String, PageError> {
    let step = match flow.signed_in(ctx, headers).await? {
        Some((session, user)) => of(ctx, &flow.purpose, flow.tenant, flow.began, (&session, &user)).await?,
        None if flow::sessions(ctx, headers, flow.tenant).await?.is_empty() => Step::SignIn,
        None => Step::Account,
    };
    Ok(address(step, &flow.purpose, id))
}

/// Who signed in in a flow, once nothing is missing any more.
pub(crate) async fn finished(ctx: &Ctx, headers: &HeaderMap, flow: &Flow) -> Result<Option<(BrowserSession, User)>, PageError> {
    let Some((session, user)) = flow.signed_in(ctx, headers).await? else { return Ok(None) };
    let step = of(ctx, &flow.purpose, flow.tenant, flow.began, (&session, &user)).await?;
    Ok((step == Step::Return).then_some((session, user)))
}

/// A flow with somebody signed in, and what is missing still.
pub(crate) struct Opened {
    pub(crate) id: String,
    pub(crate) cookie: FlowCookie,
    pub(crate) flow: Versioned<Flow>,
    pub(crate) session: BrowserSession,
    pub(crate) user: User,
    pub(crate) step: Step,
}

/// Opens a flow for a page behind the sign-in; or tells where a browser goes that is not signed in.
pub(crate) async fn open(ctx: &Ctx, headers: &HeaderMap, id: Option<&str>) -> Result<Result<Opened, Response>, PageError> {
    let (id, cookie, flow) = Flow::open(ctx, headers, id).await?;
    let Some((session, user)) = flow.state.signed_in(ctx, headers).await? else {
        return Ok(Err(see_other(&next(ctx, headers, &id, &flow.state).await?)));
    };
    let step = of(ctx, &flow.state.purpose, flow.state.tenant, flow.state.began, (&session, &user)).await?;
    Ok(Ok(Opened { id, cookie, flow, session, user, step }))
}

/// What a session lacks for a purpose.
pub(crate) async fn of(
    ctx: &Ctx,
    purpose: &Purpose,
    tenant: TenantId,
    began: Timestamp,
    (session, user): (&BrowserSession, &User),
) -> Result<Step, Refused> {
    let methods = ctx.app.store.read().await?.factors().methods(tenant, user.id).await?;
    let guard = guard(purpose);
    // Who has no second factor yet cannot show one before the first is set up.
    let strong = guard == Guard::StepUp || (guard == Guard::Enrolment && methods.any());
    let fresh = (guard == Guard::Enrolment && !methods.any()).then_some(ENROLMENT);
    let demanded = demands(ctx, purpose, tenant, user, methods).await?;
    // Where the policies refuse it altogether no page helps: nothing is asked, and whoever answers refuses.
    let consent_missing = demanded.is_some() && consent_missing(ctx, purpose, tenant, user).await?;
    let facts = Facts {
        session: Some(session),
        others: true,
        began,
        fresh_within: fresh_within(purpose).or(fresh),
        strong_within: strong.then_some(STEP_UP),
        must_change_password: user.must_change_password,
        methods,
        demands: demanded.unwrap_or_default(),
        consent_missing,
    };
    Ok(steps::next(&facts))
}

/// How sure a purpose has to be of who it is. What an administrator allows for everybody is looked at as a second factor is
/// that they set up: both outlive the session.
pub(crate) fn guard(purpose: &Purpose) -> Guard {
    match purpose {
        Purpose::Own { guard, .. } => *guard,
        Purpose::AdminConsent { .. } => Guard::Enrolment,
        Purpose::Authorize { .. } | Purpose::Device { .. } => Guard::SignedIn,
    }
}

/// Whether somebody who showed another factor already is asked for a passkey, because a policy demands one.
pub(crate) async fn only_passkey(
    ctx: &Ctx,
    purpose: &Purpose,
    tenant: TenantId,
    (session, user): (&BrowserSession, &User),
    methods: Methods,
) -> Result<bool, Refused> {
    let lacks_one = session.how.contains(&Method::Mfa) && !session.how.contains(&Method::Fido);
    Ok(lacks_one && demands(ctx, purpose, tenant, user, methods).await?.is_some_and(|demands| demands.passkey))
}

/// The address of a page.
pub(crate) fn address(step: Step, purpose: &Purpose, id: &str) -> String {
    match (step, purpose) {
        (Step::SignIn, _) => format!("/signin?flow={id}"),
        (Step::Account, _) => format!("/signin/account?flow={id}"),
        (Step::PasswordChange, _) => format!("/signin/password?flow={id}"),
        (Step::SecondFactor, _) if guard(purpose) != Guard::SignedIn => format!("/signin/stepup?flow={id}"),
        (Step::SecondFactor, _) => format!("/signin/mfa?flow={id}"),
        (Step::Enroll, _) => format!("/signin/enroll?flow={id}"),
        (Step::Consent, _) | (Step::Return, Purpose::AdminConsent { .. }) => format!("/consent?flow={id}"),
        (Step::Return, Purpose::Device { .. }) => format!("/devicelogin/confirm?grant={id}"),
        (Step::Return, Purpose::Authorize { .. } | Purpose::Own { .. }) => format!("/signin/return?flow={id}"),
    }
}

/// What an application reads that asked for no page where one is needed.
pub(crate) fn refusal(step: Step) -> Refused {
    let number = match step {
        Step::SignIn => Aadsts::UserInformationNotProvided,
        Step::Account | Step::Return => Aadsts::InteractionRequired,
        Step::PasswordChange => Aadsts::InvalidPasswordExpiredPassword,
        Step::SecondFactor => Aadsts::UserStrongAuthClientAuthNRequired,
        Step::Enroll => Aadsts::UserStrongAuthEnrollmentRequired,
        Step::Consent => Aadsts::DelegationDoesNotExist,
    };
    // At this endpoint all of them mean the same to a program: a person has to see a page.
    let error = match step {
        Step::Consent => "consent_required",
        Step::SignIn => "login_required",
        _ => "interaction_required",
    };
    Refused::from(number).error(error)
}

/// How old the proof of who it is may be, as the application asked.
fn fresh_within(purpose: &Purpose) -> Option<SignedDuration> {
    let Purpose::Authorize { request } = purpose else { return None };
    let login = (request.prompt == Prompt::Login).then_some(SignedDuration::ZERO);
    let age = request.max_age.map(SignedDuration::from_secs);
    login.into_iter().chain(age).min()
}

/// What the policies of the tenant ask of this person for this purpose; `None` where they refuse it altogether.
async fn demands(
    ctx: &Ctx,
    purpose: &Purpose,
    tenant: TenantId,
    user: &User,
    methods: Methods,
) -> Result<Option<Demands>, Refused> {
    let mut reader = ctx.app.store.read().await?;
    let tenant = reader.directory().tenant(tenant).await?.ok_or_else(|| Refused::from(Aadsts::FlowTokenExpired))?;
    let verdict = match purpose {
        Purpose::Own { guard: Guard::SignedIn, .. } => return Ok(Some(Demands::default())),
        Purpose::Own { .. } | Purpose::AdminConsent { .. } => {
            drop(reader);
            policies::of_directory(ctx, &tenant, user).await
        }
        Purpose::Authorize { request } => {
            drop(reader);
            policies::of_authorize(ctx, &tenant, user, request).await
        }
        Purpose::Device { grant, .. } => {
            let grant = reader.authority().device_grant(grant).await?;
            drop(reader);
            let Some(request) = grant.as_ref().and_then(|grant| grant.state.open(ctx.now()).ok()) else {
                return Ok(Some(Demands::default()));
            };
            policies::of_device(ctx, &tenant, user, request).await
        }
    };
    let Ok(verdict) = verdict else { return Ok(Some(Demands::default())) };
    if verdict.blocked.is_some() {
        return Ok(None);
    }
    let mut demands = verdict.demands;
    if matches!(purpose, Purpose::Own { guard: Guard::Enrolment, .. }) {
        // What is not there yet is what the page is for.
        demands.second_factor &= methods.any();
        demands.passkey &= methods.passkey;
    }
    Ok(Some(demands))
}

/// Whether the person has to agree to what the application asks.
async fn consent_missing(ctx: &Ctx, purpose: &Purpose, tenant: TenantId, user: &User) -> Result<bool, Refused> {
    let tenant = ctx.app.store.read().await?.directory().tenant(tenant).await?;
    consent::is_missing(ctx, &tenant.ok_or_else(|| Refused::from(Aadsts::FlowTokenExpired))?, purpose, user).await
}
