//! The wires of the journey, as `az` uses them.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::{Method, StatusCode};
use serde_json::Value;

/// An HTTP client that trusts the demo's authority and nothing else.
pub(crate) struct Api {
    client: reqwest::Client,
    base: String,
}

/// `az`, as a public client.
const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const ARM_VERSION: &str = "2026-06-01";

/// A device code that waits for a person.
pub(crate) struct DeviceCode {
    pub(crate) user_code: String,
    secret: String,
    tenant: String,
}

impl Api {
    pub(crate) fn new(base: &str, ca: &Path) -> Result<Self> {
        let ca = std::fs::read(ca).with_context(|| format!("`{}` cannot be read", ca.display()))?;
        let client = reqwest::Client::builder()
            .tls_certs_only(reqwest::Certificate::from_pem_bundle(&ca)?)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_mins(1))
            .build()?;
        Ok(Self { client, base: base.to_owned() })
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// What `az cloud register` asks for.
    pub(crate) async fn cloud(&self) -> Result<Value> {
        let answer = self.client.get(format!("{}/metadata/endpoints?api-version=2022-09-01", self.base)).send().await?;
        json(answer).await
    }

    /// Asks for a device code, as `az login --use-device-code` does.
    pub(crate) async fn device_code(&self, tenant: &str) -> Result<DeviceCode> {
        let scope = format!("{}/arm/.default offline_access openid profile", self.base);
        let form = [("client_id", AZURE_CLI), ("scope", scope.as_str())];
        let answer = self.client.post(format!("{}/{tenant}/oauth2/v2.0/devicecode", self.base)).form(&form).send().await?;
        let answer = json(answer).await?;
        let text = |name: &str| answer[name].as_str().map(str::to_owned).with_context(|| format!("the answer has no `{name}`"));
        Ok(DeviceCode { user_code: text("user_code")?, secret: text("device_code")?, tenant: tenant.to_owned() })
    }

    /// Polls until the person has decided; answers the refresh token.
    pub(crate) async fn redeem(&self, code: &DeviceCode) -> Result<String> {
        for _ in 0..60 {
            let form = [
                ("client_id", AZURE_CLI),
                ("grant_type", DEVICE_GRANT),
                ("device_code", code.secret.as_str()),
                ("client_info", "1"),
            ];
            let answer = self.client.post(format!("{}/{}/oauth2/v2.0/token", self.base, code.tenant)).form(&form).send().await?;
            let status = answer.status();
            let answer: Value = answer.json().await?;
            match answer["error"].as_str() {
                None if status.is_success() => {
                    return Ok(answer["refresh_token"].as_str().context("no refresh token came")?.to_owned());
                }
                Some("authorization_pending" | "slow_down") => tokio::time::sleep(Duration::from_secs(2)).await,
                _ => bail!("{}", answer["error_description"].as_str().unwrap_or("the token service gave no reason")),
            }
        }
        bail!("nobody approved the device code")
    }

    /// A token for one of the server's APIs, from a refresh token.
    pub(crate) async fn token(&self, tenant: &str, refresh_token: &str, audience: &str) -> Result<String> {
        let scope = format!("{audience}/.default offline_access openid profile");
        let form = [
            ("client_id", AZURE_CLI),
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
            ("scope", scope.as_str()),
        ];
        let answer = self.client.post(format!("{}/{tenant}/oauth2/v2.0/token", self.base)).form(&form).send().await?;
        let answer = json(answer).await?;
        Ok(answer["access_token"].as_str().context("no access token came")?.to_owned())
    }

    /// A call to the resource manager.
    pub(crate) async fn arm(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, reqwest::header::HeaderMap, Value)> {
        let join = if path.contains('?') { '&' } else { '?' };
        self.call(token, method, &format!("{path}{join}api-version={ARM_VERSION}"), body).await
    }

    /// A call to the directory API.
    pub(crate) async fn graph(&self, token: &str, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let (status, _, answer) = self.call(token, method, &format!("/v1.0{path}"), body).await?;
        if !status.is_success() {
            bail!("{status}: {}", answer["error"]["message"].as_str().unwrap_or_default());
        }
        Ok(answer)
    }

    async fn call(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, reqwest::header::HeaderMap, Value)> {
        let mut request = self.client.request(method, format!("{}{path}", self.base)).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await?;
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).with_context(|| format!("{status}, but no JSON came"))?
        };
        Ok((status, headers, body))
    }

    /// Follows a long-running operation to its end.
    pub(crate) async fn wait(&self, token: &str, headers: &reqwest::header::HeaderMap) -> Result<()> {
        let address = headers
            .get("azure-asyncoperation")
            .and_then(|value| value.to_str().ok())
            .context("no `Azure-AsyncOperation` came")?;
        let path = address.strip_prefix(&self.base).context("the operation is somewhere else")?;
        for _ in 0..600 {
            let (status, _, answer) = self.call(token, Method::GET, path, None).await?;
            match answer["status"].as_str() {
                Some("Succeeded") => return Ok(()),
                Some("Failed" | "Canceled") => bail!("{}", answer["error"]["message"].as_str().unwrap_or("the operation failed")),
                Some(_) => tokio::time::sleep(Duration::from_millis(200)).await,
                None => bail!("{status}: the operation cannot be read"),
            }
        }
        bail!("the operation did not end within two minutes")
    }
}

async fn json(answer: reqwest::Response) -> Result<Value> {
    let status = answer.status();
    let body: Value = answer.json().await.with_context(|| format!("{status}, but no JSON came"))?;
    if status.is_success() {
        return Ok(body);
    }
    bail!("{status}: {}", body["error_description"].as_str().or(body["error"]["message"].as_str()).unwrap_or("no reason came"))
}
