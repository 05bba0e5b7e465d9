//! Making tenants: what every tenant holds from its first moment.

use entrance_model::directory::{ServicePrincipal, Tenant};
use entrance_model::id::ServicePrincipalId;
use entrance_model::well_known::FIRST_PARTY;
use entrance_store::{AuditEvent, StoreError};
use uuid::Uuid;

use crate::app::App;

/// Makes a tenant with the first-party applications' service principals (DESIGN 4).
pub async fn tenant(app: &App, tenant: &Tenant) -> Result<(), StoreError> {
    let now = app.now();
    let mut tx = app.store.write().await?;
    tx.directory().insert_tenant(tenant).await?;
    for known in FIRST_PARTY {
        let principal = ServicePrincipal {
            id: ServicePrincipalId::from_uuid(Uuid::new_v4()),
            app_id: known.app_id,
            display_name: known.name.to_owned(),
            enabled: true,
            is_first_party: true,
            assignment_required: false,
            credentials: Vec::new(),
            created: now,
            other: serde_json::Map::new(),
        };
        tx.directory().insert_service_principal(tenant.id, &principal).await?;
    }
    tx.audit(
        now,
        &AuditEvent {
            kind: "tenant.created",
            tenant: Some(tenant.id),
            actor: None,
            target: Some(tenant.id.to_string()),
            detail: serde_json::json!({ "displayName": tenant.display_name, "domains": tenant.domains }),
        },
    )
    .await?;
    tx.commit().await
}
