"""What is deleted is gone; what is not survives `kill -9`, restarts, and the loss of everything that runs."""

import time

from support.cluster import Door, api_servers, home_of
from support.running import processes, until
from support.telling import told


def test_deleting_leaves_no_process_and_no_file(server, admin, platform):
    admin.az("aks", "create", "-g", platform.group, "-n", "doomed", "--no-ssh-key", "--enable-aad", "-o", "none")
    file = admin.home / "doomed"
    admin.get_credentials(platform.group, "doomed", "--admin", "-f", str(file))
    home = home_of(file, server.data)
    assert home.is_dir() and processes(home)

    admin.az("aks", "delete", "-g", platform.group, "-n", "doomed", "-y")
    until("no process of the cluster runs", lambda: not processes(home), seconds=10)
    until("no file of the cluster is left", lambda: not list(server.data.rglob(f"*{home.name}*")), seconds=10)
    assert admin.az("aks", "show", "-g", platform.group, "-n", "doomed", check=False).code == 3
    assert admin.az("aks", "delete", "-g", platform.group, "-n", "doomed", "-y", check=False).code == 0


def test_kill_9_in_the_middle_of_create_ends_succeeded(server, admin, platform):
    # By plain HTTP: `az` needs longer to start than a control plane.
    http, url = server.http(), f"{server.url}{platform.id.removesuffix(platform.cluster)}interrupted?api-version=2026-06-01"
    http.headers["Authorization"] = "Bearer " + admin.az_json("account", "get-access-token")["accessToken"]
    body = {"location": "local", "identity": {"type": "SystemAssigned"}, "properties": {
        "dnsPrefix": "interrupted", "enableRBAC": True, "agentPoolProfiles": [{"name": "nodepool1", "count": 1, "mode": "System"}],
        "aadProfile": {"managed": True, "adminGroupObjectIDs": [platform.outer]}}}
    before = len(server.control_planes())
    made = http.put(url, json=body)
    assert made.status_code == 201, made.text
    until("its first process runs", lambda: len(server.control_planes()) > before, seconds=30, every=0.01)
    state = http.get(url).json()["properties"]["provisioningState"]
    server.kill()
    assert state == "Creating", "it was made before it could be interrupted"
    server.serve()
    until(
        "the cluster is made after all",
        lambda: admin.az_json("aks", "show", "-g", platform.group, "-n", "interrupted")["provisioningState"] == "Succeeded",
        seconds=90, every=0.5,
    )
    file = admin.home / "interrupted"
    admin.get_credentials(platform.group, "interrupted", "--admin", "-f", str(file))
    assert len(api_servers(file, server.data)) == 1
    assert " Ready " in admin.kubectl("get", "nodes", "--no-headers", kubeconfig=file).out
    admin.az("aks", "delete", "-g", platform.group, "-n", "interrupted", "-y")


def test_a_cluster_survives_a_restart_of_the_server(server, admin, platform):
    file = admin.home / "prod-admin"
    admin.get_credentials(platform.group, platform.cluster, "--admin", "-f", str(file), "--overwrite-existing")
    before, door = api_servers(file, server.data), Door.of(file)
    server.stop()
    assert door.knock().status_code == 200, "a cluster does not need Entrance for its certificates"
    server.serve()
    assert api_servers(file, server.data) == before, "the control plane was not adopted but started again"
    until("people may enter again", lambda: _may_enter(platform), seconds=30, every=0.5)


def test_clusters_come_back_after_everything_was_killed(server, admin, platform):
    file = admin.home / "prod-admin"
    admin.kubectl("create", "namespace", "remembered", kubeconfig=file)
    server.kill_everything()
    since = time.monotonic()
    server.serve()
    until("people may enter again", lambda: _may_enter(platform), seconds=90, every=0.5)
    told("people are back in after everything was killed", f"{time.monotonic() - since:.1f} s")
    assert len(api_servers(file, server.data)) == 1
    assert "remembered" in platform.member.kubectl("--context", platform.cluster, "get", "namespaces").out


def _may_enter(platform) -> bool:
    member = platform.member.use("ours")
    if not member.kubeconfig.exists():
        member.get_credentials(platform.group, platform.cluster)
    return member.kubectl("--context", platform.cluster, "get", "nodes", check=False).code == 0
