//! What a token is for: the identifiers of resources (table 0 of the contract), and what a token for one looks like.

use super::scope::ForResource;
use crate::id::AppId;
use crate::well_known;

/// A resource identifier, understood as far as that is possible without the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identifier {
    /// A client id: of a first-party application, of one of the tenant's, or of a cluster.
    App(AppId),
    /// An identifier URI of one of the tenant's applications.
    Uri(String),
}

/// A resource that tokens can be made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its client id.
    pub app: AppId,
    /// What it is.
    pub kind: Kind,
    /// `aud` of a v1 token: the identifier as it was asked (S-302).
    pub asked: String,
    /// The version of its tokens, 1 or 2.
    pub version: u8,
    /// Delegated permissions that it offers.
    pub permissions: Vec<String>,
    /// Tokens for it need an assignment.
    pub assignment_required: bool,
}

/// What kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The clusters: the shared application, or a cluster's own.
    Cluster,
    /// The resource manager.
    Arm,
    /// The directory.
    Graph,
    /// Another first-party application.
    OtherBuiltIn,
    /// An application of the tenant.
    Own,
}

/// Understands an identifier. `base` is our public origin, which is Graph's address too.
pub fn identify(asked: &str, base: &str) -> Identifier {
    let name = asked.strip_prefix("spn:").unwrap_or(asked);
    let trimmed = name.trim_end_matches('/');
    if let Ok(app) = trimmed.parse() {
        return Identifier::App(app);
    }
    let is = |known: &str| trimmed.eq_ignore_ascii_case(known);
    if is("https://graph.microsoft.com") || is(base) {
        return Identifier::App(well_known::GRAPH);
    }
    let arm = format!("{base}/arm");
    if is("https://management.core.windows.net") || is("https://management.azure.com") || is(&arm) {
        return Identifier::App(well_known::ARM);
    }
    if is("https://graph.windows.net") {
        return Identifier::App(well_known::AAD_GRAPH);
    }
    Identifier::Uri(name.to_owned())
}

/// The identifier of a scope's resource; Graph for bare permissions and for `OpenID` scopes alone (S-121, S-300).
pub fn of_scope(part: Option<&ForResource>) -> String {
    part.and_then(|part| part.identifier.clone()).unwrap_or_else(|| well_known::GRAPH.to_string())
}

/// The `aud` of a v1 token for an identifier (S-302): as asked, client ids bare and in lower case.
pub fn audience(asked: &str) -> String {
    let app = |name: &str| name.trim_end_matches('/').parse::<AppId>();
    match asked.strip_prefix("spn:") {
        Some(name) => app(name).map_or_else(|_| asked.to_owned(), |app| format!("spn:{app}")),
        None => app(asked).map_or_else(|_| asked.to_owned(), |app| app.to_string()),
    }
}

/// What kind a first-party resource is; `None` for clients and for applications that are not first-party.
pub fn built_in(app: AppId) -> Option<Kind> {
    let known = well_known::first_party(app)?;
    if known.kind != well_known::Kind::Resource {
        return None;
    }
    Some(match app {
        well_known::AKS_SERVER => Kind::Cluster,
        well_known::ARM => Kind::Arm,
        well_known::GRAPH => Kind::Graph,
        _ => Kind::OtherBuiltIn,
    })
}

impl Kind {
    /// How long an access token of a person lives, in seconds (S-313): short where a cluster trusts it.
    pub const fn user_token_life(self) -> i64 {
        match self {
            Self::Cluster => 15 * 60,
            Self::Arm | Self::Graph | Self::OtherBuiltIn | Self::Own => 60 * 60,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://localhost:8443";

    #[test]
    fn s_002_identifiers_compare_without_their_trailing_slash() {
        for graph in [
            "https://graph.microsoft.com",
            "https://graph.microsoft.com/",
            "https://localhost:8443",
            "https://localhost:8443/",
            "https://localhost:8443//",
            "00000003-0000-0000-C000-000000000000",
            "spn:00000003-0000-0000-c000-000000000000/",
        ] {
            assert_eq!(identify(graph, BASE), Identifier::App(well_known::GRAPH), "{graph}");
        }
        for arm in [
            "https://management.core.windows.net/",
            "https://management.azure.com",
            "https://localhost:8443/arm",
            "https://localhost:8443/arm/",
        ] {
            assert_eq!(identify(arm, BASE), Identifier::App(well_known::ARM), "{arm}");
        }
        assert_eq!(identify("api://shop", BASE), Identifier::Uri("api://shop".into()));
        assert_eq!(identify("https://localhost:8443/armed", BASE), Identifier::Uri("https://localhost:8443/armed".into()));
        assert_eq!(identify("https://localhost:9/", BASE), Identifier::Uri("https://localhost:9/".into()));
    }

    #[test]
    fn s_302_the_audience_is_what_was_asked() {
        assert_eq!(audience("6DAE42F8-4368-4678-94FF-3960E28E3630"), "6dae42f8-4368-4678-94ff-3960e28e3630");
        assert_eq!(audience("6dae42f8-4368-4678-94ff-3960e28e3630/"), "6dae42f8-4368-4678-94ff-3960e28e3630");
        assert_eq!(audience("spn:6DAE42F8-4368-4678-94FF-3960E28E3630"), "spn:6dae42f8-4368-4678-94ff-3960e28e3630");
        assert_eq!(audience("https://management.core.windows.net/"), "https://management.core.windows.net/");
    }

    #[test]
    fn s_313_no_token_lives_so_short_that_clients_take_it_for_expired() {
        for kind in [Kind::Cluster, Kind::Arm, Kind::Graph, Kind::OtherBuiltIn, Kind::Own] {
            assert!(kind.user_token_life() >= 600);
        }
    }
}
