//! Who asks for tokens: built-in clients and the tenant's own applications, and what each may have without a question
//! (S-304).

use super::Aadsts;
use super::resource::{Kind, Resource};
use crate::directory::Redirects;
use crate::id::AppId;
use crate::well_known;

/// What Azure CLI and PowerShell may do in the directory in a person's name.
const GRAPH_OF_TOOLS: &[&str] = &[
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "AuditLog.Read.All",
    "Directory.AccessAsUser.All",
    "Group.ReadWrite.All",
    "User.Read.All",
    "User.ReadWrite.All",
];

/// Why a client may not have a token for a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A built-in client and a built-in resource that do not belong together.
    #[error("the built-in application may not ask for this resource")]
    NotPreauthorized,
    /// Nobody allowed it.
    #[error("nobody allowed the application to use the resource")]
    NoConsent,
}

impl Refusal {
    /// Its number.
    pub const fn number(self) -> Aadsts {
        match self {
            Self::NotPreauthorized => Aadsts::PreauthorizationRequired,
            Self::NoConsent => Aadsts::DelegationDoesNotExist,
        }
    }
}

/// The delegated permissions that a client has on a resource without asking anybody.
pub fn preauthorized(client: AppId, resource: &Resource) -> Result<Vec<&str>, Refusal> {
    let built_in = well_known::first_party(client).is_some();
    match (client, resource.kind) {
        (well_known::AZURE_CLI | well_known::AZURE_POWERSHELL, Kind::Arm) => Ok(vec!["user_impersonation"]),
        (well_known::AZURE_CLI | well_known::AZURE_POWERSHELL, Kind::Graph) => Ok(GRAPH_OF_TOOLS.to_vec()),
        (well_known::AZURE_CLI | well_known::AZURE_POWERSHELL | well_known::AKS_CLIENT, Kind::Cluster) => Ok(vec!["user.read"]),
        (well_known::AKS_CLIENT, Kind::Graph) => Ok(vec!["User.Read"]),
        (_, Kind::Own) if resource.app == client => Ok(resource.permissions.iter().map(String::as_str).collect()),
        (_, Kind::Graph) if !built_in => Ok(vec!["User.Read"]),
        (_, Kind::Arm | Kind::Cluster | Kind::Graph | Kind::OtherBuiltIn) if built_in => Err(Refusal::NotPreauthorized),
        _ => Err(Refusal::NoConsent),
    }
}

/// Whether the directory also takes this client's tokens for the resource manager: `az rest` sends those to any address of
/// our one origin (azure-cli 3). They may open no more than what the directory gives these clients anyway, so nobody else is
/// here.
pub fn opens_directory_with_arm(client: AppId) -> bool {
    matches!(client, well_known::AZURE_CLI | well_known::AZURE_POWERSHELL)
}

/// Whether a refresh token of this client may be used for a resource of this kind: one that kubelogin holds opens
/// clusters and nothing else (DESIGN 8).
pub fn may_refresh(client: AppId, kind: Kind) -> bool {
    client != well_known::AKS_CLIENT || kind == Kind::Cluster
}

/// The addresses of a built-in public client.
pub fn built_in_redirects(client: AppId, base: &str) -> Redirects {
    let mut addresses = vec!["http://localhost".to_owned()];
    if client == well_known::AKS_CLIENT {
        addresses.push(format!("{base}/common/oauth2/nativeclient"));
    }
    Redirects { public_client: addresses, ..Redirects::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(app: AppId, kind: Kind) -> Resource {
        Resource {
            app,
            kind,
            asked: app.to_string(),
            version: 1,
            permissions: vec!["read".into()],
            assignment_required: false,
            principal: crate::id::ServicePrincipalId::from_uuid(uuid::Uuid::nil()),
            manifest: kind.manifest(),
        }
    }

    #[test]
    fn s_304_built_in_pairs_need_no_consent_and_other_built_in_pairs_are_refused() {
        let (aks, arm, graph) = (
            resource(well_known::AKS_SERVER, Kind::Cluster),
            resource(well_known::ARM, Kind::Arm),
            resource(well_known::GRAPH, Kind::Graph),
        );
        assert_eq!(preauthorized(well_known::AZURE_CLI, &arm), Ok(vec!["user_impersonation"]));
        assert_eq!(preauthorized(well_known::AZURE_CLI, &aks), Ok(vec!["user.read"]));
        assert!(preauthorized(well_known::AZURE_POWERSHELL, &graph).is_ok_and(|all| all.contains(&"Group.ReadWrite.All")));
        assert_eq!(preauthorized(well_known::AKS_CLIENT, &aks), Ok(vec!["user.read"]));
        assert_eq!(preauthorized(well_known::AKS_CLIENT, &graph), Ok(vec!["User.Read"]));
        assert_eq!(preauthorized(well_known::AKS_CLIENT, &arm), Err(Refusal::NotPreauthorized));
    }

    #[test]
    fn s_304_own_applications_reach_themselves_and_the_profile_only() {
        let own: AppId = "11111111-1111-4111-8111-111111111111".parse().expect("an id");
        let other: AppId = "22222222-2222-4222-8222-222222222222".parse().expect("an id");
        assert_eq!(preauthorized(own, &resource(own, Kind::Own)), Ok(vec!["read"]));
        assert_eq!(preauthorized(own, &resource(other, Kind::Own)), Err(Refusal::NoConsent));
        assert_eq!(preauthorized(own, &resource(well_known::AKS_SERVER, Kind::Cluster)), Err(Refusal::NoConsent));
        assert_eq!(preauthorized(own, &resource(well_known::GRAPH, Kind::Graph)), Ok(vec!["User.Read"]));
    }

    #[test]
    fn o_08_the_directory_takes_tokens_for_the_resource_manager_only_from_clients_that_reach_it_whole_anyway() {
        let graph = resource(well_known::GRAPH, Kind::Graph);
        for client in well_known::FIRST_PARTY.iter().map(|known| known.app_id) {
            let whole = preauthorized(client, &graph).is_ok_and(|all| all.contains(&"Directory.AccessAsUser.All"));
            assert_eq!(opens_directory_with_arm(client), whole, "{client}");
        }
        let own: AppId = "11111111-1111-4111-8111-111111111111".parse().expect("an id");
        assert!(!opens_directory_with_arm(own));
    }

    #[test]
    fn o_08_a_refresh_token_of_kubelogin_opens_clusters_only() {
        assert!(may_refresh(well_known::AKS_CLIENT, Kind::Cluster));
        assert!(!may_refresh(well_known::AKS_CLIENT, Kind::Arm));
        assert!(may_refresh(well_known::AZURE_CLI, Kind::Arm));
    }
}
