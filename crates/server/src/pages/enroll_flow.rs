//! `/signin/enroll` (W-3.3): a sign-in that a policy lets through only with a second factor, for somebody who has none.

use axum::http::HeaderMap;
use axum::response::Response;
use entrance_model::signin::steps::{ENROLMENT, Step};
use entrance_wire::oauth::form::Form;

use super::begin::{self, Stronger};
use super::enroll::{self, Host, Taken, TakenCodes};
use super::page::see_other;
use super::steps::Opened;
use super::{PageError, query, steps};
use crate::authority::ctx::Ctx;

const PATH: &str = "/signin/enroll";

impl Opened {
    async fn host<'a>(&'a self, ctx: &'a Ctx, headers: &'a HeaderMap) -> Result<Host<'a>, PageError> {
        let flow = &self.flow.state;
        let methods = ctx.app.store.read().await?.factors().methods(flow.tenant, self.user.id).await?;
        Ok(Host {
            ctx,
            headers,
            tenant: flow.tenant(ctx).await?,
            user: &self.user,
            methods,
            action: PATH,
            hidden: vec![("flow", self.id.clone()), ("csrf", self.cookie.csrf(&self.id))],
            bound: self.session.id.to_string(),
            form_action: flow.form_action(),
            // Whoever has an app and is here all the same needs the other one.
            only_passkey: methods.totp,
            back: None,
        })
    }

    /// Whether recovery codes may be made: right after a factor was set up, and none are there.
    fn may_have_codes(&self, ctx: &Ctx, host: &Host<'_>) -> bool {
        let is_new = self.session.strong.is_some_and(|strong| ctx.now().duration_since(strong) <= ENROLMENT);
        is_new && host.methods.any() && host.methods.recovery_codes == 0
    }
}

/// `GET /signin/enroll?flow=`; with `show=codes` the recovery codes.
pub(super) async fn get(ctx: &Ctx, headers: &HeaderMap, text: &str) -> Result<Response, PageError> {
    let opened = match steps::open(ctx, headers, query(text, "flow").as_deref()).await? {
        Ok(opened) => opened,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let host = opened.host(ctx, headers).await?;
    if opened.step == Step::Enroll {
        return enroll::page(&host, None).await;
    }
    if query(text, "show").as_deref() == Some("codes") && opened.may_have_codes(ctx, &host) {
        return Ok(enroll::codes_page(&host).await);
    }
    Ok(see_other(&steps::address(opened.step, &opened.flow.state.purpose, &opened.id)))
}

/// `POST /signin/enroll`.
pub(super) async fn post(ctx: &Ctx, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let opened = match steps::open(ctx, headers, form.get("flow")).await? {
        Ok(opened) => opened,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if !opened.cookie.is_csrf(&opened.id, form.get("csrf")) {
        return Err(PageError::Forged);
    }
    let host = opened.host(ctx, headers).await?;
    let onward = see_other(&steps::address(opened.step, &opened.flow.state.purpose, &opened.id));
    if form.get("codes").is_some() {
        if !opened.may_have_codes(ctx, &host) {
            return Ok(onward);
        }
        return Ok(match enroll::take_codes(&host, form).await? {
            TakenCodes::Kept => onward,
            TakenCodes::Page(page) => page,
        });
    }
    if opened.step != Step::Enroll {
        return Ok(onward);
    }
    match enroll::take(&host, form).await? {
        Taken::Again(error) => enroll::page(&host, Some(error)).await,
        Taken::Added(by, word) => {
            let then = (host.methods.recovery_codes == 0).then(|| format!("{PATH}?flow={}&show=codes", opened.id));
            let stronger = Stronger { by, word, then };
            begin::strengthen(ctx, headers, &opened.id, opened.flow, (opened.session, &opened.user), stronger).await
        }
    }
}
