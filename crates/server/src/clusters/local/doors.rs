//! Break-glass doors and the sealed door of the clusters of this server: their files, and what a running API server knows of them.

use std::time::Duration;

use entrance_model::id::{ClusterUid, DoorId, PrincipalId};

use super::plane::Plane;
use super::planes::Planes;
use super::{Identity, LocalError, api, files};

impl Planes {
    /// A certificate for one holder and one door; see [`issue_break_glass`](super::issue_break_glass).
    pub async fn open_break_glass(
        &self,
        uid: ClusterUid,
        holder: PrincipalId,
        door: DoorId,
        life: Duration,
    ) -> Result<Identity, LocalError> {
        self.recorded(uid)?;
        let _one_at_a_time = self.kept.lock().await; // for the client-CA file
        super::issue_break_glass(&self.home(uid), holder, door, life, self.now())
    }

    /// Drops the roots of all doors but these, and makes a running cluster forget them.
    pub async fn keep_break_glass(&self, uid: ClusterUid, open: &[DoorId]) -> Result<(), LocalError> {
        self.drop_break_glass(uid, open).await?;
        // Also one that does not answer at the moment: an error is right, for nothing is proved then.
        let client = self.kept.lock().await.get(&uid).map(Plane::client).transpose()?;
        match client {
            Some(client) => super::break_glass::forget(&self.home(uid), client).await,
            None => Ok(()),
        }
    }

    /// Drops the roots of all doors but these. The API server reads the file again by itself; its aggregated servers still know them.
    pub async fn drop_break_glass(&self, uid: ClusterUid, open: &[DoorId]) -> Result<(), LocalError> {
        self.recorded(uid)?;
        let _one_at_a_time = self.kept.lock().await; // for the client-CA file
        super::keep_break_glass_roots(&self.home(uid), open)
    }

    /// A client that speaks to a cluster with some other credential.
    pub fn client_as(&self, uid: ClusterUid, who: &Identity) -> Result<kube::Client, LocalError> {
        api::client(&self.home(uid), &self.recorded(uid)?, who)
    }

    /// A certificate for the sealed door with this id; see [`seal_door`](super::seal_door).
    pub async fn seal(&self, uid: ClusterUid, door: DoorId, life: Duration) -> Result<Identity, LocalError> {
        self.recorded(uid)?;
        let _one_at_a_time = self.kept.lock().await; // for the signer
        super::seal_door(&self.home(uid), door, life, self.now())
    }

    /// The sealed door whose certificates the API server knows.
    pub fn sealed_door(&self, uid: ClusterUid) -> Result<Option<DoorId>, LocalError> {
        super::sealed_door_of(&self.home(uid))
    }

    /// Keeps the sealed file in the cluster's folder, where people find it when nothing else is left.
    pub fn keep_sealed(&self, uid: ClusterUid, file: &str) -> Result<(), LocalError> {
        files::write(&self.home(uid).path(super::sealed::FILE), file.as_bytes())
    }

    /// The sealed file in the cluster's folder.
    pub fn kept_sealed(&self, uid: ClusterUid) -> Result<Option<String>, LocalError> {
        files::read(&self.home(uid).path(super::sealed::FILE))
    }

    /// Throws the sealed door's signer and file away. The API server reads its file again by itself; its aggregated servers still know the signer
    /// until [`forget_dropped`](Self::forget_dropped).
    pub async fn drop_sealed(&self, uid: ClusterUid) -> Result<(), LocalError> {
        self.recorded(uid)?;
        let _one_at_a_time = self.kept.lock().await; // for the client-CA file
        super::drop_sealed_door(&self.home(uid))
    }

    /// Makes a running cluster forget roots and signers that were dropped.
    pub async fn forget_dropped(&self, uid: ClusterUid) -> Result<(), LocalError> {
        match self.running_client(uid).await? {
            Some(client) => super::break_glass::forget(&self.home(uid), client).await,
            None => Ok(()),
        }
    }
}
