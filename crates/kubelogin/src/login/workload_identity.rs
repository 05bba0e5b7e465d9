//! `--login workloadidentity`: a token that the platform put into a file, or that GitHub Actions gives on request.

use entrance_client::cache::Subject;
use entrance_client::grant::{Request, federated};
use entrance_client::{Http, Secret, SignInError, SignedIn};

use super::{BadLogin, Env};
use crate::options::{Opt, Settings};

pub(crate) struct WorkloadIdentity {
    pub(super) request: Request,
    source: Source,
}

enum Source {
    File(String),
    GitHub { url: String, token: Secret },
}

impl WorkloadIdentity {
    pub(super) fn of(settings: &Settings, env: Env<'_>) -> Result<Self, BadLogin> {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let request = super::request(settings)?;
        let source = match (set("ACTIONS_ID_TOKEN_REQUEST_URL"), set("ACTIONS_ID_TOKEN_REQUEST_TOKEN")) {
            (Some(url), Some(token)) => Source::GitHub { url, token: token.into() },
            _ => Source::File(settings.text(Opt::FederatedTokenFile).ok_or(BadLogin::NoTokenFile)?.to_owned()),
        };
        Ok(Self { request, source })
    }

    /// A job's tokens are not worth keeping; a file stands for one workload, although its content changes every hour.
    pub(super) fn subject(&self) -> Option<Subject> {
        match &self.source {
            Source::File(file) => Some(Subject::Application(format!("file {file}"))),
            Source::GitHub { .. } => None,
        }
    }

    pub(super) async fn sign_in(&self, http: &Http) -> Result<SignedIn, SignInError> {
        let foreign = async || match &self.source {
            Source::GitHub { url, token } => federated::github(http, url, token).await,
            Source::File(file) => read(file),
        };
        federated::sign_in(http, &self.request, foreign).await
    }
}

fn read(file: &str) -> Result<Secret, SignInError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| SignInError::Federation(format!("the federated token file {file} cannot be read: {error}")))?;
    Ok(Secret::new(text.trim().to_owned()))
}
