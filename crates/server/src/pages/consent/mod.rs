//! The question whether an application may act in a person's name (W-3.5, S-304): who asks, for what, where it leads. No
//! stands first and weighs the same as yes; nothing is allowed by leaving, reloading or an empty form.

mod answer;
mod question;
mod words;

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use entrance_model::directory::User;
use entrance_model::id::AppObjectId;
use entrance_model::signin::Aadsts;
use entrance_wire::oauth::form::Form;

pub(crate) use question::is_missing;

use super::flow::{Flow, Purpose};
use super::page::{Frame, render, see_other, shown};
use super::texts::{Mark, Rich, Texts};
use super::{PageError, query, steps};
use crate::authority::ctx::Ctx;
use crate::authority::policies;
use crate::authority::refused::Refused;
use question::Question;
use words::Line;

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    frame: Frame,
    t: Texts,
    title: Rich,
    app: String,
    publisher: String,
    redirect: Option<String>,
    user: String,
    flow: &'a str,
    csrf: String,
    /// The proof that a yes is to what stands here.
    asked: String,
    lines: Vec<Line>,
    /// The person may say yes for everybody.
    may_share: bool,
    /// Yes is for everybody.
    for_everybody: bool,
    /// Only an administrator may say yes: the address to send to one.
    beyond: Option<String>,
}

/// `GET /consent?flow=`.
pub(super) async fn get(ctx: &Ctx, headers: &HeaderMap, text: &str) -> Result<Response, PageError> {
    let (id, cookie, flow) = Flow::open(ctx, headers, query(text, "flow").as_deref()).await?;
    let flow = flow.state;
    let (user, question) = match asked(ctx, headers, &id, &flow).await? {
        Ok(found) => found,
        Err(elsewhere) => return Ok(see_other(&elsewhere)),
    };
    let t = Texts::of(ctx, headers);
    let app = shown(question.client.name());
    let mut lines = Vec::new();
    for part in &question.parts {
        lines.extend(words::lines(t, part, question.wanted(part)));
    }
    lines.extend(words::oidc(t, &question.asked));
    let beyond = question.is_beyond(ctx.app.config.user_consent, &user);
    let page = ConsentPage {
        frame: Frame::of(ctx, headers, Some(flow.tenant)).await,
        t,
        title: t.rich("allow-app", &[("app", Mark::name(&app))]),
        publisher: publisher(ctx, t, &flow, &question).await?,
        app,
        redirect: leads_to(&flow.purpose),
        user: shown(user.upn.as_str()),
        flow: &id,
        csrf: cookie.csrf(&id),
        asked: cookie.csrf(&about(&id, &question)),
        lines,
        may_share: user.is_directory_admin && !question.for_everybody,
        for_everybody: question.for_everybody,
        beyond: beyond.then(|| admin_address(ctx, &flow, &question)),
    };
    Ok(render(StatusCode::OK, &page, flow.form_action().as_deref()))
}

#[derive(Template)]
#[template(path = "consent_done.html")]
struct DonePage {
    frame: Frame,
    t: Texts,
    allowed: bool,
}

/// `GET /consent/allowed` and `/consent/refused`: the end for somebody whom no application waits for.
pub(super) async fn done(ctx: &Ctx, headers: &HeaderMap, path: &str) -> Response {
    let frame = Frame::of(ctx, headers, None).await;
    render(StatusCode::OK, &DonePage { frame, t: Texts::of(ctx, headers), allowed: path == answer::ALLOWED }, None)
}

/// `POST /consent`.
pub(super) async fn post(ctx: &Ctx, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let (id, cookie, flow) = Flow::open(ctx, headers, form.get("flow")).await?;
    if !cookie.is_csrf(&id, form.get("csrf")) {
        return Err(PageError::Forged);
    }
    let (user, question) = match asked(ctx, headers, &id, &flow.state).await? {
        Ok(found) => found,
        Err(elsewhere) => return Ok(see_other(&elsewhere)),
    };
    let beyond = question.is_beyond(ctx.app.config.user_consent, &user);
    match form.get("decision") {
        Some("cancel") => answer::no(ctx, headers, &id, flow, &user, beyond).await,
        // What is asked changed while the page was read: it is shown again.
        Some("accept") if !beyond && cookie.is_csrf(&about(&id, &question), form.get("asked")) => {
            let for_everybody = question.for_everybody || (user.is_directory_admin && form.get("on_behalf") == Some("yes"));
            answer::yes(ctx, headers, &id, flow, &user, &question, for_everybody).await
        }
        // A POST without a decision, or with one that is not this person's, changes nothing.
        _ => Ok(see_other(&format!("/consent?flow={id}"))),
    }
}

/// What the proof of a yes is for.
fn about(id: &str, question: &Question) -> String {
    format!("{id}/consent/{}", question.print())
}

/// The question of a flow and who has to answer it, or where the browser belongs instead.
async fn asked(ctx: &Ctx, headers: &HeaderMap, id: &str, flow: &Flow) -> Result<Result<(User, Question), String>, PageError> {
    // Everything else comes first: nobody allows anything before they proved who they are.
    let here = format!("/consent?flow={id}");
    let next = steps::next(ctx, headers, id, flow).await?;
    if next != here {
        return Ok(Err(next));
    }
    let Some((_, user)) = flow.signed_in(ctx, headers).await? else { return Ok(Err(format!("/signin?flow={id}"))) };
    let tenant = flow.tenant(ctx).await?;
    if let Purpose::AdminConsent { app, .. } = &flow.purpose {
        policies::admit_to_directory(ctx, &tenant, &user, ("adminconsent", Some(*app))).await?;
    }
    let question = Question::of(ctx, &tenant, &flow.purpose, &user).await?;
    question.filter(Question::is_open).map_or_else(|| Err(Aadsts::FlowTokenExpired.into()), |question| Ok(Ok((user, question))))
}

/// The host that the browser goes to afterwards.
fn leads_to(purpose: &Purpose) -> Option<String> {
    let redirect = match purpose {
        Purpose::Authorize { request } => &request.redirect,
        Purpose::AdminConsent { redirect, .. } => redirect.as_ref()?,
        Purpose::Device { .. } | Purpose::Own { .. } => return None,
    };
    let url = url::Url::parse(redirect).ok()?;
    Some(shown(&url.host_str().map_or_else(|| format!("{}:", url.scheme()), str::to_owned)))
}

/// Who registered the application, and when.
async fn publisher(ctx: &Ctx, t: Texts, flow: &Flow, question: &Question) -> Result<String, Refused> {
    let Some(app) = question.client.registration() else { return Ok(t.say("publisher-nobody")) };
    let date = app.created.strftime("%Y-%m-%d").to_string();
    Ok(match owner(ctx, flow, app.id).await? {
        Some(name) => t.with("publisher-person", &[("name", name), ("date", date)]),
        None => t.with("publisher-administrators", &[("date", date)]),
    })
}

/// The person who owns a registration; one that has no owner was made by administrators.
pub(in crate::pages) async fn owner(ctx: &Ctx, flow: &Flow, app: AppObjectId) -> Result<Option<String>, Refused> {
    let mut reader = ctx.app.store.read().await?;
    let mut directory = reader.directory();
    for owner in directory.owners(flow.tenant, &app.to_string()).await? {
        if let Some(user) = directory.user(flow.tenant, owner.id.as_user()).await?
            && !user.is_directory_admin
        {
            return Ok(Some(shown(user.upn.as_str())));
        }
    }
    Ok(None)
}

/// The address at which an administrator can say yes for everybody.
fn admin_address(ctx: &Ctx, flow: &Flow, question: &Question) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("client_id", &question.client.app.to_string());
    if let Purpose::Authorize { request } = &flow.purpose {
        query.append_pair("scope", &request.scope).append_pair("redirect_uri", &request.redirect);
    }
    format!("{}/{}/v2.0/adminconsent?{}", ctx.app.base(), flow.tenant, query.finish())
}
