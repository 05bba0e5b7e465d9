"""What takes longer than anybody wants to wait for in `make test`: `make verify-long` runs it, a little over an hour at most.

The watch begins first and is waited for last; everything else happens meanwhile, at the same cluster.
"""

import os
import time

import pytest

from support.freshness import API_SERVER_CACHE, BOUND, Line, Row, Sample, histogram, quantile, run_all
from support.office import Office
from support.rows import FORBIDDEN, UNAUTHORIZED, Scene, hire_inside, removals
from support.running import until
from support.streams import Standin, Watch, exec_stream
from support.telling import told

pytestmark = pytest.mark.long

LONGEST_WATCH = 3600
"""`--min-request-timeout` is 1800 s by default; the API server picks a time between once and twice that."""
STREAM_SECONDS = int(os.environ.get("STREAM_SECONDS", "900"))
SAMPLES = int(os.environ.get("SAMPLES", "200"))
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture(scope="module")
def scene(server) -> Scene:
    return Scene.build(Office(server), "long")


@pytest.fixture(scope="module")
def watching(scene):
    """A watch without a timeout of its own, by somebody who is removed right after it began."""
    person = scene.office.hire()
    team = scene.team(person.oid)
    door = scene.door.with_token(scene.office.token(person))
    with Watch(door, CONFIG_MAPS) as watch:
        sample = Sample("watch", scene.line(person), lambda: scene.office.leave(team, person.oid), FORBIDDEN, pause=0.2)
        run_all([sample])["watch"].within(BOUND)
        yield watch, person


def test_two_hundred_removals(scene, watching):
    """At any moment of the API server's memory: evenly spread below its 10 s, and nothing beyond the bound."""
    row = Row("removal to refusal", removals(scene, SAMPLES))
    row.within(BOUND)
    seconds = row.seconds
    told("removal to refusal", f"p50 {quantile(seconds, 0.5):.2f} s, p99 {quantile(seconds, 0.99):.2f} s, max {seconds[-1]:.2f} s of {len(seconds)}")
    told("removal to refusal, in the API server's 10 s", f"p50 {quantile(seconds, 0.5) / API_SERVER_CACHE:.2f}, max {seconds[-1] / API_SERVER_CACHE:.2f}")
    for line in histogram(seconds):
        told("", line)


def test_an_exec_lives_until_it_ends_or_the_api_server_does(server, scene, watching):
    """Its owner is disabled at once. Only a restart of the API server ends it, which is what severing does."""
    person = hire_inside(scene)
    door = scene.door.with_token(scene.office.token(person))
    with Standin(scene.kube) as pod, exec_stream(door, pod) as stream:
        change = lambda: scene.office.graph("PATCH", f"/users/{person.oid}", {"accountEnabled": False})  # noqa: E731
        run_all([Sample("exec", scene.line(person), change, UNAUTHORIZED, pause=0.2)])["exec"].within(BOUND)
        since = time.monotonic()
        while time.monotonic() - since < STREAM_SECONDS:
            assert stream.echo(b"still here") == b"still here"
            time.sleep(10)
        told("an exec of a disabled person went on for", f"{time.monotonic() - since:.0f} s, then the test ended it")
        with pytest.raises(ConnectionRefusedError, match="401"):
            exec_stream(door, pod)


def test_a_watch_ends_at_its_timeout_and_its_owner_stays_out(scene, watching):
    watch, person = watching
    name = "long-after-the-removal"
    scene.kube.ask("POST", CONFIG_MAPS, {"metadata": {"name": name}})
    assert watch.ended.is_set() or watch.sees(name), "a watch that was open goes on"
    assert watch.ended.wait(LONGEST_WATCH + 60), "a watch outlived twice `--min-request-timeout`"
    told("an open watch of a removed person ended after", f"{watch.lasted / 60:.1f} min")
    assert watch.lasted <= LONGEST_WATCH + 30
    # The token of then is over by now; a new one knows no more rights.
    assert Watch.begins(scene.door.with_token(scene.office.token(person)), watch.path) == 403


def test_severing_ends_every_stream_of_a_closed_door(scene):
    """Last, because it restarts the API server under everybody at this cluster."""
    path, door = scene.cluster.open_door()
    with Standin(scene.kube) as pod, exec_stream(door, pod) as stream, Watch(door, CONFIG_MAPS) as watch:
        assert stream.echo(b"before") == b"before"
        scene.office.arm("POST", f"{path}/close", {})
        assert stream.echo(b"closed") == b"closed", "closing alone ends no stream"
        since = time.monotonic()
        scene.office.arm("POST", f"{path}/close", {"properties": {"sever": True}})
        with pytest.raises(OSError):  # noqa: PT011: any end will do
            until("the exec ended", lambda: stream.echo(b"after") != b"after", seconds=90)
        assert watch.ended.wait(90)
        told("severing ends the watches and execs of a closed door after", f"{time.monotonic() - since:.1f} s")
    line = Line(door, keep=False)
    assert _asked(line) in (401, 403)


def _asked(line) -> int:
    """What it is answered, once somebody listens again."""
    return until("the API server is back", lambda: _try(line), seconds=60)


def _try(line) -> int:
    try:
        return line.ask(timeout=5)
    except OSError:
        return 0
