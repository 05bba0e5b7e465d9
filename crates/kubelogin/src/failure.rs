//! How a run ends badly: one message for standard error.

use entrance_client::SignInError;
use entrance_wire::exec_credential::BadExecInfo;

use crate::commands::convert::ConvertError;
use crate::login::BadLogin;
use crate::options::{BadOption, BadWord};

/// Everything that ends a run; the program then exits with 1.
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
    #[error("Error: {doing}: {source}")]
    Machine { doing: String, source: std::io::Error },
}
