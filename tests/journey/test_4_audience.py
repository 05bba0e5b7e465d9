"""`tokenAudience: cluster`: a token for one cluster opens no other, and nobody registers an application for it."""

import json

import pytest

from support.cluster import USER_ROLE, Door
from support.people import Person
from support.running import until
from support.tokens import AKS_SERVER, Held

API = "2026-06-01"


@pytest.fixture(scope="module")
def clusters(platform, admin):
    """Two clusters, each with an audience of its own, set by `az` alone."""
    made = {}
    for name in ("east", "west"):
        made[name] = admin.az_json(
            "aks", "create", "-g", platform.group, "-n", name, "--no-ssh-key", "--node-count", "1",
            "--enable-aad", "--aad-admin-group-object-ids", platform.outer,
        )["id"]
    for id_ in made.values():
        admin.az(
            "resource", "update", "--ids", id_, "--api-version", API,
            "--set", "properties.entranceProfile.tokenAudience=cluster", "-o", "none",
        )
        platform.grant(USER_ROLE, platform.member_oid, "User", scope=id_)
    yield made
    for name in made:
        admin.az("aks", "delete", "-g", platform.group, "-n", name, "-y", "--no-wait", check=False)


@pytest.fixture(scope="module")
def apps(admin, clusters):
    """The application ids that the clusters tell."""

    def app(id_):
        profile = admin.az_json("rest", "--url", f"{id_}?api-version={API}")["properties"]["entranceProfile"]
        assert profile["tokenAudience"] == "cluster"
        return profile["serverAppId"]

    return {name: app(id_) for name, id_ in clusters.items()}


@pytest.fixture(scope="module")
def member(platform, clusters):
    if not (platform.member.azure / "azureProfile.json").exists():
        platform.member.login_by_device_code()
    return platform.member


def config_of(platform, person, name, *options):
    file = person.home / f"{name}-audience"
    person.get_credentials(platform.group, name, "-f", str(file), "--overwrite-existing", *options)
    return file


def test_each_cluster_has_an_application_id_of_its_own_and_the_kubeconfig_names_it(platform, member, apps):
    assert len({AKS_SERVER, *apps.values()}) == 3
    for name, app in apps.items():
        args = member.config(config_of(platform, member.use("none"), name))["users"][0]["user"]["exec"]["args"]
        assert args[args.index("--server-id") + 1] == app


@pytest.mark.parametrize("plugin", ["ours", "stock"])
def test_az_gets_the_token_and_both_kubelogins_carry_it(platform, member, apps, plugin):
    file = config_of(platform, member.use(plugin), "east")
    member.use("ours").kubelogin("convert-kubeconfig", "-l", "azurecli", "--kubeconfig", str(file))
    member.use(plugin)
    who = json.loads(member.kubectl("auth", "whoami", "-o", "json", kubeconfig=file).out)["status"]["userInfo"]
    assert who["username"].lower() == member.upn.lower()
    assert " Ready " in member.kubectl("get", "nodes", "--no-headers", kubeconfig=file).out


@pytest.mark.parametrize("plugin", ["ours", "stock"])
def test_kubelogin_asks_for_the_device_code_itself(platform, member, apps, tmp_path, plugin):
    fresh = Person(platform.server, tmp_path / plugin, "fresh", member.upn, member.password, plugin="none")
    file = config_of(platform, member.use("none"), "east")
    fresh.kubeconfig.write_bytes(file.read_bytes())
    asking = fresh.use(plugin).start("kubectl", "auth", "whoami")
    assert member.upn.lower() in fresh.approve(asking).end().out.lower()


@pytest.mark.parametrize("plugin", ["ours", "stock"])
def test_a_service_principal_enters_by_its_secret(platform, admin, member, apps, homes, plugin):
    made = admin.az_json("ad", "sp", "create-for-rbac", "-n", f"audience-{plugin}")
    program = Person(platform.server, homes / f"audience-{plugin}", "audience", plugin=plugin)
    program.kubeconfig.write_bytes(config_of(platform, member.use("none"), "east").read_bytes())
    # The stock one forgets the address of the token service when it converts.
    program.use("ours").kubelogin("convert-kubeconfig", "-l", "spn")
    program.use(plugin)
    program.env |= {"AAD_SERVICE_PRINCIPAL_CLIENT_ID": made["appId"], "AAD_SERVICE_PRINCIPAL_CLIENT_SECRET": made["password"]}
    oid = admin.az_json("ad", "sp", "show", "--id", made["appId"])["id"]
    assert oid in until("it enters", lambda: program.kubectl("auth", "whoami", check=False).out or None, seconds=20)


def test_a_token_caught_at_one_cluster_is_refused_at_the_other_and_the_shared_one_at_both(platform, admin, member, apps):
    doors = {name: Door.of(config_of(platform, member.use("none"), name)) for name in apps}
    tokens = {
        name: admin.az_json("account", "get-access-token", "--resource", app)["accessToken"] for name, app in apps.items()
    }
    shared = admin.az_json("account", "get-access-token", "--resource", AKS_SERVER)["accessToken"]
    for name, door in doors.items():
        for other, token in tokens.items():
            status = door.with_token(token).knock().status_code
            assert (status == 401) is (name != other), f"a token for {other} at {name}: {status}"
        assert door.with_token(shared).knock().status_code == 401, name


def test_the_shared_audience_still_opens_a_cluster_that_has_it(platform, admin, member, apps):
    door = Door.of(config_of(platform, member.use("none"), platform.cluster))
    shared = admin.az_json("account", "get-access-token", "--resource", AKS_SERVER)["accessToken"]
    own = admin.az_json("account", "get-access-token", "--resource", apps["east"])["accessToken"]
    assert door.with_token(shared).knock().status_code != 401
    assert door.with_token(own).knock().status_code == 401


def test_the_id_of_a_deleted_cluster_is_nobodys(platform, admin, apps):
    unknown = admin.az("account", "get-access-token", "--resource", "11111111-1111-4111-8111-111111111111", check=False)
    assert unknown.code != 0 and "AADSTS500011" in unknown.err
    admin.az("aks", "delete", "-g", platform.group, "-n", "west", "-y")
    made = admin.az_json("ad", "sp", "create-for-rbac", "-n", "audience-gone")
    ci = Held.of_application(platform.server, made["appId"], made["password"], apps["east"])
    assert ci.claims["aud"] == apps["east"]
    form = {
        "grant_type": "client_credentials", "client_id": made["appId"],
        "client_secret": made["password"], "scope": f"{apps['west']}/.default",
    }
    token = f"{platform.server.url}/{platform.server.env['TENANT']}/oauth2/v2.0/token"
    refused = platform.server.http().post(token, data=form, timeout=30)
    assert (refused.status_code, refused.json()["error_codes"]) == (400, [500011])
