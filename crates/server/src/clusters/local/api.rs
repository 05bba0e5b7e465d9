//! Entrance as a client of a local control plane, and the question whether it is ready.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::Client;

use super::LocalError;
use super::home::{ClusterHome, Record};
use super::pki::Identity;

/// A client that speaks to the cluster as `who`.
pub(super) fn client(home: &ClusterHome, record: &Record, who: &Identity) -> Result<Client, LocalError> {
    let damaged = |why: String| LocalError::Damaged { path: home.path("pki/ca.crt"), why };
    let uri = record.url().parse::<http::Uri>().map_err(|e| damaged(e.to_string()))?;
    let mut config = kube::Config::new(uri);
    let ca = home.ca_pem()?;
    let (_, ca) = x509_parser::pem::parse_x509_pem(ca.as_bytes()).map_err(|e| damaged(e.to_string()))?;
    config.root_cert = Some(vec![ca.contents]);
    config.connect_timeout = Some(Duration::from_secs(5));
    config.auth_info.client_certificate_data = Some(STANDARD.encode(&who.cert_pem));
    config.auth_info.client_key_data = Some(STANDARD.encode(who.key_pem.as_bytes()).into());
    Ok(Client::try_from(config)?)
}

/// Whether `/readyz` says ok. Everything else means not yet: before the first roles exist the answer is 403.
pub(super) async fn is_ready(client: &Client) -> bool {
    let Ok(ask) = http::Request::get("/readyz").body(Vec::new()) else { return false };
    matches!(tokio::time::timeout(PROBE, client.request_text(ask)).await, Ok(Ok(_)))
}

/// What an API server says to a credential that may do everything or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// It is known and may.
    Allowed,
    /// It is known and may not.
    Forbidden,
    /// It is not known.
    Unknown,
}

/// Asks for something that only an administrator may read, so that the answer tells what the credential is worth now.
pub async fn probe(client: &Client) -> Result<Probe, LocalError> {
    let ask = http::Request::get("/api/v1/namespaces?limit=1").body(Vec::new()).map_err(kube::Error::HttpError)?;
    match tokio::time::timeout(PROBE, client.request_text(ask)).await {
        Err(_) => Err(LocalError::TooSlow { what: "answering", after: PROBE }),
        Ok(Ok(_)) => Ok(Probe::Allowed),
        Ok(Err(kube::Error::Api(status))) if status.code == 401 => Ok(Probe::Unknown),
        Ok(Err(kube::Error::Api(status))) if status.code == 403 => Ok(Probe::Forbidden),
        Ok(Err(error)) => Err(error.into()),
    }
}

/// Whether the API server says that an authorization configuration with this hash is the last one that it took into force.
pub(super) async fn authorizes_with(client: &Client, hash: &str) -> Result<bool, LocalError> {
    let ask = http::Request::get("/metrics").body(Vec::new()).map_err(kube::Error::HttpError)?;
    let metrics = client.request_text(ask).await?;
    Ok(metrics.lines().any(|line| line.starts_with(AUTHORIZATION_INFO) && line.contains(hash)))
}

const AUTHORIZATION_INFO: &str = "apiserver_authorization_config_controller_last_config_info{";
const PROBE: Duration = Duration::from_secs(3);
