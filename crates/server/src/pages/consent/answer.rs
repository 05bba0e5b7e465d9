//! Yes and no: what is kept, and what the application reads.

use axum::http::HeaderMap;
use axum::response::Response;
use entrance_model::directory::User;
use entrance_model::id::GrantId;
use entrance_model::signin::Aadsts;
use entrance_model::signin::consent::{For, PermissionGrant};
use entrance_store::Tx;
use entrance_store::authority::Versioned;
use serde_json::json;
use uuid::Uuid;

use super::Question;
use crate::authority::consent::Standing;
use crate::authority::ctx::{Ctx, event};
use crate::authority::refused::Refused;
use crate::pages::flow::{Flow, Outcome, Purpose};
use crate::pages::page::see_other;
use crate::pages::{PageError, returning, steps};

/// Where somebody ends who came without an application.
pub(super) const ALLOWED: &str = "/consent/allowed";
/// The same, after a no.
pub(super) const REFUSED: &str = "/consent/refused";

/// Keeps what was allowed, and goes on.
pub(super) async fn yes(
    ctx: &Ctx,
    headers: &HeaderMap,
    id: &str,
    flow: Versioned<Flow>,
    user: &User,
    question: &Question,
    for_everybody: bool,
) -> Result<Response, PageError> {
    let who = if for_everybody { For::Everybody } else { For::Person(user.id) };
    let mut after = flow.state;
    match &mut after.purpose {
        // It was shown now.
        Purpose::Authorize { request } => request.consent = false,
        Purpose::AdminConsent { .. } => after.outcome = Some(Outcome::Answered),
        Purpose::Device { .. } | Purpose::Own { .. } => {}
    }
    let mut tx = ctx.app.store.write().await?;
    tx.authority().swap_flow(id, flow.version, &after).await?;
    for part in &question.parts {
        keep(ctx, &mut tx, &after, user, question, part, who).await?;
    }
    tx.commit().await?;
    let next = match &after.purpose {
        Purpose::AdminConsent { redirect, state, .. } => {
            let mut fields = vec![("admin_consent", "True".to_owned()), ("tenant", after.tenant.to_string())];
            fields.extend(state.clone().map(|state| ("state", state)));
            redirect.as_ref().map_or_else(|| ALLOWED.to_owned(), |redirect| with_fields(redirect, &fields))
        }
        _ => steps::next(ctx, headers, id, &after).await?,
    };
    Ok(see_other(&next))
}

async fn keep(
    ctx: &Ctx,
    tx: &mut Tx,
    flow: &Flow,
    user: &User,
    question: &Question,
    part: &Standing,
    who: For,
) -> Result<(), Refused> {
    let wanted: Vec<&str> = question.kept(part, who).iter().map(|one| one.value.as_str()).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let (client, resource) = (question.client.principal.id, part.principal);
    let mut authority = tx.authority();
    let known = authority.permitted_scopes(flow.tenant, client, resource, user.id).await?;
    if let Some(mut grant) = known.into_iter().find(|grant| grant.who == who) {
        if !grant.add(wanted.iter().copied()) {
            return Ok(());
        }
        authority.update_permission_grant(flow.tenant, &grant).await?;
    } else {
        let mut grant = PermissionGrant { id: GrantId::from_uuid(Uuid::new_v4()), client, resource, who, scopes: Vec::new() };
        grant.add(wanted.iter().copied());
        authority.insert_permission_grant(flow.tenant, &grant, ctx.now()).await?;
    }
    let detail = json!({
        "app": question.client.app, "resource": part.resource.app, "scope": wanted.join(" "), "consentType": who.kind(),
        "address": ctx.address(),
    });
    let told = event("consent.granted", flow.tenant, Some(user.id.into()), client.to_string(), detail);
    Ok(tx.audit(ctx.now(), &told).await?)
}

/// Tells the application that there is nothing, and keeps that it was asked.
pub(super) async fn no(
    ctx: &Ctx,
    headers: &HeaderMap,
    id: &str,
    flow: Versioned<Flow>,
    user: &User,
    beyond: bool,
) -> Result<Response, PageError> {
    let number = if beyond { Aadsts::AdminConsentRequired } else { Aadsts::UserDeclinedConsent };
    let refused = Refused::from(number).error("access_denied").of(user.id);
    let mut after = flow.state;
    after.outcome = Some(if matches!(after.purpose, Purpose::Device { .. }) { Outcome::Denied } else { Outcome::Answered });
    let now = ctx.now();
    let mut tx = ctx.app.store.write().await?;
    let mut authority = tx.authority();
    authority.swap_flow(id, flow.version, &after).await?;
    if let Purpose::Device { grant: hash, .. } = &after.purpose
        && let Some(grant) = authority.device_grant(hash).await?
    {
        let declined = grant.state.decline(now).map_err(|error| Refused::from(error.number()))?;
        authority.swap_device_grant(hash, grant.version, &declined).await?;
    }
    tx.commit().await?;
    Ok(match &after.purpose {
        Purpose::Authorize { request } => {
            ctx.record(ctx.decision("authorize", after.tenant, Some(request.app)), &refused).await;
            let fields = returning::refusal(ctx, request, &refused);
            returning::answer(ctx, headers, request, &after.app, &fields).await
        }
        Purpose::AdminConsent { app, redirect, state, .. } => {
            ctx.record(ctx.decision("adminconsent", after.tenant, Some(*app)), &refused).await;
            // Who may not is another thing than who does not want to (S-113).
            let error = if beyond { "access_denied" } else { "permission_denied" };
            let mut fields = vec![("error", error.to_owned()), ("error_description", refused.description(&ctx.app, &ctx.info))];
            fields.extend(state.clone().map(|state| ("state", state)));
            see_other(&redirect.as_ref().map_or_else(|| REFUSED.to_owned(), |redirect| with_fields(redirect, &fields)))
        }
        Purpose::Device { .. } => see_other(&format!("/devicelogin/done?grant={id}")),
        Purpose::Own { .. } => see_other("/"),
    })
}

fn with_fields(redirect: &str, fields: &[(&'static str, String)]) -> String {
    let sign = if redirect.contains('?') { '&' } else { '?' };
    let joined = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    format!("{redirect}{sign}{joined}")
}
