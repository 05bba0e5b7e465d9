//! One document of one issuer: TLS only, no redirects, no proxies, no more than 256 KiB, in a few seconds, and only
//! from addresses that were judged after the name was resolved; the connection goes to exactly those.

use std::net::SocketAddr;
use std::time::Duration;

use entrance_model::signin::federation::network::Reach;
use reqwest::{Certificate, StatusCode, redirect};
use url::{Host, Url};

use super::{KeysError, LARGEST};

const CONNECT: Duration = Duration::from_secs(3);
const ANSWER: Duration = Duration::from_secs(5);

/// Gets a document. `ca` is the authority of its certificate where the machine's do not know it.
pub(super) async fn get(address: &str, reach: Reach, ca: Option<&str>) -> Result<Vec<u8>, KeysError> {
    let wrong = || KeysError::Address(address.chars().take(200).collect());
    let url = Url::parse(address).map_err(|_| wrong())?;
    if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong());
    }
    let host = url.host().ok_or_else(wrong)?;
    let name = host.to_string();
    let mut builder = reqwest::Client::builder()
        .https_only(true)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT)
        .timeout(ANSWER)
        .user_agent(concat!("entrance/", env!("CARGO_PKG_VERSION")));
    match host {
        Host::Ipv4(ip) => reach.permits(ip.into())?,
        Host::Ipv6(ip) => reach.permits(ip.into())?,
        Host::Domain(domain) => {
            let port = url.port_or_known_default().ok_or_else(wrong)?;
            let found = tokio::net::lookup_host((domain, port)).await;
            let found: Vec<SocketAddr> = found.map_err(|_| KeysError::Resolve(name.clone()))?.collect();
            if found.is_empty() {
                return Err(KeysError::Resolve(name));
            }
            // One address that is out of reach spoils the name: nobody has such a mixture by accident.
            for address in &found {
                reach.permits(address.ip())?;
            }
            builder = builder.resolve_to_addrs(domain, &found);
        }
    }
    if let Some(pem) = ca {
        let trusted = Certificate::from_pem_bundle(pem.as_bytes());
        builder = builder.tls_certs_only(trusted.map_err(|_| KeysError::Form("the issuer's authority".to_owned()))?);
    }
    let failed = |error: reqwest::Error| KeysError::Connect { host: name.clone(), why: innermost(&error) };
    let mut answer = builder.build().map_err(failed)?.get(url).send().await.map_err(failed)?;
    if answer.status() != StatusCode::OK {
        return Err(KeysError::Status(name, answer.status().as_u16()));
    }
    let mut bytes = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(failed)? {
        if bytes.len() + part.len() > LARGEST {
            return Err(KeysError::TooLong(name));
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

/// The cause at the bottom; the ones above it repeat the address.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string().chars().take(200).collect()
}
