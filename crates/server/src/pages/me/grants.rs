//! What the person allowed applications to do in their name (S-304), and taking it back.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use axum::http::HeaderMap;
use axum::response::Response;
use entrance_model::id::ServicePrincipalId;
use entrance_store::Reader;
use entrance_wire::oauth::form::Form;
use serde_json::json;

use super::{Me, guard};
use crate::authority::ctx::{Ctx, event};
use crate::pages::PageError;
use crate::pages::page::{see_other, shown};

/// More than a page lists.
const MOST: u32 = 500;

/// One application, and all that it was allowed.
pub(super) struct ShownGrant {
    pub(super) client: ServicePrincipalId,
    pub(super) app: String,
    pub(super) may: Vec<String>,
}

/// The person's own consents by application. What an administrator allowed for everybody is not theirs to take back.
pub(super) async fn list(me: &Me, reader: &mut Reader) -> Result<Vec<ShownGrant>, PageError> {
    let grants = reader.authority().permission_grants_of(me.tenant, me.user.id, MOST).await?;
    let mut names = HashMap::new();
    for id in grants.iter().flat_map(|grant| [grant.client, grant.resource]) {
        if let Entry::Vacant(vacant) = names.entry(id) {
            let found = reader.directory().service_principal(me.tenant, id).await?;
            vacant.insert(shown(&found.map_or_else(|| id.to_string(), |principal| principal.display_name)));
        }
    }
    let mut by_client: BTreeMap<(&str, ServicePrincipalId), Vec<String>> = BTreeMap::new();
    for grant in &grants {
        let may = by_client.entry((&names[&grant.client], grant.client)).or_default();
        may.extend(grant.scopes.iter().map(|scope| format!("{}: {}", names[&grant.resource], shown(scope))));
    }
    Ok(by_client.into_iter().map(|((app, client), may)| ShownGrant { client, app: app.to_owned(), may }).collect())
}

/// `POST /me/grants`: takes back everything that one application (`id`) was allowed. Its refresh tokens give nothing from
/// then on (65001).
pub(super) async fn withdraw(ctx: &Ctx, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let me = match guard::signed_in(ctx, headers).await? {
        Ok(me) => me,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if !me.sent(headers, form) {
        return Err(PageError::Forged);
    }
    let asked: Option<ServicePrincipalId> = form.get("id").and_then(|id| id.parse().ok());
    let mut tx = ctx.app.store.write().await?;
    let own = tx.authority().permission_grants_of(me.tenant, me.user.id, u32::MAX).await?;
    let mut is_withdrawn = false;
    for grant in own.iter().filter(|grant| Some(grant.client) == asked) {
        tx.authority().delete_permission_grant(me.tenant, grant).await?;
        let detail = json!({
            "resource": grant.resource, "consentType": grant.who.kind(), "principal": me.user.id, "scope": grant.scopes.join(" "),
            "address": ctx.address(),
        });
        let told = event("consent.revoked", me.tenant, Some(me.user.id.into()), grant.client.to_string(), detail);
        tx.audit(ctx.now(), &told).await?;
        is_withdrawn = true;
    }
    tx.commit().await?;
    Ok(see_other(if is_withdrawn { "/me?done=withdrawn" } else { "/me" }))
}
