//! `--login msi`: the machine's own identity.

use std::path::PathBuf;

use entrance_client::grant::managed_identity::{self, Endpoint, Identity};
use entrance_client::{Http, Secret, SignInError, SignedIn};

use super::{Env, Login};
use crate::commands::AGENT;
use crate::options::{Opt, Settings};

pub(crate) struct Msi {
    endpoint: Endpoint,
    identity: Identity,
    resource: String,
    /// The print of the node's certificate, on Service Fabric.
    print: Option<String>,
}

impl Msi {
    pub(super) fn of(settings: &Settings, env: Env<'_>) -> Self {
        // A chain's application is the person's; the machine's is named by the variable alone.
        let client = match settings.login {
            Login::Chained => settings.text(Opt::ClientId).filter(|_| env("AZURE_CLIENT_ID").is_some()),
            _ => settings.text(Opt::ClientId),
        };
        let identity = match (client, settings.text(Opt::IdentityResourceId)) {
            (Some(client), _) => Identity::Client(client.to_owned()),
            (None, Some(resource)) => Identity::Resource(resource.to_owned()),
            (None, None) => Identity::System,
        };
        let (endpoint, print) = endpoint(env, &Agent::of(env));
        Self { endpoint, identity, resource: super::server(settings).to_owned(), print }
    }

    /// Nothing in the environment names an endpoint; only asking tells whether the machine has one.
    pub(super) fn is_a_guess(&self) -> bool {
        matches!(self.endpoint, Endpoint::Imds)
    }

    pub(super) async fn sign_in(&self, _: &Http) -> Result<SignedIn, SignInError> {
        // These endpoints are on the machine itself: plain HTTP, or a certificate that nobody vouches for.
        let http = match &self.print {
            Some(print) => Http::pinned(print, AGENT)?,
            None => Http::plain(AGENT),
        };
        managed_identity::sign_in(&http, &self.endpoint, &self.identity, &self.resource).await
    }
}

/// Which endpoint this machine has, in the order of the original; for Service Fabric with its print.
fn endpoint(env: Env<'_>, arc: &Agent) -> (Endpoint, Option<String>) {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let endpoint = match (set("IDENTITY_ENDPOINT"), set("IDENTITY_HEADER"), set("MSI_ENDPOINT")) {
        (Some(url), Some(header), _) => match set("IDENTITY_SERVER_THUMBPRINT") {
            Some(print) => return (Endpoint::ServiceFabric { url, header: header.into() }, Some(print)),
            None => Endpoint::AppService { url, header: header.into() },
        },
        (_, _, Some(url)) => match set("MSI_SECRET") {
            Some(secret) => {
                let client = set("DEFAULT_IDENTITY_CLIENT_ID").unwrap_or_default();
                Endpoint::OldAppService { url, secret: Secret::new(secret), client }
            }
            None => Endpoint::CloudShell { url },
        },
        (Some(url), None, None) if set("IMDS_ENDPOINT").is_some() => Endpoint::Arc { url, folder: arc.tokens.clone() },
        _ if arc.is_there => Endpoint::Arc { url: ARC.into(), folder: arc.tokens.clone() },
        _ => Endpoint::Imds,
    };
    (endpoint, None)
}

/// The program with which Azure Arc watches a machine.
struct Agent {
    is_there: bool,
    tokens: PathBuf,
}

impl Agent {
    #[cfg(not(windows))]
    fn of(_: Env<'_>) -> Self {
        Self { is_there: std::path::Path::new("/opt/azcmagent/bin/himds").exists(), tokens: "/var/opt/azcmagent/tokens".into() }
    }

    #[cfg(windows)]
    fn of(env: Env<'_>) -> Self {
        let folder = |name: &str| PathBuf::from(env(name).unwrap_or_default()).join("AzureConnectedMachineAgent");
        Self { is_there: folder("ProgramFiles").join("himds.exe").exists(), tokens: folder("ProgramData").join("Tokens") }
    }
}

const ARC: &str = "http://127.0.0.1:40342/metadata/identity/oauth2/token";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_tells_which_endpoint_there_is() {
        let kind = |variables: &[&str], is_there: bool| {
            let env = |name: &str| variables.contains(&name).then(|| format!("value of {name}"));
            let (endpoint, print) = endpoint(&env, &Agent { is_there, tokens: "/tokens".into() });
            let name = match endpoint {
                Endpoint::Imds => "imds",
                Endpoint::AppService { .. } => "app service",
                Endpoint::CloudShell { .. } => "cloud shell",
                Endpoint::OldAppService { .. } => "old app service",
                Endpoint::Arc { .. } => "arc",
                Endpoint::ServiceFabric { .. } => "service fabric",
            };
            assert_eq!(print.is_some(), name == "service fabric");
            name
        };
        assert_eq!(kind(&[], false), "imds");
        assert_eq!(kind(&["IDENTITY_ENDPOINT"], false), "imds");
        assert_eq!(kind(&["IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT"], true), "app service");
        assert_eq!(kind(&["IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT"], false), "service fabric");
        assert_eq!(kind(&["MSI_ENDPOINT"], true), "cloud shell");
        assert_eq!(kind(&["MSI_ENDPOINT", "MSI_SECRET", "IDENTITY_ENDPOINT"], false), "old app service");
        assert_eq!(kind(&["IDENTITY_ENDPOINT", "IMDS_ENDPOINT"], false), "arc");
        assert_eq!(kind(&[], true), "arc");
    }
}
