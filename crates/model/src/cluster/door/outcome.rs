//! What closing a door proved, and what its holder left behind.

use serde::{Deserialize, Serialize};

/// Everything that is known once a door is shut.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Outcome {
    /// The proof, one for each API server.
    pub refused: Vec<Refused>,
    /// What the holder left behind.
    pub left_behind: Option<LeftBehind>,
    /// The API servers that were restarted to end open streams.
    pub severed: Vec<Severed>,
}

/// An API server refused the very certificate of the door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// The API server.
    pub server: String,
    /// Milliseconds from deleting the binding to the first 403 (or 401), by lever 1.
    pub without_binding_ms: u64,
    /// Milliseconds from dropping the door's root to the first 401, by lever 2.
    pub without_root_ms: u64,
    /// Milliseconds until the list for aggregated servers did not name the root any more.
    pub list_ms: u64,
}

/// An API server that was restarted, with every stream that it had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Severed {
    /// The API server.
    pub server: String,
    /// The process that ended.
    pub ended: u32,
    /// The process in its place.
    pub began: u32,
    /// Milliseconds until a watch that we held open ourselves had ended.
    pub stream_ended_ms: u64,
    /// Milliseconds until the API server was ready again.
    pub ready_ms: u64,
}

/// A way back in, or something that goes on without the holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    /// A certificate was asked for.
    Request,
    /// A certificate was approved or signed.
    Approval,
    /// A token of a service account was made.
    Token,
    /// A service account.
    ServiceAccount,
    /// A secret, which may hold a token that never ends.
    Secret,
    /// A role.
    Role,
    /// A binding.
    Binding,
    /// Something that sees or changes requests of others.
    Admission,
    /// Something that runs.
    Workload,
    /// A stream into a container or through the API server.
    Stream,
}

impl Way {
    /// What to think of it, in words.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Request => "a certificate that comes of it works without the door until it ends",
            Self::Approval => "the certificate works until it ends; only another root in the client-CA file ends it sooner",
            Self::Token => "Kubernetes keeps no list of such tokens; delete the service account to end it",
            Self::ServiceAccount => "anything bound to it stays",
            Self::Secret => "look whether its type is kubernetes.io/service-account-token; such a token never ends by itself",
            Self::Role => "look what it allows, and who is bound to it",
            Self::Binding => "look who is bound to what",
            Self::Admission => "it sees and may change what others send",
            Self::Workload => "it runs on, with the rights of its service account",
            Self::Stream => "it may still be open; closing with `--sever` ends it",
        }
    }
}

/// A write, as the API server's audit log tells it.
#[derive(Debug, Clone, Copy)]
pub struct Deed<'a> {
    /// When, RFC 3339.
    pub at: &'a str,
    /// What was done, such as `create`.
    pub verb: &'a str,
    /// The API group; empty for the core.
    pub group: &'a str,
    /// The resource, such as `secrets`.
    pub resource: &'a str,
    /// The subresource, or empty.
    pub subresource: &'a str,
    /// The namespace, or empty.
    pub namespace: &'a str,
    /// The object, or empty when the API server made up its name.
    pub name: &'a str,
}

impl Deed<'_> {
    /// Whether and how it may matter after the door is closed. Removing something opens nothing.
    pub fn way(&self) -> Option<Way> {
        if ["delete", "deletecollection"].contains(&self.verb) {
            return None;
        }
        let stream = ["exec", "attach", "portforward", "proxy"].contains(&self.subresource);
        Some(match (self.group, self.resource, self.subresource) {
            ("certificates.k8s.io", "certificatesigningrequests", "approval" | "status") => Way::Approval,
            ("certificates.k8s.io", "certificatesigningrequests", _) => Way::Request,
            ("", "serviceaccounts", "token") => Way::Token,
            ("", "serviceaccounts", _) => Way::ServiceAccount,
            ("", "secrets", _) => Way::Secret,
            ("rbac.authorization.k8s.io", "roles" | "clusterroles", _) => Way::Role,
            ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings", _) => Way::Binding,
            ("admissionregistration.k8s.io" | "apiregistration.k8s.io", _, _) => Way::Admission,
            ("", "pods" | "services" | "nodes", _) if stream => Way::Stream,
            ("", "pods" | "replicationcontrollers", _) | ("apps" | "batch", _, _) => Way::Workload,
            _ => return None,
        })
    }

    /// Whether it changed anything, or opened a stream: exec and its like may be a GET.
    pub fn is_write(&self) -> bool {
        matches!(self.verb, "create" | "update" | "patch" | "delete" | "deletecollection" | "connect")
            || (self.verb == "get" && self.way() == Some(Way::Stream))
    }
}

/// One thing that the holder left behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Leftover {
    /// Why it matters.
    pub way: Way,
    /// What was done last.
    pub verb: String,
    /// The resource, with its subresource.
    pub resource: String,
    /// Where.
    pub namespace: Option<String>,
    /// Which; none when the API server made up the name.
    pub name: Option<String>,
    /// When it was done last, RFC 3339.
    pub at: String,
    /// How often.
    pub times: u32,
    /// Who says that the holder did it.
    pub seen: Seen,
    /// Whether it is still there; `None` where Entrance may not look.
    pub there: Option<bool>,
}

/// Who says that the holder did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Seen {
    /// The API server's audit log: it was the holder.
    AuditLog,
    /// The object itself names the holder.
    Object,
    /// The object was written while the door was open; by whom is not known.
    Time,
}

/// What the holder of a door left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LeftBehind {
    /// Ways back in, and what runs on.
    pub items: Vec<Leftover>,
    /// Further such things, beyond those that are listed.
    pub more: u32,
    /// Other successful writes of the holder.
    pub other_writes: u32,
    /// What could not be seen.
    pub unseen: Vec<String>,
}

impl LeftBehind {
    /// Counts a write of the holder in.
    pub fn take(&mut self, deed: Deed<'_>) {
        let Some(way) = deed.way() else {
            self.other_writes = self.other_writes.saturating_add(1);
            return;
        };
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let resource = match deed.subresource {
            "" => deed.resource.to_owned(),
            sub => format!("{}/{sub}", deed.resource),
        };
        self.put(Leftover {
            way,
            verb: deed.verb.to_owned(),
            resource,
            namespace: some(deed.namespace),
            name: some(deed.name),
            at: deed.at.to_owned(),
            times: 1,
            seen: Seen::AuditLog,
            there: None,
        });
    }

    /// Puts a finding in; one that is known already is counted.
    pub fn put(&mut self, found: Leftover) {
        let same = |one: &&mut Leftover| {
            (one.way, &one.resource, &one.namespace, &one.name) == (found.way, &found.resource, &found.namespace, &found.name)
                && found.name.is_some()
        };
        if let Some(known) = self.items.iter_mut().find(same) {
            if found.seen == Seen::AuditLog {
                (known.verb, known.at) = (found.verb, found.at);
                known.times = known.times.saturating_add(1);
            }
        } else if self.items.len() < MOST {
            self.items.push(found);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }
}

const MOST: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn deed<'a>(verb: &'a str, group: &'a str, resource: &'a str, subresource: &'a str, name: &'a str) -> Deed<'a> {
        Deed { at: "2026-01-01T00:00:00Z", verb, group, resource, subresource, namespace: "", name }
    }

    #[test]
    fn ways_back_in_are_told_from_other_writes() {
        for (verb, group, resource, subresource, way) in [
            ("create", "certificates.k8s.io", "certificatesigningrequests", "", Some(Way::Request)),
            ("update", "certificates.k8s.io", "certificatesigningrequests", "approval", Some(Way::Approval)),
            ("create", "", "serviceaccounts", "token", Some(Way::Token)),
            ("create", "", "serviceaccounts", "", Some(Way::ServiceAccount)),
            ("patch", "", "secrets", "", Some(Way::Secret)),
            ("create", "rbac.authorization.k8s.io", "clusterrolebindings", "", Some(Way::Binding)),
            ("update", "rbac.authorization.k8s.io", "roles", "", Some(Way::Role)),
            ("create", "admissionregistration.k8s.io", "mutatingwebhookconfigurations", "", Some(Way::Admission)),
            ("create", "apiregistration.k8s.io", "apiservices", "", Some(Way::Admission)),
            ("create", "apps", "deployments", "", Some(Way::Workload)),
            ("get", "", "pods", "exec", Some(Way::Stream)),
            ("create", "", "configmaps", "", None),
            ("delete", "rbac.authorization.k8s.io", "clusterrolebindings", "", None),
        ] {
            let deed = deed(verb, group, resource, subresource, "x");
            assert_eq!(deed.way(), way, "{deed:?}");
            assert!(deed.is_write(), "{deed:?}");
        }
        assert!(!deed("get", "", "secrets", "", "x").is_write() && !deed("list", "", "pods", "", "").is_write());
    }

    #[test]
    fn the_same_thing_is_listed_once_and_unnamed_ones_each() {
        let mut left = LeftBehind::default();
        left.take(deed("create", "rbac.authorization.k8s.io", "clusterroles", "", "mine"));
        left.take(deed("patch", "rbac.authorization.k8s.io", "clusterroles", "", "mine"));
        left.take(deed("create", "", "secrets", "", ""));
        left.take(deed("create", "", "secrets", "", ""));
        left.take(deed("create", "", "configmaps", "", "c"));
        let told: Vec<_> = left.items.iter().map(|one| (one.verb.as_str(), one.resource.as_str(), one.times)).collect();
        assert_eq!(told, [("patch", "clusterroles", 2), ("create", "secrets", 1), ("create", "secrets", 1)]);
        assert_eq!((left.other_writes, left.more), (1, 0));
    }

    #[test]
    fn a_holder_who_leaves_thousands_of_things_does_not_fill_the_store() {
        let mut left = LeftBehind::default();
        for n in 0..1000 {
            left.take(deed("create", "", "secrets", "", &n.to_string()));
        }
        assert_eq!((left.items.len(), left.more), (200, 800));
    }
}
