//! Certificates for the hour when nothing else opens the cluster.
//!
//! They have a signer of their own, which lives for a week at most, is in the client-CA file only while a door is open, and is thrown away with it
//! (lever 2). The group in them is bound to a role only while the door is open, which is someone else's work (lever 1).

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use entrance_model::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::DeleteParams;
use kube::{Api, Client};
use uuid::Uuid;
use x509_parser::pem::Pem;

use super::home::ClusterHome;
use super::pki::{self, Authority, Identity, Leaf, Subject};
use super::{LocalError, files};

/// A certificate for one person and one door: user `breakglass:{oid}`, group `entrance:break-glass:{door}`, never `system:masters`.
///
/// Makes the signer and lets the API server know it, if need be. The API server accepts the certificate as soon as it has read its client-CA file
/// again, well within a second.
pub fn issue_break_glass(
    home: &ClusterHome,
    oid: Uuid,
    door: &str,
    valid_for: Duration,
    now: Timestamp,
) -> Result<Identity, LocalError> {
    if valid_for > SIGNER_LIFE {
        return Err(LocalError::TooLong(SIGNER_LIFE));
    }
    let signer = signer(home, valid_for, now)?;
    let subject = Subject { name: user(oid), group: Some(group(door)) };
    signer.issue(Leaf::client(subject), valid_for, now)
}

/// Throws the signer away: from the next read of the client-CA file on, no certificate of it opens the cluster, also on a connection that is open.
///
/// Enough for a cluster that does not run; a running one still lists the signer for its aggregated servers:
/// [`Planes::drop_break_glass`](super::Planes::drop_break_glass) does both.
pub fn drop_break_glass_signer(home: &ClusterHome) -> Result<(), LocalError> {
    files::remove(&home.path(pki::BREAK_GLASS_CA))?;
    pki::write_client_ca(home)
}

/// Makes the cluster forget signers that were dropped. Aggregated API servers know clients by the `ConfigMap`
/// `extension-apiserver-authentication`, and the API server only ever adds to it; deleted, it is written anew from what is trusted now.
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
    Err(LocalError::TooSlow { what: "free of the old break-glass signer", after: PATIENCE })
}

fn lists_only(list: &ConfigMap, trusted: &str) -> bool {
    let listed = list.data.as_ref().and_then(|data| data.get("client-ca-file")).map_or("", String::as_str);
    let trusted = certificates(trusted);
    certificates(listed).is_subset(&trusted)
}

fn certificates(pem: &str) -> BTreeSet<Vec<u8>> {
    Pem::iter_from_buffer(pem.as_bytes()).filter_map(Result::ok).map(|one| one.contents).collect()
}

/// Whether a signer exists, and so the second lever is open.
pub fn has_break_glass_signer(home: &ClusterHome) -> bool {
    home.path(pki::BREAK_GLASS_CA).exists()
}

/// The user name in a break-glass certificate.
pub fn user(oid: Uuid) -> String {
    format!("breakglass:{oid}")
}

/// The group in a break-glass certificate.
pub fn group(door: &str) -> String {
    format!("entrance:break-glass:{door}")
}

/// The signer that there is, unless it ends before the certificate would.
fn signer(home: &ClusterHome, valid_for: Duration, now: Timestamp) -> Result<Authority, LocalError> {
    if let Some(signer) = Authority::load(home, pki::BREAK_GLASS_CA)? {
        if signer.until >= now + valid_for {
            pki::write_client_ca(home)?;
            return Ok(signer);
        }
        // Doors opened with it end now: an earlier end is safe, a second signer beside it would be forgotten.
        files::remove(&home.path(pki::BREAK_GLASS_CA))?;
    }
    // A name of its own, so that two signers of one cluster are never taken for each other.
    let name = format!("entrance-break-glass-signer-{}", Uuid::new_v4().as_simple());
    let signer = Authority::ensure(home, pki::BREAK_GLASS_CA, &name, SIGNER_LIFE, now)?;
    pki::write_client_ca(home)?;
    Ok(signer)
}

const SIGNER_LIFE: Duration = Duration::from_hours(7 * 24);
const LIST: &str = "extension-apiserver-authentication";
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(300);
