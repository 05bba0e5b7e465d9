"""A cluster with the retired integration: its customer registered the applications. It is entered, reset, and upgraded while people work on it."""

import json
import re

import pytest

from support.cluster import Door, api_servers
from support.office import AKS_CLIENT, AKS_SERVER, Kube, Managed, Office
from support.people import Person
from support.registered import consent_for_all, register
from support.running import until
from support.telling import told
from support.traffic import Traffic

NAME = "legacy"


class Legacy:
    """The applications, the cluster, and who works there."""

    def __init__(self, server, admin, platform, homes):
        self.server, self.admin, self.group = server, admin, platform.group
        self.office = office = Office(server)
        self.api = register(office, "legacy-server", secret=True, scope="user_impersonation", version=1)
        self.client = register(office, "legacy-client", public=True, version=1)
        consent_for_all(office, self.client, self.api.app, "user_impersonation")
        self.member, self.second, self.outsider = office.hire("lena"), office.hire("sam"), office.hire("otto")
        self.admins = office.group(self.member.oid, name="legacy-admins")
        self.id = f"/subscriptions/{server.env['SUBSCRIPTION']}/resourceGroups/{self.group}/providers/Microsoft.ContainerService/managedClusters/{NAME}"
        self.managed = Managed(office, self.id, NAME)
        self.homes = homes
        self.file = admin.home / "legacy-admin"

    def create(self) -> dict:
        """`az aks create` has no words for it any more; a PUT has."""
        body = {"location": "local", "identity": {"type": "SystemAssigned"}, "properties": {
            "dnsPrefix": NAME, "enableRBAC": True, "agentPoolProfiles": [{"name": "nodepool1", "count": 1, "mode": "System"}],
            "aadProfile": {"clientAppID": self.client.app, "serverAppID": self.api.app, "serverAppSecret": self.api.secret}}}
        made = self.admin.az_json("rest", "--method", "put", "--url", f"{self.id}?api-version=2026-06-01", "--body", json.dumps(body))
        self.admin.az("aks", "wait", "-g", self.group, "-n", NAME, "--created", "--interval", "1")
        return made

    def person(self, who, plugin="ours") -> Person:
        return Person(self.server, self.homes / f"legacy-{who.upn.split('@')[0]}-{plugin}", "person", who.upn, who.password, plugin=plugin)

    def token(self, who) -> str:
        """As the old plugin asks for it: version 1, by the customer's client, for the customer's server application."""
        return self.office.token(who, self.api.app, self.client.app)

    def kubeconfig(self, person: Person, *options) -> Person:
        # Only the administrator may fetch it here; az hands it on as it came when no kubelogin is on the PATH.
        plugin = self.admin.env["PATH"]
        self.admin.use("none").get_credentials(self.group, NAME, "-f", str(person.kubeconfig), "--overwrite-existing", *options)
        self.admin.env["PATH"] = plugin
        return person


@pytest.fixture(scope="module")
def legacy(server, admin, platform, homes) -> Legacy:
    it = Legacy(server, admin, platform, homes)
    it.made = it.create()
    return it


@pytest.fixture(scope="module")
def robot(legacy) -> dict[str, tuple[Door, int]]:
    """What has nothing to do with the directory: a certificate that the cluster's own signer made, and a service account."""
    admin, file = legacy.admin, legacy.file
    admin.get_credentials(legacy.group, NAME, "--admin", "-f", str(file))
    door = Door.of(file)
    until("the admin file counts", lambda: door.knock().status_code == 200, seconds=20)
    kube = Kube(door)
    kube.bind_user("cluster-admin", "robot")
    legacy.binding = kube.bind("cluster-admin", legacy.admins)
    token = kube.service_account("prober", "cluster-admin")
    return {"certificate": (kube.signed("robot"), 200), "service_account": (door.with_token(token), 200)}


def test_r_115_the_answer_has_the_sources_profile_and_no_secret(legacy, admin):
    raw = admin.az_json("rest", "--url", f"{legacy.id}?api-version=2026-06-01")["properties"]
    assert raw["provisioningState"] == "Succeeded"
    assert raw["aadProfile"] == {"clientAppID": legacy.client.app, "serverAppID": legacy.api.app, "tenantID": legacy.server.env["TENANT"]}
    shown = admin.az("aks", "show", "-g", legacy.group, "-n", NAME).out
    assert legacy.api.secret not in shown and json.loads(shown)["aadProfile"]["managed"] is None


@pytest.mark.parametrize("plugin", ["ours", "stock"])
def test_r_522_the_old_file_is_entered_by_device_code(legacy, robot, plugin):
    person = legacy.kubeconfig(legacy.person(legacy.member, plugin))
    args = person.config()["users"][0]["user"]["exec"]["args"]
    assert "--legacy" in args and args[args.index("--server-id") + 1] == legacy.api.app
    asking = person.start("kubectl", "auth", "whoami", "-o", "json")
    who = json.loads(person.approve(asking).end().out)["status"]["userInfo"]
    assert who["username"].lower() == legacy.member.upn.lower() and legacy.admins in who["groups"]


def test_r_521_the_form_of_kubectls_own_plugin_is_converted(legacy):
    person = legacy.kubeconfig(legacy.person(legacy.outsider), "--format", "azure")
    config = person.config()["users"][0]["user"]["auth-provider"]["config"]
    assert "config-mode" not in config and config["apiserver-id"] == legacy.api.app
    person.kubelogin("convert-kubeconfig", "-l", "devicecode")
    assert "--legacy" in person.config()["users"][0]["user"]["exec"]["args"]
    asking = person.start("kubectl", "get", "nodes")
    refused = person.approve(asking).end(check=False)
    assert re.search(r"\(Forbidden\)", refused.err) and legacy.outsider.upn.lower() in refused.err.lower(), str(refused)


def test_s_302_both_spellings_of_the_audience_enter_and_another_does_not(legacy, robot):
    door = legacy.managed.door()
    for spelled in (legacy.api.app, f"spn:{legacy.api.app}"):
        answer = legacy.office.http.post(f"{legacy.office.url}/{legacy.office.tenant}/oauth2/token", timeout=30, data={
            "grant_type": "password", "client_id": legacy.client.app, "username": legacy.member.upn, "password": legacy.member.password, "resource": spelled,
        })
        assert answer.status_code == 200, answer.text
        assert door.with_token(answer.json()["access_token"]).knock().status_code == 200, spelled
    assert door.with_token(legacy.office.token(legacy.member, AKS_SERVER, AKS_CLIENT)).knock().status_code == 401


def test_r_204_to_r_206_az_resets_the_applications(legacy, admin, platform):
    words = ["aks", "update-credentials", "-g", legacy.group, "-n", NAME, "--reset-aad", "--aad-client-app-id", legacy.client.app]
    other = register(legacy.office, "legacy-server-2", secret=True, scope="user_impersonation", version=1)
    consent_for_all(legacy.office, legacy.client, other.app, "user_impersonation")
    admin.az(*words, "--aad-server-app-id", other.app, "--aad-server-app-secret", other.secret)
    assert legacy.managed.get()["properties"]["aadProfile"]["serverAppID"] == other.app
    door, old = legacy.managed.door(), legacy.token(legacy.member)
    legacy.api = other
    assert door.with_token(legacy.token(legacy.member)).knock().status_code == 200
    until("a token for the old application opens nothing", lambda: door.with_token(old).knock().status_code == 401, seconds=15)
    refused = admin.az("aks", "update-credentials", "-g", legacy.group, "-n", platform.cluster, "--reset-aad", "--aad-client-app-id", "x",
                       "--aad-server-app-id", "x", "--aad-server-app-secret", "x", check=False)
    assert refused.code == 1 and "BadRequest" in refused.err, str(refused)


def test_r_117_the_upgrade_disturbs_nobody(legacy, admin, robot, server):
    """50 requests a second from certificates, service accounts and people: legacy becomes managed, other groups administer it, local accounts go
    and come back."""
    office, door = legacy.office, legacy.managed.door()
    second = office.group(legacy.second.oid, name="second-admins")
    before = api_servers(legacy.file, server.data)
    old_file = legacy.person(legacy.member).config()
    new = {name: door.with_token(office.token(who)) for name, who in (("m", legacy.member), ("s", legacy.second), ("o", legacy.outsider))}
    doors = robot | {
        "admin_file": (Door.of(legacy.file), 200),
        "old_member": (door.with_token(legacy.token(legacy.member)), 200),
        "old_outsider": (door.with_token(legacy.token(legacy.outsider)), 403),
        "new_member": (new["m"], 401), "new_second": (new["s"], 401), "new_outsider": (new["o"], 401),
        "forged": (door.with_token(office.token(legacy.member)[:-4] + "AAAA"), 401),
    }
    update = ["aks", "update", "-g", legacy.group, "-n", NAME]
    with Traffic(**doors) as traffic:
        traffic.settled()
        with traffic.change(old_member=401, old_outsider=401, new_member=200, new_second=403, new_outsider=403) as upgraded:
            made = admin.az_json(*update, "--enable-aad", "--aad-admin-group-object-ids", legacy.admins)
        traffic.settled()
        with traffic.change(new_member=403, new_second=200) as regrouped:
            # What the customer had bound by hand would stay; the profile's own groups are ours to bind.
            Kube(robot["certificate"][0]).ask("DELETE", legacy.binding)
            admin.az(*update, "--aad-admin-group-object-ids", second)
        # First its binding goes, then its signer.
        with traffic.change(admin_file=(403, 401)) as closed:
            admin.az(*update, "--disable-local-accounts")
        admin.az(*update, "--enable-local-accounts")
        traffic.settled(6)
    told("the API server's traffic during upgrade, other groups, local accounts off and on", f"{traffic.asked} requests, {traffic.rate:.0f}/s, {len(traffic.wrong)} wrong")
    told("after `az` said that the upgrade is done, old tokens were taken for", f"{upgraded['old_member']:.1f} s")
    told("after `az` said so, other admin groups counted after", f"{max(regrouped.values()):.1f} s; the old admin file ended after {closed['admin_file']:.1f} s")
    assert traffic.wrong == []
    assert set(api_servers(legacy.file, server.data)) == set(before), "the API server was restarted"
    # The block that the documentation shows under the response.
    assert made["aadProfile"]["managed"] is True and made["aadProfile"]["adminGroupObjectIDs"] == [legacy.admins]
    assert {made["aadProfile"][name] for name in ("clientAppId", "serverAppId", "serverAppSecret")} == {None}

    # The old file stops, the newly merged one works.
    person = legacy.person(legacy.second)
    person.kubeconfig.write_text(json.dumps(old_file))
    stopped = person.start("kubectl", "get", "nodes")
    assert person.approve(stopped).end(check=False).code != 0
    legacy.kubeconfig(person)
    inside = person.approve(person.start("kubectl", "get", "nodes", "--no-headers")).end()
    assert " Ready " in inside.out and "--legacy" not in person.config()["users"][0]["user"]["exec"]["args"]


def test_r_102_there_is_no_way_back(legacy, admin):
    body = {"location": "local", "properties": {"aadProfile": {"clientAppID": legacy.client.app, "serverAppID": legacy.api.app, "serverAppSecret": "x"}}}
    refused = admin.az("rest", "--method", "put", "--url", f"{legacy.id}?api-version=2026-06-01", "--body", json.dumps(body), check=False)
    assert refused.code == 1 and "PropertyChangeNotAllowed" in refused.err
