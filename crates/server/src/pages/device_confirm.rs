//! The question before a device gets anything (W-3.4 c, d): who asks, for what, from where. Only `approve` approves.

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use entrance_model::Timestamp;
use entrance_model::id::{DeviceId, SessionId};
use entrance_model::signin::device::{DeviceGrant, DeviceRequest};
use entrance_model::signin::network::{Nearness, nearness};
use entrance_model::signin::resource::{Kind, of_scope};
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
use super::texts::{Mark, Rich, Texts};
use super::{PageError, ago, query, steps};
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
    built_in: bool,
    asks_for: String,
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
    let (id, cookie, flow) = Flow::open(ctx, headers, id).await?;
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
            let (id, _, flow) = Flow::open(ctx, headers, id.as_deref()).await?;
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
    let near = nearness(&request.from, ctx.info.peer.ip());
    policies::admit_device(ctx, &flow.tenant(ctx).await?, &user, &request).await?;
    let (network_class, network_words) = match near {
        Nearness::Same => ("ok", "network-same"),
        Nearness::Different => ("danger", "network-different"),
        Nearness::Unknown => ("warn", "network-unknown"),
    };
    let t = Texts::of(ctx, headers);
    let (device, no, upn) = (t.say("another-device"), t.say("no"), shown(user.upn.as_str()));
    let user = Mark::strong(&upn).known_as("device-confirm-user");
    let page = ConfirmPage {
        frame: Frame::of(ctx, headers, Some(flow.tenant)).await,
        t,
        grant: &id,
        csrf: cookie.csrf(&id),
        asks: t.rich("device-asks", &[("device", Mark::strong(&device)), ("user", user)]),
        choose_no: t.rich("choose-no", &[("no", Mark::strong(&no))]),
        app: shown(&flow.app),
        built_in: well_known::first_party(request.app).is_some(),
        asks_for: asks_for(ctx, t, &flow, &request).await?,
        from: &request.from,
        network: near.word(),
        network_class,
        network_words: t.say(network_words),
        agent: shown(&request.agent),
        asked: ago(t, request.asked, ctx.now()),
        asked_at: request.asked.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        code: &code,
        risk: risk(near).then(|| t.with("network-risk", &[("address", &request.from)])),
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
    let near = nearness(&waiting.request.from, ctx.info.peer.ip());
    let now = ctx.now();
    let mut begun = None;
    let (after, outcome) = match form.get("decision") {
        Some("approve") => {
            policies::admit_device(ctx, &waiting.flow.state.tenant(ctx).await?, &user, &waiting.request).await?;
            if risk(near) && form.get("confirm_device").is_none() {
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
    let (id, cookie, flow) = Flow::open(ctx, headers, query(text, "grant").as_deref()).await?;
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
    let (id, cookie, flow) = Flow::open(ctx, headers, form.get("grant")).await?;
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

/// Whether the page warns (W-110).
fn risk(near: Nearness) -> bool {
    near == Nearness::Different
}

/// What is asked, in words.
async fn asks_for(ctx: &Ctx, t: Texts, flow: &Flow, request: &DeviceRequest) -> Result<String, Refused> {
    let asked = grants::asked(request.endpoint, Some(&request.scope))?;
    let identifier = match request.endpoint {
        Endpoint::V1 => request.scope.clone(),
        Endpoint::V2 => of_scope(asked.single()?),
    };
    let resource = target::find(ctx, &flow.tenant(ctx).await?, &identifier).await?;
    Ok(match resource.kind {
        Kind::Cluster => t.say("reach-cluster"),
        Kind::Arm => t.say("reach-arm"),
        Kind::Graph => t.say("reach-graph"),
        Kind::OtherBuiltIn | Kind::Own => t.with("reach-other", &[("app", shown(&resource.asked))]),
    })
}
