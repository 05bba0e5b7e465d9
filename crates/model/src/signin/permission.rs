//! Delegated permissions: what the built-in resources offer, and what an application's registration offers.

use uuid::{Uuid, uuid};

use super::resource::Kind;

/// A delegated permission of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// Its id, as `requiredResourceAccess` names it.
    pub id: Uuid,
    /// Its name in scopes.
    pub value: String,
    /// Only an administrator may allow it.
    pub admin_only: bool,
    /// What it is about, in the words of who registered it; nothing for built-in ones, which our pages describe.
    pub title: Option<String>,
}

struct BuiltIn {
    id: Uuid,
    value: &'static str,
    admin_only: bool,
}

const fn open(value: &'static str, id: Uuid) -> BuiltIn {
    BuiltIn { id, value, admin_only: false }
}

const fn admin(value: &'static str, id: Uuid) -> BuiltIn {
    BuiltIn { id, value, admin_only: true }
}

/// The ids are those of the original: registrations, Terraform plans and scripts name them.
const GRAPH: &[BuiltIn] = &[
    open("User.Read", uuid!("e1fe6dd8-ba31-4d61-89e7-88639da4683d")),
    open("User.ReadWrite", uuid!("b4e74841-8e56-480b-be8b-910348b18b4c")),
    open("User.ReadBasic.All", uuid!("b340eb25-3456-403f-be2f-af7a0d370277")),
    admin("User.Read.All", uuid!("a154be20-db9c-4678-8ab7-66f6cc099a59")),
    admin("User.ReadWrite.All", uuid!("204e0828-b5ca-4ad8-b9f3-f32a958e7cc4")),
    admin("Group.Read.All", uuid!("5f8c59db-677d-491f-a6b8-5f174b11ec1d")),
    admin("Group.ReadWrite.All", uuid!("4e46008b-f24c-477d-8fff-7bb4ec7aafe0")),
    admin("GroupMember.Read.All", uuid!("bc024368-1153-4739-b217-4326f2e966d0")),
    admin("GroupMember.ReadWrite.All", uuid!("f81125ac-d3b7-4573-a3b2-7099cc39df9e")),
    admin("Application.Read.All", uuid!("c79f8feb-a9db-4090-85f9-90d820caa0eb")),
    admin("Application.ReadWrite.All", uuid!("bdfbf15f-ee85-4955-8675-146e8e5296b5")),
    admin("AppRoleAssignment.ReadWrite.All", uuid!("84bccea3-f856-4a8a-967b-dbe0a3d53a64")),
    admin("AuditLog.Read.All", uuid!("e4c9e354-4dc5-45b8-9e7c-e1393b0b1a20")),
    admin("DelegatedPermissionGrant.ReadWrite.All", uuid!("41ce6ca6-6826-4807-84f1-1c82854f7ee5")),
    admin("Directory.Read.All", uuid!("06da0dbc-49e2-44d2-8312-53f166ab848a")),
    admin("Directory.ReadWrite.All", uuid!("c5366453-9fb0-48a5-a156-24f0c49a4b84")),
    admin("Directory.AccessAsUser.All", uuid!("0e263e50-5827-48a4-b97c-d940288653c7")),
];
/// The original lets every person allow this one. Here it reaches clusters' credentials, so administrators allow it.
const ARM: &[BuiltIn] = &[admin("user_impersonation", uuid!("41094075-9dad-400e-a0bd-54e686782033"))];
const CLUSTER: &[BuiltIn] = &[open("user.read", uuid!("34a47c2f-cd0d-47b4-a93c-2c41130c671c"))];

/// The delegated permissions that a built-in resource offers.
pub fn built_in(kind: Kind) -> Vec<Permission> {
    let known = match kind {
        Kind::Graph => GRAPH,
        Kind::Arm => ARM,
        Kind::Cluster => CLUSTER,
        Kind::OtherBuiltIn | Kind::Own => &[],
    };
    known
        .iter()
        .map(|one| Permission { id: one.id, value: one.value.to_owned(), admin_only: one.admin_only, title: None })
        .collect()
}

/// The delegated permissions of a registration (`api.oauth2PermissionScopes`) that are switched on.
pub fn registered(scopes: &serde_json::Value) -> Vec<Permission> {
    let text = |scope: &serde_json::Value, name: &str| scope.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    let all = scopes.as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter()
        .filter(|scope| scope.get("isEnabled").and_then(serde_json::Value::as_bool).unwrap_or(true))
        .filter_map(|scope| {
            Some(Permission {
                id: text(scope, "id")?.parse().ok()?,
                value: text(scope, "value")?,
                admin_only: text(scope, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("Admin")),
                title: text(scope, "userConsentDisplayName").or_else(|| text(scope, "adminConsentDisplayName")),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn s_304_no_two_built_in_permissions_share_an_id_or_a_name() {
        let all: Vec<_> = [Kind::Graph, Kind::Arm, Kind::Cluster].into_iter().flat_map(built_in).collect();
        let names: BTreeSet<_> = all.iter().map(|one| one.value.to_ascii_lowercase()).collect();
        let ids: BTreeSet<_> = all.iter().map(|one| one.id).collect();
        // Graph's `User.Read` and the clusters' `user.read` are two permissions of two resources.
        assert_eq!((names.len() + 1, ids.len()), (all.len(), all.len()));
    }

    #[test]
    fn s_304_a_registration_offers_what_it_switched_on() {
        let scopes = json!([
            {"id": "11111111-1111-4111-8111-111111111111", "value": "Orders.Read", "type": "User", "isEnabled": true,
             "userConsentDisplayName": "See your orders", "adminConsentDisplayName": "See orders"},
            {"id": "22222222-2222-4222-8222-222222222222", "value": "Orders.Delete", "type": "Admin"},
            {"id": "33333333-3333-4333-8333-333333333333", "value": "Old", "isEnabled": false},
            {"value": "NoId"},
        ]);
        let offered = registered(&scopes);
        let shown: Vec<_> = offered.iter().map(|one| (one.value.as_str(), one.admin_only, one.title.as_deref())).collect();
        assert_eq!(shown, [("Orders.Read", false, Some("See your orders")), ("Orders.Delete", true, None)]);
        assert_eq!(registered(&json!("nonsense")), []);
    }
}
