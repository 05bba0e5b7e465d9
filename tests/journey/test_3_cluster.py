"""A cluster that a group administers: who may enter, who may not, and how soon a change counts."""

import re
import time

import pytest

from support.cluster import ADMIN_ROLE, USER_ROLE
from support.people import Person, forbidden
from support.running import until
from support.telling import told


@pytest.fixture(scope="module")
def member(platform):
    """A member of the admin group through the nested group, with the kubeconfig that `az` wrote and converted."""
    platform.member.login_by_device_code()
    platform.member.get_credentials(platform.group, platform.cluster)
    return platform.member


@pytest.fixture(scope="module")
def outsider(platform):
    if not (platform.outsider.azure / "azureProfile.json").exists():
        platform.outsider.login_by_device_code()
    platform.outsider.get_credentials(platform.group, platform.cluster)
    return platform.outsider


def test_the_answer_has_the_sources_profile(server, admin, platform):
    """The block that the documentation shows under the response body, in today's spelling of `az`."""
    expected = {
        "managed": True, "adminGroupObjectIDs": [platform.outer], "enableAzureRbac": False, "tenantId": server.env["TENANT"],
        "clientAppId": None, "serverAppId": None, "serverAppSecret": None,
    }
    assert platform.made["provisioningState"] == "Succeeded"
    assert {name: platform.made["aadProfile"].get(name) for name in expected} == expected
    raw = admin.az_json("rest", "--url", f"{platform.id}?api-version=2026-06-01")["properties"]["aadProfile"]
    assert raw["managed"] is True
    assert raw["adminGroupObjectIDs"] == [platform.outer]
    assert raw["tenantID"] == server.env["TENANT"]
    assert "serverAppSecret" not in raw


def test_the_cluster_is_listed_and_shown(admin, platform):
    assert platform.id in [cluster["id"] for cluster in admin.az_json("aks", "list")]
    assert [cluster["name"] for cluster in admin.az_json("aks", "list", "-g", platform.group)] == [platform.cluster]
    assert admin.az_json("aks", "show", "-g", platform.group, "-n", platform.cluster)["id"] == platform.id


def test_making_it_again_is_refused_by_az(admin, platform):
    again = admin.az("aks", "create", "-g", platform.group, "-n", platform.cluster, "--no-ssh-key", check=False)
    assert again.code != 0
    assert "already exists" in again.err


def test_the_kubeconfig_is_the_originals_and_az_converts_it(platform, member):
    """`az` sees `--login devicecode` and calls the kubelogin on the PATH, as it does with the original service."""
    config = member.config()
    assert config["current-context"] == platform.cluster
    user = config["users"][0]
    assert user["name"] == f"clusterUser_{platform.group}_{platform.cluster}"
    assert user["user"]["exec"]["command"] == "kubelogin"
    assert user["user"]["exec"]["args"][:3] == ["get-token", "--login", "azurecli"]


@pytest.mark.parametrize("plugin", ["ours", "stock"])
def test_a_nested_member_sees_the_nodes(member, plugin):
    nodes = member.use(plugin).kubectl("get", "nodes", "--no-headers").out
    assert len(re.findall(r"^\S+\s+Ready\b", nodes, re.M)) >= 1, nodes


@pytest.mark.parametrize("plugin", ["ours", "stock"])
def test_an_outsider_is_forbidden_by_name(platform, outsider, plugin):
    refused = outsider.use(plugin).kubectl("get", "nodes", check=False)
    assert forbidden(refused, outsider.upn), str(refused)


def test_whoami_shows_name_groups_and_object_id(platform, member):
    said = member.use("ours").kubectl("auth", "whoami", "-o", "json").out
    import json

    info = json.loads(said)["status"]["userInfo"]
    assert info["username"].lower() == member.upn.lower()
    assert {platform.inner, platform.outer} <= set(info["groups"])
    assert info["uid"] == platform.member_oid
    assert info["extra"]["oid"] == [platform.member_oid]


@pytest.mark.parametrize("plugin", ["ours", "stock"])
def test_kubectl_itself_asks_for_the_device_code(platform, member, tmp_path, plugin):
    """The kubeconfig as it was handed out, not converted: kubelogin prints a code and waits."""
    fresh = Person(platform.server, tmp_path / plugin, "fresh", member.upn, member.password, plugin="none")
    member.use("none").get_credentials(platform.group, platform.cluster, "-f", str(fresh.kubeconfig))
    args = fresh.config()["users"][0]["user"]["exec"]["args"]
    assert args[args.index("--login") + 1] == "devicecode"
    fresh.use(plugin)
    asking = fresh.start("kubectl", "get", "nodes", "--no-headers")
    nodes = fresh.approve(asking).end().out
    assert " Ready " in nodes
    if plugin == "ours":
        since = time.monotonic()
        fresh.kubectl("get", "nodes")
        told("`kubectl get nodes` with a kept token (our kubelogin)", f"{time.monotonic() - since:.2f} s")


def test_a_service_principal_enters_through_its_group(platform, admin, homes):
    made = admin.az_json("ad", "sp", "create-for-rbac", "-n", "cluster-pipeline", "--role", USER_ROLE, "--scopes", platform.id)
    oid = admin.az_json("ad", "sp", "show", "--id", made["appId"])["id"]
    admin.az("ad", "group", "member", "add", "-g", platform.inner, "--member-id", oid)
    program = Person(platform.server, homes / "pipeline", "pipeline")
    program.login_as_service_principal(made["appId"], made["password"])
    program.get_credentials(platform.group, platform.cluster)
    for plugin in ("ours", "stock"):
        assert " Ready " in program.use(plugin).kubectl("get", "nodes", "--no-headers").out
    who = program.kubectl("auth", "whoami").out
    assert oid in who

    # The same without az on the way: the secret from the environment, as pipelines do it.
    program.use("none").get_credentials(platform.group, platform.cluster, "--overwrite-existing")
    program.use("ours").kubelogin("convert-kubeconfig", "-l", "spn")
    program.env |= {"AAD_SERVICE_PRINCIPAL_CLIENT_ID": made["appId"], "AAD_SERVICE_PRINCIPAL_CLIENT_SECRET": made["password"]}
    assert " Ready " in program.kubectl("get", "nodes", "--no-headers").out


def test_the_azure_format_is_solved_by_convert_kubeconfig(platform, member):
    """kubectl says that the plugin has been removed; the original's remedy is one command."""
    file = member.home / "old-format"
    member.use("ours").get_credentials(platform.group, platform.cluster, "--format", "azure", "-f", str(file))
    provider = member.config(file)["users"][0]["user"]["auth-provider"]
    assert provider["name"] == "azure"
    assert provider["config"]["apiserver-id"] == "6dae42f8-4368-4678-94ff-3960e28e3630"
    refused = member.kubectl("get", "nodes", kubeconfig=file, check=False)
    assert "azure auth plugin has been removed" in refused.err.lower(), str(refused)
    member.kubelogin("convert-kubeconfig", "-l", "azurecli", "--kubeconfig", str(file))
    assert " Ready " in member.kubectl("get", "nodes", "--no-headers", kubeconfig=file).out


def test_an_unknown_format_is_refused(admin, platform):
    refused = admin.az(
        "rest", "--method", "post", "--url", f"{platform.id}/listClusterUserCredential?api-version=2026-06-01&format=toml", check=False
    )
    assert refused.code == 1
    assert "use azure or exec" in refused.err


def test_break_glass_needs_the_role(platform, member):
    refused = member.get_credentials(platform.group, platform.cluster, "--admin", "-f", "-", check=False)
    assert refused.code == 1
    assert "AuthorizationFailed" in refused.err
    assert "listClusterAdminCredential/action" in refused.err
    assert member.upn.lower() in refused.err.lower()


def test_break_glass_opens_for_someone_with_the_role(platform, member):
    platform.grant(ADMIN_ROLE, platform.member_oid, "User")
    file = member.home / "break-glass"
    member.get_credentials(platform.group, platform.cluster, "--admin", "-f", str(file))
    user = member.config(file)["users"][0]
    assert user["name"] == f"clusterAdmin_{platform.group}_{platform.cluster}"
    assert "client-certificate-data" in user["user"]
    assert " Ready " in member.kubectl("get", "nodes", "--no-headers", kubeconfig=file).out
    who = member.kubectl("auth", "whoami", kubeconfig=file).out
    assert "system:masters" not in who
    assert platform.member_oid in who, "the certificate names who asked for it"


def test_a_removed_member_is_out_within_seconds(platform, admin, member):
    assert member.use("ours").kubectl("get", "nodes", check=False).code == 0
    admin.az("ad", "group", "member", "remove", "-g", platform.inner, "--member-id", platform.member_oid)
    since = time.monotonic()
    until("the removed member is refused", lambda: forbidden(member.kubectl("get", "nodes", check=False), member.upn), seconds=25, every=0.2)
    gone = time.monotonic() - since
    told("a removed member is refused after", f"{gone:.1f} s")
    assert gone <= 15

    admin.az("ad", "group", "member", "add", "-g", platform.inner, "--member-id", platform.member_oid)
    since = time.monotonic()
    until("the returned member may enter", lambda: member.kubectl("get", "nodes", check=False).code == 0, seconds=25, every=0.2)
    told("a returned member is let in after", f"{time.monotonic() - since:.1f} s")
