//! Which people stand behind a principal: an application acts for whoever owns it.

use std::collections::BTreeSet;

use entrance_model::cluster::door::Hands;
use entrance_model::id::{PrincipalId, ServicePrincipalId, TenantId};
use entrance_store::{Directory, StoreError};

/// The principal with all owners of its application and service principal, owners that are applications included.
pub async fn hands<M>(directory: &mut Directory<'_, M>, tenant: TenantId, principal: PrincipalId) -> Result<Hands, StoreError> {
    let (mut owners, mut todo, mut is_person) = (BTreeSet::new(), vec![principal], true);
    while let Some(one) = todo.pop() {
        let id = ServicePrincipalId::from_uuid(one.uuid());
        let Some(service_principal) = directory.service_principal(tenant, id).await? else { continue };
        is_person &= one != principal;
        let mut found = directory.owners(tenant, &id.to_string()).await?;
        if let Some(application) = directory.application_by_app_id(tenant, service_principal.app_id).await? {
            found.extend(directory.owners(tenant, &application.id.to_string()).await?);
        }
        todo.extend(found.into_iter().map(|owner| owner.id).filter(|owner| owners.insert(*owner)));
    }
    Ok(if is_person { Hands::of_person(principal) } else { Hands::of_application(principal, owners.into_iter().collect()) })
}
