//! `--login azurepipelines`: the identity of a service connection in a pipeline's job.

use entrance_client::cache::Subject;
use entrance_client::grant::{Request, federated};
use entrance_client::{Http, Secret, SignInError, SignedIn};

use super::{BadLogin, Env};
use crate::options::{Opt, Settings};

pub(crate) struct AzurePipelines {
    pub(super) request: Request,
    connection: String,
    url: String,
    token: Secret,
}

impl AzurePipelines {
    pub(super) fn of(settings: &Settings, env: Env<'_>) -> Result<Self, BadLogin> {
        let set = |name: &'static str| env(name).filter(|value| !value.is_empty()).ok_or(BadLogin::NoVariable(name));
        let token = Secret::new(set("SYSTEM_ACCESSTOKEN")?);
        let url = set("SYSTEM_OIDCREQUESTURI")?;
        let request = super::request(settings)?;
        let connection = settings.text(Opt::ServiceConnectionId).ok_or(BadLogin::NoServiceConnection)?.to_owned();
        Ok(Self { request, connection, url, token })
    }

    pub(super) fn subject(&self) -> Subject {
        Subject::Application(format!("connection {}", self.connection))
    }

    pub(super) async fn sign_in(&self, http: &Http) -> Result<SignedIn, SignInError> {
        let foreign = async || federated::azure_pipelines(http, &self.url, &self.connection, &self.token).await;
        federated::sign_in(http, &self.request, foreign).await
    }
}
