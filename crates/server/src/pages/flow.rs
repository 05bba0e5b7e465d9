//! A sign-in in progress (W-032): what it is for stays on the server; the address holds only its id, the cookie ties it
//! to one browser.

use axum::http::HeaderMap;
use entrance_model::Timestamp;
use entrance_model::directory::{Tenant, User};
use entrance_model::id::{AppId, SessionId, TenantId, UserId};
use entrance_model::signin::authorize::AuthorizeRequest;
use entrance_model::signin::session::BrowserSession;
use entrance_model::signin::{Aadsts, redirect};
use entrance_store::authority::Versioned;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::cookies::{self, FlowCookie};
use super::texts::Texts;
use crate::authority::ctx::Ctx;
use crate::authority::refused::Refused;
use crate::authority::{secret, strangers};

/// A sign-in in progress.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Flow {
    /// The hash of the cookie of the browser that it belongs to.
    browser: String,
    /// The tenant.
    pub(crate) tenant: TenantId,
    /// The name of the application that the person will continue to.
    pub(crate) app: String,
    /// What it is for.
    pub(crate) purpose: Purpose,
    /// When it began.
    #[serde(with = "entrance_model::signin::micros")]
    pub(crate) began: Timestamp,
    /// Who knew their password and has to choose a new one before anything else.
    pub(crate) to_change: Option<UserId>,
    /// The session that was chosen or begun in it.
    pub(crate) session: Option<SessionId>,
    /// How it ended.
    pub(crate) outcome: Option<Outcome>,
    /// The language that the application asked for.
    #[serde(default)]
    language: Option<Texts>,
}

/// What a sign-in is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(crate) enum Purpose {
    /// An application waits for its answer.
    Authorize {
        /// What it asked.
        request: Box<AuthorizeRequest>,
    },
    /// A device waits for tokens.
    Device {
        /// The hash of the device's code.
        grant: String,
        /// What the person typed, to be compared with the device.
        code: String,
    },
    /// An administrator is asked to allow an application something for everybody (S-113).
    AdminConsent {
        /// The application.
        app: AppId,
        /// A registered address to go to afterwards.
        redirect: Option<String>,
        /// Comes back as it was sent.
        state: Option<String>,
        /// What it asks; all that its registration lists, where it names nothing.
        scope: Option<String>,
    },
    /// A page of our own asks who it is.
    Own {
        /// Where it leads: a path of ours.
        to: String,
        /// What it does there.
        guard: Guard,
    },
}

/// How sure a page of our own has to be of who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Guard {
    /// Signed in.
    SignedIn,
    /// Something dangerous is about to be done (W-033): a second factor, not long ago.
    StepUp,
    /// A second factor is about to be set up (S-802): the one that is there, not long ago; or else a fresh sign-in.
    Enrolment,
}

/// How a sign-in ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Outcome {
    /// The application has its answer.
    Answered,
    /// The device may take its tokens.
    Approved,
    /// The person said no.
    Denied,
    /// The person said no and reported it.
    Reported,
}

const LIFE: SignedDuration = SignedDuration::from_mins(30);

impl Flow {
    /// Begins a flow in this browser; answers its id.
    pub(crate) async fn begin(
        ctx: &Ctx,
        cookie: &FlowCookie,
        tenant: TenantId,
        app: String,
        purpose: Purpose,
    ) -> Result<String, Refused> {
        Self::begin_with(ctx, cookie, tenant, app, purpose, None).await
    }

    /// The same, where it is known already which session it is about.
    pub(crate) async fn begin_with(
        ctx: &Ctx,
        cookie: &FlowCookie,
        tenant: TenantId,
        app: String,
        purpose: Purpose,
        session: Option<SessionId>,
    ) -> Result<String, Refused> {
        // Whoever is signed in is known; everybody else begins only so much.
        if session.is_none() {
            strangers::pass(ctx)?;
        }
        let id = secret::opaque();
        let browser = cookie.hash();
        let (began, language) = (ctx.now(), ctx.language.get());
        let flow = Self { browser, tenant, app, purpose, began, to_change: None, session, outcome: None, language };
        let mut tx = ctx.app.store.write().await?;
        tx.authority().insert_flow(&id, &flow, ctx.now() + LIFE).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// The flow with this id, if it is this browser's and waits for something still.
    pub(crate) async fn open(
        ctx: &Ctx,
        headers: &HeaderMap,
        id: Option<&str>,
    ) -> Result<(String, FlowCookie, Versioned<Self>), Refused> {
        let opened = Self::open_or_ended(ctx, headers, id).await?;
        if opened.2.state.outcome.is_some() { Err(Aadsts::FlowTokenExpired.into()) } else { Ok(opened) }
    }

    /// The same, for a page that also tells how it ended.
    pub(crate) async fn open_or_ended(
        ctx: &Ctx,
        headers: &HeaderMap,
        id: Option<&str>,
    ) -> Result<(String, FlowCookie, Versioned<Self>), Refused> {
        let over = || Refused::from(Aadsts::FlowTokenExpired);
        let id = id.filter(|id| id.len() <= 64).ok_or_else(over)?;
        let cookie = FlowCookie::of(headers).ok_or_else(over)?;
        let mut reader = ctx.app.store.read().await?;
        let found: Option<Versioned<Self>> = reader.authority().flow(id, ctx.now()).await?;
        let flow = found.filter(|flow| flow.state.browser == cookie.hash()).ok_or_else(over)?;
        ctx.language.set(flow.state.language);
        Ok((id.to_owned(), cookie, flow))
    }

    /// Where its form may end beside our own origin (W-021).
    pub(crate) fn form_action(&self) -> Option<String> {
        match &self.purpose {
            Purpose::Authorize { request } => redirect::form_action(&request.redirect),
            Purpose::AdminConsent { redirect, .. } => redirect.as_deref().and_then(redirect::form_action),
            Purpose::Device { .. } | Purpose::Own { .. } => None,
        }
    }

    /// Who will probably sign in.
    pub(crate) fn hint(&self) -> &str {
        match &self.purpose {
            Purpose::Authorize { request } => request.login_hint.as_deref().unwrap_or_default(),
            Purpose::Device { .. } | Purpose::AdminConsent { .. } | Purpose::Own { .. } => "",
        }
    }

    /// Whether it leads to a page of our own, which belongs to no tenant.
    pub(crate) fn is_own(&self) -> bool {
        matches!(self.purpose, Purpose::Own { .. })
    }

    /// Its tenant.
    pub(crate) async fn tenant(&self, ctx: &Ctx) -> Result<Tenant, Refused> {
        let mut reader = ctx.app.store.read().await?;
        let tenant = reader.directory().tenant(self.tenant).await?;
        tenant.ok_or_else(|| Aadsts::FlowTokenExpired.into())
    }

    /// The session that was chosen in it, if it still lives in this browser.
    pub(crate) async fn signed_in(&self, ctx: &Ctx, headers: &HeaderMap) -> Result<Option<(BrowserSession, User)>, Refused> {
        let Some(id) = self.session else { return Ok(None) };
        Ok(sessions(ctx, headers, self.tenant).await?.into_iter().find(|(session, _)| session.id == id))
    }
}

/// The live sessions of a tenant in this browser, with their people.
pub(crate) async fn sessions(ctx: &Ctx, headers: &HeaderMap, tenant: TenantId) -> Result<Vec<(BrowserSession, User)>, Refused> {
    let Some(browser) = cookies::browser(headers) else { return Ok(Vec::new()) };
    let mut reader = ctx.app.store.read().await?;
    let found = reader.authority().browser_sessions(&browser).await?;
    let mut live = Vec::new();
    for (of, session) in found {
        if of == tenant
            && let Some(user) = reader.directory().user(tenant, session.user).await?
            && session.is_live(&user, ctx.now())
        {
            live.push((session, user));
        }
    }
    Ok(live)
}
