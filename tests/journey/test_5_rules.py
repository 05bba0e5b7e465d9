"""The rules of the source that the journey meets, each sent as ARM clients send it."""

import json
import uuid

import pytest

VERSION = "api-version=2026-06-01"


@pytest.fixture(scope="module")
def cluster(admin, platform):
    """The cluster as any client reads it, and a way to put it back changed."""

    def put(**properties):
        body = admin.az_json("rest", "--url", f"{platform.id}?{VERSION}")
        body["properties"] |= properties
        return admin.az(
            "rest", "--method", "put", "--url", f"{platform.id}?{VERSION}", "--body", json.dumps(body), check=False
        )

    return put


@pytest.fixture
def unchanged(admin, platform):
    """A refusal leaves the cluster as it was."""

    def profile():
        return admin.az_json("rest", "--url", f"{platform.id}?{VERSION}")["properties"]["aadProfile"]

    before = profile()
    yield
    assert profile() == before


APP, SERVER = str(uuid.uuid4()), str(uuid.uuid4())


@pytest.mark.parametrize(
    ("rule", "properties", "code"),
    [
        ("R-101 by null", {"aadProfile": None}, "PropertyChangeNotAllowed"),
        ("R-101 by managed false", {"aadProfile": {"managed": False}}, "PropertyChangeNotAllowed"),
        ("R-102 back to legacy", {"aadProfile": {"managed": False, "clientAppID": APP, "serverAppID": SERVER}}, "PropertyChangeNotAllowed"),
        ("R-103 both at once", {"aadProfile": {"managed": True, "clientAppID": APP}}, "InvalidParameter"),
        ("R-023 without Kubernetes RBAC", {"enableRBAC": False}, "PropertyChangeNotAllowed"),
        ("R-107 not an object id", {"aadProfile": {"managed": True, "adminGroupObjectIDs": ["platform"]}}, "InvalidParameter"),
        ("R-112 another tenant", {"aadProfile": {"managed": True, "tenantID": str(uuid.uuid4())}}, "InvalidParameter"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("R-") else "",
)
def test_refused_with_the_originals_code(cluster, unchanged, rule, properties, code):
    refused = cluster(**properties)
    assert refused.code == 1, f"{rule} was accepted: {refused.out}"
    assert code in refused.err, f"{rule}: {refused.err}"


def test_r_104_the_integration_needs_kubernetes_rbac(admin, platform):
    body = {
        "location": "local",
        "properties": {
            "dnsPrefix": "norbac",
            "enableRBAC": False,
            "agentPoolProfiles": [{"name": "nodepool1", "count": 1, "mode": "System"}],
            "aadProfile": {"managed": True},
        },
    }
    address = f"{platform.id.rsplit('/', 1)[0]}/norbac?{VERSION}"
    refused = admin.az("rest", "--method", "put", "--url", address, "--body", json.dumps(body), check=False)
    assert refused.code == 1 and "BadRequest" in refused.err and "R-104" in refused.err, refused.err


def test_an_unknown_group_id_is_accepted_and_opens_nothing(admin, platform, cluster):
    """R-110: the original does not look the group up. Whoever relies on it enters nothing, and nobody else is locked out."""
    ghost = str(uuid.uuid4())
    accepted = cluster(aadProfile={"managed": True, "adminGroupObjectIDs": [platform.outer, ghost]})
    assert accepted.code == 0, accepted.err
    admin.az("aks", "wait", "-g", platform.group, "-n", platform.cluster, "--updated", "--interval", "1", "--timeout", "60")
    shown = admin.az_json("aks", "show", "-g", platform.group, "-n", platform.cluster)
    assert shown["aadProfile"]["adminGroupObjectIDs"] == [platform.outer, ghost]
    restored = cluster(aadProfile={"managed": True, "adminGroupObjectIDs": [platform.outer]})
    assert restored.code == 0, restored.err
    admin.az("aks", "wait", "-g", platform.group, "-n", platform.cluster, "--updated", "--interval", "1", "--timeout", "60")


def test_az_itself_has_no_switch_to_turn_it_off(admin, platform):
    refused = admin.az("aks", "update", "-g", platform.group, "-n", platform.cluster, "--disable-aad", check=False)
    assert refused.code == 2


def test_fields_of_others_survive_a_read_and_a_write(admin, cluster, platform):
    assert cluster(somethingNew={"kept": True}).code == 0
    admin.az("aks", "wait", "-g", platform.group, "-n", platform.cluster, "--updated", "--interval", "1", "--timeout", "60")
    assert admin.az_json("rest", "--url", f"{platform.id}?{VERSION}")["properties"]["somethingNew"] == {"kept": True}
