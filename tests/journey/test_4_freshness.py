"""How soon a change counts: the short rows of the table in docs/guarantees.md, each at a real API server.

All rows of one kind are measured beside each other, because each may take the API server's ten seconds.
"""

import threading
import time

import pytest

from support.aggregated import NODES, Aggregated
from support.freshness import API_SERVER_CACHE, BOUND, Line, Sample, run_all
from support.office import Office
from support.rows import ALLOWED, FORBIDDEN, ROWS, UNAUTHORIZED, Scene, admin_group_removed, hire_inside, prepare
from support.running import until
from support.streams import Standin, Watch, exec_stream
from support.telling import told

# The binding is gone, and where Entrance owns the files the certificate's issuer too.
CERTIFICATE_ENDS = {401, 403}


@pytest.fixture(scope="module")
def scene(server) -> Scene:
    """One cluster for all rows, and an administrator without `az`."""
    return Scene.build(Office(server), "freshness")


@pytest.fixture(scope="module")
def measured(scene):
    """Every row at once: prepared, asked, changed, asked until the answer changed for good."""
    rows = run_all(prepare(scene))
    for row in rows.values():
        if row.seconds:
            told(f"freshness: {row.name}", row.shown())
    return rows


@pytest.mark.parametrize("row", [name for name in ROWS if "binding" not in name])
def test_a_change_in_the_directory_counts_within_the_bound(measured, row):
    """New connections and kept ones alike: 10 s of the API server's memory and 1 s of ours."""
    measured[row].within(BOUND)


def test_a_deleted_binding_counts_without_anyone_being_asked(measured):
    measured["a binding is deleted (the API server's own)"].within(1)


def test_what_was_remembered_is_really_used_up(measured):
    """The bound is no accident: whoever was asked about just before the change goes on for most of the API server's memory."""
    assert max(row.seconds[-1] for row in measured.values()) > API_SERVER_CACHE - 2


def test_an_admin_group_that_leaves_the_cluster_counts_within_the_bound(scene):
    samples = admin_group_removed(scene)
    since = threading.Event()

    def settle(properties):
        properties["aadProfile"]["adminGroupObjectIDs"] = [scene.admins]

    def change():
        if not since.is_set():
            since.set()
            scene.cluster.change(settle)

    for sample in samples:
        sample.row, sample.change, sample.pause = "an admin group leaves the cluster", change, 0.2
    row = run_all(samples)["an admin group leaves the cluster"]
    told(f"freshness: {row.name}", row.shown())
    row.within(BOUND)
    scene.cluster.settled()


# --- break-glass: certificates, so Entrance is not asked; the API server's own watch and its files are all there is ---

DOOR_BOUND = 2


def test_a_closed_door_is_refused_within_the_bound(scene):
    doors = [scene.cluster.open_door() for _ in range(3)]
    samples = [
        Sample("a door is closed", Line(door, keep), lambda path=path: scene.office.arm("POST", f"{path}/close", {}), CERTIFICATE_ENDS, every=0.03)
        for (path, door), keep in zip(doors, [True, True, False], strict=True)
    ]
    row = run_all(samples)["a door is closed"]
    told(f"freshness: {row.name}", row.shown())
    row.within(DOOR_BOUND)


def test_an_open_watch_of_a_door_goes_on_after_it_was_closed(scene):
    """Not covered: only `--sever`, a restart of the API servers, ends it."""
    path, door = scene.cluster.open_door()
    with Watch(door, "/api/v1/namespaces/default/configmaps", seconds=60) as watch:
        scene.office.arm("POST", f"{path}/close", {})
        line = Line(door, keep=False)
        until("the door is refused", lambda: line.ask() in CERTIFICATE_ENDS, seconds=10)
        scene.kube.ask("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "after-the-door"}})
        assert watch.sees("after-the-door")


# --- an aggregated API: through the API server, and past it ---

AGGREGATED_MEMORY = 10


def test_an_aggregated_api_refuses_within_the_bound_and_ten_seconds_more_when_it_is_called_directly(scene, tmp_path):
    """Through the API server the groups travel along, so its memory is all there is. Past it, the aggregated server remembers tokens for itself."""
    with Aggregated(scene.kube, tmp_path) as aggregated:
        through, directly = _at_the_aggregated_api(scene), _at_the_aggregated_server(scene, aggregated)
        rows = run_all([*through, *directly], give_up=BOUND + AGGREGATED_MEMORY + 14)
    for row in rows.values():
        told(f"freshness: {row.name}", row.shown())
    through, directly = rows.values()
    through.within(BOUND)
    directly.within(BOUND + AGGREGATED_MEMORY)


def _at_the_aggregated_api(scene: Scene) -> list[Sample]:
    def sample() -> Sample:
        person = scene.office.hire()
        team = scene.team(person.oid)
        change = lambda: scene.office.leave(team, person.oid)  # noqa: E731
        return Sample("a member leaves a group, at an aggregated API", scene.line(person), change, FORBIDDEN, pause=0.2, path=NODES)

    return [sample() for _ in range(2)]


def _at_the_aggregated_server(scene: Scene, aggregated: Aggregated) -> list[Sample]:
    """Arranged for the longest it can take: the API server forgets and asks again just before the change, after the aggregated server asked."""
    person = scene.office.hire()
    team, token = scene.team(person.oid), scene.office.token(person)
    at_the_api_server = Line(scene.door.with_token(token))
    assert at_the_api_server.ask() == 200
    time.sleep(API_SERVER_CACHE - 0.3)

    def change():
        assert at_the_api_server.ask() == 200
        scene.office.leave(team, person.oid)

    return [Sample("the same, at the aggregated server itself", aggregated.directly(token), change, FORBIDDEN, pause=0.6, path=NODES)]


# --- what is not covered, shown ---


def test_an_open_watch_goes_on_after_its_owner_was_removed(scene):
    """Not covered: the API server asks who somebody is when a watch begins, and never again."""
    person = scene.office.hire()
    team = scene.team(person.oid)
    line = scene.line(person)
    watch = Watch(scene.door.with_token(scene.office.token(person)), "/api/v1/namespaces/default/configmaps", seconds=60)
    with watch:
        row = run_all([Sample("watch", line, lambda: scene.office.leave(team, person.oid), FORBIDDEN, pause=0.2)])["watch"]
        row.within(BOUND)
        scene.kube.ask("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "after-the-removal"}})
        assert watch.sees("after-the-removal"), "a watch that was open goes on"
        assert Watch.begins(scene.door.with_token(line.headers["Authorization"].removeprefix("Bearer ")), watch.path) == 403
    told("freshness: an open watch of a removed person", "goes on until it times out; a new one is refused")


def test_an_open_exec_goes_on_after_its_owner_was_disabled(scene):
    """Not covered either; the kubelet is a stand-in, everything before it is real."""
    person = hire_inside(scene)
    door = scene.door.with_token(scene.office.token(person))
    with Standin(scene.kube) as pod, exec_stream(door, pod) as stream:
        assert stream.echo(b"before") == b"before"

        def change():
            scene.office.graph("PATCH", f"/users/{person.oid}", {"accountEnabled": False})

        row = run_all([Sample("exec", scene.line(person), change, UNAUTHORIZED, pause=0.2)])["exec"]
        row.within(BOUND)
        assert stream.echo(b"after") == b"after", "an exec that was open goes on"
        with pytest.raises(ConnectionRefusedError, match="401"):
            exec_stream(door, pod)
    told("freshness: an open exec of a disabled person", "goes on until it ends; a new one is refused")


# --- settings of the cluster: they change it for everyone, so they come last ---


def test_another_token_audience_counts_within_the_bound(scene):
    person = hire_inside(scene)

    def settle(properties):
        properties["entranceProfile"]["tokenAudience"] = "cluster"

    sample = Sample("the cluster takes tokens for itself alone", scene.line(person), lambda: scene.cluster.change(settle), UNAUTHORIZED)
    _settings(scene, sample)


def test_another_spelling_of_names_counts_within_the_bound(scene):
    """Bindings by sign-in name end when the cluster calls people by object id."""
    scene.cluster.change(lambda properties: properties["entranceProfile"].update(tokenAudience="shared"))
    scene.cluster.settled()
    person = scene.office.hire()
    scene.kube.bind_user("cluster-admin", person.upn)

    def settle(properties):
        properties["entranceProfile"]["userName"] = "oid"

    line = scene.line(person)
    deadline = time.monotonic() + BOUND
    while line.ask() not in ALLOWED and time.monotonic() < deadline:
        time.sleep(0.2)
    _settings(scene, Sample("the cluster calls people by object id", line, lambda: scene.cluster.change(settle), FORBIDDEN))


def _settings(scene: Scene, sample: Sample):
    sample.pause = 0.2
    row = run_all([sample])[sample.row]
    told(f"freshness: {row.name}", row.shown())
    row.within(BOUND)
    scene.cluster.settled()


def test_disabled_local_accounts_refuse_every_file_within_the_bound(scene):
    """The last one: nobody but people enters afterwards."""
    _, door = scene.cluster.open_door()

    def change():
        scene.cluster.change(lambda properties: properties.update(disableLocalAccounts=True))

    row = run_all([Sample("local accounts are disabled", Line(door), change, CERTIFICATE_ENDS, every=0.03)])["local accounts are disabled"]
    told(f"freshness: {row.name}", row.shown())
    row.within(DOOR_BOUND)
    assert Line(scene.kube.door, keep=False).ask() in CERTIFICATE_ENDS, "a file that was handed out before is refused, too"
