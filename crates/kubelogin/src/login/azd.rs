//! `--login azd`: whoever is signed in to the Azure Developer CLI.

use std::time::Duration;

use entrance_client::{SignInError, SignedIn, child, grant};

use crate::options::{Opt, Settings};

pub(crate) struct Azd {
    scope: String,
    tenant: Option<String>,
}

impl Azd {
    pub(super) fn of(settings: &Settings) -> Self {
        Self { scope: grant::default_scope(super::server(settings)), tenant: settings.text(Opt::TenantId).map(ToOwned::to_owned) }
    }

    pub(super) fn sign_in(&self, limit: Duration) -> Result<SignedIn, SignInError> {
        Ok(child::azure_developer_cli(&self.scope, self.tenant.as_deref(), limit)?)
    }
}
