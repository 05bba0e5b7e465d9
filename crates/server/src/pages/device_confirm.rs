//! The question before a device gets anything (W-3.4 c, d): who asks, for what, from where. Only `approve` approves.

use std::sync::Arc;

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use entrance_model::Timestamp;
use entrance_model::id::{AppId, DeviceId, SessionId};
use entrance_model::signin::agent::Program;
use entrance_model::signin::device::{DeviceGrant, DeviceRequest};
use entrance_model::signin::network::Nearness;
use entrance_model::signin::resource::{Kind, Resource, of_scope};
use entrance_model::signin::session::{BrowserSession, Place, Session};
use entrance_model::signin::{Aadsts, Endpoint, SignIn};
use entrance_model::well_known;
use entrance_store::authority::Versioned;
use entrance_wire::oauth::form::Form;
use serde_json::json;
use uuid::Uuid;

use super::cookies::FlowCookie;
use super::flow::{Flow, Outcome, Purpose};
use super::page::{Frame, render, see_other, shown};
use super::reach::Reach;
use super::texts::{Mark, Rich, Texts};
use super::{PageError, ago, consent, query, steps};
use crate::authority::ctx::{Ctx, event};
use crate::authority::refused::Refused;
use crate::authority::{grants, policies, target};

#[derive(Template)]
#[template(path = "device_confirm.html")]
struct ConfirmPage<'a> {
    frame: Frame,
    t: Texts,
    grant: &'a str,
    csrf: String,
    asks: Rich,
    choose_no: Rich,
    app: String,
    registered: (&'static str, String),
    asks_for: String,
    reach: String,
    rights: Option<String>,
    from: &'a str,
    network: &'static str,
    network_class: &'static str,
    network_words: String,
    agent: String,
    asked: String,
    asked_at: String,
    code: &'a str,
    risk: Option<String>,
}

#[derive(Template)]
#[template(path = "device_done.html")]
struct DonePage<'a> {
    frame: Frame,
    t: Texts,
    grant: &'a str,
    csrf: String,
    approved: bool,
    reported: bool,
}

/// A device flow that is waiting for the person's answer.
struct Waiting {
    id: String,
    cookie: FlowCookie,
    flow: Versioned<Flow>,
    hash: String,
    code: String,
    grant: Versioned<DeviceGrant>,
    request: DeviceRequest,
}

async fn waiting(ctx: &Ctx, headers: &HeaderMap, id: Option<&str>) -> Result<Waiting, PageError> {
    let (id, cookie, flow) = Flow::open_or_ended(ctx, headers, id).await?;
    let Purpose::Device { grant: hash, code } = flow.state.purpose.clone() else { return Err(Aadsts::FlowTokenExpired.into()) };
    let mut reader = ctx.app.store.read().await?;
    let grant = reader.authority().device_grant(&hash).await?.ok_or(Refused::from(Aadsts::CodeExpired))?;
    let request = grant.state.open(ctx.now()).map_err(|error| Refused::from(error.number()))?.clone();
    Ok(Waiting { id, cookie, flow, hash, code, grant, request })
}

/// `GET /devicelogin/confirm?grant=`.
pub(super) async fn get(ctx: &Ctx, headers: &HeaderMap, text: &str) -> Result<Response, PageError> {
    let id = query(text, "grant");
    let Waiting { id, cookie, flow, code, request, .. } = match waiting(ctx, headers, id.as_deref()).await {
        Ok(waiting) => waiting,
        // The answer was given already: show how it ended.
        Err(error) => {
            let (id, _, flow) = Flow::open_or_ended(ctx, headers, id.as_deref()).await?;
            return if flow.state.outcome.is_some() {
                Ok(see_other(&format!("/devicelogin/done?grant={id}")))
            } else {
                Err(error)
            };
        }
    };
    let flow = flow.state;
    let Some((_, user)) = steps::finished(ctx, headers, &flow).await? else {
        return Ok(see_other(&steps::next(ctx, headers, &id, &flow).await?));
    };
    let near = ctx.nearness(&request);
    policies::admit_device(ctx, &flow.tenant(ctx).await?, &user, &request).await?;
    let (network_class, network_words) = match near {
        Nearness::Same => ("ok", "network-same"),
        Nearness::Different => ("danger", "network-different"),
        Nearness::Unknown => ("warn", "network-unknown"),
    };
    let t = Texts::of(ctx, headers);
    let (device, no, upn) = (t.say("another-device"), t.say("no"), shown(user.upn.as_str()));
    let resource = resource(ctx, &flow, &request).await?;
    let (reach, origin) = (Reach::of(ctx, flow.tenant, &resource, &user), Origin::of(ctx, &flow, request.app).await?);
    let risk = risk(near, &origin, &reach).map(|risk| risk.words(t, &request));
    let user = Mark::strong(&upn).known_as("device-confirm-user");
    let page = ConfirmPage {
        frame: Frame::of(ctx, headers, Some(flow.tenant)).await,
        t,
        grant: &id,
        csrf: cookie.csrf(&id),
        asks: t.rich("device-asks", &[("device", Mark::strong(&device)), ("user", user)]),
        choose_no: t.rich("choose-no", &[("no", Mark::strong(&no))]),
        app: shown(&flow.app),
        registered: (if origin.is_certain() { "ok" } else { "warn" }, origin.words(t)),
        asks_for: asks_for(t, &resource),
        reach: reach.words(t),
        rights: reach.rights(t),
        from: &request.from,
        network: near.word(),
        network_class,
        network_words: t.say(network_words),
        agent: agent(t, &request.agent),
        asked: ago(t, request.asked, ctx.now()),
        asked_at: request.asked.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        code: &code,
        risk,
    };
    Ok(render(StatusCode::OK, &page, None))
}

/// `POST /devicelogin/confirm`.
pub(super) async fn post(ctx: &Ctx, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let waiting = waiting(ctx, headers, form.get("grant")).await?;
    if !waiting.cookie.is_csrf(&waiting.id, form.get("csrf")) {
        return Err(PageError::Forged);
    }
    let again = format!("/devicelogin/confirm?grant={}", waiting.id);
    let Some((session, user)) = steps::finished(ctx, headers, &waiting.flow.state).await? else {
        return Ok(see_other(&steps::next(ctx, headers, &waiting.id, &waiting.flow.state).await?));
    };
    let near = ctx.nearness(&waiting.request);
    let now = ctx.now();
    let mut begun = None;
    let (after, outcome) = match form.get("decision") {
        Some("approve") => {
            policies::admit_device(ctx, &waiting.flow.state.tenant(ctx).await?, &user, &waiting.request).await?;
            let resource = resource(ctx, &waiting.flow.state, &waiting.request).await?;
            let reach = Reach::of(ctx, waiting.flow.state.tenant, &resource, &user);
            let origin = Origin::of(ctx, &waiting.flow.state, waiting.request.app).await?;
            if risk(near, &origin, &reach).is_some() && form.get("confirm_device").is_none() {
                return Ok(see_other(&again));
            }
            // A session of its own: the device can be revoked without the browser, and ends with it.
            let by = SignIn { session: SessionId::from_uuid(Uuid::new_v4()), ..session.sign_in() };
            begun = Some(of_device(&waiting.request, &session, by.session, now));
            (waiting.grant.state.approve(by, now), Outcome::Approved)
        }
        Some("deny") => (waiting.grant.state.decline(now), Outcome::Denied),
        // A POST without a decision changes nothing.
        _ => return Ok(see_other(&again)),
    };
    let after = after.map_err(|error| Refused::from(error.number()))?;
    let mut flow = waiting.flow.state;
    flow.outcome = Some(outcome);
    let approved = outcome == Outcome::Approved;
    let mut decision = ctx.decision("device_confirm", flow.tenant, Some(waiting.request.app));
    decision.user = Some(user.id.into());
    decision.interactive = true;
    decision.code = if approved { 0 } else { Aadsts::DeviceFlowDeclined.code() };
    decision.reason = format!("a device at {} was {}", waiting.request.from, if approved { "approved" } else { "declined" });
    let kind = if approved { "deviceCode.approved" } else { "deviceCode.declined" };
    let detail = json!({ "app": waiting.request.app, "from": waiting.request.from, "browser": ctx.address(), "network": near.word(), "browserSession": session.id });
    decision.session = begun.as_ref().map(|begun| begun.id);
    let target = decision.session.unwrap_or(session.id).to_string();
    let mut tx = ctx.app.store.write().await?;
    let mut authority = tx.authority();
    // A browser session that was revoked in this moment approves nothing: that is a conflict.
    authority.browser_session_seen(flow.tenant, session.id, now).await?;
    if let Some(begun) = &begun {
        authority.insert_session(flow.tenant, begun).await?;
    }
    authority.swap_device_grant(&waiting.hash, waiting.grant.version, &after).await?;
    authority.swap_flow(&waiting.id, waiting.flow.version, &flow).await?;
    authority.decided(now, &decision).await?;
    tx.audit(now, &event(kind, flow.tenant, Some(user.id.into()), target, detail)).await?;
    tx.commit().await?;
    Ok(see_other(&format!("/devicelogin/done?grant={}", waiting.id)))
}

/// The session that begins where the device code was shown.
fn of_device(request: &DeviceRequest, browser: &BrowserSession, id: SessionId, now: Timestamp) -> Session {
    Session {
        id,
        user: browser.user,
        place: Place::DeviceCode,
        device: DeviceId::from_uuid(Uuid::new_v4()),
        parent: Some(browser.id),
        app: Some(request.app),
        address: request.from.clone(),
        agent: Some(request.agent.clone()),
        began: now,
        seen: now,
        seen_from: request.from.clone(),
        until: request.until,
        ended: None,
    }
}

/// `GET /devicelogin/done?grant=`.
pub(super) async fn done(ctx: &Ctx, headers: &HeaderMap, text: &str) -> Result<Response, PageError> {
    let (id, cookie, flow) = Flow::open_or_ended(ctx, headers, query(text, "grant").as_deref()).await?;
    let Some(outcome) = flow.state.outcome else {
        return Ok(see_other(&format!("/devicelogin/confirm?grant={id}")));
    };
    let page = DonePage {
        frame: Frame::of(ctx, headers, Some(flow.state.tenant)).await,
        t: Texts::of(ctx, headers),
        grant: &id,
        csrf: cookie.csrf(&id),
        approved: outcome == Outcome::Approved,
        reported: outcome == Outcome::Reported,
    };
    Ok(render(StatusCode::OK, &page, None))
}

/// `POST /devicelogin/report`: somebody was sent this code.
pub(super) async fn report(ctx: &Ctx, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let (id, cookie, flow) = Flow::open_or_ended(ctx, headers, form.get("grant")).await?;
    if !cookie.is_csrf(&id, form.get("csrf")) {
        return Err(PageError::Forged);
    }
    if flow.state.outcome == Some(Outcome::Denied) {
        let mut after = flow.state;
        after.outcome = Some(Outcome::Reported);
        let user = after.signed_in(ctx, headers).await?.map(|(_, user)| user.id.into());
        let detail = json!({ "app": after.app, "browser": ctx.address() });
        let mut tx = ctx.app.store.write().await?;
        tx.authority().swap_flow(&id, flow.version, &after).await?;
        tx.audit(ctx.now(), &event("deviceCode.reported", after.tenant, user, after.app.clone(), detail)).await?;
        tx.commit().await?;
    }
    Ok(see_other(&format!("/devicelogin/done?grant={id}")))
}

/// Who stands behind a program.
enum Origin {
    /// It is one of ours.
    BuiltIn,
    /// Administrators registered it.
    Administrators,
    /// Somebody else registered it, on this day.
    Person(String, String),
}

impl Origin {
    async fn of(ctx: &Ctx, flow: &Flow, app: AppId) -> Result<Self, Refused> {
        if well_known::first_party(app).is_some() {
            return Ok(Self::BuiltIn);
        }
        let registration = ctx.app.store.read().await?.directory().application_by_app_id(flow.tenant, app).await?;
        let Some(registration) = registration else { return Ok(Self::Administrators) };
        let day = registration.created.strftime("%Y-%m-%d").to_string();
        let owner = consent::owner(ctx, flow, registration.id).await?;
        Ok(owner.map_or(Self::Administrators, |name| Self::Person(name, day)))
    }

    fn is_certain(&self) -> bool {
        matches!(self, Self::BuiltIn)
    }

    fn words(&self, t: Texts) -> String {
        match self {
            Self::BuiltIn => t.say("built-in"),
            Self::Administrators => t.say("registered"),
            Self::Person(name, day) => t.with("registered-by", &[("name", name.clone()), ("date", day.clone())]),
        }
    }
}

/// Why somebody should look twice (W-110).
#[derive(Clone, Copy)]
enum Risk {
    Network,
    Origin,
    Rights,
}

fn risk(near: Nearness, origin: &Origin, reach: &Reach) -> Option<Risk> {
    if near == Nearness::Different {
        return Some(Risk::Network);
    }
    if matches!(origin, Origin::Person(..)) {
        return Some(Risk::Origin);
    }
    // Who administers clusters is not let through on an unknown way without a second look.
    (near == Nearness::Unknown && reach.has_administrator_rights()).then_some(Risk::Rights)
}

impl Risk {
    fn words(self, t: Texts, request: &DeviceRequest) -> String {
        match self {
            Self::Network => t.with("network-risk", &[("address", &request.from)]),
            Self::Origin => t.say("origin-risk"),
            Self::Rights => t.say("rights-risk"),
        }
    }
}

/// The program, by its name where it is known.
fn agent(t: Texts, agent: &str) -> String {
    let Some(Program { name, version, system }) = Program::of(agent) else { return shown(agent) };
    let program = version.map_or_else(|| name.to_owned(), |version| format!("{name} {}", shown(version)));
    match system {
        Some(system) => t.with("program-on", &[("program", program.as_str()), ("system", system)]),
        None => program,
    }
}

/// What is asked for.
async fn resource(ctx: &Ctx, flow: &Flow, request: &DeviceRequest) -> Result<Arc<Resource>, Refused> {
    let asked = grants::asked(request.endpoint, Some(&request.scope))?;
    let identifier = match request.endpoint {
        Endpoint::V1 => request.scope.clone(),
        Endpoint::V2 => of_scope(asked.single()?),
    };
    target::find(ctx, &flow.tenant(ctx).await?, &identifier).await
}

/// The same in words.
fn asks_for(t: Texts, resource: &Resource) -> String {
    match resource.kind {
        Kind::Cluster => t.say("reach-cluster"),
        Kind::Arm => t.say("reach-arm"),
        Kind::Graph => t.say("reach-graph"),
        Kind::OtherBuiltIn | Kind::Own => t.with("reach-other", &[("app", shown(&resource.asked))]),
    }
}
