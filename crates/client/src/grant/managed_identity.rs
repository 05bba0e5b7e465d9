//! Managed identities: the machine's own endpoint gives the token.

use entrance_wire::oauth_client::ManagedIdentityToken;
use jiff::Timestamp;
use reqwest::Url;

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
    /// The older App Service: `MSI_ENDPOINT` with `MSI_SECRET`.
    OldAppService {
        /// The address.
        url: String,
        /// The header's value.
        secret: Secret,
    },
}

/// Asks the endpoint for a token.
pub async fn sign_in(http: &Http, endpoint: &Endpoint, identity: &Identity, resource: &str) -> Result<SignedIn, SignInError> {
    let asked = Timestamp::now();
    let answer: ManagedIdentityToken = match endpoint {
        Endpoint::Imds => {
            let url = with(IMDS, "2018-02-01", resource, identity, "client_id", "msi_res_id")?;
            http.get(&url, &[("Metadata", "true")]).await?
        }
        Endpoint::AppService { url, header } => {
            let url = with(url, "2019-08-01", resource, identity, "client_id", "mi_res_id")?;
            http.get(&url, &[("X-IDENTITY-HEADER", header.expose())]).await?
        }
        Endpoint::OldAppService { url, secret } => {
            let url = with(url, "2017-09-01", resource, identity, "clientid", "mi_res_id")?;
            http.get(&url, &[("Secret", secret.expose())]).await?
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
