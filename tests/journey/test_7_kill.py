"""`kill -9` of the server at every step of every operation on a cluster, before it is taken and after: it goes on, and nothing is left over."""

import socket
import time

import pytest

from support.running import processes, until
from support.telling import told

GROUP, NAME = "killed", "tough"


@pytest.fixture(scope="module")
def walker(server, admin):
    """The session's server with the fault switch; afterwards it runs without it again."""
    admin.az("group", "create", "-n", GROUP, "-l", "local", "-o", "none")
    walker = Walker(server, admin)
    server.stop()
    server.more_env["ENTRANCE_FAULTS"] = "1"
    server.serve()
    yield walker
    walker.faults.unlink(missing_ok=True)
    server.stop()
    del server.more_env["ENTRANCE_FAULTS"]
    server.serve()


class Walker:
    """Begins operations and lets the server die at each of their steps."""

    def __init__(self, server, admin):
        self.server, self.http = server, server.http()
        self.http.headers["Authorization"] = "Bearer " + admin.az_json("account", "get-access-token")["accessToken"]
        subscription = admin.az_json("account", "show")["id"]
        self.base = f"{server.url}/subscriptions/{subscription}/resourceGroups/{GROUP}/providers/Microsoft.ContainerService/managedClusters"
        self.groups = [admin.az_json("ad", "group", "create", "--display-name", n, "--mail-nickname", n)["id"] for n in ("tough-a", "tough-b")]
        self.faults, self.kills = server.data / "faults", 0

    def revive(self, following: str | None):
        """Starts the server, which shall die at this moment: it may come to that before it answers anybody."""
        self.kills += 1
        self.dies_at(following)
        if following:
            self.server.launch(*self.server.served())
        else:
            self.server.serve()

    def ask(self, method, action="", name=NAME, body=None):
        return self.http.request(method, f"{self.base}/{name}{action}?api-version=2026-06-01", json=body, timeout=30)

    def put(self, nodes: int, group: int, name=NAME):
        return self.ask("PUT", name=name, body={"location": "local", "properties": {
            "dnsPrefix": name, "enableRBAC": True, "agentPoolProfiles": [{"name": "nodepool1", "count": nodes, "mode": "System"}],
            "aadProfile": {"managed": True, "adminGroupObjectIDs": [self.groups[group]]}}})

    def properties(self, name=NAME) -> dict:
        return self.ask("GET", name=name).json()["properties"]

    def walk(self, begin, *steps: str):
        """Has the server die on both sides of each step; then the operation ends, as if nothing had happened."""
        moments = [f"{step}:{side}" for step in steps for side in ("before", "after")]
        self.dies_at(moments[0])
        begun = begin()
        assert begun.status_code in (200, 201, 202), begun.text
        for moment, following in zip(moments, [*moments[1:], None], strict=True):
            until(f"the server dies at {moment}", self.is_dead, seconds=90, every=0.02)
            self.revive(following)
        until("the operation ends", lambda: self.status(begun) != "InProgress", seconds=120, every=0.1)
        assert self.status(begun) == "Succeeded", self.http.get(begun.headers["azure-asyncoperation"]).text

    def status(self, begun) -> str:
        return self.http.get(begun.headers["azure-asyncoperation"]).json()["status"]

    def dies_at(self, moment: str | None):
        self.faults.write_text(f"operation={moment}\n" if moment else "")

    def is_dead(self) -> bool:
        return self.server.running.process.poll() is not None

    def folders(self) -> set:
        return {path for path in (self.server.data / "clusters").iterdir() if path.name != "lock"}


def test_an_operation_survives_a_kill_at_each_of_its_steps(walker):
    since, before = time.monotonic(), walker.folders()
    walker.walk(lambda: walker.put(1, 0), "prepare", "start", "awaitReady", "bindAdmins", "enforce")
    assert walker.properties()["provisioningState"] == "Succeeded"
    (home,) = walker.folders() - before

    walker.walk(lambda: walker.put(2, 1), "nodes", "bindAdmins", "enforce")
    changed = walker.properties()
    assert (changed["agentPoolProfiles"][0]["count"], changed["aadProfile"]["adminGroupObjectIDs"]) == (2, [walker.groups[1]])

    authority = (home / "pki" / "ca.crt").read_text()
    walker.walk(lambda: walker.ask("POST", "/rotateClusterCertificates"), "makeKeys", "swapKeys", "awaitReady", "enforce", "dropOldKeys")
    assert (home / "pki" / "ca.crt").read_text() != authority
    assert sorted(path.name for path in home.glob("pki*")) == ["pki"], "no set of keys is left over"
    walker.walk(lambda: walker.ask("POST", "/rotateServiceAccountSigningKeys"), "renewSigningKey")
    assert len(list(home.glob("pki/sa*.key"))) == 1, "nobody signs with an old key"

    walker.walk(lambda: walker.ask("POST", "/stop"), "halt")
    assert not processes(home) and walker.properties()["powerState"]["code"] == "Stopped"
    walker.walk(lambda: walker.ask("POST", "/start"), "prepare", "start", "awaitReady")
    assert walker.properties()["powerState"]["code"] == "Running"
    (port,) = [int(words.split("--secure-port=")[1].split()[0]) for words in processes(home).values() if " apiserver " in words]
    walker.walk(lambda: walker.ask("DELETE"), "erase")
    assert walker.ask("GET").status_code == 404
    assert not processes(home) and walker.folders() == before, "nothing runs, and no file is left"
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))
    told("kill -9 at every step of seven operations", f"{walker.kills} kills in {time.monotonic() - since:.0f} s")


def test_an_abort_survives_a_kill_too(walker):
    before = walker.folders()
    walker.dies_at("awaitReady:before")
    assert walker.put(1, 0, "unborn").status_code == 201
    until("the server dies", walker.is_dead, seconds=60, every=0.02)
    assert walker.folders() - before, "there is something to undo"
    # The creation goes on as soon as the server is back, and would be there in a few seconds.
    walker.dies_at("erase:before")
    walker.server.serve()
    aborted = walker.ask("POST", "/abort", "unborn")
    assert aborted.status_code == 202, aborted.text
    for following in ("erase:after", None):
        until("the server dies", walker.is_dead, seconds=60, every=0.02)
        walker.revive(following)
    until("the abort ends", lambda: walker.status(aborted) != "InProgress", seconds=60, every=0.1)
    assert walker.status(aborted) == "Succeeded"
    assert walker.properties("unborn")["provisioningState"] == "Canceled"
    assert walker.folders() == before, "nothing is left"
    assert walker.ask("DELETE", name="unborn").status_code == 202
