//! The ways to sign in, one file each.

mod azd;
mod azure_cli;
mod azure_pipelines;
pub(crate) mod chained;
mod device_code;
mod interactive;
mod msi;
pub(crate) mod pop;
mod ropc;
mod spn;
mod workload_identity;

use std::time::Duration;

use entrance_client::authority::{Authority, BadAuthority};
use entrance_client::cache::{Account, Subject};
use entrance_client::grant::{self, Request};
use entrance_client::key::KeyError;
use entrance_client::{Http, SignInError, SignedIn, Talk};

use crate::options::{BadOption, Opt, Settings};

/// The words of `--login`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Login {
    DeviceCode,
    Interactive,
    Spn,
    Ropc,
    Msi,
    AzureCli,
    Azd,
    WorkloadIdentity,
    AzurePipelines,
    Chained,
}

impl Login {
    /// In the order in which people are told about them; the first is the default.
    pub(crate) const WORDS: [&'static str; 10] =
        ["devicecode", "interactive", "spn", "ropc", "msi", "azurecli", "azd", "workloadidentity", "azurepipelines", "chained"];

    const ALL: [Self; 10] = [
        Self::DeviceCode,
        Self::Interactive,
        Self::Spn,
        Self::Ropc,
        Self::Msi,
        Self::AzureCli,
        Self::Azd,
        Self::WorkloadIdentity,
        Self::AzurePipelines,
        Self::Chained,
    ];

    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|login| login.as_str() == word)
    }

    pub(crate) fn as_str(self) -> &'static str {
        Self::WORDS[self as usize]
    }

    /// For help and completion.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::DeviceCode => "a code that is entered in a browser on any device",
            Self::Interactive => "a browser on this machine",
            Self::Spn => "an application with a secret or a certificate",
            Self::Ropc => "user name and password",
            Self::Msi => "the managed identity of this machine",
            Self::AzureCli => "whoever is signed in to the Azure CLI",
            Self::Azd => "whoever is signed in to the Azure Developer CLI",
            Self::WorkloadIdentity => "the token of a pod, or of a job of GitHub Actions",
            Self::AzurePipelines => "the service connection of an Azure Pipelines job",
            Self::Chained => "the first of these that is there, a person last",
        }
    }
}

/// The options do not suffice for this way to sign in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadLogin {
    #[error("client ID cannot be empty")]
    NoClient,
    #[error("tenant ID cannot be empty")]
    NoTenant,
    #[error("client secret cannot be empty")]
    NoSecret,
    #[error("username cannot be empty")]
    NoUser,
    #[error("password cannot be empty")]
    NoPassword,
    #[error("federated token file cannot be empty")]
    NoTokenFile,
    #[error("azure pipelines service connection ID cannot be empty")]
    NoServiceConnection,
    #[error("{0} environment variable not set")]
    NoVariable(&'static str),
    #[error("failed to read certificate: failed to read the certificate file ({file}): {source}")]
    CertificateFile { file: String, source: std::io::Error },
    #[error("failed to read certificate: {file}: {source}")]
    Certificate { file: String, source: KeyError },
    #[error("unable to parse PoP claims: {0}")]
    PopClaims(#[from] pop::BadClaims),
    #[error("{0}")]
    Authority(#[from] BadAuthority),
    #[error("{0}")]
    Option(#[from] BadOption),
}

/// Looks a variable up.
pub(crate) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A way to sign in with everything it needs.
pub(crate) enum Way {
    DeviceCode(device_code::DeviceCode),
    Interactive(interactive::Interactive),
    Spn(spn::Spn),
    Ropc(ropc::Ropc),
    Msi(msi::Msi),
    AzureCli(azure_cli::AzureCli),
    Azd(azd::Azd),
    WorkloadIdentity(workload_identity::WorkloadIdentity),
    AzurePipelines(azure_pipelines::AzurePipelines),
}

impl Way {
    /// Checks the options that this way needs; nothing is contacted.
    pub(crate) fn of(settings: &Settings, env: Env<'_>) -> Result<Self, BadLogin> {
        Self::by(settings.login, settings, env)
    }

    /// The same for a way that was not named. A chain's own way is its last one, the person's.
    fn by(login: Login, settings: &Settings, env: Env<'_>) -> Result<Self, BadLogin> {
        Ok(match login {
            Login::DeviceCode => Self::DeviceCode(device_code::DeviceCode::of(settings)?),
            Login::Interactive | Login::Chained => Self::Interactive(interactive::Interactive::of(settings)?),
            Login::Spn => Self::Spn(spn::Spn::of(settings)?),
            Login::Ropc => Self::Ropc(ropc::Ropc::of(settings)?),
            Login::Msi => Self::Msi(msi::Msi::of(settings, env)),
            Login::AzureCli => Self::AzureCli(azure_cli::AzureCli::of(settings)),
            Login::Azd => Self::Azd(azd::Azd::of(settings)),
            Login::WorkloadIdentity => Self::WorkloadIdentity(workload_identity::WorkloadIdentity::of(settings, env)?),
            Login::AzurePipelines => Self::AzurePipelines(azure_pipelines::AzurePipelines::of(settings, env)?),
        })
    }

    /// Nothing here speaks for this way; only trying it tells whether it is there.
    pub(crate) fn is_a_guess(&self) -> bool {
        match self {
            Self::Msi(way) => way.is_a_guess(),
            Self::AzureCli(_) => true,
            _ => false,
        }
    }

    /// Asks for tokens that are bound to this key; for the ways that can.
    pub(crate) fn bind(&mut self, thumbprint: &str) {
        let request = match self {
            Self::Interactive(way) => &mut way.request,
            Self::Spn(way) => &mut way.request,
            Self::Ropc(way) => &mut way.request,
            _ => return,
        };
        request.bound_to = Some(thumbprint.to_owned());
    }

    /// Tokens of another program, which keeps its own cache; no network and no runtime here.
    pub(crate) fn ask_child(&self, limit: Duration) -> Option<Result<SignedIn, SignInError>> {
        match self {
            Self::AzureCli(way) => Some(way.sign_in(limit)),
            Self::Azd(way) => Some(way.sign_in(limit)),
            _ => None,
        }
    }

    /// Whose tokens these are and what for, where they are kept.
    pub(crate) fn kept_for(&self) -> Option<(Account, &Request)> {
        let (request, subject) = match self {
            Self::DeviceCode(way) => (&way.request, way.subject()),
            Self::Interactive(way) => (&way.request, way.subject()),
            Self::Spn(way) => (&way.request, way.subject()),
            Self::Ropc(way) => (&way.request, way.subject()),
            Self::AzurePipelines(way) => (&way.request, way.subject()),
            Self::WorkloadIdentity(way) => (&way.request, way.subject()?),
            Self::Msi(_) | Self::AzureCli(_) | Self::Azd(_) => return None,
        };
        Some((account(request, subject), request))
    }

    /// Somebody has to be there.
    pub(crate) fn asks_a_person(&self) -> bool {
        matches!(self, Self::DeviceCode(_) | Self::Interactive(_))
    }

    /// Signs in over the network.
    pub(crate) async fn sign_in(&self, http: &Http, talk: &dyn Talk) -> Result<SignedIn, SignInError> {
        match self {
            Self::DeviceCode(way) => way.sign_in(http, talk).await,
            Self::Interactive(way) => way.sign_in(http, talk).await,
            Self::Spn(way) => way.sign_in(http).await,
            Self::Ropc(way) => way.sign_in(http).await,
            Self::Msi(way) => way.sign_in(http).await,
            Self::WorkloadIdentity(way) => way.sign_in(http).await,
            Self::AzurePipelines(way) => way.sign_in(http).await,
            Self::AzureCli(way) => way.sign_in(LONG),
            Self::Azd(way) => way.sign_in(LONG),
        }
    }
}

/// The parts that every way over the network has.
fn request(settings: &Settings) -> Result<Request, BadLogin> {
    let client_id = settings.text(Opt::ClientId).ok_or(BadLogin::NoClient)?;
    let tenant = settings.text(Opt::TenantId).ok_or(BadLogin::NoTenant)?;
    Ok(Request {
        authority: Authority::new(&settings.authority_host()?, tenant)?.with_instance_discovery(settings.asks_about_the_host()),
        client_id: client_id.to_owned(),
        resource: server(settings).to_owned(),
        legacy: false,
        bound_to: None,
    })
}

/// The resource behind `--server-id`.
fn server(settings: &Settings) -> &str {
    grant::resource(settings.text(Opt::ServerId).unwrap_or_default())
}

fn account(request: &Request, subject: Subject) -> Account {
    Account {
        authority: request.authority.to_string(),
        client: request.client_id.clone(),
        subject,
        legacy: request.legacy,
        bound_to: request.bound_to.clone(),
    }
}

const LONG: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_its_way() {
        for (at, word) in Login::WORDS.into_iter().enumerate() {
            let login = Login::of(word).expect("known");
            assert_eq!((login as usize, login.as_str()), (at, word));
        }
        assert_eq!(Login::of(""), None);
        assert_eq!(Login::of("DeviceCode"), None);
    }
}
