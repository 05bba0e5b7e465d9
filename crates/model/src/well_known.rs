//! The applications that exist in every tenant without anyone registering them (S-0, R-501).
//!
//! Their ids are constants in kubeconfigs, scripts and client libraries, so they are constants here too.

use uuid::uuid;

use crate::id::AppId;

/// What a first-party application is to the token service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Tokens are made for it.
    Resource,
    /// A public client: it signs people in and holds no secret.
    PublicClient,
}

/// One first-party application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstParty {
    /// Its client id.
    pub app_id: AppId,
    /// Its display name in the directory.
    pub name: &'static str,
    /// Resource or client.
    pub kind: Kind,
    /// Whether its refresh tokens belong to family `1`.
    pub family: bool,
}

/// The AKS server application: the audience of a cluster's tokens where a cluster has none of its own.
pub const AKS_SERVER: AppId = AppId::from_uuid(uuid!("6dae42f8-4368-4678-94ff-3960e28e3630"));
/// The public client that kubelogin signs people in with.
pub const AKS_CLIENT: AppId = AppId::from_uuid(uuid!("80faf920-1908-4b52-b5ef-a8e7bedfc67a"));
/// The `az` command.
pub const AZURE_CLI: AppId = AppId::from_uuid(uuid!("04b07795-8ddb-461a-bbee-02f9e1bf7b46"));
/// Azure PowerShell.
pub const AZURE_POWERSHELL: AppId = AppId::from_uuid(uuid!("1950a258-227b-4e31-a9cf-717495945fc2"));
/// Microsoft Graph, the directory API.
pub const GRAPH: AppId = AppId::from_uuid(uuid!("00000003-0000-0000-c000-000000000000"));
/// The resource manager.
pub const ARM: AppId = AppId::from_uuid(uuid!("797f4846-ba00-4fd7-ba43-dac1f8f63013"));
/// The retired directory API: tokens only, nothing answers them.
pub const AAD_GRAPH: AppId = AppId::from_uuid(uuid!("00000002-0000-0000-c000-000000000000"));

/// All of them, in the order of the contract's table.
pub const FIRST_PARTY: &[FirstParty] = &[
    FirstParty { app_id: AKS_SERVER, name: "Azure Kubernetes Service AAD Server", kind: Kind::Resource, family: false },
    FirstParty { app_id: AKS_CLIENT, name: "Azure Kubernetes Service AAD Client", kind: Kind::PublicClient, family: false },
    FirstParty { app_id: AZURE_CLI, name: "Azure CLI", kind: Kind::PublicClient, family: true },
    FirstParty { app_id: AZURE_POWERSHELL, name: "Azure PowerShell", kind: Kind::PublicClient, family: true },
    FirstParty { app_id: GRAPH, name: "Microsoft Graph", kind: Kind::Resource, family: false },
    FirstParty { app_id: ARM, name: "Azure Resource Manager", kind: Kind::Resource, family: false },
    FirstParty { app_id: AAD_GRAPH, name: "AAD Graph", kind: Kind::Resource, family: false },
];

/// The first-party application with this client id.
pub fn first_party(app: AppId) -> Option<&'static FirstParty> {
    FIRST_PARTY.iter().find(|known| known.app_id == app)
}
