//! Everything a request for a cluster can be refused for (contract R, 1.9), with code and target as clients know them.

use crate::arm::{BadName, Ruled};
use crate::recovery::BadRecovery;

/// Why a body is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unacceptable {
    /// a member of another JSON type.
    #[error("The body could not be read: `{member}` must be {expected}.")]
    WrongType {
        /// Path of the member.
        member: String,
        /// What it must be.
        expected: &'static str,
    },
    /// the same member in two spellings.
    #[error("The body could not be read: `{member}` is there twice.")]
    Twice {
        /// Path of the member.
        member: String,
    },
    ///
    #[error("A location is needed for {name}.")]
    LocationMissing {
        /// The cluster's name.
        name: String,
    },
    ///
    #[error("Location {location} is not offered for Microsoft.ContainerService/managedClusters. Offered: {offered}.")]
    LocationNotOffered {
        /// What was asked for.
        location: String,
        /// What there is.
        offered: String,
    },
    ///
    #[error("{name} already lives in {old}; it cannot be created in {new}.")]
    LocationChanged {
        /// The cluster's name.
        name: String,
        /// Where it is.
        old: String,
        /// Where it was asked to be.
        new: String,
    },
    ///
    #[error(
        "DNS prefix '{prefix}' is not valid: 1 to 54 letters, digits or hyphens, beginning and ending with a letter or digit."
    )]
    DnsPrefix {
        /// What was sent.
        prefix: String,
    },
    ///
    #[error("A dnsPrefix is needed: 1 to 54 letters, digits or hyphens, beginning and ending with a letter or digit.")]
    DnsPrefixMissing,
    ///
    #[error("The body says {body}, the address says {address}.")]
    Contradiction {
        /// `name` or `type`.
        member: &'static str,
        /// The body's word.
        body: String,
        /// The address's word.
        address: String,
    },
    ///
    #[error("Only tags can be changed this way; send a PUT for {member}.")]
    OnlyTags {
        /// The other member.
        member: String,
    },
    ///
    #[error("At most 50 tags are kept, with names of 1 to 512 and texts of at most 256 characters: {detail}.")]
    Tags {
        /// Which limit was broken.
        detail: String,
    },
    ///
    #[error("{member} cannot be changed after creation.")]
    Immutable {
        /// Path of the member.
        member: String,
    },
    ///
    #[error("This would make {wanted} clusters; {max} are allowed here.")]
    TooManyClusters {
        /// How many there would be.
        wanted: usize,
        /// How many there may be.
        max: usize,
    },
    ///
    #[error("Kubernetes {version} is not offered in {location}. Offered: {offered}.")]
    VersionNotOffered {
        /// What was asked for.
        version: String,
        /// Where.
        location: String,
        /// What there is.
        offered: String,
    },
    ///
    #[error("Kubernetes cannot go back from {old} to {new}.")]
    VersionGoesBack {
        /// What runs.
        old: String,
        /// What was asked for.
        new: String,
    },
    ///
    #[error("Agent pools: {detail}.")]
    Pools {
        /// What is wrong with them.
        detail: String,
    },
    ///
    #[error("The managed directory integration cannot be removed once it is on (aadProfile.managed).")]
    ManagedStays,
    ///
    #[error("A cluster with the managed integration cannot go back to own client and server applications.")]
    NoWayBackToLegacy,
    ///
    #[error("{member} belongs to the retired integration and cannot stand beside aadProfile.managed.")]
    LegacyBesideManaged {
        /// The first such member.
        member: &'static str,
    },
    ///
    #[error("The directory integration needs Kubernetes RBAC, and enableRBAC is false on this cluster.")]
    NeedsKubernetesRbac,
    ///
    #[error("Role-based decisions (enableAzureRBAC) need the managed integration; set aadProfile.managed too.")]
    AzureRbacNeedsManaged,
    ///
    #[error("{member} has no effect without aadProfile.managed.")]
    NeedsManaged {
        /// The member.
        member: &'static str,
    },
    ///
    #[error(
        "'{value}' in adminGroupObjectIDs is no object id; names are not accepted. `az ad group show --group NAME --query id` tells it."
    )]
    AdminGroupNoGuid {
        /// What was sent.
        value: String,
    },
    ///
    #[error("{given} admin groups were given; at most {max} are allowed.")]
    TooManyAdminGroups {
        /// How many.
        given: usize,
        /// How many there may be.
        max: usize,
    },
    ///
    #[error("tenantID '{value}' is not a GUID.")]
    TenantNoGuid {
        /// What was sent.
        value: String,
    },
    ///
    #[error("Tenant {given} is not the tenant of subscription {subscription} ({home}); sign-in or role checks would fail.")]
    ForeignTenant {
        /// What was sent.
        given: String,
        /// The subscription.
        subscription: String,
        /// Its tenant.
        home: String,
        /// With role-based decisions it can never work.
        azure_rbac: bool,
    },
    ///
    #[error("Integration with own applications is retired; use aadProfile.managed.")]
    LegacyRetired,
    ///
    #[error("{member} cannot be changed here; use resetAADProfile, or move to the managed integration.")]
    LegacyChange {
        /// The member.
        member: &'static str,
    },
    /// an application's id that is none.
    #[error("{member} '{value}' is no application id; `az ad app list --query \"[].{{name:displayName,id:appId}}\"` tells them.")]
    ApplicationNoGuid {
        /// The member.
        member: &'static str,
        /// What was sent.
        value: String,
    },
    /// a server application that is not the customer's own.
    #[error(
        "Server application {server} is not registered in directory {tenant}. Use one of your own; the platform's applications cannot be a cluster's audience in the retired integration."
    )]
    ServerAppUnknown {
        /// What was sent.
        server: String,
        /// Where it was looked for.
        tenant: String,
    },
    ///
    #[error("resetAADProfile does not apply to the managed integration; nothing has to be reset there.")]
    ResetManaged,
    ///
    #[error("The cluster has no directory integration to reset; `az aks update --enable-aad` turns the managed one on.")]
    NothingToReset,
    ///
    #[error(
        "resetAADProfile needs client id, server id and secret of the new applications (clientAppID, serverAppID, serverAppSecret), and no aadProfile.managed."
    )]
    ResetIncomplete,
    /// There is no service principal to give other credentials to.
    #[error("The cluster has a managed identity and no service principal, so there are no credentials to reset.")]
    NoServicePrincipal,
    /// Half of a service principal.
    #[error("resetServicePrincipalProfile needs the application's id, a GUID, and its secret (clientId, secret).")]
    ServicePrincipalIncomplete,
    ///
    #[error("Local accounts are the only way into a cluster without directory integration; turn that on first.")]
    LockOut,
    ///
    #[error("Automatic clusters always decide by role assignments; enableAzureRBAC cannot be false.")]
    AutomaticNeedsAzureRbac,
    ///
    #[error("The OIDC issuer cannot be switched off: tokens and federations depend on it.")]
    IssuerStays,
    ///
    #[error("Workload identity needs the OIDC issuer.")]
    WorkloadIdentityNeedsIssuer,
    /// A member of `entranceProfile` with a value we do not know.
    #[error("entranceProfile.{member} '{value}' is unknown; use {known}.")]
    EntranceProfile {
        /// The member.
        member: &'static str,
        /// What was sent.
        value: String,
        /// What it may be.
        known: &'static str,
    },
    /// Recovery keys that cannot open a sealed door.
    #[error("entranceProfile.breakGlass.{member}: {why}.", member = .why.member())]
    Recovery {
        /// What is wrong with them.
        why: BadRecovery,
    },
    /// A name that breaks its pattern.
    #[error(transparent)]
    Name(#[from] BadName),
}

impl Ruled for Unacceptable {
    fn rule(&self) -> &'static str {
        match self {
            Self::WrongType { .. } | Self::Twice { .. } | Self::EntranceProfile { .. } | Self::Recovery { .. } => "R-013",
            Self::LocationMissing { .. } => "R-014",
            Self::LocationNotOffered { .. } => "R-015",
            Self::LocationChanged { .. } => "R-016",
            Self::DnsPrefix { .. } => "R-018",
            Self::DnsPrefixMissing => "R-019",
            Self::Contradiction { .. } => "R-020",
            Self::OnlyTags { .. } => "R-021",
            Self::Tags { .. } => "R-022",
            Self::Immutable { .. } => "R-023",
            Self::TooManyClusters { .. } => "R-028",
            Self::VersionNotOffered { .. } => "R-029",
            Self::VersionGoesBack { .. } => "R-030",
            Self::Pools { .. } => "R-034",
            Self::ManagedStays => "R-101",
            Self::NoWayBackToLegacy => "R-102",
            Self::LegacyBesideManaged { .. } => "R-103",
            Self::NeedsKubernetesRbac => "R-104",
            Self::AzureRbacNeedsManaged => "R-105",
            Self::NeedsManaged { .. } => "R-106",
            Self::AdminGroupNoGuid { .. } => "R-107",
            Self::TooManyAdminGroups { .. } => "R-109",
            Self::TenantNoGuid { .. } => "R-111",
            Self::ForeignTenant { azure_rbac: false, .. } => "R-112",
            Self::ForeignTenant { azure_rbac: true, .. } => "R-113",
            Self::LegacyRetired | Self::ApplicationNoGuid { .. } | Self::ServerAppUnknown { .. } => "R-115",
            Self::LegacyChange { .. } => "R-116",
            Self::LockOut => "R-119",
            Self::ResetManaged => "R-204",
            Self::NothingToReset | Self::NoServicePrincipal => "R-205",
            Self::ResetIncomplete | Self::ServicePrincipalIncomplete => "R-206",
            Self::AutomaticNeedsAzureRbac => "R-122",
            Self::IssuerStays => "R-123",
            Self::WorkloadIdentityNeedsIssuer => "R-124",
            Self::Name(name) => name.rule(),
        }
    }

    fn status(&self) -> u16 {
        if matches!(self, Self::LocationChanged { .. }) { 409 } else { 400 }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::WrongType { .. } | Self::Twice { .. } | Self::Contradiction { .. } => "InvalidRequestContent",
            Self::LocationMissing { .. } => "LocationRequired",
            Self::LocationNotOffered { .. } => "LocationNotAvailableForResourceType",
            Self::LocationChanged { .. } => "InvalidResourceLocation",
            Self::DnsPrefix { .. }
            | Self::DnsPrefixMissing
            | Self::OnlyTags { .. }
            | Self::Tags { .. }
            | Self::Pools { .. }
            | Self::LegacyBesideManaged { .. }
            | Self::NeedsManaged { .. }
            | Self::AdminGroupNoGuid { .. }
            | Self::TooManyAdminGroups { .. }
            | Self::TenantNoGuid { .. }
            | Self::ForeignTenant { .. }
            | Self::ApplicationNoGuid { .. }
            | Self::ServerAppUnknown { .. }
            | Self::EntranceProfile { .. }
            | Self::Recovery { .. } => "InvalidParameter",
            Self::Immutable { .. }
            | Self::ManagedStays
            | Self::NoWayBackToLegacy
            | Self::LegacyChange { .. }
            | Self::IssuerStays => "PropertyChangeNotAllowed",
            Self::TooManyClusters { .. } => "ManagedClusterCountExceedsQuotaLimit",
            Self::VersionNotOffered { .. } => "K8sVersionNotSupported",
            Self::VersionGoesBack { .. } => "OperationNotAllowed",
            Self::NeedsKubernetesRbac
            | Self::AzureRbacNeedsManaged
            | Self::LegacyRetired
            | Self::ResetManaged
            | Self::NothingToReset
            | Self::ResetIncomplete
            | Self::NoServicePrincipal
            | Self::ServicePrincipalIncomplete
            | Self::LockOut
            | Self::AutomaticNeedsAzureRbac
            | Self::WorkloadIdentityNeedsIssuer => "BadRequest",
            Self::Name(name) => name.code(),
        }
    }

    fn target(&self) -> Option<String> {
        let fixed = match self {
            Self::WrongType { member, .. } | Self::Twice { member } | Self::Immutable { member } => {
                return Some(member.strip_prefix("properties.").unwrap_or(member).to_owned());
            }
            Self::Contradiction { member, .. } => member,
            Self::LegacyBesideManaged { member } | Self::LegacyChange { member } | Self::ApplicationNoGuid { member, .. } => {
                return Some(format!("aadProfile.{member}"));
            }
            Self::EntranceProfile { member, .. } => return Some(format!("entranceProfile.{member}")),
            Self::Recovery { why } => return Some(format!("entranceProfile.breakGlass.{}", why.member())),
            Self::Name(name) => return name.target(),
            Self::TooManyClusters { .. }
            | Self::OnlyTags { .. }
            | Self::ResetManaged
            | Self::NothingToReset
            | Self::ResetIncomplete
            | Self::NoServicePrincipal
            | Self::ServicePrincipalIncomplete => return None,
            Self::ServerAppUnknown { .. } => "aadProfile.serverAppID",
            Self::LocationMissing { .. } | Self::LocationNotOffered { .. } | Self::LocationChanged { .. } => "location",
            Self::DnsPrefix { .. } | Self::DnsPrefixMissing => "dnsPrefix",
            Self::Tags { .. } => "tags",
            Self::VersionNotOffered { .. } | Self::VersionGoesBack { .. } => "kubernetesVersion",
            Self::Pools { .. } => "agentPoolProfiles",
            Self::ManagedStays | Self::NoWayBackToLegacy => "aadProfile.managed",
            Self::NeedsKubernetesRbac => "enableRBAC",
            Self::AzureRbacNeedsManaged | Self::AutomaticNeedsAzureRbac => "aadProfile.enableAzureRBAC",
            Self::NeedsManaged { .. } | Self::LegacyRetired => "aadProfile",
            Self::AdminGroupNoGuid { .. } | Self::TooManyAdminGroups { .. } => "aadProfile.adminGroupObjectIDs",
            Self::TenantNoGuid { .. } | Self::ForeignTenant { .. } => "aadProfile.tenantID",
            Self::LockOut => "disableLocalAccounts",
            Self::IssuerStays => "oidcIssuerProfile.enabled",
            Self::WorkloadIdentityNeedsIssuer => "securityProfile.workloadIdentity",
        };
        Some(fixed.to_owned())
    }
}
