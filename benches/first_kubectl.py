"""From `PUT managedClusters` to the first `kubectl get nodes` that a group member is allowed, as a ratio to the control plane alone.

The control plane alone is the same program with the same arguments, certificates and configuration in a folder of its own, started by this
script. Both are measured in turns in one run, so a busy machine slows both. Printed, not asserted; the aim is a ratio of 1.3.
"""

import base64
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.paths import CONTROLPLANE, KUBECTL  # noqa: E402
from support.people import Person  # noqa: E402
from support.running import free_port, processes, until  # noqa: E402
from support.server import Server, plain_env  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "3"))
# The simulated nodes are left out: they need rights that Entrance gives, and neither side waits for a node.
PARTS = ["etcd", "apiserver", "controller-manager", "scheduler"]
VERSION = "api-version=2026-06-01"


def main() -> None:
    work = Path(tempfile.mkdtemp(prefix="entrance-bench-"))
    server = Server(work / "server").start("demo")
    try:
        member = Person(server, work / "member", "member", server.env["ADMIN_UPN"], server.env["ADMIN_PASSWORD"])
        member.login_by_device_code()
        with_entrance, alone = [], []
        for round_ in range(ROUNDS):
            cluster = Cluster(server, member, f"bench{round_}")
            with_entrance.append(cluster.first_kubectl(work))
            alone.append(start_alone(cluster.folder(work), work / f"alone{round_}"))
            cluster.delete()
            print(f"round {round_ + 1}: {with_entrance[-1]:.2f} s with Entrance, {alone[-1]:.2f} s alone", flush=True)
        ratio = statistics.median(with_entrance) / statistics.median(alone)
        print(f"PUT to first allowed kubectl: median {statistics.median(with_entrance):.2f} s, "
              f"control plane alone {statistics.median(alone):.2f} s, ratio {ratio:.2f} (aim: 1.3)")
    finally:
        server.kill_everything()
        shutil.rmtree(work, ignore_errors=True)


class Cluster:
    """A cluster made by plain HTTP, so that no start of `az` is in the numbers."""

    def __init__(self, server: Server, person: Person, name: str):
        env = server.env
        self.server, self.name = server, name
        group = f"/subscriptions/{env['SUBSCRIPTION']}/resourceGroups/{env['RESOURCE_GROUP']}"
        self.url = f"{env['ENTRANCE_URL'].rstrip('/')}{group}/providers/Microsoft.ContainerService/managedClusters/{name}"
        self.http = server.http()
        self.http.headers["Authorization"] = "Bearer " + person.az_json("account", "get-access-token")["accessToken"]
        self.token = person.az_json("account", "get-access-token", "--resource", "6dae42f8-4368-4678-94ff-3960e28e3630")["accessToken"]
        me = person.az_json("ad", "signed-in-user", "show")["id"]
        self.group = person.az_json("ad", "group", "create", "--display-name", f"{name}-admins", "--mail-nickname", f"{name}a")["id"]
        person.az("ad", "group", "member", "add", "-g", self.group, "--member-id", me)
        self.kubeconfig = Path()

    def first_kubectl(self, work: Path) -> float:
        body = {"location": "local", "identity": {"type": "SystemAssigned"}, "properties": {
            "dnsPrefix": self.name, "enableRBAC": True, "agentPoolProfiles": [{"name": "nodepool1", "count": 3, "mode": "System"}],
            "aadProfile": {"managed": True, "adminGroupObjectIDs": [self.group]}}}
        since = time.monotonic()
        made = self.http.put(f"{self.url}?{VERSION}", json=body)
        made.raise_for_status()
        until("the cluster is made", self._succeeded, seconds=120, every=0.05)
        answer = self.http.post(f"{self.url}/listClusterUserCredential?{VERSION}").json()
        config = yaml.safe_load(base64.b64decode(answer["kubeconfigs"][0]["value"]))
        config["users"][0]["user"] = {"token": self.token}
        self.kubeconfig = work / f"{self.name}.kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump(config))
        until("kubectl is allowed", lambda: kubectl_is_answered(work, "--kubeconfig", self.kubeconfig), seconds=60, every=0.05)
        return time.monotonic() - since

    def _succeeded(self) -> bool:
        return self.http.get(f"{self.url}?{VERSION}").json()["properties"]["provisioningState"] == "Succeeded"

    def folder(self, work: Path) -> Path:
        """Where the control plane works: its API server listens on the kubeconfig's port."""
        port = yaml.safe_load(self.kubeconfig.read_text())["clusters"][0]["cluster"]["server"].rsplit(":", 1)[1].strip("/")
        pid = next(pid for pid, words in processes(self.server.data).items() if f"--secure-port={port} " in words)
        return Path(os.readlink(f"/proc/{pid}/cwd"))

    def delete(self) -> None:
        self.http.delete(f"{self.url}?{VERSION}").raise_for_status()
        until("the cluster is gone", lambda: self.http.get(f"{self.url}?{VERSION}").status_code == 404, seconds=60)


def start_alone(folder: Path, copy: Path) -> float:
    """The same control plane without Entrance: from its first process to the first `kubectl get nodes`."""
    running = processes(folder)
    arguments = {part: next(words.split() for words in running.values() if words.split()[1] == part)[1:] for part in PARTS}
    port = next(word.split("=")[1] for word in arguments["apiserver"] if word.startswith("--secure-port=") and not word.endswith("=0"))
    new_port = str(free_port())
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("etcd", "etcd.sock", "logs"))
    (copy / "logs").mkdir()
    for file in copy.rglob("*"):
        if file.is_file() and f":{port}" in (text := file.read_text(errors="replace")):
            file.write_text(text.replace(f":{port}", f":{new_port}"))
    started = []

    def start(part):
        words = [word.replace(port, new_port) if port in word else word for word in arguments[part]]
        env = plain_env(copy) | {"GOGC": "50"}
        with (copy / "logs" / part).open("wb") as log:
            started.append(subprocess.Popen([CONTROLPLANE, *words], cwd=copy, env=env, stdout=log, stderr=log, start_new_session=True))

    since = time.monotonic()
    try:
        start("etcd")
        until("etcd listens", (copy / "etcd.sock").exists, seconds=60, every=0.02)
        start("apiserver")
        admin = next(copy.rglob("*controller-manager*kubeconfig*"), None) or next(copy.rglob("*controller-manager*"))
        until("the API server is ready", lambda: _kubectl(copy, "--kubeconfig", admin, "get", "--raw", "/readyz").returncode == 0, seconds=60, every=0.05)
        for part in PARTS[2:]:
            start(part)
        until("kubectl is answered", lambda: kubectl_is_answered(copy, "--kubeconfig", admin), seconds=60, every=0.05)
        return time.monotonic() - since
    finally:
        for process in reversed(started):
            process.kill()
            process.wait(10)


def kubectl_is_answered(home: Path, *where) -> bool:
    return _kubectl(home, *where, "get", "nodes", "--no-headers").returncode == 0


def _kubectl(home: Path, *words) -> subprocess.CompletedProcess:
    return subprocess.run([KUBECTL, *map(str, words)], env=plain_env(home), cwd=home, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    main()
