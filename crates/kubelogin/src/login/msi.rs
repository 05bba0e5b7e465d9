//! `--login msi`: the machine's own identity.

use entrance_client::grant::managed_identity::{self, Endpoint, Identity};
use entrance_client::{Http, Secret, SignInError, SignedIn};

use super::{BadLogin, Env};
use crate::options::{Opt, Settings};

pub(crate) struct Msi {
    endpoint: Endpoint,
    identity: Identity,
    resource: String,
}

impl Msi {
    pub(super) fn of(settings: &Settings, env: Env<'_>) -> Result<Self, BadLogin> {
        let identity = match (settings.text(Opt::ClientId), settings.text(Opt::IdentityResourceId)) {
            (Some(client), _) => Identity::Client(client.to_owned()),
            (None, Some(resource)) => Identity::Resource(resource.to_owned()),
            (None, None) => Identity::System,
        };
        Ok(Self { endpoint: endpoint(env)?, identity, resource: super::server(settings).to_owned() })
    }

    pub(super) async fn sign_in(&self, _: &Http) -> Result<SignedIn, SignInError> {
        // These endpoints are plain HTTP on the machine itself.
        let http = Http::plain(crate::commands::AGENT);
        managed_identity::sign_in(&http, &self.endpoint, &self.identity, &self.resource).await
    }
}

fn endpoint(env: Env<'_>) -> Result<Endpoint, BadLogin> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    Ok(match (set("IDENTITY_ENDPOINT"), set("IDENTITY_HEADER")) {
        (Some(_), Some(_)) if set("IDENTITY_SERVER_THUMBPRINT").is_some() => {
            return Err(BadLogin::NotYet("the managed identity of Service Fabric", "use another `--login`"));
        }
        (Some(url), Some(header)) => Endpoint::AppService { url, header: header.into() },
        (Some(_), None) if set("IMDS_ENDPOINT").is_some() => {
            return Err(BadLogin::NotYet("the managed identity of Azure Arc", "use another `--login`"));
        }
        _ => match (set("MSI_ENDPOINT"), set("MSI_SECRET")) {
            (Some(url), Some(secret)) => Endpoint::OldAppService { url, secret: Secret::new(secret) },
            (Some(url), None) => Endpoint::CloudShell { url },
            (None, _) => Endpoint::Imds,
        },
    })
}
