//! The steps of a rotation, on control planes of this machine.

use entrance_model::cluster::{Cluster, Step};

use super::{OnThisMachine, whole_story};
use crate::clusters::driver::DriverError;

impl OnThisMachine {
    /// Takes one of the steps that change keys and certificates. They are named by the operation that makes them.
    pub(super) async fn rotate(&self, cluster: &Cluster, step: Step) -> Result<(), DriverError> {
        let none = || DriverError::ControlPlane("keys are made by an operation, and none is under way".to_owned());
        let (uid, by) = (cluster.uid, cluster.state.operation().ok_or_else(none)?);
        let done = match step {
            Step::MakeKeys => self.planes.make_keys(uid, by).await,
            Step::SwapKeys => {
                // What holds certificates that end now asks again afterwards.
                self.keeper.stop(uid);
                self.planes.swap_keys(uid, by).await
            }
            Step::DropOldKeys => self.planes.drop_old_keys(uid).await,
            Step::RestoreKeys => {
                self.keeper.stop(uid);
                self.planes.restore_keys(uid).await
            }
            Step::RenewSigningKey => self.planes.renew_signing_key(uid, by).await,
            _ => Ok(()),
        };
        done.map_err(|error| whole_story(&error))
    }
}
