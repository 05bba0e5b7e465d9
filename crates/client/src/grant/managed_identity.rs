//! Managed identities: the machine's own endpoint gives the token.

mod arc;

use std::path::PathBuf;

use entrance_wire::oauth_client::ManagedIdentityToken;
use jiff::Timestamp;
use reqwest::{StatusCode, Url};

use crate::{Http, Secret, SignInError, SignedIn};

/// Which identity of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The machine's own.
    System,
    /// An assigned one, by client id.
    Client(String),
    /// An assigned one, by resource id.
    Resource(String),
}

/// Where the endpoint is, as the machine's environment tells.
pub enum Endpoint {
    /// The link-local address of a virtual machine.
    Imds,
    /// App Service and its kin: `IDENTITY_ENDPOINT` with `IDENTITY_HEADER`.
    AppService {
        /// The address.
        url: String,
        /// The header's value.
        header: Secret,
    },
    /// Cloud Shell: `MSI_ENDPOINT` alone.
    CloudShell {
        /// The address.
        url: String,
    },
    /// The older App Service, and Azure ML: `MSI_ENDPOINT` with `MSI_SECRET`.
    OldAppService {
        /// The address.
        url: String,
        /// The header's value.
        secret: Secret,
        /// The application that the environment names, where nobody else does.
        client: String,
    },
    /// A machine that Azure Arc watches: `IDENTITY_ENDPOINT` with `IMDS_ENDPOINT`, or its agent.
    Arc {
        /// The address.
        url: String,
        /// The folder in which the agent leaves its proofs.
        folder: PathBuf,
    },
    /// A node of Service Fabric: `IDENTITY_ENDPOINT`, `IDENTITY_HEADER` and the print of its certificate. The client must be a
    /// pinned one.
    ServiceFabric {
        /// The address.
        url: String,
        /// The header's value.
        header: Secret,
    },
}

impl Endpoint {
    /// The name that people know it by, where it has one identity only and none can be chosen.
    fn without_a_choice(&self) -> Option<&'static str> {
        match self {
            Self::CloudShell { .. } => Some("Cloud Shell"),
            Self::Arc { .. } => Some("Azure Arc"),
            Self::ServiceFabric { .. } => Some("Service Fabric"),
            Self::Imds | Self::AppService { .. } | Self::OldAppService { .. } => None,
        }
    }
}

/// Asks the endpoint for a token.
pub async fn sign_in(http: &Http, endpoint: &Endpoint, identity: &Identity, resource: &str) -> Result<SignedIn, SignInError> {
    if let Some(name) = endpoint.without_a_choice().filter(|_| *identity != Identity::System) {
        return Err(SignInError::Federation(format!(
            "{name} has one identity only and none can be chosen\nhint: leave out `--client-id` and `--identity-resource-id`"
        )));
    }
    let asked = Timestamp::now();
    let answer: ManagedIdentityToken = match endpoint {
        Endpoint::Imds => {
            let url = with(IMDS, "2018-02-01", resource, identity, "client_id", "msi_res_id")?;
            http.get_patiently(&url, &[("Metadata", "true")], is_starting).await?
        }
        Endpoint::AppService { url, header } => {
            let url = with(url, "2019-08-01", resource, identity, "client_id", "mi_res_id")?;
            http.get(&url, &[("X-IDENTITY-HEADER", header.expose())]).await?
        }
        Endpoint::OldAppService { url, secret, client } => {
            // This one is always named, if only by an empty word.
            let named = Identity::Client(client.clone());
            let identity = if *identity == Identity::System { &named } else { identity };
            let url = with(url, "2017-09-01", resource, identity, "clientid", "mi_res_id")?;
            http.get(&url, &[("Secret", secret.expose())]).await?
        }
        Endpoint::Arc { url, folder } => {
            let url = with(url, "2020-06-01", resource, identity, "", "")?;
            arc::ask(http, &url, folder).await?
        }
        Endpoint::ServiceFabric { url, header } => {
            let url = with(url, "2019-07-01-preview", resource, identity, "", "")?;
            http.get(&url, &[("Secret", header.expose())]).await?
        }
        Endpoint::CloudShell { url } => http.post(&address(url)?, &[("Metadata", "true")], &[("resource", resource)]).await?,
    };
    let expires = match (answer.expires_on, answer.expires_in) {
        (Some(at), _) => i64::try_from(at).ok(),
        (None, Some(life)) => i64::try_from(life).ok().and_then(|life| asked.as_second().checked_add(life)),
        (None, None) => None,
    };
    let expires = expires.and_then(|at| Timestamp::from_second(at).ok());
    let Some(expires) = expires else {
        return Err(SignInError::NotAnAuthority {
            host: "the managed identity endpoint".into(),
            reason: "it does not say when its token ends".into(),
        });
    };
    Ok(SignedIn { access_token: answer.access_token.into(), expires, refresh_token: None, user_name: None })
}

/// What the link-local endpoint answers while it is busy or not there yet.
fn is_starting(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::TOO_MANY_REQUESTS) || status.is_server_error()
}

fn with(
    url: &str,
    version: &str,
    resource: &str,
    identity: &Identity,
    by_client: &str,
    by_resource: &str,
) -> Result<Url, SignInError> {
    let mut url = address(url)?;
    let mut query = url.query_pairs_mut();
    query.append_pair("api-version", version).append_pair("resource", resource);
    match identity {
        Identity::System => {}
        Identity::Client(id) => {
            query.append_pair(by_client, id);
        }
        Identity::Resource(id) => {
            query.append_pair(by_resource, id);
        }
    }
    drop(query);
    Ok(url)
}

fn address(text: &str) -> Result<Url, SignInError> {
    Url::parse(text).map_err(|error| SignInError::Federation(format!("the managed identity endpoint is no address: {error}")))
}

const IMDS: &str = "http://169.254.169.254/metadata/identity/oauth2/token";
