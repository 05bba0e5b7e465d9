//! Between operations: is a control plane what it shall be, and if not, what can be done?
//!
//! Processes that end are started again by whoever keeps them (`local::keep`). Here the whole is compared: whether it shall
//! run at all, whether its data is there, whether its nodes are those of its pools.

use entrance_model::cluster::{Ailment, Cluster, Condition, Spec, Step};

use super::{OnThisMachine, named, whole_story};
use crate::clusters::driver::DriverError;
use crate::clusters::local::Health;

impl OnThisMachine {
    /// A cluster that was made once is not made again over the loss of its data.
    pub(super) fn must_be_there(&self, cluster: &Cluster) -> Result<(), DriverError> {
        match self.planes.what_is_missing(cluster.uid).map_err(|error| whole_story(&error))? {
            None => Ok(()),
            Some(what) => Err(DriverError::ControlPlane(format!(
                "{what}; put it back from a backup, or delete the cluster: nothing is made in its place"
            ))),
        }
    }

    /// Puts right what can be put right at once, and tells what cannot.
    pub(super) async fn care(&self, cluster: &Cluster, spec: &Spec) -> Result<Condition, DriverError> {
        if cluster.is_stopped() {
            if self.planes.lives(cluster.uid).map_err(|error| whole_story(&error))? {
                tracing::warn!(cluster = %cluster.uid, "a stopped control plane was running and is stopped again");
                self.take(cluster, spec, Step::Halt).await?;
            }
            return Ok(Condition::Well);
        }
        match self.planes.look_after(cluster.uid).await.map_err(|error| whole_story(&error))? {
            Health::Missing(what) => {
                self.keeper.stop(cluster.uid);
                Ok(Condition::Ill(Ailment::DataMissing { what }))
            }
            Health::Down(why) => Ok(Condition::Ill(Ailment::Down { why })),
            Health::Coming => Ok(Condition::Coming),
            Health::Well => {
                self.keeper.start(cluster.uid);
                let record = self.planes.home(cluster.uid).record().map_err(|error| whole_story(&error))?;
                let has: Vec<_> = record.iter().flat_map(|record| &record.pools).filter_map(named).collect();
                if has != spec.pools {
                    tracing::warn!(cluster = %cluster.uid, "the nodes were not those of the pools and are put right");
                    self.take(cluster, spec, Step::Nodes).await?;
                }
                Ok(Condition::Well)
            }
        }
    }
}
