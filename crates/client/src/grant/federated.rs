//! An application that proves itself with a token of somebody else: a file in a pod, GitHub Actions, Azure Pipelines.

use reqwest::Url;
use serde::Deserialize;

use super::{Request, token};
use crate::{Http, Secret, SignInError, SignedIn};

/// Trades the foreign token for one of the token service, which is looked up first.
pub async fn sign_in(
    http: &Http,
    request: &Request,
    foreign: impl AsyncFnOnce() -> Result<Secret, SignInError>,
) -> Result<SignedIn, SignInError> {
    let endpoints = request.endpoints(http).await?;
    let foreign = foreign().await?;
    let scope = request.scope();
    let form = [
        ("client_assertion", foreign.expose()),
        ("client_assertion_type", super::assertion::JWT_BEARER),
        ("client_id", &request.client_id),
        ("client_info", "1"),
        ("grant_type", "client_credentials"),
        ("scope", &scope),
    ];
    token(http, request, &endpoints.token, &form).await
}

/// The identity token of a GitHub Actions job.
pub async fn github(http: &Http, url: &str, request_token: &Secret) -> Result<Secret, SignInError> {
    #[derive(Deserialize)]
    struct Answer {
        value: String,
    }
    let mut url = address(url, "ACTIONS_ID_TOKEN_REQUEST_URL")?;
    url.query_pairs_mut().append_pair("audience", "api://AzureADTokenExchange");
    let bearer = Secret::new(format!("bearer {}", request_token.expose()));
    let headers = [
        ("Authorization", bearer.expose()),
        ("Accept", "application/json; api-version=2.0"),
        ("Content-Type", "application/json"),
    ];
    let answer: Answer = http.get(&url, &headers).await?;
    Ok(answer.value.into())
}

/// The identity token of an Azure Pipelines job.
pub async fn azure_pipelines(
    http: &Http,
    url: &str,
    service_connection: &str,
    access_token: &Secret,
) -> Result<Secret, SignInError> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "oidcToken")]
        token: String,
    }
    let mut url = address(url, "SYSTEM_OIDCREQUESTURI")?;
    url.query_pairs_mut().append_pair("api-version", "7.1").append_pair("serviceConnectionId", service_connection);
    let bearer = Secret::new(format!("Bearer {}", access_token.expose()));
    let answer: Answer =
        http.post(&url, &[("Authorization", bearer.expose()), ("X-TFS-FedAuthRedirect", "Suppress")], &[]).await?;
    Ok(answer.token.into())
}

fn address(text: &str, variable: &str) -> Result<Url, SignInError> {
    let url = Url::parse(text).map_err(|error| SignInError::Federation(format!("{variable} is no address: {error}")))?;
    if url.scheme() != "https" {
        return Err(SignInError::Federation(format!("{variable} is not https: the job's own token would travel in the open")));
    }
    Ok(url)
}
