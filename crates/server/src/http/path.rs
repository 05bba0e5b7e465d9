//! Which surface a path belongs to, and its one spelling.
//!
//! Paths compare without case (S-010, G-002, R-1.1). Literals are folded to lower case before routing; names that people
//! gave keep theirs, because the answer shows them. Double slashes collapse: az asks for `//metadata/endpoints`.

use std::fmt;

/// A part of the server with its own error shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// The token service.
    Authority,
    /// The directory API.
    Graph,
    /// The resource manager.
    Arm,
    /// Pages for people.
    Pages,
    /// Liveness and readiness.
    Health,
}

/// The surface of a path, and the path in its one spelling.
pub fn route(path: &str) -> (Surface, String) {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let first = segments.first().map(|segment| segment.to_ascii_lowercase()).unwrap_or_default();
    match first.as_str() {
        "subscriptions" | "providers" | "tenants" | "metadata" => (Surface::Arm, arm(&segments)),
        "v1.0" | "beta" => (Surface::Graph, graph(&segments)),
        "livez" | "readyz" | "healthz" => (Surface::Health, folded(&segments)),
        "oidc" => (Surface::Authority, folded(&segments)),
        "" | "first" | "welcome" | "signin" | "devicelogin" | "signedout" | "consent" | "me" | "console" | "error" | "static" => {
            (Surface::Pages, pages(&segments))
        }
        // What is left is a tenant: a GUID, a domain, or one of the common names.
        tenant if segments.len() > 1 || tenant.contains('.') || tenant.len() == 36 => (Surface::Authority, folded(&segments)),
        _ => (Surface::Pages, pages(&segments)),
    }
}

/// A path as the log tells it: without the names of people that stand in it (S-503). A segment with an escape may be one.
pub struct Logged<'p>(pub &'p str);

impl fmt::Display for Logged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = "";
        for segment in self.0.split('/').skip(1) {
            let may_be_name = before == "userrealm" || segment.contains(['@', '%']);
            write!(f, "/{}", if may_be_name { "••••" } else { segment })?;
            before = segment;
        }
        Ok(())
    }
}

fn folded(segments: &[&str]) -> String {
    joined(segments.iter().map(|segment| segment.to_ascii_lowercase()))
}

/// Pages keep what stands behind the first two segments: flow ids and file names are exact.
fn pages(segments: &[&str]) -> String {
    joined(segments.iter().enumerate().map(|(n, segment)| {
        if n < 2 && segments.first() != Some(&"static") { segment.to_ascii_lowercase() } else { (*segment).to_owned() }
    }))
}

/// Graph: all folded, and `groups('id')` becomes `groups/id`. Directory names compare without case.
fn graph(segments: &[&str]) -> String {
    let mut parts = Vec::with_capacity(segments.len() + 1);
    for segment in segments {
        let plain = segment.replace("%27", "'").replace("%28", "(").replace("%29", ")");
        match plain.strip_suffix("')").and_then(|open| open.split_once("('")) {
            Some((collection, key)) => {
                parts.push(collection.to_ascii_lowercase());
                parts.push(key.to_ascii_lowercase());
            }
            None => parts.push(segment.to_ascii_lowercase()),
        }
    }
    joined(parts.into_iter())
}

/// Collections of the resource manager whose next segment is a name.
const NAMED: &[&str] = &[
    "subscriptions",
    "resourcegroups",
    "managedclusters",
    "agentpools",
    "accessprofiles",
    "commandresults",
    "locations",
    "operations",
    "operationresults",
    "namespaces",
    "managednamespaces",
    "roleassignments",
    "roledefinitions",
    "denyassignments",
    "managementgroups",
    "deployments",
    "operationstatuses",
    "upgradeprofiles",
    "locks",
    "tagnames",
    "resources",
];

fn arm(segments: &[&str]) -> String {
    let mut parts: Vec<String> = Vec::with_capacity(segments.len());
    let mut is_name = false;
    for segment in segments {
        if is_name {
            parts.push((*segment).to_owned());
            is_name = false;
        } else {
            let literal = segment.to_ascii_lowercase();
            is_name = NAMED.contains(&literal.as_str());
            parts.push(literal);
        }
    }
    joined(parts.into_iter())
}

fn joined(segments: impl Iterator<Item = String>) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        path.push_str(&segment);
    }
    if path.is_empty() { "/".to_owned() } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_503_a_logged_path_names_nobody() {
        for (path, logged) in [
            ("/", "/"),
            ("/common/userrealm/alice@contoso.example", "/common/userrealm/••••"),
            ("/common/userrealm/alice", "/common/userrealm/••••"),
            ("/v1.0/users/alice@contoso.example/memberof", "/v1.0/users/••••/memberof"),
            ("/v1.0/users/alice%40contoso.example", "/v1.0/users/••••"),
            ("/v1.0/groups/7d3f5a0e-6f0c-4a43-9a43-0d3c8f8d0a11", "/v1.0/groups/7d3f5a0e-6f0c-4a43-9a43-0d3c8f8d0a11"),
            ("/static/app.css", "/static/app.css"),
        ] {
            assert_eq!(Logged(path).to_string(), logged);
        }
    }

    #[test]
    fn paths_are_folded_and_names_are_kept() {
        for (asked, surface, routed) in [
            ("//metadata/endpoints", Surface::Arm, "/metadata/endpoints"),
            (
                "/Subscriptions/S/resourcegroups/Web/providers/Microsoft.ContainerService/ManagedClusters/Prod/listClusterUserCredential",
                Surface::Arm,
                "/subscriptions/S/resourcegroups/Web/providers/microsoft.containerservice/managedclusters/Prod/listclusterusercredential",
            ),
            ("/v1.0/Groups('AB')/Members/$ref", Surface::Graph, "/v1.0/groups/ab/members/$ref"),
            ("/common/UserRealm/Alice@Contoso.example", Surface::Authority, "/common/userrealm/alice@contoso.example"),
            ("/DeviceLogin", Surface::Pages, "/devicelogin"),
            ("/nothing", Surface::Pages, "/nothing"),
            ("/", Surface::Pages, "/"),
        ] {
            assert_eq!(route(asked), (surface, routed.to_owned()), "{asked}");
        }
    }
}
