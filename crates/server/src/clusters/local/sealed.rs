//! The sealed door's part of a cluster's folder: its signer, and the sealed file.
//!
//! The signer is the door's own and lives as long as the door does: certificates are made anew every day, and copies of
//! older files stay good until their own end. Thrown away, it takes every copy with it, wherever that is.

use std::time::Duration;

use entrance_model::Timestamp;
use entrance_model::cluster::Door;
use entrance_model::id::DoorId;

use super::home::ClusterHome;
use super::pki::{self, Authority, Identity, Leaf, Subject};
use super::{LocalError, files};

/// A certificate for a sealed door: user `breakglass:offline:{door}`, group `entrance:break-glass:{door}`, never `system:masters`.
pub fn seal_door(home: &ClusterHome, door: DoorId, life: Duration, now: Timestamp) -> Result<Identity, LocalError> {
    let signer = Authority::ensure(home, pki::SEALED_CA, &signer_of(door), pki::CA_LIFE, now)?;
    if signer.name != signer_of(door) {
        return Err(LocalError::Damaged { path: home.path(pki::SEALED_CA), why: "it signs for another sealed door".to_owned() });
    }
    pki::write_client_ca(home)?;
    let subject = Subject { name: Door::offline_user(door), group: Some(Door::group(door)) };
    signer.issue(Leaf::client(subject), life, now)
}

/// Throws signer and file away: from the next read of the client-CA file on, no copy of the file opens anything. A running
/// cluster has to forget the signer besides: [`Planes::drop_sealed`](super::Planes::drop_sealed) does both.
pub fn drop_sealed_door(home: &ClusterHome) -> Result<(), LocalError> {
    files::remove(&home.path(pki::SEALED_CA))?;
    files::remove(&home.path(FILE))?;
    pki::write_client_ca(home)
}

/// The sealed door whose certificates the API server knows.
pub fn sealed_door_of(home: &ClusterHome) -> Result<Option<DoorId>, LocalError> {
    Ok(Authority::load(home, pki::SEALED_CA)?.and_then(|signer| signer.name.strip_prefix(SIGNER)?.parse().ok()))
}

fn signer_of(door: DoorId) -> String {
    format!("{SIGNER}{door}")
}

const SIGNER: &str = "entrance-sealed-door-signer-";

/// The sealed file's name in the folder.
pub(super) const FILE: &str = "sealed-door.json";
