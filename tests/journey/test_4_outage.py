"""Entrance stopped, killed, frozen, cut off, answering 500: who does not need it notices nothing, and who does is refused."""

import os
import statistics
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.freshness import API_SERVER_CACHE, SLACK, Line
from support.office import Kube, Office
from support.outage import Bystanders, asked_meanwhile, broken, cut_off, frozen, killed, silent, stopped
from support.paths import KUBECTL
from support.rows import Scene, hire_inside
from support.running import processes, run, until
from support.server import Server, plain_env
from support.telling import told

# The API server's client for a token webhook waits this long; it has no setting.
WEBHOOK_PATIENCE = 30
# Five tries, half a second apart at first and half as much longer each time, and a fifth of it by chance.
RETRIES = 0.5 * (1 + 1.5 + 1.5**2 + 1.5**3) * 1.2
# More than any real effect that is not noise on a machine with two busy cores.
NOISE = 1.6


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A server of its own, so that nobody else's story stands still."""
    server = Server(tmp_path_factory.mktemp("outage"))
    server.more_env["ENTRANCE_FAULTS"] = "1"
    server.start("demo")
    yield server
    server.kill_everything()


@pytest.fixture(scope="module")
def scene(house) -> Scene:
    return Scene.build(Office(house), "outage")


@pytest.fixture(scope="module")
def tokens(scene):
    """Tokens of people with every right, none of them shown to the API server yet. Made before Entrance goes away."""
    return iter([scene.office.token(hire_inside(scene)) for _ in range(110)])


@pytest.fixture(scope="module")
def bystanders(scene) -> Bystanders:
    admin = scene.cluster.admin()
    account = scene.door.with_token(Kube(admin).service_account("bystander"))
    found = Bystanders({"client certificate": Line(admin), "service account": Line(account)})
    until("the service account's binding is known", lambda: found.lines["service account"].ask() == 200, seconds=10)
    found.measure(50)
    return found


@pytest.fixture
def anew(scene, tokens):
    """A line with a token that this API server never saw."""
    return lambda: Line(scene.door.with_token(next(tokens)), keep=False)


def serve(server: Server, line: Line) -> float:
    """Starts Entrance again on the same data; gives the seconds until people are let in."""
    since = time.monotonic()
    server.start("serve")
    until("people are let in again", lambda: line.ask() == 200, seconds=60, every=0.05)
    return time.monotonic() - since


def refused_at_once(how: str, anew):
    took = []
    for _ in range(20):
        line = anew()
        since = time.perf_counter()
        assert line.ask() == 401
        took.append(time.perf_counter() - since)
    told(f"{how}: a person's token is refused after", f"p50 {statistics.median(took) * 1e3:.1f} ms, max {max(took) * 1e3:.1f} ms of {len(took)}")
    assert statistics.median(took) <= 0.05, took


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_without_entrance_people_are_refused_at_once(house, anew, how):
    known = anew()
    assert known.ask() == 200
    house.stop() if how == "stopped" else house.kill()
    since = time.monotonic()
    refused_at_once(how, anew)
    until("who was let in just before is refused, too", lambda: known.ask() == 401, seconds=20)
    told(f"{how}: who was let in just before goes on for", f"{time.monotonic() - since:.1f} s")
    assert time.monotonic() - since <= API_SERVER_CACHE + SLACK
    back = serve(house, known)
    told(f"{how}: people are back after the next start after", f"{back:.1f} s")


@pytest.mark.parametrize(
    ("how", "gone", "turns"), [("stopped", stopped, 6), ("killed", killed, 6), ("cut off", cut_off, 6), ("frozen", frozen, 30), ("silent", silent, 15), ("answering 500", broken, 15)],
    ids=["stopped", "killed", "cut off", "frozen", "silent", "answering 500"],
)
def test_who_does_not_need_entrance_notices_nothing(house, bystanders, how, gone, turns):
    """The fairest comparison on a busy machine: there and away change places again and again."""
    there, away = bystanders.in_turns(lambda: gone(house), turns, 240 // turns)
    for name in bystanders.lines:
        ratio = statistics.median(away[name]) / statistics.median(there[name])
        told(f"{how}: {name}, latency away to there", f"ratio {ratio:.2f} of {len(away[name])} in {turns} turns")
        assert ratio <= NOISE


@pytest.mark.parametrize(("how", "gone"), [("frozen", frozen), ("cut off", cut_off)], ids=["frozen", "cut off"])
def test_in_a_black_hole_people_wait_and_nobody_else(house, bystanders, anew, how, gone):
    """The API server gives its webhook 30 s, which no flag shortens; who says how long they wait, waits that long."""
    there = bystanders.measure()
    assert anew().ask() == 200, "there is a connection that will fall silent"
    with gone(house):
        away = waits(how, bystanders, anew)
    back = anew()
    until("people are let in again", lambda: back.ask() == 200, seconds=20)
    there = {name: took + more for (name, took), more in zip(there.items(), bystanders.measure().values(), strict=True)}
    for name in bystanders.lines:
        ratio = statistics.median(away[name]) / statistics.median(there[name])
        told(f"{how}, while 22 people wait: {name}, latency to before and after", f"ratio {ratio:.2f}")
        assert ratio <= 3, f"those who wait hold up {name}"


def test_answered_with_500_the_api_server_tries_again_and_then_refuses(house, bystanders, anew):
    """Why Entrance itself answers 503 when it cannot review: a 500 is asked again, four times, and the person waits."""
    there = bystanders.measure()
    with broken(house), ExitStack() as waiting:
        people = [waiting.enter_context(asked_meanwhile(anew(), "/api/v1/namespaces/default")) for _ in range(5)]
        away = bystanders.measure()
    told("answering 500: a person is refused after", f"{max(one.seconds for one in people):.1f} s")
    assert {one.status for one in people} == {401}
    assert max(one.seconds for one in people) <= RETRIES + SLACK
    assert anew().ask() == 200
    for name in bystanders.lines:
        told(f"answering 500, while people wait: {name}", f"ratio {statistics.median(away[name]) / statistics.median(there[name]):.2f}")


def waits(how: str, bystanders: Bystanders, anew):
    """Asks as a person who waits, as one who does not, and as a crowd; measures the others meanwhile."""
    path = "/api/v1/namespaces/default"
    crowd = [anew() for _ in range(5)]
    with ExitStack() as waiting:
        patient = waiting.enter_context(asked_meanwhile(anew(), path))
        hasty = waiting.enter_context(asked_meanwhile(anew(), f"{path}?timeout=3s"))
        for _ in range(4):
            for line in crowd:
                waiting.enter_context(asked_meanwhile(Line(line.door), path))
        away = bystanders.measure()
    told(f"{how}: a person waits", f"{patient.seconds:.1f} s, or {hasty.seconds:.1f} s with `--request-timeout=3s`")
    assert patient.status == 401
    assert hasty.status == 504, "the API server's word for: not in the time that was given"
    assert patient.seconds <= WEBHOOK_PATIENCE + SLACK
    assert hasty.seconds <= 3 + SLACK
    return away


def test_what_people_and_operators_are_told(house, scene, anew, tokens, tmp_path):
    """kubectl says that one has to log in; the API server's log names the webhook, and never a token."""
    token = next(tokens)
    door = scene.door
    house.kill()
    words = ["--server", door.address, "--certificate-authority", door.verify, "--token", token, "get", "nodes"]
    said = run(KUBECTL, *words, env=plain_env(tmp_path), check=False)
    assert said.code == 1
    assert said.err.strip().splitlines()[-1].startswith("error: You must be logged in to the server"), said.err
    log = api_server_log(house, door.address)
    assert "Failed to make webhook authenticator request" in log
    assert "connection refused" in log
    assert token not in log
    assert token.split(".")[2] not in log
    serve(house, anew())


def api_server_log(server: Server, address: str) -> str:
    port = f"--secure-port={address.rsplit(':', 1)[1]} "
    pid = next(pid for pid, words in processes(server.data).items() if port in words)
    return (Path(os.readlink(f"/proc/{pid}/cwd")) / "logs" / "apiserver.log").read_text(errors="replace")
