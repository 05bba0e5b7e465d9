"""The life of a cluster after its creation: stop, start, abort, and what happens when its machine misbehaves."""

import base64
import json
import os
import signal
import socket
import time

import pytest
import requests
import yaml

from support.cluster import Door, api_servers, home_of
from support.running import processes, until
from support.telling import told

GROUP, NAME = "power", "lamp"
CREATE = {"location": "local", "properties": {
    "dnsPrefix": "x", "enableRBAC": True, "agentPoolProfiles": [{"name": "nodepool1", "count": 1, "mode": "System"}]}}


@pytest.fixture(scope="module")
def lamp(server, admin):
    """A cluster of this file's own, with something in it."""
    admin.az("group", "create", "-n", GROUP, "-l", "local", "-o", "none")
    admin.az("aks", "create", "-g", GROUP, "-n", NAME, "--no-ssh-key", "--enable-aad", "-c", "2", "-o", "none")
    return Lamp(server, admin)


class Lamp:
    """The cluster, its admin file, its folder, and the resource manager without `az`, which is slow to start."""

    def __init__(self, server, admin):
        self.server, self.admin = server, admin
        self.http = server.http()
        self.http.headers["Authorization"] = "Bearer " + admin.az_json("account", "get-access-token")["accessToken"]
        self.id = admin.az_json("aks", "show", "-g", GROUP, "-n", NAME)["id"]
        self.file = admin.home / "lamp"
        self.get_file()
        self.home = home_of(self.file, server.data)
        self.port = int(yaml.safe_load(self.file.read_text())["clusters"][0]["cluster"]["server"].rsplit(":", 1)[1].strip("/"))
        self.admin.kubectl("create", "namespace", "remembered", kubeconfig=self.file)

    def get_file(self):
        self.admin.get_credentials(GROUP, NAME, "--admin", "-f", str(self.file), "--overwrite-existing")

    def az(self, *words, check=True):
        return self.admin.az("aks", *words, "-g", GROUP, "-n", NAME, check=check)

    def address(self, name=NAME, action="") -> str:
        return f"{self.server.url}{self.id.removesuffix(NAME)}{name}{action}?api-version=2026-06-01"

    def properties(self, name=NAME) -> dict:
        return self.http.get(self.address(name)).json()["properties"]

    def state(self) -> tuple[str, str]:
        shown = self.properties()
        return shown["provisioningState"], shown["powerState"]["code"]

    @staticmethod
    def knock(door: Door) -> int:
        return door.knock("/api/v1/namespaces").status_code

    def remembers(self) -> bool:
        """Somebody with the admin file finds what was there before."""
        return "remembered" in self.admin.kubectl("get", "namespaces", kubeconfig=self.file, check=False).out


def serve(server):
    server.serve()


def test_az_aks_stop_ends_every_process_and_start_brings_everything_back(lamp):
    before = lamp.file.read_text()
    stopped = lamp.az("stop")
    assert lamp.state() == ("Succeeded", "Stopped")
    assert not processes(lamp.home), "no process is left"
    assert lamp.home.is_dir(), "its data is kept"
    lamp.az("stop")  # there is nothing to do, which is no error
    lamp.admin.get_credentials(GROUP, NAME, "-f", str(lamp.admin.home / "asleep"))
    assert lamp.admin.kubectl("get", "nodes", "--request-timeout=3s", kubeconfig=lamp.file, check=False).code != 0
    refused = lamp.az("update", "--tier", "standard", check=False)
    assert "OperationNotAllowed" in refused.err and "start it first" in refused.err, str(refused)
    lamp.az("update", "--tags", "a=b", check=False)

    lamp.server.stop()
    serve(lamp.server)
    time.sleep(1)
    assert not processes(lamp.home), "the next server leaves it asleep"
    assert lamp.state() == ("Succeeded", "Stopped")

    started = lamp.az("start")
    assert lamp.state() == ("Succeeded", "Running")
    assert len(api_servers(lamp.file, lamp.server.data)) == 1
    lamp.get_file()
    assert lamp.file.read_text() == before, "the same address, authority and door"
    until("people are back with what was there", lamp.remembers, seconds=20)
    told("az aks stop, az aks start", f"{stopped.seconds:.1f} s, {started.seconds:.1f} s")


def test_az_aks_operation_abort_leaves_nothing_of_a_creation(lamp):
    before = set(lamp.server.control_planes())
    assert lamp.http.put(lamp.address("stillborn"), json=CREATE).status_code == 201
    new = until("a process of it runs", lambda: set(lamp.server.control_planes()) - before, seconds=30, every=0.01)
    # One that hangs cannot be finished before it is given up.
    for pid in new:
        os.kill(pid, signal.SIGSTOP)
    home = os.readlink(f"/proc/{min(new)}/cwd")
    lamp.admin.az("aks", "operation-abort", "-g", GROUP, "-n", "stillborn")
    assert lamp.properties("stillborn")["provisioningState"] == "Canceled"
    assert not processes(home) and not os.path.exists(home), "no process and no file"
    nothing = lamp.http.post(lamp.address("stillborn", "/abort"))
    assert (nothing.status_code, nothing.json()["error"]["code"]) == (409, "OperationNotAllowed")
    assert lamp.http.delete(lamp.address("stillborn")).status_code == 202


def test_az_aks_nodepool_and_scale_change_the_nodes(lamp):
    def nodes(pool: str) -> int:
        listed = lamp.admin.kubectl("get", "nodes", "--no-headers", kubeconfig=lamp.file).out.splitlines()
        return len([line for line in listed if line.startswith(f"aks-{pool}-") and " Ready" in line])

    pool = ("-g", GROUP, "--cluster-name", NAME, "-n", "extra")
    made = lamp.admin.az_json("aks", "nodepool", "add", *pool, "-c", "1", "--mode", "User")
    assert (made["count"], made["mode"], made["provisioningState"]) == (1, "User", "Succeeded")
    until("its node is ready", lambda: nodes("extra") == 1, seconds=30)
    lamp.admin.az("aks", "nodepool", "scale", *pool, "-c", "3")
    until("its nodes are ready", lambda: nodes("extra") == 3, seconds=30)
    listed = lamp.admin.az_json("aks", "nodepool", "list", "-g", GROUP, "--cluster-name", NAME)
    assert [(pool["name"], pool["count"]) for pool in listed] == [("nodepool1", 2), ("extra", 3)]
    assert lamp.admin.az_json("aks", "nodepool", "show", *pool)["count"] == 3
    lamp.az("scale", "-c", "1", "--nodepool-name", "nodepool1")
    until("the others are fewer", lambda: nodes("nodepool1") == 1, seconds=30)
    last = lamp.admin.az("aks", "nodepool", "delete", "-g", GROUP, "--cluster-name", NAME, "-n", "nodepool1", check=False)
    assert last.code != 0 and "System" in last.err, str(last)
    lamp.admin.az("aks", "nodepool", "delete", *pool)
    until("its nodes are gone", lambda: nodes("extra") == 0, seconds=30)
    assert lamp.remembers()


def test_new_signing_keys_leave_old_tokens_of_service_accounts_good(lamp):
    token = lambda: lamp.admin.kubectl("create", "token", "default", kubeconfig=lamp.file).out.strip()  # noqa: E731
    api_server, before = next(iter(api_servers(lamp.file, lamp.server.data))), token()
    lamp.admin.az("rest", "--method", "post", "--url", f"{lamp.id}/rotateServiceAccountSigningKeys?api-version=2026-06-01")
    until("it ends", lambda: lamp.state()[0] == "Succeeded", seconds=60, every=0.2)
    until("the API server is another process", lambda: api_server not in api_servers(lamp.file, lamp.server.data), seconds=5)
    assert lamp.remembers(), "certificates are untouched"
    after = token()
    assert _kid(before) != _kid(after)
    for good in (before, after):
        assert lamp.knock(Door.of(lamp.file).with_token(good)) == 403, "known, and without rights"


def test_az_aks_rotate_certs_makes_every_file_from_before_worthless(lamp):
    user = lamp.admin.home / "lamp-user"
    lamp.admin.get_credentials(GROUP, NAME, "-f", str(user), "--overwrite-existing")
    old, old_user = Door.of(lamp.file), Door.of(user)
    robot = old.with_token(lamp.admin.kubectl("create", "token", "default", kubeconfig=lamp.file).out.strip())
    assert (lamp.knock(old), lamp.knock(robot)) == (200, 403)
    since = time.monotonic()
    lamp.az("rotate-certs", "-y")
    until("it ends", lambda: lamp.state()[0] == "Succeeded", seconds=90, every=0.2)
    told("az aks rotate-certs", f"{time.monotonic() - since:.1f} s")
    # whoever trusts the old authority gets no connection ...
    refused = lamp.admin.kubectl("get", "namespaces", kubeconfig=lamp.file, check=False)
    assert refused.code != 0 and "certificate signed by unknown authority" in refused.err, str(refused)
    for door in (old, old_user, robot):
        with pytest.raises(requests.exceptions.SSLError):
            door.knock()
    # ... and whoever trusts the new one is known by nothing old.
    lamp.get_file()
    new = Door.of(lamp.file)
    assert new.address == old.address
    assert lamp.knock(new) == 200
    for stale in (Door(new.address, new.verify, old.cert), new.with_token(robot.token)):
        assert lamp.knock(stale) == 401
    assert lamp.remembers()
    until("the nodes are back", lambda: " Ready" in lamp.admin.kubectl("get", "nodes", kubeconfig=lamp.file).out, seconds=30)


def _kid(token: str) -> str:
    return json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"]


def test_what_keeps_a_control_plane_down_is_told_and_goes_by_itself(lamp):
    """Its port is taken while it is away; its API server dies; its folder is moved away."""
    pid = next(iter(api_servers(lamp.file, lamp.server.data)))
    os.kill(pid, signal.SIGKILL)
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        until("the port is taken by somebody else", lambda: _takes(thief, lamp.port), seconds=5, every=0.001)
        until("it is told", lambda: lamp.state()[0] == "Failed", seconds=60, every=0.5)
        error = lamp.properties()["status"]["provisioningError"]
        assert error["code"] == "ControlPlaneDown" and str(lamp.port) in error["message"], error
    until("it is over", lambda: lamp.state()[0] == "Succeeded", seconds=60, every=0.5)
    assert "status" not in lamp.properties()
    until("people are back", lamp.remembers, seconds=20)

    away = lamp.home.with_name(".moved-away")
    lamp.home.rename(away)
    until("it is told", lambda: lamp.state()[0] == "Failed", seconds=30, every=0.5)
    error = lamp.properties()["status"]["provisioningError"]
    assert error["code"] == "ControlPlaneDataMissing" and str(lamp.home) in error["message"], error
    away.rename(lamp.home)
    until("it is over", lambda: lamp.state()[0] == "Succeeded", seconds=60, every=0.5)
    until("people are back", lamp.remembers, seconds=20)


def _takes(thief: socket.socket, port: int) -> bool:
    try:
        thief.bind(("127.0.0.1", port))
        thief.listen()
        return True
    except OSError:
        return False


def test_a_stopped_cluster_is_deleted_and_nothing_is_left(lamp):
    lamp.az("stop")
    lamp.az("delete", "-y")
    assert not processes(lamp.home) and not lamp.home.exists()
    assert Door.of(lamp.file)  # the file outlives its cluster, and opens nothing
    lamp.admin.az("group", "delete", "-n", GROUP, "-y", "--no-wait")
