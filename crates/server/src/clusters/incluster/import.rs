//! Finding what happened while nobody of us was there: a sealed door that somebody opened.

use entrance_model::Timestamp;
use entrance_model::cluster::door::Reason;
use entrance_model::cluster::{Door, SealedDoor};
use entrance_model::id::ClusterUid;
use entrance_store::{AuditEvent, Store, StoreError};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::ResourceExt as _;
use serde_json::json;

use super::bindings::door_of;
use super::sealed::{is_offline, openings};

/// Takes over the openings of sealed doors: from then on each is a door like others, listed, and closed by people or by
/// time. `true`: something was taken over.
pub(super) async fn take_over<'b>(
    store: &Store,
    cluster: ClusterUid,
    found: impl Iterator<Item = &'b ClusterRoleBinding>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut taken = false;
    for binding in found.filter(|binding| door_of(&binding.name_any()).is_some()) {
        let Some(sealed) = store.read().await?.arm().sealed_door(cluster).await? else { return Ok(taken) };
        if door_of(&binding.name_any()) == Some(sealed.id) && sealed.opened.is_none() {
            taken |= open(store, &sealed, binding, now).await?;
        }
    }
    Ok(taken)
}

/// Whether a binding was made by an opening that cannot be taken over, because its door is not there any more. It goes as
/// bindings of closed doors do, but not without a word.
pub(super) async fn tell_of_stray(
    store: &Store,
    cluster: ClusterUid,
    binding: &ClusterRoleBinding,
    now: Timestamp,
) -> Result<(), StoreError> {
    if !is_offline(binding) {
        return Ok(());
    }
    let mut reader = store.read().await?;
    let known = match door_of(&binding.name_any()) {
        Some(id) => reader.arm().door(id).await?.is_some(),
        None => false,
    };
    let tenant = reader.arm().cluster(cluster).await?.map(|cluster| cluster.tenant);
    drop(reader);
    if known {
        return Ok(());
    }
    let mut tx = store.write().await?;
    let event = AuditEvent {
        kind: "breakGlass.strayOpening",
        tenant,
        actor: None,
        target: Some(cluster.to_string()),
        detail: json!({ "binding": binding.name_any(), "openings": openings(binding) }),
    };
    tx.audit(now, &event).await?;
    tx.commit().await
}

async fn open(store: &Store, sealed: &SealedDoor, binding: &ClusterRoleBinding, now: Timestamp) -> Result<bool, StoreError> {
    let records = openings(binding);
    let told = records.iter().map(|record| format!("{} from {} on {}: {}", record.who, record.host, record.when, record.why));
    let told = told.collect::<Vec<_>>().join("; ");
    let reason = Reason::of_record(if told.is_empty() { "opened with the sealed file, without a record" } else { &told });
    let door = Door::offline(sealed, reason, now);
    let mut tx = store.write().await?;
    if !tx.arm().sealed_door_opened(sealed, now).await? {
        return Ok(false);
    }
    tx.arm().put_door(&door).await?;
    let event = AuditEvent {
        kind: "breakGlass.openedOffline",
        tenant: Some(sealed.tenant),
        actor: None,
        target: Some(sealed.cluster.to_string()),
        detail: json!({
            "door": sealed.id, "user": door.certificate_user(), "group": Door::group(door.id),
            "until": door.opening().map(|opening| opening.until.to_string()), "openings": records,
        }),
    };
    tx.audit(now, &event).await?;
    tx.commit().await?;
    tracing::warn!(cluster = %sealed.cluster, door = %sealed.id, openings = records.len(), "the sealed door was opened while nobody was there");
    Ok(true)
}
