//! `/organization` and `/domains`: the tenant itself (G-500).

use axum::extract::Path;
use entrance_model::directory::Tenant;
use entrance_model::directory_rules::access::{Action, Area};
use entrance_wire::graph::Object;
use serde_json::{Value, json};

use super::ctx::Ctx;
use super::error::GraphError;
use super::reply::{Reply, Shown};

async fn tenant(ctx: &Ctx) -> Result<Tenant, GraphError> {
    ctx.allow(Action::Read(Area::Organization))?;
    ctx.organization(&mut ctx.read().await?.directory()).await
}

/// `GET /organization`
pub(super) async fn list(ctx: Ctx) -> Reply<Shown> {
    let tenant = tenant(&ctx).await?;
    Ok(ctx.values("organization", vec![Value::Object(organization(&tenant))]))
}

/// `GET /organization/{id}`
pub(super) async fn show(ctx: Ctx, Path(id): Path<String>) -> Reply<Shown> {
    let tenant = tenant(&ctx).await?;
    if id.parse() != Ok(tenant.id) {
        return Err(GraphError::not_found(&id));
    }
    Ok(ctx.one("organization/$entity", organization(&tenant)))
}

/// `GET /domains`
pub(super) async fn domains(ctx: Ctx) -> Reply<Shown> {
    let tenant = tenant(&ctx).await?;
    let all = tenant.domains.iter().enumerate().map(|(n, name)| Value::Object(domain_of(name, n == 0))).collect();
    Ok(ctx.values("domains", all))
}

/// `GET /domains/{name}`
pub(super) async fn domain(ctx: Ctx, Path(id): Path<String>) -> Reply<Shown> {
    let tenant = tenant(&ctx).await?;
    let at = tenant.domains.iter().position(|name| name.eq_ignore_ascii_case(&id));
    let at = at.ok_or_else(|| GraphError::not_found(&id))?;
    Ok(ctx.one("domains/$entity", domain_of(&tenant.domains[at], at == 0)))
}

fn organization(tenant: &Tenant) -> Object {
    let domain = |(n, name): (usize, &String)| json!({"capabilities": "Email, OfficeCommunicationsOnline", "isDefault": n == 0, "isInitial": n == 0, "name": name, "type": "Managed"});
    object(json!({
        "id": tenant.id.to_string(),
        "deletedDateTime": null,
        "businessPhones": [],
        "city": null,
        "country": null,
        "countryLetterCode": null,
        "createdDateTime": tenant.created.to_string(),
        "defaultUsageLocation": null,
        "displayName": tenant.display_name,
        "marketingNotificationEmails": [],
        "onPremisesLastSyncDateTime": null,
        "onPremisesSyncEnabled": null,
        "postalCode": null,
        "preferredLanguage": null,
        "securityComplianceNotificationMails": [],
        "securityComplianceNotificationPhones": [],
        "state": null,
        "street": null,
        "technicalNotificationMails": [],
        "tenantType": "AAD",
        "assignedPlans": [],
        "provisionedPlans": [],
        "verifiedDomains": tenant.domains.iter().enumerate().map(domain).collect::<Vec<_>>(),
    }))
}

fn domain_of(name: &str, is_default: bool) -> Object {
    object(json!({
        "id": name,
        "authenticationType": "Managed",
        "availabilityStatus": null,
        "isAdminManaged": true,
        "isDefault": is_default,
        "isInitial": is_default,
        "isRoot": true,
        "isVerified": true,
        "passwordNotificationWindowInDays": null,
        // 2147483647 is the original's way to say that passwords do not expire.
        "passwordValidityPeriodInDays": 2_147_483_647,
        "state": null,
        "supportedServices": [],
    }))
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}
