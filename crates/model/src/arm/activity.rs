//! The activity log: what happened on the management plane, as its clients read it, made of rows of the audit log.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::scope::Scope;
use crate::id::PrincipalId;

/// A row of the audit log.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// Its number.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// What kind of event.
    pub kind: &'a str,
    /// Who did it.
    pub actor: Option<PrincipalId>,
    /// What it was done to.
    pub target: Option<&'a str>,
    /// Facts, by name.
    pub detail: &'a Value,
}

/// How far something has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It was asked for, and goes on.
    Started,
    /// It is done.
    Succeeded,
    /// It was not done.
    Failed,
}

impl Progress {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "Started",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }

    /// The word, in any case.
    pub fn named(text: &str) -> Option<Self> {
        [Self::Started, Self::Succeeded, Self::Failed].into_iter().find(|one| one.as_str().eq_ignore_ascii_case(text))
    }

    /// How much a reader should mind.
    pub const fn level(self) -> &'static str {
        match self {
            Self::Started | Self::Succeeded => "Informational",
            Self::Failed => "Error",
        }
    }
}

/// Something that happened on the management plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// The number of the row that tells it.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// The action, as role definitions name it.
    pub operation: String,
    /// How far it has come.
    pub progress: Progress,
    /// Who did it.
    pub actor: Option<PrincipalId>,
    /// What it was done to.
    pub resource: Scope,
    /// The right that let them.
    pub because: Option<String>,
    /// What belongs together: the long-running operation, else the request.
    pub correlation: Option<Uuid>,
    /// Why it failed.
    pub why: Option<(String, String)>,
}

impl Activity {
    /// What a row tells of the management plane. Rows of the directory, of sign-ins and of reviews tell nothing of it.
    pub fn of(told: Told<'_>) -> Option<Self> {
        let resource: Scope = told.target?.parse().ok()?;
        resource.subscription_id()?;
        let text = |name: &str| told.detail.get(name).and_then(Value::as_str);
        let id = |name: &str| text(name).and_then(|id| id.parse::<Uuid>().ok());
        let (work, failure) = (text("work"), told.detail.get("why").filter(|why| why.is_object()));
        let (operation, progress) = match (text("action"), work) {
            (Some(action), _) if id("operation").is_some() => (action.to_owned(), Progress::Started),
            (Some(action), _) => (action.to_owned(), Progress::Succeeded),
            (None, Some(work)) if told.kind == ENDED => {
                (action_of(work, &resource), if failure.is_some() { Progress::Failed } else { Progress::Succeeded })
            }
            _ => return None,
        };
        let part = |name: &str| failure.and_then(|why| why.get(name)).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            seq: told.seq,
            at: told.at,
            operation,
            progress,
            actor: told.actor,
            resource,
            because: text("because").map(str::to_owned),
            correlation: id("operation").or_else(|| id("request")),
            why: part("code").zip(part("message")),
        })
    }
}

/// The kind of row that tells the end of a long-running operation.
pub const ENDED: &str = "operation.ended";

// The row of the end knows the work and not the action.
fn action_of(work: &str, resource: &Scope) -> String {
    let kind = resource.kind().unwrap_or_else(|| "Microsoft.Resources/subscriptions/resourceGroups".to_owned());
    match work {
        "create" | "update" => format!("{kind}/write"),
        "delete" => format!("{kind}/delete"),
        other => format!("{kind}/{other}/action"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CLUSTER: &str = "/subscriptions/22222222-bbbb-4bbb-8bbb-00000000000a/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/c";
    const ID: &str = "c3000000-0000-4000-8000-000000000001";

    fn of(kind: &str, target: &str, detail: &Value) -> Option<Activity> {
        Activity::of(Told { seq: 1, at: Timestamp::UNIX_EPOCH, kind, actor: None, target: Some(target), detail })
    }

    #[test]
    fn beginning_and_end_of_an_operation_belong_together() {
        let action = "Microsoft.ContainerService/managedClusters/write";
        let began =
            of("cluster.created", CLUSTER, &json!({"action": action, "operation": ID, "request": CLUSTER})).expect("told");
        let ended = of(ENDED, CLUSTER, &json!({"operation": ID, "work": "create", "why": null})).expect("told");
        assert_eq!((began.progress, ended.progress), (Progress::Started, Progress::Succeeded));
        assert_eq!((&began.operation, began.correlation), (&ended.operation, ended.correlation));
        assert_eq!(began.correlation, ID.parse().ok());
        let why = json!({"code": "ControlPlaneFailed", "message": "etcd did not come up"});
        let failed = of(ENDED, CLUSTER, &json!({"operation": ID, "work": "stop", "why": why})).expect("told");
        assert_eq!(failed.operation, "Microsoft.ContainerService/managedClusters/stop/action");
        assert_eq!((failed.progress, failed.why.map(|why| why.0).as_deref()), (Progress::Failed, Some("ControlPlaneFailed")));
    }

    #[test]
    fn a_group_has_a_kind_of_its_own() {
        let group = CLUSTER.split("/providers").next().expect("a group");
        let ended = of(ENDED, group, &json!({"operation": ID, "work": "delete"})).expect("told");
        assert_eq!(ended.operation, "Microsoft.Resources/subscriptions/resourceGroups/delete");
    }

    #[test]
    fn what_is_not_of_the_management_plane_is_not_told() {
        assert_eq!(of("user.created", ID, &json!({"action": "x"})), None);
        assert_eq!(of("review.admitted", CLUSTER, &json!({"credential": "JTI=x"})), None);
        assert_eq!(of("roleAssignment.put", "/", &json!({"action": "x"})), None, "it belongs to no subscription");
    }
}
