//! The error page (W-3.8) and the page that explains a number (S-504).

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use entrance_model::signin::Aadsts;
use entrance_model::signin::aadsts::Who;

use super::page::{Frame, render};
use super::texts::Texts;
use crate::authority::ctx::Ctx;
use crate::authority::refused::{Refused, timestamp};

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    frame: Frame,
    t: Texts,
    title: String,
    message: String,
    /// The catalogue of numbers speaks English.
    english: bool,
    fix: Option<&'a str>,
    /// Who can put it right.
    who: Option<String>,
    details: Option<Details>,
}

struct Details {
    code: Option<u32>,
    correlation: String,
    request: String,
    timestamp: String,
}

fn details(ctx: &Ctx, code: Option<u32>) -> Details {
    Details {
        code,
        correlation: ctx.info.correlation_id().to_string(),
        request: ctx.info.id.to_string(),
        timestamp: timestamp(&ctx.app),
    }
}

/// Who can put it right, in words.
fn who(who: Who) -> &'static str {
    match who {
        Who::Application => "fixed-by-application",
        Who::Administrator => "fixed-by-administrator",
        Who::Person => "fixed-by-person",
        Who::Operator => "fixed-by-operator",
        Who::Device => "fixed-by-device",
    }
}

/// A sign-in that failed where no application may be told (S-100).
pub(crate) async fn refused(ctx: &Ctx, headers: &HeaderMap, refused: &Refused) -> Response {
    let (t, entry) = (Texts::of(ctx, headers), refused.number.entry());
    // At the gate a failed client is a bad request like any other.
    let status = if refused.status() == StatusCode::UNAUTHORIZED { StatusCode::BAD_REQUEST } else { refused.status() };
    let title = match status {
        StatusCode::TOO_MANY_REQUESTS => "error-too-many",
        StatusCode::SERVICE_UNAVAILABLE => "error-broken",
        _ => "error-sign-in",
    };
    let frame = Frame::of(ctx, headers, None).await;
    let page = ErrorPage {
        frame,
        t,
        title: t.say(title),
        message: entry.says.clone(),
        english: true,
        fix: Some(&entry.fix),
        who: Some(t.say(who(entry.who))),
        details: Some(details(ctx, Some(entry.code))),
    };
    let mut response = render(status, &page, None);
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(refused.waits().unwrap_or(5)));
    }
    response
}

/// Another failure of a page: a status, what happened.
pub(crate) async fn plain(ctx: &Ctx, headers: &HeaderMap, status: StatusCode) -> Response {
    let (title, message) = match status {
        StatusCode::NOT_FOUND => ("error-not-found", "error-not-found-text"),
        StatusCode::FORBIDDEN => ("error-sign-in", "error-forgery"),
        _ => ("error-not-found", "error-method"),
    };
    let (t, frame) = (Texts::of(ctx, headers), Frame::of(ctx, headers, None).await);
    let (title, message) = (t.say(title), t.say(message));
    let details = Some(details(ctx, None));
    render(status, &ErrorPage { frame, t, title, message, english: false, fix: None, who: None, details }, None)
}

/// `GET /error?code=<n>`: what a number means. Nothing of the request is shown.
pub(super) async fn explain(ctx: &Ctx, headers: &HeaderMap, query: &str) -> Response {
    let asked = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "code");
    let entry = asked.and_then(|(_, value)| value.parse().ok()).and_then(Aadsts::lookup);
    let frame = Frame::of(ctx, headers, None).await;
    let t = Texts::of(ctx, headers);
    let title = entry.map_or_else(|| t.say("error-none"), |entry| format!("AADSTS{}", entry.code));
    let message = entry.map_or_else(|| t.say("error-generic"), |entry| entry.says.clone());
    let (english, fix) = (entry.is_some(), entry.map(|entry| entry.fix.as_str()));
    let page = ErrorPage { frame, t, title, message, english, fix, who: entry.map(|entry| t.say(who(entry.who))), details: None };
    render(StatusCode::OK, &page, None)
}
