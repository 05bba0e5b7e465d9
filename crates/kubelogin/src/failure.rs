//! How a run ends badly: one message for standard error, and a code for programs that ask for it.

use entrance_client::{Kind, SignInError};
use entrance_wire::exec_credential::BadExecInfo;

use crate::commands::completion::NoShell;
use crate::commands::convert::ConvertError;
use crate::login::BadLogin;
use crate::options::{BadOption, BadWord};

/// Everything that ends a run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("Error: unknown command {0:?} for \"kubelogin\"\nRun 'kubelogin --help' for usage.")]
    UnknownCommand(String),
    #[error("Error: {0}")]
    Word(#[from] BadWord),
    #[error("Error: {0}")]
    Option(#[from] BadOption),
    #[error("Error: failed to create azidentity credential: {0}")]
    Login(#[from] BadLogin),
    #[error("Error: {0}")]
    ExecInfo(#[from] BadExecInfo),
    /// A person had to take part.
    #[error("Error: failed to authenticate: {0}")]
    Authenticate(SignInError),
    #[error("Error: failed to get token: {0}")]
    GetToken(SignInError),
    #[error("Error: {0}")]
    Convert(#[from] ConvertError),
    #[error("Error: {0}")]
    Completion(#[from] NoShell),
    /// Several people are signed in, and it has to be one of them.
    #[error("Error: several people are signed in: {}\nhint: choose one with `--account NAME`, or `--all`", .0.join(", "))]
    WhichAccount(Vec<String>),
    /// Nobody of this name is signed in.
    #[error("Error: {0} is not signed in here\nhint: `kubelogin accounts` lists who is")]
    NoSuchAccount(String),
    /// The tokens are gone here, but a service could not be told.
    #[error("Error: signed out here, but not at the service: {0}")]
    NotRevoked(String),
    /// Nobody is signed in for what was asked.
    #[error("Error: {0}")]
    NotSignedIn(String),
    /// Checks failed; each was told already.
    #[error("Error: {0} of {1} checks failed")]
    Checks(usize, usize),
    #[error("Error: {doing}: {source}")]
    Machine { doing: String, source: std::io::Error },
}

impl Failure {
    /// The word of its kind.
    pub(crate) fn kind(&self) -> &'static str {
        match self.exit_code() {
            2 => "usage",
            3 => "promptNeeded",
            4 => "denied",
            5 => "network",
            6 => "timeout",
            _ => "other",
        }
    }

    /// The code that tells the kind apart, for those who ask for it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::UnknownCommand(_)
            | Self::Word(_)
            | Self::Option(_)
            | Self::Login(_)
            | Self::ExecInfo(_)
            | Self::Completion(_)
            | Self::WhichAccount(_) => 2,
            Self::NotSignedIn(_) => 3,
            Self::Authenticate(error) | Self::GetToken(error) => match error.kind() {
                Kind::Usage => 2,
                Kind::PromptNeeded => 3,
                Kind::Denied => 4,
                Kind::Network => 5,
                Kind::Timeout => 6,
                Kind::Other => 1,
            },
            Self::NotRevoked(_) => 5,
            Self::Convert(_) | Self::NoSuchAccount(_) | Self::Checks(..) | Self::Machine { .. } => 1,
        }
    }
}
