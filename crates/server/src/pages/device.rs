//! Where a person types the code of a device (W-3.4 a).

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use entrance_model::signin::device::UserCode;
use entrance_wire::oauth::form::Form;

use super::cookies::FlowCookie;
use super::flow::{self, Flow, Purpose};
use super::page::{Frame, render, see_other};
use super::texts::Texts;
use super::{PageError, app_name};
use crate::authority::ctx::Ctx;
use crate::authority::{lockouts, secret, strangers};

/// What the form's proof is for.
const PURPOSE: &str = "devicelogin";

#[derive(Template)]
#[template(path = "device.html")]
struct DevicePage {
    frame: Frame,
    t: Texts,
    csrf: String,
    error: Option<String>,
}

async fn page(ctx: &Ctx, headers: &HeaderMap, cookie: &FlowCookie, status: StatusCode, error: Option<String>) -> Response {
    let page =
        DevicePage { frame: Frame::of(ctx, headers, None).await, t: Texts::of(ctx, headers), csrf: cookie.csrf(PURPOSE), error };
    let mut response = render(status, &page, None);
    cookie.set(response.headers_mut());
    response
}

/// `GET /devicelogin`. What stands in the address is ignored (W-100): nobody but the person types the code.
pub(crate) async fn get(ctx: &Ctx, headers: &HeaderMap) -> Response {
    page(ctx, headers, &FlowCookie::or_new(headers), StatusCode::OK, None).await
}

/// `POST /devicelogin`.
pub(crate) async fn post(ctx: &Ctx, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let cookie = FlowCookie::of(headers).ok_or(PageError::Forged)?;
    if !cookie.is_csrf(PURPOSE, form.get("csrf")) {
        return Err(PageError::Forged);
    }
    // Each try counts rows, also of a browser that is new each time.
    strangers::pass(ctx)?;
    let (t, now) = (Texts::of(ctx, headers), ctx.now());
    let counted = match lockouts::device_code(ctx, &cookie.hash()).await? {
        Ok(counted) => counted,
        Err(until) => {
            let seconds = until.duration_since(now).as_secs().max(1);
            let error = t.with("codes-paused", &[("minutes", seconds / 60 + 1)]);
            let mut response = page(ctx, headers, &cookie, StatusCode::TOO_MANY_REQUESTS, Some(error)).await;
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            return Ok(response);
        }
    };
    let Some((grant, request, code)) = find(ctx, form.get("otc").unwrap_or_default()).await? else {
        return Ok(page(ctx, headers, &cookie, StatusCode::OK, Some(t.say("code-wrong"))).await);
    };
    let mut tx = ctx.app.store.write().await?;
    counted.right(&mut tx, now).await?;
    tx.commit().await?;
    let mut reader = ctx.app.store.read().await?;
    let app = reader.directory().service_principal_of(request.tenant, request.app).await?;
    drop(reader);
    let app = app_name(t, request.app, &app.map(|principal| principal.display_name).unwrap_or_default());
    let tenant = request.tenant;
    let id = Flow::begin(ctx, &cookie, tenant, app, Purpose::Device { grant, code }).await?;
    let page = if flow::sessions(ctx, headers, tenant).await?.is_empty() { "/signin" } else { "/signin/account" };
    Ok(see_other(&format!("{page}?flow={id}")))
}

/// The open request of a typed code. Wrong, old, used: all the same (W-101).
async fn find(
    ctx: &Ctx,
    typed: &str,
) -> Result<Option<(String, entrance_model::signin::device::DeviceRequest, String)>, PageError> {
    let Ok(code) = typed.parse::<UserCode>() else { return Ok(None) };
    let mut reader = ctx.app.store.read().await?;
    let found = reader.authority().device_grant_by_user_code(&secret::sha256(code.as_str())).await?;
    Ok(found.and_then(|(hash, grant)| {
        let request = grant.state.open(ctx.now()).ok()?.clone();
        Some((hash, request, code.as_str().to_owned()))
    }))
}
