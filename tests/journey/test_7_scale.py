"""Two hundred clusters, three of which run: what that does to lists, to one cluster, and to a restart of the server.

The others are records alone, as creations leave them that failed.
"""

import time

import pytest

from support.office import Managed, Office
from support.records import Records
from support.running import until
from support.server import Server
from support.telling import told

CLUSTERS = 200


class Place:
    """A server with what it has at first, and then with more."""

    def __init__(self, server: Server):
        self.server, self.office = server, Office(server)
        person = self.office.hire("scale")
        # Only a demo gives tokens for a password, and this server is started again as another one.
        self.team, self.token = self.office.group(person.oid, name="scale"), self.office.token(person)
        self.at = f"{self.office.home}/providers/Microsoft.ContainerService/managedClusters"
        self.doors = {}

    def run(self, name: str):
        self.doors[name] = self.office.cluster(name, self.team).door().with_token(self.token)

    def enters(self) -> bool:
        return all(door.knock().status_code == 200 for door in self.doors.values())

    def names(self) -> set[str]:
        return {one["name"] for one in self.office.arm_list(self.at)}

    def took(self, ask) -> float:
        """The quickest of many on one connection: what others do on the machine is not what is asked."""
        def once():
            since = time.perf_counter()
            ask()
            return time.perf_counter() - since

        return min(once() for _ in range(25))

    def restart(self, between=lambda server: None) -> float:
        """From the start of the server until people enter every cluster that runs."""
        self.server.stop()
        between(self.server)
        since = time.monotonic()
        self.server.serve(every=0.02)
        until("people enter the clusters that run", self.enters, seconds=60, every=0.02)
        return time.monotonic() - since


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("scale")).start("demo", story=False)
    Managed(Office(server), f"{Office(server).home}/providers/Microsoft.ContainerService/managedClusters/prod", "prod").settled()
    yield Place(server)
    server.kill_everything()


def test_two_hundred_clusters_are_served_like_one(place):
    # One cluster: the demo's own, administered by this story's group.
    first = Managed(place.office, f"{place.at}/{next(iter(place.names()))}", "first")
    first.change(lambda properties: properties["aadProfile"].update(adminGroupObjectIDs=[place.team]))
    first.settled()
    place.doors["first"] = first.door().with_token(place.token)
    until("people enter", place.enters, seconds=30)
    one = {"list": place.took(place.names), "show": place.took(first.get), "restart": place.restart()}

    place.run("second")
    place.run("third")
    running = place.server.control_planes()
    there = len(place.names())

    def fill(server: Server):
        with Records(server) as records:
            records.copy_cluster("third", CLUSTERS - there)

    many = {"restart": place.restart(fill), "list": place.took(place.names), "show": place.took(first.get)}
    assert len(place.names()) == CLUSTERS
    assert place.server.control_planes().keys() == running.keys(), "what ran goes on, and nothing else was started"
    assert place.office.arm("GET", f"{place.at}/third-7")["properties"]["provisioningState"] == "Failed"

    for what, seconds in many.items():
        told(f"{what} with {CLUSTERS} clusters, three running, to the same with one", f"{seconds / one[what]:.1f} ({seconds * 1e3:.0f} ms)")
    assert many["show"] < 20 * one["show"] + 0.2
    assert many["list"] < CLUSTERS * one["list"] + 0.5
    assert many["restart"] < 10 * one["restart"] + 5
