"""The clients of the resource manager that other people's programs are built on: `azure-mgmt-containerservice`, `-authorization` and `-resource` for Python.

A program that owns one resource group signs in with its secret and has one cluster through its life.
"""

import uuid

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceModifiedError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.authorization.models import RoleAssignmentCreateParameters
from azure.mgmt.containerservice import ContainerServiceClient
from azure.mgmt.containerservice.models import ManagedCluster, ManagedClusterAADProfile, ManagedClusterAgentPoolProfile, ManagedClusterIdentity, TagsObject
from azure.mgmt.resource.deployments import DeploymentsMgmtClient
from azure.mgmt.resource.deployments.models import Deployment, DeploymentProperties
from azure.mgmt.resource.resources import ResourceManagementClient

from support.cluster import USER_ROLE, Door
from support.office import Office
from support.running import until

OWNER, READER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "acdd72a7-3385-48ef-bd42-f606fba81ae7"
GROUP, CLUSTER = "sdk", "of-a-program"


class Sdk:
    def __init__(self, server):
        self.server, self.office = server, Office(server)
        self.subscription = server.env["SUBSCRIPTION"]
        self.group = f"/subscriptions/{self.subscription}/resourceGroups/{GROUP}"
        self.office.arm("PUT", self.group, {"location": "local"})
        self.owner, self.stranger = self.office.program("sdk-owner"), self.office.program("sdk-stranger")
        # Which versions there are is told at the subscription.
        for role, scope in ((OWNER, self.group), (READER, f"/subscriptions/{self.subscription}")):
            self.office.arm("PUT", f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}", {"properties": {
                "roleDefinitionId": f"/subscriptions/{self.subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}",
                "principalId": self.owner.oid, "principalType": "ServicePrincipal"}})
        self.admins, self.more = self.office.group(self.owner.oid, name="sdk-admins"), self.office.group(name="sdk-more")

    def client(self, kind, who, secret=""):
        """As its documentation says for a cloud of one's own: where it is, what its tokens are for, and whom to trust."""
        ca = self.server.env["ENTRANCE_CA"]
        credential = ClientSecretCredential(
            self.office.tenant, who.app, secret or who.secret, authority=self.office.url, disable_instance_discovery=True, connection_verify=ca)
        scopes = [self.office.resources["arm"] + "/.default"]
        return kind(credential, self.subscription, base_url=self.office.url, credential_scopes=scopes, connection_verify=ca, retry_total=0)

    @property
    def body(self) -> ManagedCluster:
        return ManagedCluster(
            location="local", identity=ManagedClusterIdentity(type="SystemAssigned"), dns_prefix=CLUSTER, enable_rbac=True, tags={"by": "sdk"},
            agent_pool_profiles=[ManagedClusterAgentPoolProfile(name="nodepool1", count=1, mode="System", vm_size="Standard_D4s_v5")],
            aad_profile=ManagedClusterAADProfile(managed=True, admin_group_object_i_ds=[self.admins]),
        )


@pytest.fixture(scope="module", autouse=True)
def trust(server):
    """Whom these libraries trust is a matter of the environment, which the machine's owner may have set."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", server.env["ENTRANCE_CA"])
        patch.setenv("NO_PROXY", "localhost")
        yield


@pytest.fixture(scope="module")
def sdk(server):
    return Sdk(server)


@pytest.fixture(scope="module")
def aks(sdk):
    return sdk.client(ContainerServiceClient, sdk.owner)


@pytest.fixture(scope="module")
def cluster(sdk, aks) -> ManagedCluster:
    """Made as a program makes one, and waited for as it waits."""
    made = aks.managed_clusters.begin_create_or_update(GROUP, CLUSTER, sdk.body, polling_interval=1).result()
    yield made
    if any(one.name == CLUSTER for one in aks.managed_clusters.list_by_resource_group(GROUP)):
        aks.managed_clusters.begin_delete(GROUP, CLUSTER, polling_interval=1).result()


def refused(error: pytest.ExceptionInfo) -> tuple[int, str]:
    return error.value.status_code, error.value.error.code


def test_a_cluster_is_made(sdk, cluster):
    assert cluster.provisioning_state == "Succeeded"
    assert cluster.id.lower() == f"{sdk.group}/providers/Microsoft.ContainerService/managedClusters/{CLUSTER}".lower()
    profile = cluster.aad_profile
    assert (profile.managed, profile.admin_group_object_i_ds, profile.tenant_id) == (True, [sdk.admins], sdk.office.tenant)
    assert cluster.tags == {"by": "sdk"} and cluster.fqdn and cluster.current_kubernetes_version and cluster.identity.principal_id


def test_it_is_listed_and_read(aks, cluster):
    assert [one.name for one in aks.managed_clusters.list_by_resource_group(GROUP)] == [CLUSTER]
    assert cluster.id in [one.id for one in aks.managed_clusters.list()]
    read = aks.managed_clusters.get(GROUP, CLUSTER)
    assert (read.id, read.name, read.type) == (cluster.id, CLUSTER, "Microsoft.ContainerService/managedClusters")
    assert read.e_tag


def test_what_was_read_is_changed_and_sent_back(sdk, aks, cluster):
    read = aks.managed_clusters.get(GROUP, CLUSTER)
    read.aad_profile.admin_group_object_i_ds.append(sdk.more)
    after = aks.managed_clusters.begin_create_or_update(GROUP, CLUSTER, read, polling_interval=1).result()
    assert after.aad_profile.admin_group_object_i_ds == [sdk.admins, sdk.more]
    assert (after.tags, after.dns_prefix, after.fqdn) == (cluster.tags, cluster.dns_prefix, cluster.fqdn)


def test_tags_are_replaced(aks, cluster):
    after = aks.managed_clusters.begin_update_tags(GROUP, CLUSTER, TagsObject(tags={"team": "checkout"}), polling_interval=1).result()
    assert after.tags == {"team": "checkout"}
    assert aks.managed_clusters.get(GROUP, CLUSTER).tags == {"team": "checkout"}


def test_somebody_elses_change_is_not_overwritten(aks, cluster):
    """The etag of a resource that has changed since it was read."""
    read = aks.managed_clusters.get(GROUP, CLUSTER)
    aks.managed_clusters.begin_update_tags(GROUP, CLUSTER, TagsObject(tags={"team": "till"}), polling_interval=1).result()
    with pytest.raises(ResourceModifiedError) as error:
        aks.managed_clusters.begin_create_or_update(GROUP, CLUSTER, read, etag=read.e_tag, match_condition=MatchConditions.IfNotModified)
    assert error.value.status_code == 412
    assert aks.managed_clusters.get(GROUP, CLUSTER).tags == {"team": "till"}


def test_agent_pools_are_listed_and_read(aks, cluster):
    assert [(pool.name, pool.count, pool.mode) for pool in aks.agent_pools.list(GROUP, CLUSTER)] == [("nodepool1", 1, "System")]
    assert aks.agent_pools.get(GROUP, CLUSTER, "nodepool1").provisioning_state == "Succeeded"
    with pytest.raises(ResourceNotFoundError):
        aks.agent_pools.get(GROUP, CLUSTER, "nopool")


def test_versions_and_upgrades_are_told(aks, cluster):
    versions = aks.managed_clusters.list_kubernetes_versions("local").values_property
    assert cluster.current_kubernetes_version in [patch for one in versions for patch in one.patch_versions]
    profile = aks.managed_clusters.get_upgrade_profile(GROUP, CLUSTER)
    assert profile.control_plane_profile.kubernetes_version == cluster.current_kubernetes_version


def test_the_kubeconfigs_open_the_cluster(sdk, aks, cluster, tmp_path):
    for name, credentials in {
        "exec": aks.managed_clusters.list_cluster_user_credentials(GROUP, CLUSTER),
        "azure": aks.managed_clusters.list_cluster_user_credentials(GROUP, CLUSTER, format="azure"),
        "admin": aks.managed_clusters.list_cluster_admin_credentials(GROUP, CLUSTER),
    }.items():
        (tmp_path / name).write_bytes(credentials.kubeconfigs[0].value)
    assert "kubelogin" in (tmp_path / "exec").read_text() and "auth-provider" in (tmp_path / "azure").read_text()
    door = Door.of(tmp_path / "exec").with_token(sdk.office.token(sdk.owner))
    until("the program enters as a member of the admin group", lambda: door.knock().status_code == 200, seconds=20)
    admin = Door.of(tmp_path / "admin")
    until("the admin certificate counts", lambda: admin.knock().status_code == 200, seconds=20)


def test_a_role_lets_another_program_fetch_the_kubeconfig(sdk, cluster):
    roles, stranger = sdk.client(AuthorizationManagementClient, sdk.owner), sdk.client(ContainerServiceClient, sdk.stranger)
    with pytest.raises(HttpResponseError) as error:
        stranger.managed_clusters.list_cluster_user_credentials(GROUP, CLUSTER)
    assert refused(error) == (403, "AuthorizationFailed")

    role = next(iter(roles.role_definitions.list(cluster.id, filter=f"roleName eq '{USER_ROLE}'")))
    assert role.role_name == USER_ROLE
    wanted = RoleAssignmentCreateParameters(role_definition_id=role.id, principal_id=sdk.stranger.oid, principal_type="ServicePrincipal")
    made = roles.role_assignments.create(cluster.id, str(uuid.uuid4()), wanted)
    assert made.principal_id == sdk.stranger.oid and made.scope.lower() == cluster.id.lower()
    assert made.id in [one.id for one in roles.role_assignments.list_for_scope(cluster.id, filter="atScope()")]
    assert stranger.managed_clusters.list_cluster_user_credentials(GROUP, CLUSTER).kubeconfigs[0].name == "clusterUser"
    with pytest.raises(HttpResponseError) as error:
        roles.role_assignments.create(cluster.id, str(uuid.uuid4()), wanted)
    assert refused(error) == (409, "RoleAssignmentExists")

    roles.role_assignments.delete_by_id(made.id)
    with pytest.raises(HttpResponseError) as error:
        stranger.managed_clusters.list_cluster_user_credentials(GROUP, CLUSTER)
    assert refused(error) == (403, "AuthorizationFailed")


def test_resource_groups_and_what_lies_in_them(sdk, cluster):
    resources = sdk.client(ResourceManagementClient, sdk.owner)
    assert resources.resource_groups.check_existence(GROUP) and GROUP in [one.name for one in resources.resource_groups.list()]
    assert resources.resource_groups.get(GROUP).properties.provisioning_state == "Succeeded"
    assert [one.name for one in resources.resources.list_by_resource_group(GROUP)] == [CLUSTER]
    assert "managedClusters" in [one.resource_type for one in resources.providers.get("Microsoft.ContainerService").resource_types]
    with pytest.raises(ResourceNotFoundError) as error:
        resources.resource_groups.get("nobody-made-it")
    assert error.value.error.code in ("ResourceGroupNotFound", "AuthorizationFailed")


def test_a_template_is_deployed(sdk, cluster):
    """A template with a parameter, an expression and an output, whose one resource is a role for another program."""
    deployments = sdk.client(DeploymentsMgmtClient, sdk.owner)
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
        "parameters": {"principal": {"type": "string"}},
        "variables": {"role": "[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '%s')]" % READER},
        "resources": [{
            "type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01", "name": "[guid(resourceGroup().id, parameters('principal'))]",
            "properties": {"roleDefinitionId": "[variables('role')]", "principalId": "[parameters('principal')]", "principalType": "ServicePrincipal"},
        }],
        "outputs": {"role": {"type": "string", "value": "[variables('role')]"}},
    }
    wanted = Deployment(properties=DeploymentProperties(mode="Incremental", template=template, parameters={"principal": {"value": sdk.stranger.oid}}))
    made = deployments.deployments.begin_create_or_update(GROUP, "readers", wanted, polling_interval=1).result()
    assert made.properties.provisioning_state == "Succeeded" and READER in made.properties.outputs["role"]["value"]
    assert deployments.deployments.get(GROUP, "readers").properties.provisioning_state == "Succeeded"
    assert [one.name for one in sdk.client(ContainerServiceClient, sdk.stranger).managed_clusters.list_by_resource_group(GROUP)] == [CLUSTER]
    wanted.properties.template["resources"][0]["properties"]["principalId"] = "[parameters('nobody')]"
    with pytest.raises(HttpResponseError) as error:
        deployments.deployments.begin_create_or_update(GROUP, "mistaken", wanted, polling_interval=1).result()
    assert error.value.status_code == 400 and error.value.error.code == "InvalidTemplate"


def test_mistakes_have_their_exceptions_and_codes(sdk, aks, cluster):
    with pytest.raises(ResourceNotFoundError) as error:
        aks.managed_clusters.get(GROUP, "nobody-made-it")
    assert refused(error) == (404, "ResourceNotFound")
    body = sdk.body
    body.aad_profile.admin_group_object_i_ds = ["platform"]
    with pytest.raises(HttpResponseError) as error:
        aks.managed_clusters.begin_create_or_update(GROUP, "no-such-admins", body)
    assert refused(error) == (400, "InvalidParameter") and "platform" in error.value.error.message
    off = aks.managed_clusters.get(GROUP, CLUSTER)
    off.enable_rbac = False
    with pytest.raises(HttpResponseError) as error:
        aks.managed_clusters.begin_create_or_update(GROUP, CLUSTER, off)
    assert error.value.status_code == 400 and error.value.error.code
    nobody = sdk.client(ContainerServiceClient, sdk.office.program("sdk-nobody"))
    assert list(nobody.managed_clusters.list_by_resource_group(GROUP)) == []
    for name in (CLUSTER, "nobody-made-it"):
        with pytest.raises(HttpResponseError) as error:
            nobody.managed_clusters.get(GROUP, name)
        assert refused(error) == (403, "AuthorizationFailed"), "whether there is one is not told"
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        list(sdk.client(ContainerServiceClient, sdk.owner, secret="not-the-secret").managed_clusters.list())


def test_it_is_deleted_and_gone(aks, cluster):
    aks.managed_clusters.begin_delete(GROUP, CLUSTER, polling_interval=1).result()
    with pytest.raises(ResourceNotFoundError):
        aks.managed_clusters.get(GROUP, CLUSTER)
    assert list(aks.managed_clusters.list_by_resource_group(GROUP)) == []
    aks.managed_clusters.begin_delete(GROUP, CLUSTER, polling_interval=1).result()
