//! Adding, naming and removing one's own second factors, and making recovery codes: each behind the factor that is there,
//! not older than five minutes, or behind a fresh sign-in where none is there (W-033, S-802).

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use entrance_model::id::MethodId;
use entrance_model::signin::factors::{Factor, Kind, passkey_name};
use entrance_store::StoreError;
use entrance_wire::oauth::form::Form;
use serde_json::json;

use super::{Me, guard};
use crate::authority::ctx::{Ctx, event};
use crate::authority::factors;
use crate::pages::enroll::{self, Host, Taken, TakenCodes};
use crate::pages::flow::Guard;
use crate::pages::page::{Frame, render, see_other, shown};
use crate::pages::texts::Texts;
use crate::pages::{PageError, begin, query};

async fn host<'a>(ctx: &'a Ctx, headers: &'a HeaderMap, me: &'a Me, action: &'static str) -> Result<Host<'a>, PageError> {
    let mut reader = ctx.app.store.read().await?;
    let methods = reader.factors().methods(me.tenant, me.user.id).await?;
    let tenant = reader.directory().tenant(me.tenant).await?.ok_or(PageError::Forged)?;
    Ok(Host {
        ctx,
        headers,
        tenant,
        user: &me.user,
        methods,
        action,
        hidden: vec![("csrf", me.csrf.clone())],
        bound: me.session.id.to_string(),
        form_action: None,
        only_passkey: false,
        back: Some("/me"),
    })
}

/// `GET /me/add`.
pub(super) async fn add_page(ctx: &Ctx, headers: &HeaderMap) -> Result<Response, PageError> {
    match guard::guarded(ctx, headers, "/me/add", Guard::Enrolment).await? {
        Ok(me) => enroll::page(&host(ctx, headers, &me, "/me/add").await?, None).await,
        Err(elsewhere) => Ok(elsewhere),
    }
}

/// `POST /me/add`.
pub(super) async fn add(ctx: &Ctx, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let me = match guard::guarded(ctx, headers, "/me/add", Guard::Enrolment).await? {
        Ok(me) => me,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if !me.sent(headers, form) {
        return Err(PageError::Forged);
    }
    let host = host(ctx, headers, &me, "/me/add").await?;
    match enroll::take(&host, form).await? {
        Taken::Again(error) => enroll::page(&host, Some(error)).await,
        Taken::Added(by, word) => {
            let to = if host.methods.recovery_codes == 0 { "/me/codes" } else { "/me?done=added" };
            begin::strengthen_own(ctx, headers, me.tenant, (me.session, &me.user), (by, word), to).await
        }
    }
}

/// `GET /me/codes`.
pub(super) async fn codes_page(ctx: &Ctx, headers: &HeaderMap) -> Result<Response, PageError> {
    let me = match guard::guarded(ctx, headers, "/me/codes", Guard::Enrolment).await? {
        Ok(me) => me,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let host = host(ctx, headers, &me, "/me/codes").await?;
    // Codes stand in for a factor; without a good one there is nothing to stand in for.
    if host.methods.is_good() { Ok(enroll::codes_page(&host).await) } else { Ok(see_other("/me/add")) }
}

/// `POST /me/codes`.
pub(super) async fn keep_codes(ctx: &Ctx, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let me = match guard::guarded(ctx, headers, "/me/codes", Guard::Enrolment).await? {
        Ok(me) => me,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if !me.sent(headers, form) {
        return Err(PageError::Forged);
    }
    let host = host(ctx, headers, &me, "/me/codes").await?;
    if !host.methods.is_good() {
        return Ok(see_other("/me/add"));
    }
    Ok(match enroll::take_codes(&host, form).await? {
        TakenCodes::Kept => see_other("/me?done=codes"),
        TakenCodes::Page(page) => page,
    })
}

#[derive(Template)]
#[template(path = "factor.html")]
struct FactorPage {
    frame: Frame,
    t: Texts,
    csrf: String,
    id: MethodId,
    is_passkey: bool,
    name: String,
    /// The last one: without it the password alone opens everything.
    is_last: bool,
    error: Option<String>,
}

async fn found(ctx: &Ctx, me: &Me, id: Option<&str>) -> Result<Option<(Factor, bool)>, PageError> {
    let Some(id) = id.and_then(|id| id.parse::<MethodId>().ok()) else { return Ok(None) };
    let all = ctx.app.store.read().await?.factors().list(me.tenant, me.user.id).await?;
    let others = all.iter().filter(|factor| factor.alarmed.is_none() && factor.id != id).count();
    Ok(all.into_iter().find(|factor| factor.id == id).map(|factor| (factor, others == 0)))
}

async fn factor_page(
    ctx: &Ctx,
    headers: &HeaderMap,
    me: &Me,
    (factor, is_last): (Factor, bool),
    error: Option<&str>,
) -> Response {
    let t = Texts::of(ctx, headers);
    let is_passkey = factor.kind == Kind::Passkey;
    let page = FactorPage {
        frame: Frame::of(ctx, headers, Some(me.tenant)).await,
        t,
        csrf: me.csrf.clone(),
        id: factor.id,
        is_passkey,
        name: if is_passkey { shown(&factor.name) } else { t.say("me-totp-name") },
        is_last,
        error: error.map(|key| t.say(key)),
    };
    render(StatusCode::OK, &page, None)
}

/// Where a step-up leads back to.
fn address(id: Option<&str>) -> String {
    let id = id.and_then(|id| id.parse::<MethodId>().ok());
    id.map_or_else(|| "/me".to_owned(), |id| format!("/me/factor?id={id}"))
}

/// `GET /me/factor?id=`: rename or remove.
pub(super) async fn one(ctx: &Ctx, headers: &HeaderMap, text: &str) -> Result<Response, PageError> {
    let id = query(text, "id");
    let me = match guard::guarded(ctx, headers, &address(id.as_deref()), Guard::Enrolment).await? {
        Ok(me) => me,
        Err(elsewhere) => return Ok(elsewhere),
    };
    match found(ctx, &me, id.as_deref()).await? {
        Some(found) => Ok(factor_page(ctx, headers, &me, found, None).await),
        None => Ok(see_other("/me")),
    }
}

/// `POST /me/factor`: `step` is `rename` or `remove`.
pub(super) async fn change(ctx: &Ctx, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let me = match guard::guarded(ctx, headers, &address(form.get("id")), Guard::Enrolment).await? {
        Ok(me) => me,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if !me.sent(headers, form) {
        return Err(PageError::Forged);
    }
    let Some((factor, is_last)) = found(ctx, &me, form.get("id")).await? else { return Ok(see_other("/me")) };
    let now = ctx.now();
    let mut tx = ctx.app.store.write().await?;
    let outcome = match form.get("step") {
        Some("rename") if factor.kind == Kind::Passkey => {
            let Some(name) = passkey_name(form.get("name").unwrap_or_default()) else {
                drop(tx);
                return Ok(factor_page(ctx, headers, &me, (factor, is_last), Some("passkey-name-wrong")).await);
            };
            let renamed = tx.factors().rename_passkey(me.tenant, me.user.id, factor.id, &name).await;
            let detail = json!({ "method": factor.id, "address": ctx.address() });
            let told = event("factor.renamed", me.tenant, Some(me.user.id.into()), me.user.id.to_string(), detail);
            tx.audit(now, &told).await?;
            renamed.map(|()| "/me?done=renamed")
        }
        Some("remove") => {
            let removed = factors::remove(&mut tx, (me.tenant, me.user.id), factor.id, me.user.id.into(), now).await;
            removed.map(|()| "/me?done=removed")
        }
        // A form without a step changes nothing.
        _ => return Ok(see_other(&address(form.get("id")))),
    };
    match outcome {
        Ok(to) => {
            tx.commit().await?;
            Ok(see_other(to))
        }
        // It went in this moment.
        Err(StoreError::Conflict) => Ok(see_other("/me")),
        Err(error) => Err(error.into()),
    }
}
