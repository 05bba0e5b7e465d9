//! What the holder of a break-glass door left in the cluster: by the API server's audit log, which names who wrote, and by the
//! objects that Entrance may read, where the log does not reach back far enough.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use entrance_model::Timestamp;
use entrance_model::cluster::Door;
use entrance_model::cluster::door::{Deed, LeftBehind, Leftover, Seen, Way};
use entrance_model::id::ClusterUid;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::api::ListParams;
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::whole_story;
use crate::clusters::driver::DriverError;
use crate::clusters::local::Planes;

/// Looks for it.
pub(super) async fn look(planes: &Planes, uid: ClusterUid, door: &Door) -> Result<LeftBehind, DriverError> {
    let Some(opening) = door.opening() else { return Ok(LeftBehind::default()) };
    let logs = planes.home(uid).path("logs");
    let holder = Holder { user: door.certificate_user(), group: Door::group(door.id), since: opening.at };
    let read = tokio::task::spawn_blocking({
        let holder = holder.clone();
        move || by_audit_log(&logs, &holder)
    });
    let (mut left, reaches_back) = match read.await {
        Ok(outcome) => outcome.map_err(|error| whole_story(&error))?,
        Err(broken) => std::panic::resume_unwind(broken.into_panic()),
    };
    let client = planes.client(uid).await.map_err(|error| whole_story(&error))?;
    by_objects(&client, &holder, reaches_back, &mut left).await.map_err(|error| whole_story(&error))?;
    if !reaches_back {
        left.unseen.push(
            "The API server's audit log does not reach back to when the door opened: what was written before its first line is known only \
             by objects that Entrance may read (roles, bindings, certificate requests)."
                .to_owned(),
        );
    }
    left.unseen.push("What the holder did with a token or certificate made meanwhile stands under that one's name.".to_owned());
    left.unseen.push(
        "Entrance may not read secrets and service accounts, so it does not know whether those are still there.".to_owned(),
    );
    Ok(left)
}

#[derive(Clone)]
struct Holder {
    user: String,
    group: String,
    since: Timestamp,
}

/// The parts of an audit event that matter here (`audit.k8s.io/v1`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    stage: String,
    verb: String,
    user: User,
    object_ref: Option<ObjectRef>,
    response_status: Option<Status>,
    request_received_timestamp: String,
}

#[derive(Deserialize)]
struct User {
    username: String,
    #[serde(default)]
    groups: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ObjectRef {
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
    api_group: String,
}

#[derive(Deserialize)]
struct Status {
    code: Option<u16>,
}

/// The holder's successful writes, and whether the log reaches back to when the door opened.
fn by_audit_log(folder: &Path, holder: &Holder) -> std::io::Result<(LeftBehind, bool)> {
    let (mut left, mut first) = (LeftBehind::default(), None);
    for file in logs(folder)? {
        for line in BufReader::new(std::fs::File::open(file)?).split(b'\n') {
            let line = line?;
            if first.is_none() {
                first =
                    serde_json::from_slice::<Event>(&line).ok().and_then(|event| event.request_received_timestamp.parse().ok());
            }
            // Most lines are others'; reading them as JSON would cost a hundred times this look.
            if line.len() > LINE_MAX || memmem(&line, holder.group.as_bytes()).is_none() {
                continue;
            }
            let Ok(event) = serde_json::from_slice::<Event>(&line) else { continue };
            count(&event, holder, &mut left);
        }
    }
    Ok((left, first.is_some_and(|first: Timestamp| first <= holder.since)))
}

fn count(event: &Event, holder: &Holder, left: &mut LeftBehind) {
    let theirs = event.user.username == holder.user && event.user.groups.contains(&holder.group);
    // A stream is told when it begins and when it ends; one of the two is enough.
    let told = ["ResponseStarted", "ResponseComplete"].contains(&event.stage.as_str());
    let done = event.response_status.as_ref().and_then(|status| status.code).is_some_and(|code| code < 400);
    let Some(object) = &event.object_ref else { return };
    let deed = Deed {
        at: &event.request_received_timestamp,
        verb: &event.verb,
        group: &object.api_group,
        resource: &object.resource,
        subresource: &object.subresource,
        namespace: &object.namespace,
        name: &object.name,
    };
    if theirs && told && done && deed.is_write() {
        left.take(deed);
    }
}

/// The log and what was rotated away from it (`audit-2026-….log`), the oldest first.
fn logs(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut rotated = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_rotated = name.strip_prefix("audit-").is_some_and(|rest| rest.strip_suffix(".log").is_some());
        if is_rotated {
            rotated.push(path);
        }
    }
    rotated.sort_unstable();
    let now = folder.join("audit.log");
    rotated.extend(now.exists().then_some(now));
    Ok(rotated)
}

/// What can be read in the cluster: whether the findings are still there, certificate requests in the holder's name, and, where the
/// log is too short, roles and bindings that were written since.
async fn by_objects(client: &Client, holder: &Holder, reaches_back: bool, left: &mut LeftBehind) -> Result<(), kube::Error> {
    let requests: Vec<CertificateSigningRequest> = all(client).await?;
    for request in &requests {
        let theirs = request.spec.username.as_deref() == Some(&holder.user)
            && request.spec.groups.iter().flatten().any(|group| *group == holder.group);
        if theirs {
            left.put(found(Way::Request, "certificatesigningrequests", request, Seen::Object));
        }
    }
    let there: Vec<(&str, Vec<Leftover>)> = vec![
        ("certificatesigningrequests", requests.iter().map(|one| found(Way::Request, "", one, Seen::Time)).collect()),
        (
            "clusterroles",
            all::<ClusterRole>(client).await?.iter().map(|one| found(Way::Role, "clusterroles", one, Seen::Time)).collect(),
        ),
        ("roles", all::<Role>(client).await?.iter().map(|one| found(Way::Role, "roles", one, Seen::Time)).collect()),
        (
            "clusterrolebindings",
            all::<ClusterRoleBinding>(client)
                .await?
                .iter()
                .map(|one| found(Way::Binding, "clusterrolebindings", one, Seen::Time))
                .collect(),
        ),
        (
            "rolebindings",
            all::<RoleBinding>(client).await?.iter().map(|one| found(Way::Binding, "rolebindings", one, Seen::Time)).collect(),
        ),
    ];
    if !reaches_back {
        for (resource, objects) in there.iter().filter(|(resource, _)| *resource != "certificatesigningrequests") {
            let since = |one: &&Leftover| one.at.parse::<Timestamp>().is_ok_and(|at| at >= holder.since);
            for object in objects.iter().filter(since) {
                left.put(Leftover { resource: (*resource).to_owned(), ..object.clone() });
            }
        }
    }
    for item in &mut left.items {
        let (resource, _) = item.resource.split_once('/').unwrap_or((&item.resource, ""));
        let known = there.iter().find(|(name, _)| *name == resource);
        item.there =
            known.map(|(_, objects)| objects.iter().any(|one| (&one.namespace, &one.name) == (&item.namespace, &item.name)));
    }
    Ok(())
}

async fn all<K>(client: &Client) -> Result<Vec<K>, kube::Error>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
{
    Ok(Api::<K>::all(client.clone()).list(&ListParams::default()).await?.items)
}

/// An object as a finding; its time is that of the last write that is known.
fn found(way: Way, resource: &str, object: &impl Resource<DynamicType = ()>, seen: Seen) -> Leftover {
    let written = object.managed_fields().iter().filter_map(|one| one.time.as_ref().map(|time| time.0)).max();
    let at = written.or_else(|| object.creation_timestamp().map(|time| time.0));
    Leftover {
        way,
        verb: "create".to_owned(),
        resource: resource.to_owned(),
        namespace: object.namespace(),
        name: Some(object.name_any()),
        at: at.map(|at| at.to_string()).unwrap_or_default(),
        times: 1,
        seen,
        there: Some(true),
    }
}

fn memmem(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}

/// The API server's own events are some kilobytes.
const LINE_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holder() -> Holder {
        Holder {
            user: "breakglass:a".into(),
            group: "entrance:break-glass:1".into(),
            since: "2026-01-01T10:00:00Z".parse().expect("a time"),
        }
    }

    fn line(user: &str, group: &str, verb: &str, resource: &str, code: u16) -> String {
        let event = json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "stage": "ResponseComplete", "verb": verb,
            "user": {"username": user, "groups": [group, "system:authenticated"]},
            "objectRef": {"resource": resource, "name": "x", "apiGroup": "rbac.authorization.k8s.io", "apiVersion": "v1"},
            "responseStatus": {"metadata": {}, "code": code},
            "requestReceivedTimestamp": "2026-01-01T10:00:01.000000Z"
        });
        format!("{event}\n")
    }

    #[test]
    fn the_audit_log_tells_the_holders_successful_writes_and_nobody_elses() {
        let folder = tempfile::tempdir().expect("a folder");
        let (user, group) = ("breakglass:a", "entrance:break-glass:1");
        let earlier = line(user, group, "create", "clusterroles", 201).replace("10:00:01", "09:59:59");
        std::fs::write(folder.path().join("audit-2026-01-01T10-00-00.000.log"), earlier).expect("written");
        let log = [
            line(user, group, "create", "clusterrolebindings", 201),
            line(user, group, "create", "clusterrolebindings", 403),
            line(user, group, "list", "clusterrolebindings", 200),
            line(user, "entrance:break-glass:2", "create", "roles", 201),
            line("mallory", group, "create", "roles", 201),
            format!("{group} is not json\n"),
        ];
        std::fs::write(folder.path().join("audit.log"), log.concat()).expect("written");
        let (left, reaches_back) = by_audit_log(folder.path(), &holder()).expect("read");
        assert!(reaches_back);
        let told: Vec<_> = left.items.iter().map(|one| (one.way, one.resource.as_str(), one.times)).collect();
        assert_eq!(told, [(Way::Role, "clusterroles", 1), (Way::Binding, "clusterrolebindings", 1)]);
    }

    #[test]
    fn a_log_that_began_after_the_door_is_told_to_be_too_short() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = line("breakglass:a", "entrance:break-glass:1", "create", "roles", 201);
        std::fs::write(folder.path().join("audit.log"), log).expect("written");
        assert!(!by_audit_log(folder.path(), &holder()).expect("read").1);
        assert!(!by_audit_log(tempfile::tempdir().expect("a folder").path(), &holder()).expect("read").1);
    }
}
