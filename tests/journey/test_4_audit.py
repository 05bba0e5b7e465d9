"""The audit log as evidence: who did what with which sign-in, and what somebody does to the log who has the disk and not the keys."""

import base64
import json
import sqlite3
import threading

import pytest
import requests

from support.office import Office
from support.paths import ENTRANCE
from support.people import Person
from support.running import run, until
from support.server import Server
from support.telling import told


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A server of its own: this one is killed, and its data directory is tampered with."""
    server = Server(tmp_path_factory.mktemp("audit")).start("demo")
    yield server
    server.kill_everything()


@pytest.fixture(scope="module")
def auditor(house, homes):
    """The administrator, with `entrance` on the shell."""
    person = Person(house, homes / "auditor", "auditor", house.env["ADMIN_UPN"], house.env["ADMIN_PASSWORD"])
    person.login_by_device_code()
    return person


@pytest.fixture(scope="module")
def saved(auditor, tmp_path_factory):
    """A head that was kept where nobody of the story can write."""
    path = tmp_path_factory.mktemp("elsewhere") / "head.json"
    path.write_text(audit(auditor, "head").out)
    return path


def audit(auditor, *words, check=True):
    env = auditor.env | {"ENTRANCE_URL": auditor.server.url, "ENTRANCE_CA": auditor.server.env["ENTRANCE_CA"]}
    return run(ENTRANCE, "audit", *map(str, words), env=env, check=check)


def credential_of(token: str) -> str:
    payload = token.split(".")[1]
    return "JTI=" + json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["uti"]


def test_an_entry_of_the_api_servers_log_leads_to_the_sign_in_and_the_admission(house, auditor):
    office = Office(house)
    person = office.hire("walter")
    cluster = office.cluster("audited", office.group(person.oid))
    token = office.token(person)
    door = cluster.door().with_token(token)
    until("walter enters", lambda: door.knock("/api/v1/nodes?watched=by-us").status_code == 200, seconds=30)
    log = house.data / "clusters" / cluster.get()["properties"]["resourceUID"] / "logs" / "audit.log"
    mine = credential_of(token)

    def entry():
        events = [json.loads(line) for line in log.read_text().splitlines() if line.endswith("}")]
        is_mine = lambda event: mine in event["user"].get("extra", {}).get("authentication.kubernetes.io/credential-id", [])
        return next((event for event in events if is_mine(event) and event["responseStatus"]["code"] == 200), None)

    event = until("the API server's own log has it", entry, seconds=20)
    assert event["verb"] == "list" and event["objectRef"]["resource"] == "nodes" and event["user"]["uid"] == person.oid
    assert token not in log.read_text(), "a token is in a log"

    def joined():
        lines = audit(auditor, "join", "--apiserver-log", log, "--output", "json").out.splitlines()
        found = [line for line in map(json.loads, lines) if line["event"]["auditID"] == event["auditID"]]
        return found[0]["credential"] if found and found[0]["credential"]["reviews"] else None

    credential = until("our log has the admission", joined, seconds=20)
    assert credential["credential"] == mine
    assert credential["signIn"]["user"] == person.oid and credential["signIn"]["grant"] == "password"
    assert [(row["kind"], row["actor"]) for row in credential["reviews"]] == [("review.admitted", person.oid)]
    text = audit(auditor, "join", "--apiserver-log", log).out
    assert f"{person.upn} list nodes → 200; {mine}: password at " in text


def test_an_export_proves_itself_and_an_edited_one_does_not(auditor, saved, tmp_path):
    export = tmp_path / "log.jsonl"
    export.write_text(audit(auditor, "export").out)
    said = audit(auditor, "verify", "--file", export, "--head", saved)
    assert said.out.startswith("whole: "), str(said)
    # The rows of one kind, the others by their hashes.
    only = tmp_path / "groups.jsonl"
    only.write_text(audit(auditor, "export", "--kind", "group.").out)
    kinds = {row["kind"] for row in map(json.loads, only.read_text().splitlines()) if "kind" in row}
    assert kinds and all(kind.startswith("group.") for kind in kinds)
    assert " left out; " in audit(auditor, "verify", "--file", only, "--head", saved).out
    lines = export.read_text().splitlines()
    victim = next(n for n, line in enumerate(lines) if '"group.memberAdded"' in line)
    row = json.loads(lines[victim])
    row["actor"] = "00000000-0000-4000-8000-000000000000"
    export.write_text("\n".join([*lines[:victim], json.dumps(row), *lines[victim + 1:]]))
    refused = audit(auditor, "verify", "--file", export, check=False)
    assert refused.code == 1 and f"line {victim + 1}: row {row['seq']}" in refused.out, str(refused)


def test_the_log_is_whole_after_a_kill_in_the_middle_of_writing(house, auditor, saved):
    office, stop = Office(house), threading.Event()

    def write():
        mine = Office(house)
        while not stop.is_set():
            try:
                mine.group(name="flood")
            except (requests.RequestException, AssertionError):
                return

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    first = office.graph("GET", "/entrance/audit/newest?$top=1")["value"][0]["seq"]
    until("rows are written", lambda: office.graph("GET", "/entrance/audit/newest?$top=1")["value"][0]["seq"] > first + 20, seconds=30)
    assert "another Entrance runs" in audit(auditor, "verify", "--store", house.data, check=False).err
    house.kill()
    stop.set()
    for writer in writers:
        writer.join()
    stopped = audit(auditor, "verify", "--store", house.data, "--head", saved)
    assert stopped.out.startswith("whole: "), str(stopped)
    told("rows of the audit log that a kill left unsealed", json.loads(
        audit(auditor, "verify", "--store", house.data, "--output", "json").out)["notSealed"])
    house.start("serve")
    assert audit(auditor, "verify", "--head", saved).out.startswith("whole: ")
    until("everything is sealed", lambda: "0 wait" in house.http().get(f"{house.url}/readyz?verbose", timeout=10).text, seconds=20)


def test_what_somebody_does_to_the_store_is_named(house, auditor, saved):
    house.stop()
    # The tenant's own rows: another tenant's administrator would not see them through the server.
    with sqlite3.connect(house.data / "entrance.db") as db:
        (victim,) = db.execute("SELECT max(seq) FROM audit WHERE kind = 'group.memberAdded'").fetchone()
        db.execute("UPDATE audit SET detail = replace(detail, 'member', 'nobody') WHERE seq = ?", (victim,))
    db.close()
    found = audit(auditor, "verify", "--store", house.data, check=False)
    assert found.code == 1 and f"row {victim} was changed after it was sealed" in found.out, str(found)
    house.start("serve")
    live = audit(auditor, "verify", "--head", saved, check=False)
    assert live.code == 1 and f"row {victim} " in live.out, str(live)
