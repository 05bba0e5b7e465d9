//! What a driver does: bring a control plane from where it is to where it shall be, one step at a time.
//!
//! Steps come from `model::cluster::plan`; doing one twice does no harm. A driver knows machines and API servers; what a
//! cluster means in the resource manager it is told.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use entrance_model::cluster::door::{LeftBehind, Refused, Severed};
use entrance_model::cluster::{Cluster, Condition, Door, Endpoint, Failure, Observed, Spec, Step, Versions};
use entrance_model::id::{DoorId, PrincipalId};
use zeroize::Zeroizing;

use super::finding::Finding;

/// Work of a driver, under way.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T, DriverError>> + Send + 'a>>;

/// Why a driver could not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DriverError {
    /// It cannot work at all here, such as without a program to start.
    #[error("{0}")]
    Unavailable(String),
    /// The control plane did not do what it should.
    #[error("{0}")]
    ControlPlane(String),
}

impl DriverError {
    /// What the resource says after it.
    pub fn failure(&self, step: Option<Step>) -> Failure {
        let code = match self {
            Self::Unavailable(_) => "ControlPlaneUnavailable",
            Self::ControlPlane(_) => "ControlPlaneFailed",
        };
        let message = match step {
            Some(step) => format!("Could not {}: {self}.", step.as_str()),
            None => format!("Could not look at the control plane: {self}."),
        };
        Failure { code: code.to_owned(), message }
    }
}

/// A client certificate with its key, PEM.
pub struct Certificate {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: Zeroizing<String>,
}

/// Control planes of one kind.
pub trait Driver: Send + Sync {
    /// The Kubernetes versions it can run; none, when it cannot run any.
    fn versions(&self) -> Versions;

    /// Takes care again of what was running before this server started.
    fn adopt(&self) -> Doing<'_, ()>;

    /// Ends the care and leaves everything running, when this server ends.
    fn leave(&self) -> Doing<'_, ()>;

    /// What is there. Whether the settings are in force is not the driver's to know.
    fn observe<'a>(&'a self, cluster: &'a Cluster) -> Doing<'a, Observed>;

    /// Looks after a cluster that no operation works on: what can be put right at once is, and what cannot is told.
    fn look_after<'a>(&'a self, cluster: &'a Cluster, spec: &'a Spec) -> Doing<'a, Condition>;

    /// Does one step, or finds that it is done. [`Step::Enforce`] is not the driver's.
    fn apply<'a>(&'a self, cluster: &'a Cluster, spec: &'a Spec, step: Step) -> Doing<'a, ()>;

    /// Where the API server answers.
    fn endpoint<'a>(&'a self, cluster: &'a Cluster) -> Doing<'a, Endpoint>;

    /// A client of the cluster's API server with our own credential. Do not keep it for long: the credential is short-lived.
    fn client<'a>(&'a self, _: &'a Cluster) -> Doing<'a, kube::Client> {
        Box::pin(async { Err(DriverError::Unavailable("its API server cannot be asked here".to_owned())) })
    }

    /// What lies in the cluster's own files and certificates, and whether it is in force.
    fn examine<'a>(&'a self, _: &'a Cluster) -> Doing<'a, Vec<Finding>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// A certificate for one holder and one door; worth nothing until the door is open.
    fn issue<'a>(&'a self, cluster: &'a Cluster, holder: PrincipalId, door: DoorId, life: Duration) -> Doing<'a, Certificate>;

    /// A certificate for the sealed door with this id. A signer of another sealed door is refused from now on.
    fn seal<'a>(&'a self, _: &'a Cluster, _: DoorId, _: Duration) -> Doing<'a, Certificate> {
        no_sealed_door()
    }

    /// Keeps the sealed file beside the cluster.
    fn keep_sealed<'a>(&'a self, _: &'a Cluster, _: &'a str) -> Doing<'a, ()> {
        no_sealed_door()
    }

    /// The sealed file beside the cluster.
    fn kept_sealed<'a>(&'a self, _: &'a Cluster) -> Doing<'a, Option<String>> {
        no_sealed_door()
    }

    /// Throws away the signer of the sealed door, and the file. Fine to repeat.
    fn drop_sealed<'a>(&'a self, _: &'a Cluster) -> Doing<'a, ()> {
        no_sealed_door()
    }

    /// Opens a door: its group becomes cluster-admin.
    fn open_break_glass<'a>(&'a self, cluster: &'a Cluster, door: &'a Door) -> Doing<'a, ()>;

    /// Pulls both levers on a door and proves it at every API server. Fine to repeat, and for a door that was never opened.
    fn shut_break_glass<'a>(&'a self, cluster: &'a Cluster, shutting: Shutting<'a>) -> Doing<'a, Vec<Refused>>;

    /// Restarts the API servers one by one, so that no stream of anybody survives.
    fn sever<'a>(&'a self, cluster: &'a Cluster) -> Doing<'a, Vec<Severed>>;

    /// What the holder of a door wrote into the cluster.
    fn left_behind<'a>(&'a self, cluster: &'a Cluster, door: &'a Door) -> Doing<'a, LeftBehind>;
}

/// A door that is being shut.
pub struct Shutting<'a> {
    /// Which one.
    pub door: DoorId,
    /// The very certificate that was handed out, to prove that it is refused; none where the key is not known any more.
    pub credential: Option<&'a Certificate>,
    /// The cluster's doors that stay open.
    pub open: &'a [DoorId],
}

fn no_sealed_door<'a, T: Send + 'a>() -> Doing<'a, T> {
    Box::pin(async { Err(DriverError::Unavailable("clusters of this kind have no sealed door yet".to_owned())) })
}
