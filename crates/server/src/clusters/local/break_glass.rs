//! Certificates for the hour when nothing else opens the cluster.
//!
//! Each door has a root of its own, which signs one certificate; its key is never written anywhere. The root is in the client-CA file only while
//! the door is open (lever 2), so one door can be shut for good while another stays open. The group in the certificate is bound to a role only
//! while the door is open, which is someone else's work (lever 1).

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use entrance_model::Timestamp;
use entrance_model::cluster::Door;
use entrance_model::id::{DoorId, PrincipalId};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::DeleteParams;
use kube::{Api, Client};
use x509_parser::pem::Pem;

use super::error::At as _;
use super::home::ClusterHome;
use super::pki::{self, Authority, Identity, Leaf, Subject};
use super::{LocalError, files};

/// A certificate for one holder and one door: user `breakglass:{oid}`, group `entrance:break-glass:{door}`, never `system:masters`.
///
/// Makes the door's root and lets the API server know it. The API server accepts the certificate as soon as it has read its client-CA file
/// again, well within a second.
pub fn issue_break_glass(
    home: &ClusterHome,
    holder: PrincipalId,
    door: DoorId,
    valid_for: Duration,
    now: Timestamp,
) -> Result<Identity, LocalError> {
    if valid_for > ROOT_LIFE {
        return Err(LocalError::TooLong(ROOT_LIFE));
    }
    // A name of its own, so that two roots of one cluster are never taken for each other.
    let root = Authority::fresh(&format!("entrance-break-glass-{door}"), valid_for, now)?;
    let subject = Subject { name: Door::user(holder), group: Some(Door::group(door)) };
    let issued = root.issue(Leaf::client(subject), valid_for, now)?;
    files::private_folder(&home.path(pki::BREAK_GLASS_ROOTS))?;
    files::write(&home.path(&root_of(door)), root.cert_pem.as_bytes())?;
    pki::write_client_ca(home)?;
    Ok(issued)
}

/// Takes the roots of all doors but these out of the client-CA file: from its next read on, no certificate of theirs opens the cluster, also on a
/// connection that is open.
///
/// Enough for a cluster that does not run; a running one still lists the root for its aggregated servers:
/// [`Planes::keep_break_glass`](super::Planes::keep_break_glass) does both.
pub fn keep_break_glass_roots(home: &ClusterHome, open: &[DoorId]) -> Result<(), LocalError> {
    for door in break_glass_roots(home)? {
        if !open.contains(&door) {
            files::remove(&home.path(&root_of(door)))?;
        }
    }
    pki::write_client_ca(home)
}

/// The doors whose certificates the API server knows, and so whose second lever is open.
pub fn break_glass_roots(home: &ClusterHome) -> Result<Vec<DoorId>, LocalError> {
    let folder = home.path(pki::BREAK_GLASS_ROOTS);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut doors = Vec::new();
    for entry in fs::read_dir(&folder).at("read", &folder)? {
        let name = entry.at("read", &folder)?.file_name();
        doors.extend(name.to_str().and_then(|name| name.strip_suffix(SUFFIX)?.parse::<DoorId>().ok()));
    }
    doors.sort_unstable();
    Ok(doors)
}

/// Makes the cluster forget roots that were dropped. Aggregated API servers, and the controller manager and the scheduler at their own ports, know
/// clients by the `ConfigMap` `extension-apiserver-authentication`, and the API server only ever adds to it; deleted, it is written anew from what
/// is trusted now.
pub(super) async fn forget(home: &ClusterHome, client: Client) -> Result<(), LocalError> {
    let lists: Api<ConfigMap> = Api::namespaced(client, "kube-system");
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let trusted = files::read(&home.path(pki::CLIENT_CA))?.unwrap_or_default();
        match lists.get_opt(LIST).await? {
            // It is being written.
            None => {}
            Some(list) if lists_only(&list, &trusted) => return Ok(()),
            Some(_) => {
                lists.delete(LIST, &DeleteParams::default()).await?;
            }
        }
        // The API server may not have read its own file again yet; then it writes the old list once more.
        tokio::time::sleep(PAUSE).await;
    }
    Err(LocalError::TooSlow { what: "free of a closed door's root", after: PATIENCE })
}

fn lists_only(list: &ConfigMap, trusted: &str) -> bool {
    let listed = list.data.as_ref().and_then(|data| data.get("client-ca-file")).map_or("", String::as_str);
    let trusted = certificates(trusted);
    certificates(listed).is_subset(&trusted)
}

fn certificates(pem: &str) -> BTreeSet<Vec<u8>> {
    Pem::iter_from_buffer(pem.as_bytes()).filter_map(Result::ok).map(|one| one.contents).collect()
}

/// The file of a door's root, without its key.
pub(super) fn root_of(door: DoorId) -> String {
    format!("{}/{door}{SUFFIX}", pki::BREAK_GLASS_ROOTS)
}

const SUFFIX: &str = ".crt";
const ROOT_LIFE: Duration = Duration::from_hours(7 * 24);
const LIST: &str = "extension-apiserver-authentication";
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(300);
