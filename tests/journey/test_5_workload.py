"""Pipelines and workloads without a secret: a cluster's service account at another cluster, a GitHub-shaped issuer, and the
first administrator and the managed identities of a server that nobody set up before."""

import json
import os
import stat

import pytest
import yaml

from support.cluster import USER_ROLE
from support.issuer import Issuer
from support.paths import ENTRANCE
from support.people import Person
from support.running import free_port, run, until
from support.server import Server
from support.tokens import AKS_SERVER

AUDIENCE = "api://AzureADTokenExchange"


def entrance(person: Person, *words, check=True, stdin=None):
    where = ["--server", person.server.url, "--ca", person.server.env["ENTRANCE_CA"]]
    return run(ENTRANCE, *words, *where, env=person.env, check=check, stdin=stdin)


def application(admin: Person, name: str) -> tuple[str, str]:
    """An application of this story: its client id and the object id of its service principal."""
    app = admin.az_json("ad", "app", "create", "--display-name", name)["appId"]
    return app, admin.az_json("ad", "sp", "create", "--id", app)["id"]


def federate(admin: Person, app: str, folder, **credential):
    file = folder / f"{credential['name']}.json"
    file.write_text(json.dumps({"audiences": [AUDIENCE]} | credential))
    return admin.az_json("ad", "app", "federated-credential", "create", "--id", app, "--parameters", f"@{file}")


# --- a workload of one cluster signs in to another ---


@pytest.fixture(scope="module")
def source(platform, admin):
    """The cluster where the workload runs; its people are the platform's."""
    made = admin.az_json(
        "aks", "create", "-g", platform.group, "-n", "workload-source", "--no-ssh-key", "--node-count", "1",
        "--enable-aad", "--aad-admin-group-object-ids", platform.outer,
    )
    platform.grant(USER_ROLE, platform.member_oid, "User", scope=made["id"])
    yield made["id"]
    admin.az("aks", "delete", "-g", platform.group, "-n", "workload-source", "-y", "--no-wait", check=False)


@pytest.fixture(scope="module")
def member(platform, source):
    if not (platform.member.azure / "azureProfile.json").exists():
        platform.member.login_by_device_code()
    person = platform.member.use("ours")
    for name in (platform.cluster, "workload-source"):
        file = person.home / f"workload-{name}"
        person.get_credentials(platform.group, name, "-f", str(file), "--overwrite-existing")
        person.kubelogin("convert-kubeconfig", "-l", "azurecli", "--kubeconfig", str(file))
    return person


@pytest.fixture(scope="module")
def builder(platform, admin, member, source, tmp_path_factory):
    """The application that the workload is, trusted to come from the source cluster, with a right in the target."""
    folder = tmp_path_factory.mktemp("workload")
    told = json.loads(entrance(admin, "issuer", "trust", "--cluster", source, "-o", "json").out)
    assert told["source"] == "cluster" and told["keys"], told
    app, oid = application(admin, "workload-builder")
    federate(admin, app, folder, name="builder", issuer=told["issuer"], subject="system:serviceaccount:workload:builder")
    there = member.home / "workload-workload-source"
    member.kubectl("create", "namespace", "workload", kubeconfig=there)
    for name in ("builder", "other"):
        member.kubectl("-n", "workload", "create", "serviceaccount", name, kubeconfig=there)
    member.kubectl(
        "create", "clusterrolebinding", "workload-builder", "--clusterrole=view", f"--user={oid}",
        kubeconfig=member.home / f"workload-{platform.cluster}",
    )
    return {"app": app, "oid": oid, "issuer": told["issuer"], "folder": folder}


def projected(member: Person, account: str, file):
    """The token that a pod of this service account finds in its file: by a TokenRequest, as the kubelet makes one."""
    out = member.kubectl(
        "-n", "workload", "create", "token", account, "--audience", AUDIENCE, "--duration", "10m",
        kubeconfig=member.home / "workload-workload-source",
    ).out
    file.write_text(out)
    return file


def pod(platform, builder, member, folder, plugin: str, account: str):
    """A home with nothing in it but a kubeconfig for the target and the token file of a pod."""
    config = yaml.safe_load((member.home / f"workload-{platform.cluster}").read_text())
    folder.mkdir(parents=True, exist_ok=True)
    token = projected(member, account, folder / "token")
    args = config["users"][0]["user"]["exec"]["args"]
    server = args[args.index("--server-id") + 1] if "--server-id" in args else AKS_SERVER
    config["users"][0]["user"]["exec"] = {
        "apiVersion": "client.authentication.k8s.io/v1beta1", "command": "kubelogin", "interactiveMode": "Never",
        "args": [
            "get-token", "--login", "workloadidentity", "--server-id", server, "--tenant-id", platform.server.env["TENANT"],
            "--client-id", builder["app"], "--federated-token-file", str(token), "--environment", "AzurePublicCloud",
            "--authority-host", f"{platform.server.url}/", "--disable-instance-discovery",
        ],
    }
    person = Person(platform.server, folder, "pod", plugin=plugin)
    person.kubeconfig.write_text(yaml.safe_dump(config))
    return person


@pytest.mark.parametrize("plugin", ["stock", "ours"])
def test_s_242_a_workload_of_one_cluster_signs_in_to_another_without_a_secret(platform, builder, member, tmp_path, plugin):
    workload = pod(platform, builder, member, tmp_path / plugin, plugin, "builder")
    who = json.loads(workload.kubectl("auth", "whoami", "-o", "json").out)["status"]["userInfo"]
    assert who["username"] == builder["oid"]
    assert "default" in workload.kubectl("get", "serviceaccounts", "-A").out
    refused = workload.kubectl("get", "secrets", "-A", check=False)
    assert refused.code != 0 and builder["oid"] in refused.err, refused


def test_s_242_another_service_account_of_that_cluster_is_not_the_application(platform, builder, member, tmp_path):
    other = pod(platform, builder, member, tmp_path / "other", "stock", "other")
    refused = other.kubectl("get", "pods", check=False)
    assert refused.code != 0 and "AADSTS700213" in refused.err + refused.out, refused


def test_s_242_the_issuer_counts_while_it_is_trusted(admin, platform, builder, member, source, tmp_path):
    entrance(admin, "issuer", "check", builder["issuer"])
    entrance(admin, "issuer", "distrust", builder["issuer"])
    refused = pod(platform, builder, member, tmp_path / "distrusted", "stock", "builder").kubectl("get", "pods", check=False)
    assert refused.code != 0 and "AADSTS7002381" in refused.err + refused.out, refused
    entrance(admin, "issuer", "trust", "--cluster", source)
    workload = pod(platform, builder, member, tmp_path / "again", "stock", "builder")
    assert workload.kubectl("get", "pods", "-A", check=False).code == 0


# --- a pipeline ---


@pytest.fixture(scope="module")
def pipelines(tmp_path_factory):
    issuer = Issuer(tmp_path_factory.mktemp("issuer"))
    yield issuer
    issuer.close()


def test_r_24_an_issuer_on_this_machine_has_to_be_meant(admin, pipelines):
    refused = entrance(admin, "issuer", "trust", pipelines.url, "--issuer-ca", pipelines.ca, check=False)
    assert refused.code == 1 and "private network" in refused.err, refused
    entrance(admin, "issuer", "trust", pipelines.url, "--issuer-ca", pipelines.ca, "--private-network")
    assert pipelines.url in entrance(admin, "issuer", "list").out


def test_g_404_az_makes_shows_changes_and_deletes_both_kinds_of_credential(admin, pipelines, tmp_path):
    app, _ = application(admin, "workload-credentials")
    words = ["ad", "app", "federated-credential"]
    federate(admin, app, tmp_path, name="exact", issuer=pipelines.url, subject="repo:contoso/shop:ref:refs/heads/main")
    expression = {"value": "claims['sub'] matches 'repo:contoso/*:ref:refs/heads/main'", "languageVersion": 1}
    federate(admin, app, tmp_path, name="flexible", issuer=pipelines.url, claimsMatchingExpression=expression)
    assert {one["name"] for one in admin.az_json(*words, "list", "--id", app)} == {"exact", "flexible"}
    shown = admin.az_json(*words, "show", "--id", app, "--federated-credential-id", "flexible")
    assert shown["claimsMatchingExpression"] == expression
    change = tmp_path / "change.json"
    change.write_text(json.dumps({"issuer": pipelines.url, "subject": "repo:contoso/other:environment:prod", "audiences": [AUDIENCE]}))
    admin.az(*words, "update", "--id", app, "--federated-credential-id", "exact", "--parameters", f"@{change}")
    assert admin.az_json(*words, "show", "--id", app, "--federated-credential-id", "exact")["subject"].endswith("environment:prod")
    admin.az(*words, "delete", "--id", app, "--federated-credential-id", "flexible")
    assert [one["name"] for one in admin.az_json(*words, "list", "--id", app)] == ["exact"]


def test_s_242_a_github_shaped_pipeline_signs_in_to_az_with_its_own_token(admin, pipelines, platform, tmp_path):
    app, oid = application(admin, "workload-pipeline")
    expression = "claims['sub'] matches 'repo:contoso/*:ref:refs/heads/main' and claims['repository'] eq 'contoso/shop'"
    federate(
        admin, app, tmp_path, name="shop", issuer=pipelines.url,
        claimsMatchingExpression={"value": expression, "languageVersion": 1},
    )
    def login(home: str, token: str, check=True):
        # A home of its own: az keeps an application's token, whoever asks for the next one.
        job = Person(platform.server, tmp_path / home, home).register_cloud()
        return job, job.az(
            "login", "--service-principal", "-u", app, "--federated-token", token,
            "--tenant", platform.server.env["TENANT"], "--allow-no-subscriptions", "-o", "none", check=check,
        )

    before = pipelines.asked
    job, _ = login("job", pipelines.token("contoso/shop"))
    token = job.az_json("account", "get-access-token", "--resource", AKS_SERVER)["accessToken"]
    assert token.count(".") == 2
    for name, wrong in {"branch": pipelines.token("contoso/shop", "next"), "owner": pipelines.token("fabrikam/shop")}.items():
        _, refused = login(name, wrong, check=False)
        assert refused.code != 0 and "AADSTS70021" in refused.err, refused
    assert pipelines.asked - before <= 1, "keys are kept"


# --- a server that nobody set up before ---


class Own(Server):
    """`entrance serve` on a data directory of its own."""

    @property
    def env(self):
        return self.facts | {"ENTRANCE_CA": str(self.data / "ca.pem")}

    facts: dict[str, str] = {}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    server = Own(tmp_path_factory.mktemp("own"))
    server.identity = f"127.0.0.1:{free_port()}"
    server.start("serve", "--tenant-domain", "workload.example", "--identity-listen", server.identity)
    yield server
    server.kill_everything()


@pytest.fixture(scope="module")
def first(own, tmp_path_factory):
    """The first administrator, made by a script on the server's own machine, signed in to `az`."""
    file = own.data / "bootstrap-code"
    until("the code is written", file.exists)
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    home = tmp_path_factory.mktemp("first")
    env = {"HOME": str(home), "PATH": os.environ["PATH"]}
    made = run(ENTRANCE, "user", "add", "--first", "admin", "--data", own.data, "-o", "json", env=env)
    told = json.loads(made.out)
    assert not file.exists()
    again = run(ENTRANCE, "user", "add", "--first", "another", "--data", own.data, env=env, check=False)
    assert again.code == 1 and "bootstrap-code" in again.err, again
    configuration = own.http().get(f"{own.url}/workload.example/v2.0/.well-known/openid-configuration").json()
    Own.facts = {"TENANT": configuration["issuer"].split("/")[-2], "TENANT_DOMAIN": "workload.example"}
    person = Person(own, home, "first", told["userPrincipalName"], told["password"])
    person.login_by_device_code()
    return person


def test_the_first_administrator_signs_in_and_administers(first):
    assert first.az_json("ad", "signed-in-user", "show")["userPrincipalName"] == "admin@workload.example"
    first.az("group", "create", "-n", "workload", "-l", "local", "-o", "none")


def test_people_are_imported_all_or_nothing_with_the_line_of_each_mistake(first, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("userPrincipalName,displayName\nida@workload.example,Ida\nivo@elsewhere.example,Ivo\nida@workload.example,Again\n")
    refused = entrance(first, "user", "import", file, check=False)
    assert refused.code == 1 and f"{file}:3:" in refused.err and f"{file}:4:" in refused.err, refused
    file.write_text("userPrincipalName,displayName,department\nida@workload.example,Ida,Web\nivo@workload.example,Ivo,\n")
    entrance(first, "user", "import", file, "--dry-run")
    assert first.az("ad", "user", "show", "--id", "ida@workload.example", check=False).code != 0
    rows = entrance(first, "user", "import", file, "--codes").out.splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["ida@workload.example", "ivo@workload.example"]
    assert first.az_json("ad", "user", "show", "--id", "ida@workload.example")["displayName"] == "Ida"


def test_a_reset_password_has_to_be_changed(first):
    told = json.loads(entrance(first, "user", "reset-password", "ivo@workload.example", "-o", "json").out)
    form = {
        "grant_type": "password", "client_id": "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "scope": "openid",
        "username": "ivo@workload.example", "password": told["password"],
    }
    answer = first.server.http().post(f"{first.server.url}/{first.server.env['TENANT']}/oauth2/v2.0/token", data=form).json()
    assert answer["error"] != "invalid_request" and "access_token" not in answer, answer


@pytest.fixture(scope="module")
def agent(first):
    """An application that processes of the machine are, with what goes into their environment."""
    app, oid = application(first, "workload-agent")
    told = json.loads(entrance(first, "identity", "add", "workload-agent", "--application", app, "-o", "json").out)
    return {"app": app, "oid": oid, "env": {"IDENTITY_ENDPOINT": told["identityEndpoint"], "IDENTITY_HEADER": told["identityHeader"]}}


def test_s_270_az_login_identity_needs_no_secret(first, agent, tmp_path):
    job = Person(first.server, tmp_path / "job", "job").register_cloud()
    job.env |= agent["env"]
    job.az("login", "--identity", "--allow-no-subscriptions", "-o", "none")
    assert job.az_json("account", "get-access-token", "--resource", AKS_SERVER)["accessToken"].count(".") == 2
    job.env["IDENTITY_HEADER"] = "invented"
    job.az("account", "clear")
    refused = job.az("login", "--identity", "--allow-no-subscriptions", "-o", "none", check=False)
    assert refused.code != 0, refused


def test_s_270_azure_identity_takes_both_shapes(first, agent, tmp_path, monkeypatch):
    from azure.identity import ManagedIdentityCredential

    for name, value in agent["env"].items():
        monkeypatch.setenv(name, value)
    token = ManagedIdentityCredential(client_id=agent["app"]).get_token(f"{AKS_SERVER}/.default")
    assert token.token.count(".") == 2
    for name in agent["env"]:
        monkeypatch.delenv(name)
    entrance(first, "identity", "add", "workload-machine", "--application", agent["app"], "--every-process")
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://{first.server.identity}")
    token = ManagedIdentityCredential().get_token(f"{AKS_SERVER}/.default")
    assert token.token.count(".") == 2
