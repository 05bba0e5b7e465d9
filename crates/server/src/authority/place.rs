//! The first segment of a path: which tenant is asked (S-011, S-012).

use std::sync::Arc;

use entrance_model::directory::Tenant;
use entrance_model::id::TenantId;
use entrance_model::name::is_domain;
use entrance_model::signin::Aadsts;
use entrance_wire::oauth::discovery::Places;
use uuid::uuid;

use super::memory;
use super::refused::Refused;
use crate::app::App;

/// Where a request was sent.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// `common` or `organizations`, where the address names no tenant.
    pub(crate) shared: Option<&'static str>,
    tenant: Option<Arc<Tenant>>,
}

/// Microsoft's tenant of personal accounts.
const CONSUMERS: TenantId = TenantId::from_uuid(uuid!("9188040d-6c67-4c5b-b112-36a304b66dad"));

impl Place {
    /// Finds the tenant of a path's first segment.
    pub(crate) async fn find(app: &App, segment: &str) -> Result<Self, Refused> {
        let (edition, places) = (memory::edition(app), &app.authority.memory.places);
        places.or_read(segment.to_owned(), edition, Self::look_up(app, segment)).await
    }

    async fn look_up(app: &App, segment: &str) -> Result<Self, Refused> {
        let shared = match segment {
            "common" => Some("common"),
            "organizations" => Some("organizations"),
            "consumers" => return Err(Aadsts::EntraUsersOnly.into()),
            _ => None,
        };
        let mut reader = app.store.read().await?;
        let mut directory = reader.directory();
        if let Some(shared) = shared {
            let mut tenants = directory.tenants().await?;
            let only = if tenants.len() == 1 { tenants.pop() } else { None };
            return Ok(Self { shared: Some(shared), tenant: only.map(Arc::new) });
        }
        let id = match segment.parse::<TenantId>() {
            Ok(CONSUMERS) => return Err(Aadsts::EntraUsersOnly.into()),
            Ok(id) => Some(id),
            Err(_) if is_domain(segment) => directory.tenant_of_domain(segment).await?,
            Err(_) => None,
        };
        let tenant = match id {
            Some(id) => directory.tenant(id).await?,
            None => None,
        };
        let unknown = || Refused::from(Aadsts::InvalidTenantName).about("tenant", segment);
        Ok(Self { shared: None, tenant: Some(Arc::new(tenant.ok_or_else(unknown)?)) })
    }

    /// The tenant: the one that was named, or the only one there is.
    pub(crate) fn tenant(&self) -> Result<&Arc<Tenant>, Refused> {
        self.tenant.as_ref().ok_or_else(|| Aadsts::MissingTenantRealm.into())
    }

    /// The tenant of a person's name, where the address names none.
    pub(crate) async fn tenant_of(&self, app: &App, domain: &str) -> Result<Arc<Tenant>, Refused> {
        if let Some(tenant) = &self.tenant {
            return Ok(Arc::clone(tenant));
        }
        let mut reader = app.store.read().await?;
        let mut directory = reader.directory();
        let id = directory.tenant_of_domain(domain).await?.ok_or(Refused::from(Aadsts::InvalidDomainName))?;
        directory.tenant(id).await?.map(Arc::new).ok_or_else(|| Aadsts::InvalidDomainName.into())
    }

    /// What the discovery documents write.
    pub(crate) fn spelled<'a>(&'a self, base: &'a str, id: &'a mut String) -> Places<'a> {
        if let Some(segment) = self.shared {
            return Places { base, segment, issuer_tenant: "{tenantid}" };
        }
        *id = self.tenant.as_ref().map(|tenant| tenant.id.to_string()).unwrap_or_default();
        Places { base, segment: id, issuer_tenant: id }
    }
}
