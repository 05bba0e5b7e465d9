//! Signing in: as an application, as whoever is signed in to az, or with a device code.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use entrance_client::authority::Authority;
use entrance_client::cache::{Account, Subject, TokenCache};
use entrance_client::grant::{self, Request, device_code};
use entrance_client::{Http, Secret, SignInError, SignedIn, Talk, Trust, child};
use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::output::talk;

/// How to sign in.
#[derive(clap::ValueEnum, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Login {
    /// The first of the others that can work.
    #[default]
    Auto,
    /// Whoever is signed in to the Azure CLI.
    #[value(name = "azurecli")]
    AzureCli,
    /// A person with a browser somewhere.
    #[value(name = "devicecode")]
    DeviceCode,
    /// An application, by `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`.
    Spn,
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    ResourceManager,
    Graph,
}

/// Tokens of one caller, got when they are needed and kept for the rest of the command.
pub(super) struct Tokens {
    base: String,
    ca: Option<PathBuf>,
    tenant: Option<String>,
    login: Login,
    got: Mutex<Vec<(Api, std::sync::Arc<Secret>)>>,
}

impl Tokens {
    pub(super) fn new(base: &str, ca: Option<PathBuf>, tenant: Option<String>, login: Login) -> Self {
        Self { base: base.to_owned(), ca, tenant, login, got: Mutex::default() }
    }

    /// The token for an API.
    pub(super) async fn of(&self, api: Api) -> Result<std::sync::Arc<Secret>> {
        let mut got = self.got.lock().await;
        if let Some((_, token)) = got.iter().find(|(of, _)| *of == api) {
            return Ok(token.clone());
        }
        let resource = match api {
            Api::ResourceManager => format!("{}/arm", self.base),
            Api::Graph => "https://graph.microsoft.com".to_owned(),
        };
        let token = std::sync::Arc::new(self.sign_in(&resource).await.context("signing in failed")?);
        got.push((api, token.clone()));
        Ok(token)
    }

    async fn sign_in(&self, resource: &str) -> Result<Secret> {
        match self.login {
            Login::Auto if application().is_some() => self.application(resource).await,
            Login::Auto => match self.azure_cli(resource).await {
                Ok(token) => Ok(token),
                Err(_) if std::io::stderr().is_terminal() || self.has_account() => self.device_code(resource).await,
                Err(error) => Err(error.context("az is not signed in here, and nobody is there to use a device code")),
            },
            Login::AzureCli => self.azure_cli(resource).await,
            Login::DeviceCode => self.device_code(resource).await,
            Login::Spn => self.application(resource).await,
        }
    }

    async fn azure_cli(&self, resource: &str) -> Result<Secret> {
        let (resource, tenant) = (resource.to_owned(), self.tenant.clone());
        let asked = tokio::task::spawn_blocking(move || child::azure_cli(&resource, tenant.as_deref(), None, AZ)).await?;
        let got = asked.context("az gave no token; `az login` first, or choose another `--login`")?;
        Ok(got.access_token)
    }

    async fn application(&self, resource: &str) -> Result<Secret> {
        let (client, secret) =
            application().context("AZURE_CLIENT_ID and AZURE_CLIENT_SECRET must both be set for `--login spn`")?;
        let Some(tenant) = &self.tenant else { bail!("`--login spn` needs `--tenant` or AZURE_TENANT_ID") };
        let request = Request {
            authority: Authority::new(&self.base, tenant)?,
            client_id: client,
            resource: resource.into(),
            legacy: false,
            bound_to: None,
        };
        Ok(grant::client_secret(&self.http()?, &request, &secret).await?.access_token)
    }

    async fn device_code(&self, resource: &str) -> Result<Secret> {
        let authority = Authority::new(&self.base, self.tenant.as_deref().unwrap_or(ANY_TENANT))?;
        let request =
            Request { authority, client_id: AZURE_CLI.into(), resource: resource.into(), legacy: false, bound_to: None };
        let (http, account) = (self.http()?, self.account());
        let Some(cache) = cache() else { return Ok(ask(&http, &request).await?.access_token) };
        if let Some(hit) = cache.token(&account, resource, Timestamp::now()) {
            return Ok(hit.token);
        }
        // Commands that start together ask a person once.
        let _lock = cache.lock(&account, PERSON, || talk("Another `entrance` is signing in; waiting for it."));
        if let Some(hit) = cache.token(&account, resource, Timestamp::now()) {
            return Ok(hit.token);
        }
        let got = match cache.account(&account) {
            Some(known) => match grant::refresh(&http, &request, &known.refresh_token).await {
                Ok(mut got) => {
                    got.refresh_token = got.refresh_token.or(Some(known.refresh_token));
                    got
                }
                Err(error) if error.needs_a_person() => ask(&http, &request).await?,
                Err(error) => return Err(error.into()),
            },
            None => ask(&http, &request).await?,
        };
        if let Err(error) = cache.keep(&account, resource, &got) {
            talk(&format!("warning: {error}; the next command signs in again"));
        }
        Ok(got.access_token)
    }

    fn has_account(&self) -> bool {
        cache().is_some_and(|cache| cache.account(&self.account()).is_some())
    }

    fn account(&self) -> Account {
        let tenant = self.tenant.as_deref().unwrap_or(ANY_TENANT);
        Account {
            authority: format!("{}/{tenant}", self.base),
            client: AZURE_CLI.to_owned(),
            subject: Subject::Person(None),
            legacy: false,
            bound_to: None,
        }
    }

    fn http(&self) -> Result<Http, SignInError> {
        Http::new(&Trust { file: self.ca.clone(), data: None }, concat!("entrance/", env!("CARGO_PKG_VERSION")))
    }
}

async fn ask(http: &Http, request: &Request) -> Result<SignedIn, SignInError> {
    device_code::sign_in(http, request, &Stderr).await
}

struct Stderr;

impl Talk for Stderr {
    fn say(&self, message: &str) {
        talk(message);
    }
}

fn application() -> Option<(String, Secret)> {
    let text = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
    Some((text("AZURE_CLIENT_ID")?, text("AZURE_CLIENT_SECRET")?.into()))
}

/// Where tokens of the device code are kept, sealed, as kubelogin keeps its own.
fn cache() -> Option<TokenCache> {
    let folder = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))?;
    Some(TokenCache::at(folder.join("entrance")))
}

/// The application that az signs in with: it may call both APIs without anybody's consent.
const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const ANY_TENANT: &str = "organizations";
const AZ: Duration = Duration::from_mins(1);
const PERSON: Duration = Duration::from_mins(16);
