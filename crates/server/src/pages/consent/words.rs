//! Permissions in plain words.

use entrance_model::signin::permission::Permission;
use entrance_model::signin::resource::Kind;
use entrance_model::signin::scope::{Asked, Oidc};

use crate::authority::consent::Standing;
use crate::pages::page::shown;
use crate::pages::texts::Texts;

/// A permission as the page lists it.
pub(super) struct Line {
    /// In plain words.
    pub(super) words: String,
    /// Its technical name.
    pub(super) name: String,
    /// Why somebody should look twice.
    pub(super) mark: Option<String>,
}

/// The lines for what is asked of one resource.
pub(super) fn lines(t: Texts, part: &Standing, wanted: &[Permission]) -> Vec<Line> {
    wanted.iter().map(|permission| line(t, part, permission)).collect()
}

fn line(t: Texts, part: &Standing, permission: &Permission) -> Line {
    let resource = shown(&part.name);
    let name = format!("{resource}: {}", shown(&permission.value));
    let words = match (part.resource.kind, &permission.title) {
        (Kind::Graph, _) => t.say(graph(&permission.value)),
        (Kind::Arm, _) => t.say("scope-arm"),
        (Kind::Cluster, _) => t.say("scope-cluster"),
        (Kind::Own | Kind::OtherBuiltIn, Some(title)) => t.with("scope-own", &[("app", resource), ("title", shown(title))]),
        (Kind::Own | Kind::OtherBuiltIn, None) => t.with("scope-own", &[("app", resource), ("title", shown(&permission.value))]),
    };
    let writes = permission.value.contains("Write") || permission.value == "Directory.AccessAsUser.All";
    let mark = match part.resource.kind {
        Kind::Cluster | Kind::Arm => Some(t.say("mark-clusters")),
        _ if writes => Some(t.say("mark-writes")),
        _ => None,
    };
    Line { words, name, mark }
}

fn graph(value: &str) -> &'static str {
    match value {
        "User.Read" => "scope-user-read",
        "User.ReadWrite" => "scope-user-write",
        "User.ReadBasic.All" | "User.Read.All" => "scope-users-read",
        "User.ReadWrite.All" => "scope-users-write",
        "Group.Read.All" | "GroupMember.Read.All" => "scope-groups-read",
        "Group.ReadWrite.All" | "GroupMember.ReadWrite.All" => "scope-groups-write",
        "Application.Read.All" => "scope-apps-read",
        "Application.ReadWrite.All" | "AppRoleAssignment.ReadWrite.All" | "DelegatedPermissionGrant.ReadWrite.All" => {
            "scope-apps-write"
        }
        "AuditLog.Read.All" => "scope-audit",
        "Directory.Read.All" => "scope-directory-read",
        _ => "scope-directory-write",
    }
}

/// The lines for what `OpenID` scopes tell an application.
pub(super) fn oidc(t: Texts, asked: &Asked) -> Vec<Line> {
    let known = [
        (Oidc::Openid, "scope-openid"),
        (Oidc::Profile, "scope-profile"),
        (Oidc::Email, "scope-email"),
        (Oidc::OfflineAccess, "scope-offline"),
    ];
    let asked = known.into_iter().filter(|(oidc, _)| asked.has(*oidc));
    asked.map(|(oidc, key)| Line { words: t.say(key), name: oidc.word().to_owned(), mark: None }).collect()
}
