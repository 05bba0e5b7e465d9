//! The actions of the management plane that we guard (contract R, 3.1).

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// One action of the management plane.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $($(#[$doc])* $name,)*
        }

        impl Action {
            /// All of them, for tables and tests.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name that role definitions use.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

actions! {
    /// See a subscription.
    SubscriptionRead = "Microsoft.Resources/subscriptions/read";
    /// See where things may be.
    LocationsRead = "Microsoft.Resources/subscriptions/locations/read";
    /// See the resource providers.
    ProvidersRead = "Microsoft.Resources/subscriptions/providers/read";
    /// Register a resource provider.
    ProviderRegister = "Microsoft.Resources/subscriptions/providers/register/action";
    /// See all resources of a subscription.
    ResourcesRead = "Microsoft.Resources/subscriptions/resources/read";
    /// See a resource group.
    GroupRead = "Microsoft.Resources/subscriptions/resourceGroups/read";
    /// Make or change a resource group.
    GroupWrite = "Microsoft.Resources/subscriptions/resourceGroups/write";
    /// Delete a resource group with everything in it.
    GroupDelete = "Microsoft.Resources/subscriptions/resourceGroups/delete";
    /// See deployments of templates.
    DeploymentsRead = "Microsoft.Resources/deployments/read";
    /// Deploy a template.
    DeploymentsWrite = "Microsoft.Resources/deployments/write";
    /// Forget a deployment.
    DeploymentsDelete = "Microsoft.Resources/deployments/delete";
    /// Stop a deployment.
    DeploymentsCancel = "Microsoft.Resources/deployments/cancel/action";
    /// Ask whether a template could be deployed.
    DeploymentsValidate = "Microsoft.Resources/deployments/validate/action";
    /// Ask what a template would change.
    DeploymentsWhatIf = "Microsoft.Resources/deployments/whatIf/action";
    /// See the template of a deployment.
    DeploymentsExport = "Microsoft.Resources/deployments/exportTemplate/action";
    /// See what a deployment did.
    DeploymentOperationsRead = "Microsoft.Resources/deployments/operations/read";
    /// See a cluster.
    ClusterRead = "Microsoft.ContainerService/managedClusters/read";
    /// Make or change a cluster.
    ClusterWrite = "Microsoft.ContainerService/managedClusters/write";
    /// Delete a cluster.
    ClusterDelete = "Microsoft.ContainerService/managedClusters/delete";
    /// Fetch the kubeconfig that people sign in with.
    ListUserCredential = "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action";
    /// Fetch the break-glass kubeconfig.
    ListAdminCredential = "Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action";
    /// Fetch the monitoring kubeconfig.
    ListMonitoringCredential = "Microsoft.ContainerService/managedClusters/listClusterMonitoringUserCredential/action";
    /// Fetch a kubeconfig by the old access profile call.
    ListAccessProfile = "Microsoft.ContainerService/managedClusters/accessProfiles/listCredential/action";
    /// Give a legacy cluster other applications.
    ResetAadProfile = "Microsoft.ContainerService/managedClusters/resetAADProfile/action";
    /// Give a cluster another service principal.
    ResetServicePrincipal = "Microsoft.ContainerService/managedClusters/resetServicePrincipalProfile/action";
    /// Stop a cluster.
    ClusterStop = "Microsoft.ContainerService/managedClusters/stop/action";
    /// Start a cluster that was stopped.
    ClusterStart = "Microsoft.ContainerService/managedClusters/start/action";
    /// Make every key and certificate of a cluster anew.
    RotateCertificates = "Microsoft.ContainerService/managedClusters/rotateClusterCertificates/action";
    /// Make the key anew that service account tokens are signed with.
    RotateSigningKeys = "Microsoft.ContainerService/managedClusters/rotateServiceAccountSigningKeys/action";
    /// Undo the operation that is under way.
    ClusterAbort = "Microsoft.ContainerService/managedClusters/abort/action";
    /// See agent pools.
    AgentPoolsRead = "Microsoft.ContainerService/managedClusters/agentPools/read";
    /// Make or change an agent pool.
    AgentPoolsWrite = "Microsoft.ContainerService/managedClusters/agentPools/write";
    /// Remove an agent pool.
    AgentPoolsDelete = "Microsoft.ContainerService/managedClusters/agentPools/delete";
    /// Give the nodes of an agent pool the newest image.
    AgentPoolsUpgrade = "Microsoft.ContainerService/managedClusters/agentPools/upgradeNodeImageVersion/action";
    /// Undo the operation that is under way on an agent pool.
    AgentPoolsAbort = "Microsoft.ContainerService/managedClusters/agentPools/abort/action";
    /// See which versions an agent pool can move to.
    AgentPoolProfilesRead = "Microsoft.ContainerService/managedClusters/agentPools/upgradeProfiles/read";
    /// See which versions agent pools can have.
    AgentPoolVersionsRead = "Microsoft.ContainerService/managedClusters/availableAgentPoolVersions/read";
    /// See which versions a cluster can move to.
    UpgradeProfilesRead = "Microsoft.ContainerService/managedClusters/upgradeProfiles/read";
    /// See which Kubernetes versions a location has.
    VersionsRead = "Microsoft.ContainerService/locations/kubernetesVersions/read";
    /// See how an operation goes on.
    OperationsRead = "Microsoft.ContainerService/locations/operations/read";
    /// See the tags of a place.
    TagsRead = "Microsoft.Resources/tags/read";
    /// Change the tags of a place.
    TagsWrite = "Microsoft.Resources/tags/write";
    /// Take all tags of a place away.
    TagsDelete = "Microsoft.Resources/tags/delete";
    /// See locks.
    LocksRead = "Microsoft.Authorization/locks/read";
    /// Make or change a lock.
    LocksWrite = "Microsoft.Authorization/locks/write";
    /// Remove a lock.
    LocksDelete = "Microsoft.Authorization/locks/delete";
    /// See what happened on the management plane.
    ActivityRead = "Microsoft.Insights/eventtypes/values/read";
    /// See how much of a quota is used.
    UsagesRead = "Microsoft.ContainerService/locations/usages/read";
    /// Say who is cluster admin, in profile `strict`. It is named among the rights to give rights, so that the wildcards of
    /// built-in roles fit it as they fit those (decision 0032).
    ClusterAdminsWrite = "Microsoft.Authorization/clusterAdmins/write";
    /// See role definitions.
    RoleDefinitionsRead = "Microsoft.Authorization/roleDefinitions/read";
    /// Make or change a role.
    RoleDefinitionsWrite = "Microsoft.Authorization/roleDefinitions/write";
    /// Delete a role.
    RoleDefinitionsDelete = "Microsoft.Authorization/roleDefinitions/delete";
    /// See role assignments.
    RoleAssignmentsRead = "Microsoft.Authorization/roleAssignments/read";
    /// Give a role to someone.
    RoleAssignmentsWrite = "Microsoft.Authorization/roleAssignments/write";
    /// Take a role from someone.
    RoleAssignmentsDelete = "Microsoft.Authorization/roleAssignments/delete";
    /// See deny assignments.
    DenialsRead = "Microsoft.Authorization/denyAssignments/read";
    /// Deny something to somebody.
    DenialsWrite = "Microsoft.Authorization/denyAssignments/write";
    /// Take a deny assignment away.
    DenialsDelete = "Microsoft.Authorization/denyAssignments/delete";
    /// See one's own rights.
    PermissionsRead = "Microsoft.Authorization/permissions/read";
    /// Ask what somebody may do.
    CheckAccess = "Microsoft.Authorization/checkAccess/read";
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
