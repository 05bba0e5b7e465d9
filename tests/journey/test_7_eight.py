"""Eight control planes at once: `make verify-long` runs it, for eight need more than a minute on a small machine."""

import time

import pytest

from support.running import processes, until
from support.telling import told

GROUP = "eight"
NAMES = [f"one-of-{n}" for n in range(8)]

pytestmark = pytest.mark.long


def test_eight_clusters_that_are_asked_for_at_once_all_succeed(server, admin):
    group = admin.az_json("group", "create", "-n", GROUP, "-l", "local")["id"]
    http = server.http()
    http.headers["Authorization"] = "Bearer " + admin.az_json("account", "get-access-token")["accessToken"]
    address = lambda name="": f"{server.url}{group}/providers/Microsoft.ContainerService/managedClusters{name}?api-version=2026-06-01"  # noqa: E731
    before = set((server.data / "clusters").iterdir())
    since = time.monotonic()
    for name in NAMES:
        made = http.put(address(f"/{name}"), json={"location": "local", "properties": {
            "dnsPrefix": name, "agentPoolProfiles": [{"name": "nodepool1", "count": 1, "mode": "System"}]}})
        assert made.status_code == 201, made.text
    states = lambda: [one["properties"]["provisioningState"] for one in http.get(address()).json()["value"]]  # noqa: E731
    until("all have ended", lambda: "Creating" not in states(), seconds=600, every=0.5)
    assert states() == ["Succeeded"] * 8
    told("eight real control planes, asked for at once", f"{time.monotonic() - since:.0f} s until the last one was ready")
    homes = set((server.data / "clusters").iterdir()) - before
    assert len(homes) == 8
    ports = {words.split("--secure-port=")[1].split()[0] for home in homes for words in processes(home).values() if " apiserver " in words}
    assert len(ports) == 8, "each has a port of its own"
    admin.az("group", "delete", "-n", GROUP, "-y")
    assert not [home for home in homes if processes(home) or home.exists()]
