//! `--login azurecli`: whoever is signed in to the Azure CLI.

use std::time::Duration;

use entrance_client::{SignInError, SignedIn, child};

use crate::options::{Opt, Settings};

pub(crate) struct AzureCli {
    resource: String,
    tenant: Option<String>,
    subscription: Option<String>,
}

impl AzureCli {
    pub(super) fn of(settings: &Settings) -> Self {
        let text = |id| settings.text(id).map(ToOwned::to_owned);
        Self { resource: super::server(settings).to_owned(), tenant: text(Opt::TenantId), subscription: text(Opt::Subscription) }
    }

    pub(super) fn sign_in(&self, limit: Duration) -> Result<SignedIn, SignInError> {
        Ok(child::azure_cli(&self.resource, self.tenant.as_deref(), self.subscription.as_deref(), limit)?)
    }
}
