//! Resource providers: which types there are, and in which versions (azure-cli 4.8). All are registered, always.

use axum::Json;
use axum::extract::Path;
use entrance_model::access::Action;
use entrance_model::arm::Scope;
use entrance_model::id::SubscriptionId;
use serde_json::{Value, json};

use super::ctx::Ctx;
use super::error::{ArmError, Refusal};
use crate::clusters::LOCATIONS;

/// `GET /subscriptions/{id}/providers`.
pub(super) async fn list(ctx: Ctx, Path(id): Path<String>) -> Result<Json<Value>, ArmError> {
    let subscription = ctx.subscription(&id).await?;
    ctx.allow(Action::ProvidersRead, &Scope::subscription(subscription.id))?;
    let value: Vec<Value> = PROVIDERS.iter().map(|provider| show(subscription.id, provider)).collect();
    Ok(Json(json!({ "value": value })))
}

/// `GET /subscriptions/{id}/providers/{namespace}`.
pub(super) async fn get(ctx: Ctx, Path((id, namespace)): Path<(String, String)>) -> Result<Json<Value>, ArmError> {
    let subscription = ctx.subscription(&id).await?;
    ctx.allow(Action::ProvidersRead, &Scope::subscription(subscription.id))?;
    Ok(Json(show(subscription.id, find(&namespace)?)))
}

/// `POST /subscriptions/{id}/providers/{namespace}/register`: done already.
pub(super) async fn register(ctx: Ctx, Path((id, namespace)): Path<(String, String)>) -> Result<Json<Value>, ArmError> {
    let subscription = ctx.subscription(&id).await?;
    ctx.allow(Action::ProviderRegister, &Scope::subscription(subscription.id))?;
    Ok(Json(show(subscription.id, find(&namespace)?)))
}

struct Provider {
    namespace: &'static str,
    types: &'static [(&'static str, &'static [&'static str])],
}

const PROVIDERS: &[Provider] = &[
    Provider {
        namespace: "Microsoft.Authorization",
        types: &[
            ("locks", &["2020-05-01", "2016-09-01"]),
            ("providerOperations", &["2022-04-01"]),
            ("roleAssignments", &["2022-04-01", "2020-04-01-preview"]),
            ("roleDefinitions", &["2022-04-01"]),
        ],
    },
    Provider {
        namespace: "Microsoft.ContainerService",
        types: &[(
            "managedClusters",
            &[
                "2026-08-01",
                "2026-06-01",
                "2025-10-01",
                "2025-01-01",
                "2024-09-01",
                "2024-02-01",
                "2023-04-01",
                "2022-04-01",
                "2022-03-01",
                "2021-05-01",
                "2020-11-01",
                "2017-08-31",
            ],
        )],
    },
    Provider { namespace: "Microsoft.Insights", types: &[("eventtypes", &["2015-04-01"])] },
    Provider {
        namespace: "Microsoft.Resources",
        types: &[
            ("deployments", &["2024-11-01", "2022-12-01"]),
            ("resourceGroups", &["2024-11-01", "2022-12-01"]),
            ("resources", &["2024-11-01", "2022-12-01"]),
            ("subscriptions", &["2022-12-01"]),
            ("tags", &["2024-11-01", "2022-12-01"]),
        ],
    },
];

/// The names of all of them.
pub(super) fn namespaces() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().map(|provider| provider.namespace)
}

fn find(namespace: &str) -> Result<&'static Provider, Refusal> {
    let known = PROVIDERS.iter().find(|provider| provider.namespace.eq_ignore_ascii_case(namespace));
    known.ok_or_else(|| Refusal::NoSuchType { what: format!("namespace {}", namespace.chars().take(64).collect::<String>()) })
}

fn show(subscription: SubscriptionId, provider: &Provider) -> Value {
    let locations: Vec<&str> = LOCATIONS.iter().map(|(_, display)| *display).collect();
    let types = provider.types.iter().map(|(name, versions)| {
        json!({ "resourceType": name, "locations": locations, "apiVersions": versions, "capabilities": "SupportsTags" })
    });
    json!({
        "id": format!("/subscriptions/{subscription}/providers/{}", provider.namespace),
        "namespace": provider.namespace,
        "registrationState": "Registered",
        "registrationPolicy": "RegistrationRequired",
        "resourceTypes": types.collect::<Vec<_>>()
    })
}
