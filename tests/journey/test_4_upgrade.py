"""A cluster that had no integration gets it, and nobody who was inside notices."""

import time

import pytest

from support.cluster import USER_ROLE, Door, api_servers
from support.office import Office
from support.people import forbidden
from support.running import until
from support.telling import told
from support.traffic import Traffic


@pytest.fixture(scope="module")
def plain(platform, admin):
    """A cluster made without the integration, with its admin file and a service account that works."""
    made = admin.az_json("aks", "create", "-g", platform.group, "-n", "plain", "--no-ssh-key")
    assert made.get("aadProfile") is None
    file = admin.home / "plain-admin"
    admin.get_credentials(platform.group, "plain", "--admin", "-f", str(file))
    for words in (
        ["create", "serviceaccount", "prober"],
        ["create", "clusterrolebinding", "prober", "--clusterrole=view", "--serviceaccount=default:prober"],
        ["create", "clusterrolebinding", "prober-nodes", "--clusterrole=system:node-reader", "--serviceaccount=default:prober"],
        ["create", "clusterrole", "system:node-reader", "--verb=get,list", "--resource=nodes"],
    ):
        until(f"kubectl {' '.join(words[:2])}", lambda words=words: admin.kubectl(*words, kubeconfig=file, check=False).code == 0, seconds=20)
    token = admin.kubectl("create", "token", "prober", kubeconfig=file).out.strip()
    return made, file, Door.of(file), token


def test_without_the_integration_a_directory_token_opens_nothing(platform, admin, plain):
    _, _, door, _ = plain
    token = admin.az_json("account", "get-access-token", "--resource", "6dae42f8-4368-4678-94ff-3960e28e3630")["accessToken"]
    assert door.with_token(token).knock().status_code == 401


def test_turning_it_on_disturbs_nobody(server, platform, admin, plain):
    made, file, door, token = plain
    before = api_servers(file, server.data)
    office = Office(server)
    person = office.hire("newly")
    doors = {
        "admin_file": (door, 200), "service_account": (door.with_token(token), 200),
        "member": (door.with_token(office.token(person)), 401), "forged": (door.with_token(office.token(person)[:-4] + "AAAA"), 401),
    }
    with Traffic(**doors) as traffic:
        traffic.settled()
        since = time.monotonic()
        # Somebody without rights: from now on known, and refused by name.
        with traffic.change(member=403):
            updated = admin.az_json(
                "aks", "update", "-g", platform.group, "-n", "plain", "--enable-aad", "--aad-admin-group-object-ids", platform.outer
            )
            told("`az aks update --enable-aad` on a running cluster", f"{time.monotonic() - since:.1f} s")
        platform.grant(USER_ROLE, platform.member_oid, "User", scope=made["id"])
        platform.grant(USER_ROLE, platform.outsider_oid, "User", scope=made["id"])
        traffic.settled(20)
    assert traffic.wrong == []
    told("requests of a certificate, a service account and people meanwhile", f"{traffic.asked}, {traffic.rate:.0f}/s, 0 wrong")
    assert updated["aadProfile"]["managed"] is True
    assert updated["aadProfile"]["adminGroupObjectIDs"] == [platform.outer]
    assert set(api_servers(file, server.data)) == set(before), "the API server was restarted"


@pytest.mark.parametrize("plugin", ["ours", "stock"])
def test_afterwards_the_groups_decide(platform, plain, plugin):
    for person in (platform.member, platform.outsider):
        if not (person.azure / "azureProfile.json").exists():
            person.login_by_device_code()
        person.use("ours").get_credentials(platform.group, "plain", "--overwrite-existing")
        person.use(plugin)
    inside = platform.member.kubectl("--context", "plain", "get", "nodes", "--no-headers")
    assert " Ready " in inside.out
    assert forbidden(platform.outsider.kubectl("--context", "plain", "get", "nodes", check=False), platform.outsider.upn)


def test_turning_it_on_twice_is_an_error_of_az_only(platform, admin, plain):
    again = admin.az("aks", "update", "-g", platform.group, "-n", "plain", "--enable-aad", check=False)
    assert again.code != 0


def test_other_admin_groups_take_over(platform, admin, plain):
    made, _, _, _ = plain
    only = admin.az_json("ad", "group", "create", "--display-name", "only-olaf", "--mail-nickname", "onlyolaf")["id"]
    admin.az("ad", "group", "member", "add", "-g", only, "--member-id", platform.outsider_oid)
    updated = admin.az_json("aks", "update", "-g", platform.group, "-n", "plain", "--aad-admin-group-object-ids", only)
    assert updated["aadProfile"]["adminGroupObjectIDs"] == [only]
    since = time.monotonic()
    until(
        "the new group's member may enter",
        lambda: platform.outsider.kubectl("--context", "plain", "get", "nodes", check=False).code == 0, seconds=25,
    )
    until(
        "the old group's member may not",
        lambda: forbidden(platform.member.kubectl("--context", "plain", "get", "nodes", check=False), platform.member.upn), seconds=25,
    )
    told("other admin groups count after", f"{time.monotonic() - since:.1f} s")
