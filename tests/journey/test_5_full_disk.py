"""The disk fills up while 64 clients ask for everything. Each is answered in full or turned away in the words of its own wire.

What was answered counts and what was turned away did not happen, also when the server is killed on the full disk. What is only
read goes on, and when there is room again so does everything else, without a restart.
"""

from types import SimpleNamespace

import pytest
import requests

from support import wires
from support.crowd import Ledger, Paced, TurnedAway, crowd, prepare, results, rushing
from support.disks import SmallDisk, must_mount, verified
from support.guests import AKS_CLIENT, AKS_SERVER, GRAPH, Guests
from support.office import VERSION
from support.running import until
from support.server import Server
from support.telling import told

CLIENTS = 64
GRANTS = ["code", "refresh", "device", "program", "password", "behalf"]
# A person who asks a page or a program gets at most so many seconds of silence.
PATIENCE = 30


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A server on a small disk of its own, with a crowd that has already begun."""
    must_mount()
    server = Server(tmp_path_factory.mktemp("full-disk")).start("demo", story=False)
    guests = Guests(server)
    prepare(server, guests.office)
    # What has to be there before `serve` takes over, which gives nobody a token for a password unless it is told to.
    guests.native_for_web, guests.person
    guests.office.graph("PATCH", "/entrance/signInRules", {"passwordGrant": "on"})
    server.kill_everything()
    house = SimpleNamespace(server=server, office=guests.office, guests=guests, ledger=Ledger(), disk=SmallDisk(server))
    house.disk.serve()
    house.disk.ready()
    house.clients = crowd(server, house.ledger, CLIENTS)
    house.client = house.clients[0]
    house.forms = {
        "program": house.client._own(grant_type="client_credentials", scope=f"{AKS_SERVER}/.default"),
        "password": {
            "grant_type": "password", "client_id": AKS_CLIENT, "username": guests.person.upn, "password": guests.person.password, "scope": f"{AKS_SERVER}/.default"},
        "behalf": {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "requested_token_use": "on_behalf_of", "assertion": guests.user_token(),
            "client_id": guests.web.app, "client_secret": guests.web.secret, "scope": f"{GRAPH}/.default"},
    }
    yield house
    server.kill_everything()
    house.disk.end()


@pytest.fixture(scope="module")
def full(house):
    """The disk is full since the crowd was in the middle of everything."""
    ledger = house.ledger
    with rushing(house.clients):
        until("the crowd has done and left over some of everything", lambda: ledger.odd or ledger.is_varied(), seconds=120)
        ledger.may_turn_away = True

        def away():
            house.disk.fill()
            return ledger.odd or all(ledger.turned_away[where] >= 3 for where in ("token", "devicecode", "authorize"))

        until("some of each kind are turned away", away, seconds=120, every=0.2)
        answered = ledger.answers
    assert not ledger.gone, ledger.gone[:3]
    told("full disk under 64 clients", f"{answered} flows ended, {sum(ledger.turned_away.values())} requests turned away: {dict(ledger.turned_away)}")
    # Nobody asks any more; what was given back meanwhile is taken again.
    until("the store has no room left", lambda: (house.disk.fill(), _turned_away(house, "program"))[1], seconds=60, every=0)
    return house


def _form(house, grant: str) -> dict:
    if grant in house.forms:
        return house.forms[grant]
    return house.ledger.of(grant, "answered")[0].form


def _turned_away(house, grant: str) -> bool:
    """Whether a grant is turned away; any other answer than a whole one is wrong."""
    try:
        answer = house.client._redeem_form(_form(house, grant))
    except TurnedAway:
        return True
    assert answer.status_code == 200, f"{answer.status_code} {answer.text[:300]}"
    return False


@pytest.mark.parametrize("grant", GRANTS)
def test_s_204_a_full_disk_turns_every_grant_away(full, grant):
    assert _turned_away(full, grant)


def test_s_204_a_full_disk_turns_device_codes_and_pages_away(full):
    client, before = full.client, dict(full.ledger.turned_away)
    here = f"{client.base}/{client.tenant}/oauth2/v2.0"
    for ask in (
        lambda: client.http.post(f"{here}/devicecode", data={"client_id": AKS_CLIENT, "scope": "openid"}, timeout=PATIENCE),
        client.code,
    ):
        until("it is turned away", lambda ask=ask: _is_away(ask), seconds=60, every=1)
    after = full.ledger.turned_away
    assert after["devicecode"] > before["devicecode"] and after["authorize"] > before["authorize"]


def _is_away(ask) -> bool:
    try:
        ask()
    except TurnedAway:
        return True
    except Paced:
        return False
    raise AssertionError("it was answered, and nothing can be kept")


def test_what_is_only_read_goes_on_while_the_disk_is_full(full):
    client, http = full.client, full.server.http()
    for path in ("discovery/v2.0/keys", "v2.0/.well-known/openid-configuration"):
        assert http.get(f"{client.base}/{client.tenant}/{path}", timeout=PATIENCE).status_code == 200, path
    assert full.office.graph("GET", f"/users/{full.guests.person.oid}")["id"] == full.guests.person.oid
    assert full.office.arm("GET", full.office.home)["name"] == full.server.env["RESOURCE_GROUP"]


def test_s_204_a_server_on_a_full_disk_says_that_it_is_not_ready(full):
    def ready():
        """A single row may still fit into what the store has on the disk already."""
        full.disk.fill()
        return full.server.http().get(f"{full.client.base}/readyz", timeout=PATIENCE)

    said = until("it is not ready", lambda: (answer := ready()).status_code == 503 and answer.text, seconds=60, every=0)
    assert "store failed" in said, said


def test_g_020_a_full_disk_is_told_in_the_words_of_graph(full):
    office = full.office
    body = {"displayName": "no room", "mailNickname": "no-room", "mailEnabled": False, "securityEnabled": True}
    answer = _asked(office, "graph", "POST", f"{office.url}/v1.0/groups", body)
    assert wires.graph(answer) == "Service_ServiceUnavailable"
    assert not office.graph("GET", "/groups?$filter=mailNickname eq 'no-room'")["value"], "it is there after all"


def test_r_035_a_full_disk_is_told_in_the_words_of_the_resource_manager(full):
    office = full.office
    path = f"/subscriptions/{full.server.env['SUBSCRIPTION']}/resourceGroups/no-room"
    answer = _asked(office, "arm", "PUT", f"{office.url}{path}?api-version={VERSION}", {"location": "local"})
    assert wires.arm(answer) == "ServiceUnavailable"
    there = office.http.get(f"{office.url}{path}?api-version={VERSION}", headers={"Authorization": f"Bearer {office.tokens['arm']}"}, timeout=PATIENCE)
    assert there.status_code == 404, "it is there after all"


def _asked(office, wire: str, method: str, url: str, body: dict) -> requests.Response:
    answer = office.http.request(method, url, json=body, headers={"Authorization": f"Bearer {office.tokens[wire]}"}, timeout=PATIENCE)
    wires.silent(answer)
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0, f"{answer.status_code} {answer.text[:300]}"
    return answer


@pytest.fixture(scope="module")
def killed(full):
    """The server was killed on the full disk, and somebody starts it again."""
    full.server.kill()
    full.again = full.disk.serve()
    return full


def test_a_server_on_a_full_disk_starts_or_says_why_it_does_not(killed):
    ended = killed.again.end(60, check=False)
    assert ended.code == 1, str(ended)
    assert "No space left" in ended.err or "full" in ended.err, ended.err


@pytest.fixture(scope="module")
def mended(killed):
    """There is room again, and the crowd goes on."""
    killed.disk.empty()
    killed.disk.serve()
    killed.disk.ready()
    killed.ledger.may_turn_away = False
    return killed


def test_s_220_the_newest_refresh_token_works_after_the_disk_was_full(mended):
    promises = mended.ledger.of("refresh", "answered")
    bad = [one for one in results(mended.client, promises) if one[0] != 200]
    assert promises and not bad, f"{len(bad)} of {len(promises)}: {bad[:3]}"


@pytest.mark.parametrize("kind", ["code", "device"])
def test_s_105_what_was_answered_or_turned_away_still_counts_and_once(mended, kind):
    promises = mended.ledger.of(kind, "answered")
    assert promises, f"no {kind} was left over"
    assert {status for status, _, _ in results(mended.client, promises)} == {200}
    assert {error for _, error, _ in results(mended.client, promises)} <= {"invalid_grant", "bad_verification_code"}


@pytest.mark.parametrize("kind", ["code", "device"])
def test_s_105_what_was_used_before_the_disk_was_full_never_counts_again(mended, kind):
    promises = mended.ledger.of(kind, "used")
    assert promises
    assert {status for status, _, _ in results(mended.client, promises)} == {400}


def test_s_204_when_there_is_room_again_everything_goes_on_without_a_restart(mended):
    ledger = mended.ledger
    mended.disk.fill()
    until("the disk is full again", lambda: (mended.disk.fill(), _turned_away(mended, "program"))[1], seconds=60, every=0)
    mended.disk.empty()
    until("programs get tokens again", lambda: not _turned_away(mended, "program"), seconds=PATIENCE)
    # What was shown twice above took the tokens with it that it gave.
    ledger.promises.clear()
    before = ledger.answers
    with rushing(mended.clients):
        until("the crowd is at work again", lambda: ledger.odd or ledger.answers > before + CLIENTS, seconds=90)
    assert not ledger.gone, ledger.gone[:3]


def test_s_804_the_full_disk_left_a_store_that_is_whole(mended):
    mended.server.stop()
    verified(mended.disk.left(), mended.server.home)
