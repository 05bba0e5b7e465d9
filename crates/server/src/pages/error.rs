//! The error page (W-3.8) and the page that explains a number (S-504).

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use entrance_model::signin::Aadsts;

use super::page::{Frame, render};
use super::words::{EN, Words};
use crate::authority::ctx::Ctx;
use crate::authority::refused::{Refused, timestamp};

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    frame: Frame,
    t: &'static Words,
    title: &'a str,
    message: &'a str,
    fix: Option<&'a str>,
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

/// A sign-in that failed where no application may be told (S-100).
pub(crate) async fn refused(ctx: &Ctx, headers: &HeaderMap, refused: &Refused) -> Response {
    let entry = refused.number.entry();
    // At the gate a failed client is a bad request like any other.
    let status = if refused.status() == StatusCode::UNAUTHORIZED { StatusCode::BAD_REQUEST } else { refused.status() };
    let title = match status {
        StatusCode::TOO_MANY_REQUESTS => EN.error_too_many,
        StatusCode::SERVICE_UNAVAILABLE => EN.error_broken,
        _ => EN.error_sign_in,
    };
    let frame = Frame::of(ctx, headers, None).await;
    let page = ErrorPage {
        frame,
        t: &EN,
        title,
        message: &entry.says,
        fix: Some(&entry.fix),
        details: Some(details(ctx, Some(entry.code))),
    };
    let mut response = render(status, &page, None);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}

/// Another failure of a page: a status, what happened.
pub(crate) async fn plain(ctx: &Ctx, headers: &HeaderMap, status: StatusCode) -> Response {
    let (title, message) = match status {
        StatusCode::NOT_FOUND => (EN.error_not_found, EN.error_not_found_text),
        StatusCode::FORBIDDEN => (EN.error_sign_in, EN.error_forgery),
        _ => (EN.error_not_found, EN.error_method),
    };
    let frame = Frame::of(ctx, headers, None).await;
    render(status, &ErrorPage { frame, t: &EN, title, message, fix: None, details: Some(details(ctx, None)) }, None)
}

/// `GET /error?code=<n>`: what a number means. Nothing of the request is shown.
pub(super) async fn explain(ctx: &Ctx, headers: &HeaderMap, query: &str) -> Response {
    let asked = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "code");
    let entry = asked.and_then(|(_, value)| value.parse().ok()).and_then(Aadsts::lookup);
    let frame = Frame::of(ctx, headers, None).await;
    let title = entry.map_or_else(|| EN.error_none.to_owned(), |entry| format!("AADSTS{}", entry.code));
    let message = entry.map_or(EN.error_generic, |entry| &entry.says);
    let page = ErrorPage { frame, t: &EN, title: &title, message, fix: entry.map(|entry| entry.fix.as_str()), details: None };
    render(StatusCode::OK, &page, None)
}
