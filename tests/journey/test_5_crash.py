"""The server is killed in the middle of everything. What it answered still counts, and nothing counts twice.

The moments are random from a seed that is told; `ENTRANCE_CRASH_SEED` repeats a run.
"""

import os
import random
import threading
import time

import pytest

from support.crowd import Ledger, crowd, prepare, results, rush
from support.disks import must_mount, read_only, verified
from support.office import Office
from support.running import until
from support.server import Server
from support.telling import told

CLIENTS, ROUNDS = 64, 6
# A public client's refresh token may be shown again for so long, because parallel programs do so (S-220).
WINDOW = 60


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A server of its own on the demo's data; its people and applications are made before the first kill."""
    server = Server(tmp_path_factory.mktemp("crash")).start("demo", story=False)
    prepare(server, Office(server))
    server.kill_everything()
    yield server
    server.kill_everything()


@pytest.fixture(scope="module")
def ledger(house):
    """What the crowd was promised, and what became of it over all the kills."""
    seed = int(os.environ.get("ENTRANCE_CRASH_SEED", time.time_ns() % 1_000_000))
    told("kill -9 under 64 clients: seed", str(seed))
    chance, ledger, starts = random.Random(seed), Ledger(), []
    clients = []
    # On a slow machine nothing that takes many steps comes to its end in so short a time; then a last round is longer.
    while len(starts) < ROUNDS or not (ledger.is_varied() or len(starts) > ROUNDS):
        since = time.monotonic()
        house.start("serve")
        starts.append(time.monotonic() - since)
        clients = clients or crowd(house, ledger, CLIENTS)
        stop = threading.Event()
        threads = rush(clients, stop)
        time.sleep(chance.uniform(0.2, 3.0))
        if len(starts) > ROUNDS:
            until("there is some of everything", lambda: ledger.odd or ledger.is_varied(), seconds=180)
        house.kill()
        stop.set()
        for thread in threads:
            thread.join(30)
        assert not ledger.odd, ledger.odd[:3]
    house.start("serve")
    ledger.any = clients[0]
    told("kill -9 under 64 clients", f"{len(starts)} kills, {ledger.answers} flows ended, {len(ledger.promises)} promises; up again after {max(starts):.1f} s at most")
    return ledger


# Refresh tokens first: a code that is shown again takes the tokens with it that it gave.


def test_s_220_the_newest_refresh_token_always_works(ledger):
    promises = ledger.of("refresh", "answered")
    assert promises
    bad = [one for one in results(ledger.any, promises) if one[0] != 200]
    assert not bad, f"{len(bad)} of {len(promises)}: {bad[:3]}"
    told("kill -9: newest refresh tokens, all good afterwards", str(len(promises)))


@pytest.mark.parametrize("kind", ["code", "device"])
def test_s_105_what_was_answered_and_not_used_still_counts_and_once(ledger, kind):
    promises = ledger.of(kind, "answered")
    assert promises, f"no {kind} was left over; more rounds are needed"
    assert {status for status, _, _ in results(ledger.any, promises)} == {200}
    assert {error for _, error, _ in results(ledger.any, promises)} <= {"invalid_grant", "bad_verification_code"}
    told(f"kill -9: {kind}s answered, not used, good afterwards", str(len(promises)))


@pytest.mark.parametrize("kind", ["code", "device"])
def test_s_105_what_was_used_never_counts_again(ledger, kind):
    promises = ledger.of(kind, "used")
    assert promises
    assert {status for status, _, _ in results(ledger.any, promises)} == {400}


@pytest.mark.parametrize("kind", ["code", "device"])
def test_s_105_what_was_under_way_counts_once_at_most(ledger, kind):
    promises = ledger.of(kind, "unknown")
    first, second = results(ledger.any, promises), results(ledger.any, promises)
    assert not [one for one in zip(first, second, strict=True) if one[1][0] == 200], "it counted again"
    told(f"kill -9: {kind}s whose answer never came", f"{len(promises)}, {sum(status == 200 for status, _, _ in first)} of them still good once")


def test_s_230_a_code_that_nobody_approved_still_waits(ledger):
    assert {error for _, error, _ in results(ledger.any, ledger.of("device", "pending"))} <= {"authorization_pending", "slow_down"}


def test_s_230_an_approval_that_was_under_way_is_whole_or_not_there(ledger):
    allowed = {(200, None), (400, "authorization_pending"), (400, "slow_down")}
    assert {(status, error) for status, error, _ in results(ledger.any, ledger.of("device", "maybe"))} <= allowed


def test_s_804_the_kills_left_a_store_that_is_whole(house, ledger):
    house.stop()
    verified(house.data, house.home)
    house.start("serve")


# The window of refresh tokens passes meanwhile.


def test_a_data_directory_that_takes_no_writes_is_refused_with_the_reason(house, ledger):
    must_mount()
    house.stop()
    said = read_only(house)
    assert said.code == 1, str(said)
    assert "error" in said.err and ("read-only" in said.err.lower() or "cannot be written" in said.err.lower()), said.err
    assert str(house.data) in said.err, "it names the directory"
    verified(house.data, house.home)
    house.start("serve")


def test_s_220_a_refresh_token_that_was_exchanged_ends_with_its_window(ledger):
    promises = [one for one in ledger.of("refresh", "used") if "client_secret" not in one.form]
    if not promises:
        pytest.skip("no public client's refresh token was exchanged before a kill")
    oldest = min(promises, key=lambda one: one.used)
    until("the window is over", lambda: time.monotonic() - oldest.used > WINDOW + 15, seconds=WINDOW + 20, every=1)
    assert results(ledger.any, [oldest])[0][:2] == (400, "invalid_grant")
