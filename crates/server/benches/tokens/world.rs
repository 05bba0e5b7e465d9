//! A running demo, and what its clients send.

use anyhow::{Context as _, Result, ensure};
use entrance_model::Timestamp;
use entrance_model::directory::User;
use entrance_model::id::SessionId;
use entrance_model::signin::{Method, SignIn};
use entrance_server::Server;
use entrance_server::setup::demo;
use serde_json::Value;
use uuid::Uuid;

pub(crate) const AZ: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
pub(crate) const AKS: &str = "6dae42f8-4368-4678-94ff-3960e28e3630/.default";

pub(crate) type Form = Vec<(&'static str, String)>;

/// A running demo and a client that trusts it.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) client: reqwest::Client,
    pub(crate) base: String,
    token: String,
    user: User,
    password: String,
    pub(crate) pipeline: Form,
}

impl World {
    pub(crate) async fn of(server: Server) -> Result<Self> {
        let facts = demo::facts(server.app().data.path(), None)?;
        demo::prepare(server.app(), &facts, &server.ca_file()).await?;
        let ca = reqwest::Certificate::from_pem_bundle(&std::fs::read(server.ca_file())?)?;
        let client = reqwest::Client::builder().tls_certs_only(ca).http1_only().build()?;
        let base = server.app().base().to_owned();
        let person = facts.seed.people.first().context("the demo has people")?;
        let found = server.app().store.read().await?.directory().user_by_upn(facts.tenant, &person.upn.parse()?).await?;
        Ok(Self {
            client,
            token: format!("{base}/{}/oauth2/v2.0/token", facts.tenant),
            base,
            user: found.context("the person is in the directory")?,
            password: person.password.clone().context("people of the demo have passwords")?,
            pipeline: vec![
                ("grant_type", "client_credentials".to_owned()),
                ("client_id", facts.pipeline.app_id.to_string()),
                ("client_secret", facts.pipeline.secret.clone()),
                ("scope", AKS.to_owned()),
            ],
            server,
        })
    }

    /// Asks for nothing: what TLS and HTTP cost.
    pub(crate) async fn nothing(&self) -> Result<()> {
        Ok(self.client.get(format!("{}/livez", self.base)).send().await?.error_for_status().map(drop)?)
    }

    pub(crate) async fn tokens(&self, form: &Form) -> Result<Value> {
        let answer = self.post(&self.token, form).await?;
        ensure!(answer["access_token"].is_string(), "no token: {answer}");
        Ok(answer)
    }

    async fn post(&self, url: &str, form: &Form) -> Result<Value> {
        Ok(self.client.post(url).form(form).send().await?.json().await?)
    }

    pub(crate) fn by_password(&self) -> Form {
        let scope = format!("{AKS} openid offline_access");
        let named = [
            ("grant_type", "password"),
            ("client_id", AZ),
            ("username", self.user.upn.as_str()),
            ("password", &self.password),
            ("scope", &scope),
        ];
        named.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
    }

    pub(crate) fn by_refresh(token: &str) -> Form {
        vec![("grant_type", "refresh_token".to_owned()), ("client_id", AZ.to_owned()), ("refresh_token", token.to_owned())]
    }

    /// A new device code.
    pub(crate) async fn device_code(&self) -> Result<String> {
        let form = vec![("client_id", AZ.to_owned()), ("scope", format!("{AKS} openid offline_access"))];
        let answer = self.post(&self.token.replace("/token", "/devicecode"), &form).await?;
        Ok(answer["device_code"].as_str().context("a device code")?.to_owned())
    }

    pub(crate) fn by_device(code: &str) -> Form {
        vec![("grant_type", "device_code".to_owned()), ("client_id", AZ.to_owned()), ("device_code", code.to_owned())]
    }

    /// The poll of a device that waits.
    pub(crate) async fn poll(&self, code: &str) -> Result<()> {
        let answer = self.post(&self.token, &Self::by_device(code)).await?;
        let error = answer["error"].as_str().unwrap_or_default();
        ensure!(["authorization_pending", "slow_down"].contains(&error), "{answer}");
        Ok(())
    }

    /// Says yes to a device, as the page does once somebody is signed in there; the page itself is no part of this.
    pub(crate) async fn approve(&self, code: &str) -> Result<()> {
        let hash = sha256(code);
        let now = Timestamp::now();
        let by = SignIn { user: self.user.id, at: now, how: vec![Method::Pwd], session: SessionId::from_uuid(Uuid::new_v4()) };
        let mut tx = self.server.app().store.write().await?;
        let found = tx.authority().device_grant(&hash).await?.context("the grant of the code")?;
        tx.authority().swap_device_grant(&hash, found.version, &found.state.approve(by, now)?).await?;
        Ok(tx.commit().await?)
    }
}

/// As the store knows a device code.
fn sha256(text: &str) -> String {
    use base64::Engine as _;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest)
}
