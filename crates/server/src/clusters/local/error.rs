//! What can go wrong with a local control plane.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use entrance_model::id::ClusterUid;

use super::Part;

/// Why a local control plane could not be made, run or removed.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Neither the given path, nor the folder of this program, nor the PATH has the binary.
    #[error(
        "no `controlplane` binary was found (looked at {looked}); build it with `controlplane/build.sh` or name it with `--controlplane PATH`"
    )]
    NoBinary {
        /// The places that were tried, for people.
        looked: String,
    },
    /// The binary is there, but it is not ours or does not run here.
    #[error("`{}` is not a working control plane: {why}", path.display())]
    BadBinary {
        /// The file that was tried.
        path: PathBuf,
        /// What it did instead of telling its versions.
        why: String,
    },
    /// A file or folder could not be read or written.
    #[error("cannot {what} `{}`", path.display())]
    File {
        /// The verb, such as `write`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Other people of this machine could read the folder.
    #[error("`{}` is open to other users (mode {mode:o}); only its owner may enter it: `chmod 700`", path.display())]
    Exposed {
        /// The folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// No access to the webhooks could be made.
    #[error("access to the webhooks cannot be made: {why}")]
    Webhook {
        /// What went wrong.
        why: String,
    },
    /// A file of the cluster's folder is not what was written there.
    #[error("`{}` is damaged: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was wrong with it.
        why: String,
    },
    /// Another server supervises the clusters of this folder.
    #[error("another server already keeps the clusters in `{}`", .0.display())]
    Locked(PathBuf),
    /// No certificate could be made.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// There is no cluster with this id here.
    #[error("there is no local control plane {0}")]
    Unknown(ClusterUid),
    /// No port of the range is free.
    #[error("no free port is left for a new control plane")]
    NoPort,
    /// A process could not be started, looked at or signalled.
    #[error("cannot {what} {part}")]
    Process {
        /// The verb, such as `start`.
        what: &'static str,
        /// The process' part in the cluster.
        part: Part,
        /// What the system said.
        source: io::Error,
    },
    /// A process ended again and again.
    #[error("{part} does not stay up: {why}")]
    Crashing {
        /// The process' part in the cluster.
        part: Part,
        /// How it ended, and the last lines of its log.
        why: String,
    },
    /// A milestone was not reached in time.
    #[error("the control plane is not {what} after {} s", after.as_secs())]
    TooSlow {
        /// The milestone.
        what: &'static str,
        /// How long we waited.
        after: Duration,
    },
    /// The API server refused or broke a request.
    #[error("the API server of the cluster did not answer as expected")]
    Api(#[from] Box<kube::Error>),
    /// After new certificates were put in place, old ones were still known.
    #[error("the API server still takes certificates from before the rotation")]
    StillKnown,
    /// The break-glass certificate asked for lives longer than its signer may.
    #[error("a break-glass certificate is valid for at most {} days", .0.as_secs() / 86_400)]
    TooLong(Duration),
}

impl From<kube::Error> for LocalError {
    fn from(error: kube::Error) -> Self {
        Self::Api(Box::new(error))
    }
}

/// Names the file and what was tried in an `io::Error`.
pub(super) trait At<T> {
    fn at(self, what: &'static str, path: &Path) -> Result<T, LocalError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, what: &'static str, path: &Path) -> Result<T, LocalError> {
        self.map_err(|source| LocalError::File { what, path: path.to_owned(), source })
    }
}
