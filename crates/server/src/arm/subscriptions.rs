//! Tenants, subscriptions and their locations: what a sign-in looks for first (azure-cli 2.4).

use axum::Json;
use axum::extract::Path;
use entrance_model::access::Action;
use entrance_model::arm::{Scope, Subscription};
use serde_json::{Value, json};

use super::ctx::Ctx;
use super::error::{ArmError, Refusal};
use crate::clusters::LOCATIONS;

/// `GET /tenants`: the caller's own.
pub(super) async fn tenants(ctx: Ctx) -> Result<Json<Value>, ArmError> {
    let tenant = ctx.app.store.read().await?.directory().tenant(ctx.tenant()).await?;
    let tenant = tenant.ok_or_else(|| Refusal::NotFound(ctx.tenant().to_string()))?;
    let shown = json!({
        "id": format!("/tenants/{}", tenant.id),
        "tenantId": tenant.id,
        "displayName": tenant.display_name,
        "defaultDomain": tenant.domains.first(),
        "domains": tenant.domains,
        "tenantType": "AAD",
        "tenantCategory": "Home"
    });
    Ok(Json(json!({ "value": [shown], "count": { "type": "Total", "value": 1 } })))
}

/// `GET /subscriptions`: those where the caller may see something.
pub(super) async fn list(ctx: Ctx) -> Result<Json<Value>, ArmError> {
    let all = ctx.app.store.read().await?.arm().subscriptions(ctx.tenant()).await?;
    let value: Vec<Value> = all.iter().filter(|subscription| is_visible(&ctx, subscription)).map(show).collect();
    let count = value.len();
    Ok(Json(json!({ "value": value, "count": { "type": "Total", "value": count } })))
}

/// `GET /subscriptions/{id}`.
pub(super) async fn get(ctx: Ctx, Path(id): Path<String>) -> Result<Json<Value>, ArmError> {
    let subscription = ctx.subscription(&id).await?;
    if !is_visible(&ctx, &subscription) {
        ctx.allow(Action::SubscriptionRead, &Scope::subscription(subscription.id))?;
    }
    Ok(Json(show(&subscription)))
}

/// `GET /subscriptions/{id}/locations`.
pub(super) async fn locations(ctx: Ctx, Path(id): Path<String>) -> Result<Json<Value>, ArmError> {
    let subscription = ctx.subscription(&id).await?;
    if !is_visible(&ctx, &subscription) {
        ctx.allow(Action::LocationsRead, &Scope::subscription(subscription.id))?;
    }
    let shown = LOCATIONS.iter().map(|(name, display)| {
        json!({
            "id": format!("/subscriptions/{}/locations/{name}", subscription.id),
            "name": name,
            "type": "Region",
            "displayName": display,
            "regionalDisplayName": display,
            "metadata": { "regionType": "Physical", "regionCategory": "Recommended" }
        })
    });
    Ok(Json(json!({ "value": shown.collect::<Vec<_>>() })))
}

// A role anywhere in a subscription makes the subscription itself visible, as people could not get to their part of it otherwise.
fn is_visible(ctx: &Ctx, subscription: &Subscription) -> bool {
    let scope = Scope::subscription(subscription.id);
    let is_mine = |principal| principal == ctx.oid() || ctx.groups().iter().any(|group| principal == (*group).into());
    ctx.may(Action::SubscriptionRead, &scope)
        || ctx.assignments().iter().any(|a| is_mine(a.principal) && (scope.covers(&a.scope) || a.scope.covers(&scope)))
}

fn show(subscription: &Subscription) -> Value {
    json!({
        "id": format!("/subscriptions/{}", subscription.id),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": subscription.id,
        "tenantId": subscription.tenant,
        "displayName": subscription.name,
        "state": "Enabled",
        "subscriptionPolicies": { "locationPlacementId": "Public_2014-09-01", "quotaId": "EnterpriseAgreement_2014-09-01", "spendingLimit": "Off" }
    })
}
