//! Making tenants: what every tenant holds from its first moment.

pub mod demo;
pub mod facts;
pub mod first;
pub mod seed;

use std::path::PathBuf;

use entrance_model::Timestamp;
use entrance_model::directory::{ServicePrincipal, Tenant};
use entrance_model::id::ServicePrincipalId;
use entrance_model::well_known::FIRST_PARTY;
use entrance_store::{AuditEvent, StoreError, Tx};
use uuid::Uuid;

use crate::app::App;

/// Why a tenant cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The seed has a mistake.
    #[error("the seed: {0}")]
    Seed(#[source] seed::SeedError),
    /// The demo exists already, with other people.
    #[error("`{0}` exists: this data directory holds a demo already; choose another folder with `--data` to use a seed")]
    SeedComesTooLate(PathBuf),
    /// A file cannot be read or written.
    #[error("`{0}`: {1}")]
    File(PathBuf, String),
}

/// Makes a tenant with the first-party applications' service principals (DESIGN 4).
pub async fn tenant(app: &App, tenant: &Tenant) -> Result<(), StoreError> {
    let mut tx = app.store.write().await?;
    insert_tenant(&mut tx, tenant, app.now()).await?;
    tx.commit().await
}

async fn insert_tenant(tx: &mut Tx, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
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
    let event = AuditEvent {
        kind: "tenant.created",
        tenant: Some(tenant.id),
        actor: None,
        target: Some(tenant.id.to_string()),
        detail: serde_json::json!({ "displayName": tenant.display_name, "domains": tenant.domains }),
    };
    tx.audit(now, &event).await
}
