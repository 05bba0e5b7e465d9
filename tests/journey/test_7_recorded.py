"""The requests of the stock `az` for the directory, resource groups, clusters and roles, and answers of the shape that it was made for (tests/recorded)."""

import base64
import copy
import datetime
import re
import secrets

import pytest

from support.guests import PIPELINE
from support.office import Managed, Office
from support.paths import ROOT
from support.recorded import Player, Step, lacks, steps
from support.registered import Certificate, register

FOLDER = ROOT / "tests" / "recorded"
# In the order in which one leaves what the next needs.
FILES = ["directory-groups", "directory-users", "directory-applications", "groups", "create", "credentials", "roles", "providers", "others", "update"]
STEPS = [step for file in FILES for step in steps(FOLDER, file)]

# Where our answers differ on purpose: the difference, and why it is there.
ON_PURPOSE = {
    r"(users|groups|members|getByIds|me): `.*\.(mail|description)` is no string": "nobody gave these accounts and groups one, and Graph writes that as null",
    r"POST applications: .*keyCredentials\[\]\.(@odata\.type|key)`": "what a certificate is, is told to whoever selects it, and its type is known by its place",
    r"roleAssignments: `.*\.(createdBy|updatedBy)` is no string": "the server's own first assignments were made by nobody",
    r"(agentPools|nodepool1): no member `.*properties\.name`": "a pool's name stands beside its properties, where the clients look for it",
    r"GET default: `\..*\.upgrades` is empty": "only versions that the installed control planes can run are offered",
    r"POST runCommand: 404 instead of 202": "nobody runs commands in a cluster in somebody's name: kubectl does, as whoever types it",
    r"POST resetAADProfile: 400 instead of 202": "a managed cluster has no applications that could be set",
}
# Commands of the resource manager that leave everything as it is: `az` itself runs them, too.
ONLY_ASKS = re.compile(
    r"az (group (show|list|exists)|aks (show|list|get-|nodepool|create .*(-n c1 --no-ssh-key$|-g nope))|role (definition|assignment (list|create .*(nobody|NoSuch)))"
    r"|provider|resource|rest) ?"
)
# What comes after an answer that differs on purpose.
CUT_SHORT = r"\d+: there is nothing to follow"


class Replay:
    def __init__(self, server, admin):
        office = Office(server)
        get = lambda *words: admin.az_json("account", "get-access-token", *words)["accessToken"]  # noqa: E731
        self.office, self.server = office, server
        self.tokens = {"arm": get(), "graph": get("--resource", office.resources["graph"])}
        program = office.program("recorded")
        self.groups = {name: office.group(name="recorded") for name in ("first", "second")}
        versions = office.arm("GET", f"/subscriptions/{server.env['SUBSCRIPTION']}/providers/Microsoft.ContainerService/locations/local/kubernetesVersions")
        self.names = {
            "base": office.url, "subscription": server.env["SUBSCRIPTION"], "tenant": office.tenant, "group": "recorded", "other_group": "recorded-more",
            "admin_oid": office.graph("GET", "/me")["id"], "admin_upn": server.env["ADMIN_UPN"], "sp_app_id": program.app, "sp_oid": program.oid,
            "location": "local", "location_name": "Local", "version": next(iter(versions["values"][0]["patchVersions"])),
            "domain": office.domain, "password": f"Aa1!{secrets.token_urlsafe(12)}", "new_password": f"Aa1!{secrets.token_urlsafe(12)}",
            "now": _time(0), "next_month": _time(29), "issuer": PIPELINE["issuer"], "certificate": base64.b64encode(Certificate.make("recorded").der).decode(),
            "client_secret": "not-looked-at", "jwt": office.token(program),
        }
        self.players = {}
        office.arm("PUT", f"/subscriptions/{server.env['SUBSCRIPTION']}/resourceGroups/recorded", {"location": "local"})

    def player(self, file: str) -> Player:
        if file not in self.players:
            first, second = self.groups["first"], self.groups["second"]
            ids = {"create": {"guid1": first, "guid8": second}, "update": {"guid7": first, "guid8": second}, "roles": {"guid7": first}}
            self.players[file] = Player(self.server.http(), self.office.url, self.tokens, self.names | ids.get(file, {}))
            if file == "others":
                self.settled("c3")
            if file == "update":
                self.clusters_from_before()
        return self.players[file]

    def clusters_from_before(self):
        """A cluster without Entra integration and one whose applications its owner registered, made as another one was before."""
        made = next(step for step in STEPS if " -n c3 " in step.command and "create" in step.command)
        server, client = register(self.office, "recorded-server", scope="user_impersonation", version=1), register(self.office, "recorded-client", public=True)
        own = {"serverAppID": server.app, "clientAppID": client.app, "serverAppSecret": "never-looked-at", "tenantID": self.office.tenant}
        for name, profile in {"e1": None, "legacy": own}.items():
            exchanges = copy.deepcopy(made.exchanges)
            for exchange in exchanges:
                exchange["path"] = exchange["path"].replace("/c3", f"/{name}")
            if profile:
                properties = exchanges[-1]["body"]["properties"]
                properties["aadProfile"], properties["networkProfile"]["networkPlugin"] = profile, "kubenet"
            assert not self.players["update"].play(Step("update", made.command, made.exit, exchanges))
            self.settled(name)

    def settled(self, name: str):
        at = f"/subscriptions/{self.server.env['SUBSCRIPTION']}/resourceGroups/recorded/providers/Microsoft.ContainerService/managedClusters/{name}"
        Managed(self.office, at, name).settled()


def _time(days: int) -> str:
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def replay(server, admin):
    replay = Replay(server, admin)
    yield replay
    replay.office.http.delete(
        f"{replay.office.url}/subscriptions/{server.env['SUBSCRIPTION']}/resourcegroups/recorded?api-version=2024-11-01",
        headers={"Authorization": f"Bearer {replay.tokens['arm']}"}, timeout=60,
    )


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.file}: {step.command}")
def test_the_answers_have_the_recorded_shape(replay, admin, step):
    found = replay.player(step.file).play(step)
    left = [words for words in found if not any(re.search(pattern, words) for pattern in ON_PURPOSE)]
    if len(left) < len(found):
        left = [words for words in left if not re.fullmatch(CUT_SHORT, words)]
    assert not left, f"{step.command}\n" + "\n".join(left)
    if ONLY_ASKS.match(step.command):
        said = admin.az(*replay.player(step.file).words(step), check=False)
        assert said.code == step.exit, str(said)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"id": "1", "on": True, "list": [{"n": 1}], "more": 2}, []),
        ({"on": True, "list": [{"n": 1}]}, ["no member `id`"]),
        ({"id": 1, "on": True, "list": [{"n": 1}]}, ["`.id` is no string"]),
        ({"id": "1", "on": "true", "list": [{"n": True}]}, ["`.on` is no boolean", "`.list[].n` is no number"]),
        ({"id": "1", "on": False, "list": []}, ["`.list` is empty"]),
        ({"id": "1", "on": False, "list": [{"n": 1}, {}]}, ["no member `list[].n`"]),
    ],
)
def test_what_an_answer_lacks_is_found(value, found):
    assert lacks({"id": "string", "on": "boolean", "list": [{"n": "number"}]}, value) == found
