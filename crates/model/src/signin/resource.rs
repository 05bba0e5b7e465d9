//! What a token is for: the identifiers of resources (table 0 of the contract), and what a token for one looks like.

use uuid::{Uuid, uuid};

use super::groups::Memberships;
use super::manifest::{AppRole, Manifest};
use super::scope::ForResource;
use crate::id::{AppId, ServicePrincipalId};
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
    /// Its identity in the tenant: what roles are given at.
    pub principal: ServicePrincipalId,
    /// What its registration says about tokens.
    pub manifest: Manifest,
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
    /// What a built-in resource says about its tokens: clusters want security groups, the directory has roles.
    pub fn manifest(self) -> Manifest {
        match self {
            Self::Cluster => Manifest { groups: Memberships::SECURITY, ..Manifest::default() },
            Self::Graph => Manifest { roles: graph_roles(), ..Manifest::default() },
            Self::Arm | Self::OtherBuiltIn | Self::Own => Manifest::default(),
        }
    }

    /// How long an access token of a person lives, in seconds (S-313): short where a cluster trusts it.
    pub const fn user_token_life(self) -> i64 {
        match self {
            Self::Cluster => 15 * 60,
            Self::Arm | Self::Graph | Self::OtherBuiltIn | Self::Own => 60 * 60,
        }
    }
}

/// The directory's permissions for applications by themselves; scripts know their ids.
pub const GRAPH_ROLES: &[(Uuid, &str)] = &[
    (uuid!("9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30"), "Application.Read.All"),
    (uuid!("1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9"), "Application.ReadWrite.All"),
    (uuid!("18a4783c-866b-4cc7-a460-3d5e5662c884"), "Application.ReadWrite.OwnedBy"),
    (uuid!("b0afded3-3588-46d8-8b3d-9842eff778da"), "AuditLog.Read.All"),
    (uuid!("7ab1d382-f21e-4acd-a863-ba3e13f7da61"), "Directory.Read.All"),
    (uuid!("19dbc75e-c2e2-444c-a770-ec69d8559fc7"), "Directory.ReadWrite.All"),
    (uuid!("5b567255-7703-4780-807c-7be8301ae99b"), "Group.Read.All"),
    (uuid!("62a82d76-70ea-41e2-9197-370581804d09"), "Group.ReadWrite.All"),
    (uuid!("98830695-27a2-44f7-8c18-0c3ebc9698f6"), "GroupMember.Read.All"),
    (uuid!("dbaae8cf-10b5-4b86-a4a1-f871c94c6695"), "GroupMember.ReadWrite.All"),
    (uuid!("498476ce-e0fe-48b0-b801-37ba7e2685c6"), "Organization.Read.All"),
    (uuid!("df021288-bdef-4463-88db-98f22de89214"), "User.Read.All"),
    (uuid!("741f803b-c850-494e-b5df-cde7c675a1ca"), "User.ReadWrite.All"),
];

fn graph_roles() -> Vec<AppRole> {
    let role =
        |(id, value): &(Uuid, &str)| AppRole { id: *id, value: (*value).to_owned(), for_people: false, for_applications: true };
    GRAPH_ROLES.iter().map(role).collect()
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
