//! What Entrance keeps inside a cluster: the admin groups' binding and the bindings of open break-glass
//! doors (DESIGN 5.2, lever 1).
//!
//! The functions here write one binding and prove that it is there; a [`Reconcilers`] watches a cluster and repairs what
//! somebody edited or deleted by hand, our own roles included.

mod bindings;
mod import;
mod reach;
mod reconcile;
mod repairs;
mod sealed;

#[cfg(test)]
mod tests;

use entrance_model::cluster::Door;
use entrance_model::id::{DoorId, GroupId};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client};

pub use bindings::{ADMIN_BINDING, admin_binding, door_binding};
pub use reach::{Reach, Reaching};
pub use reconcile::{Keeping, Reconcilers};
pub use repairs::{Found, Repairs};
pub(crate) use sealed::SealedRights;
pub use sealed::{SEALED_DOOR, openings, sealed_binding};

/// Why something inside a cluster could not be done.
#[derive(Debug, thiserror::Error)]
pub enum InClusterError {
    /// The API server refused or did not answer.
    #[error("the cluster's API server: {0}")]
    Api(#[from] kube::Error),
    /// Somebody changes the binding as fast as we write it.
    #[error("the binding `{0}` does not stay as it was written")]
    NotKept(String),
    /// The cluster cannot be reached with our credential.
    #[error("the cluster cannot be reached: {0}")]
    Connect(String),
    /// What shall be is not known at the moment.
    #[error("what the cluster shall hold is not known: {0}")]
    Unknown(String),
}

/// Binds these groups, and no others, to `cluster-admin`. Returns once the API server shows exactly that.
pub async fn ensure_admin_binding(client: &Client, groups: &[GroupId]) -> Result<(), InClusterError> {
    ensure(client, &admin_binding(groups)).await
}

/// The groups that are bound as administrators; `None` when there is no such binding.
pub async fn admins(client: &Client) -> Result<Option<Vec<GroupId>>, InClusterError> {
    let found = bindings_of(client).get_opt(ADMIN_BINDING).await?;
    Ok(found.map(|binding| {
        let subjects = binding.subjects.unwrap_or_default();
        subjects.iter().filter(|subject| subject.kind == "Group").filter_map(|subject| subject.name.parse().ok()).collect()
    }))
}

/// Makes the binding that gives a door's certificate its power. Returns once the API server shows it.
pub async fn open_door(client: &Client, door: &Door) -> Result<(), InClusterError> {
    ensure(client, &door_binding(door.id)).await
}

/// Removes a door's binding. Returns once the API server has it no more; it refuses the certificate within its watch's delay.
pub async fn close_door(client: &Client, door: DoorId) -> Result<(), InClusterError> {
    remove(client, &Door::group(door)).await
}

/// Brings a binding into the wanted state and reads it back; the proof is what the API server answers last.
async fn ensure(client: &Client, wanted: &ClusterRoleBinding) -> Result<(), InClusterError> {
    let (api, name) = (bindings_of(client), wanted.metadata.name.clone().unwrap_or_default());
    for _ in 0..ATTEMPTS {
        let written = match api.get_opt(&name).await? {
            Some(found) if bindings::is_as_wanted(&found, wanted) => return Ok(()),
            // A role reference cannot be changed.
            Some(found) if found.role_ref != wanted.role_ref => api.delete(&name, &only_this(&found)).await.map(drop),
            Some(found) => api.replace(&name, &PostParams::default(), &bindings::corrected(found, wanted)).await.map(drop),
            None => api.create(&PostParams::default(), wanted).await.map(drop),
        };
        match written {
            // Somebody else was first, or it is gone meanwhile: look again.
            Err(kube::Error::Api(status)) if [404, 409].contains(&status.code) => {}
            other => other?,
        }
    }
    Err(InClusterError::NotKept(name))
}

async fn remove(client: &Client, name: &str) -> Result<(), InClusterError> {
    let api = bindings_of(client);
    for _ in 0..ATTEMPTS {
        match api.delete(name, &DeleteParams::default()).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
    Err(InClusterError::NotKept(name.to_owned()))
}

fn bindings_of(client: &Client) -> Api<ClusterRoleBinding> {
    Api::all(client.clone())
}

/// Deletes what was seen, not what somebody else has put there meanwhile.
fn only_this(found: &ClusterRoleBinding) -> DeleteParams {
    let preconditions = kube::api::Preconditions { uid: found.metadata.uid.clone(), ..kube::api::Preconditions::default() };
    DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() }
}

/// One write and its proof take two; the rest is for others who write at the same moment.
const ATTEMPTS: usize = 6;
