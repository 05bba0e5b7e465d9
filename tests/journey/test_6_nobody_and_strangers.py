"""What is ours alone, asked by somebody who signed in and may nothing: neither is it done, nor does the answer say what exists."""

import uuid

import pytest

from support import wires
from support.office import AZ_CLI, Office
from support.routes import ARM_OF_OURS, GRAPH_OF_OURS


@pytest.fixture(scope="module")
def office(server) -> Office:
    return Office(server)


@pytest.fixture(scope="module")
def stranger(office):
    """A person of the directory without a role or a group, with tokens for both surfaces."""
    person = office.hire("stranger")
    return person, {wire: office.token(person, resource, AZ_CLI) for wire, resource in office.resources.items()}


@pytest.fixture(scope="module")
def ask(server, office, stranger):
    _, tokens = stranger
    names = {
        "subscription": server.env["SUBSCRIPTION"], "group": server.env["RESOURCE_GROUP"], "cluster": server.env["CLUSTER"],
        "id": str(uuid.uuid4()), "tenant": office.tenant,
    }

    def send(wire, method, path, body=None, **other):
        url = office.url + path.format_map(names | other) + ("?api-version=2026-06-01" if wire == "arm" else "")
        answer = office.http.request(method, url, json=body, headers={"Authorization": f"Bearer {tokens[wire]}"}, timeout=30)
        wires.silent(answer)
        return answer

    return send


@pytest.mark.parametrize(("method", "path"), ARM_OF_OURS, ids=[f"{method} {path.rsplit('managedClusters/', 1)[1]}" for method, path in ARM_OF_OURS])
def test_a_stranger_does_nothing_to_a_cluster_and_learns_nothing_of_it(ask, method, path):
    """A cluster that is there and one that is not get the same refusal."""
    body = {"properties": {"reason": "curious", "duration": "PT1H"}} if method == "POST" else None
    there, nowhere = ask("arm", method, path, body), ask("arm", method, path, body, cluster="no-such-cluster")
    assert (there.status_code, wires.arm(there)) == (403, "AuthorizationFailed"), there.text
    assert (nowhere.status_code, wires.arm(nowhere)) == (403, "AuthorizationFailed"), nowhere.text


@pytest.mark.parametrize("what", ["person", "session", "application", "device", "token"])
def test_a_stranger_revokes_nothing_of_others(office, ask, what):
    victim = office.hire("victim")
    token = office.token(victim)
    session = office.graph("GET", f"/entrance/sessions?user={victim.oid}")["value"][0]
    ids = {"person": victim.oid, "session": session["id"], "device": session["deviceId"], "application": AZ_CLI, "token": None}
    body = {"kind": what, "reason": "envy", **({"token": token} if what == "token" else {"id": ids[what]})}
    refused = ask("graph", "POST", "/v1.0/entrance/revocations", body)
    assert (refused.status_code, wires.graph(refused)) == (403, "Authorization_RequestDenied"), refused.text
    missing = ask("graph", "POST", "/v1.0/entrance/revocations", {"kind": what, "reason": "envy", "id": str(uuid.uuid4())})
    assert missing.status_code == 403, missing.text
    assert office.graph("GET", f"/entrance/sessions?user={victim.oid}")["value"], "the session is still there"


def test_a_stranger_sees_nobodys_sessions_and_nobodys_revocations(office, ask):
    victim = office.hire("victim")
    office.graph("POST", f"/users/{victim.oid}/revokeSignInSessions")
    for path in (f"/v1.0/entrance/sessions?user={victim.oid}", "/v1.0/entrance/sessions?user=all", f"/v1.0/entrance/sessions?user={uuid.uuid4()}"):
        assert ask("graph", "GET", path).status_code == 403, path
    assert ask("graph", "GET", "/v1.0/entrance/revocations").json()["value"] == []
    refused = ask("graph", "POST", f"/v1.0/users/{victim.oid}/revokeSignInSessions")
    assert refused.status_code == 403


@pytest.mark.parametrize(("method", "path"), GRAPH_OF_OURS, ids=[f"{method} {path}" for method, path in GRAPH_OF_OURS])
def test_what_is_ours_below_graph_never_breaks(ask, method, path):
    for body in (None, {}, [], {"kind": []}, {"kind": "person", "id": {"$ne": 1}, "reason": "x"}, {"kind": "token", "token": "a.b.c", "reason": "x\ny"}):
        answer = ask("graph", method, path, body)
        assert answer.status_code < 500, f"{body}: {answer.status_code} {answer.text}"


ADMINISTRATORS_ONLY = [
    "/v1.0/entrance/audit", "/v1.0/entrance/audit?after=0", "/v1.0/entrance/audit/head", "/v1.0/entrance/audit/newest?$top=5",
    "/v1.0/entrance/audit/credentials?id=JTI=x", "/v1.0/entrance/heldNames", "/v1.0/entrance/heldNames/somebody@contoso.example",
]


@pytest.mark.parametrize("path", ADMINISTRATORS_ONLY)
def test_a_stranger_reads_no_log_and_no_held_names(ask, path):
    answer = ask("graph", "GET", path)
    assert (answer.status_code, wires.graph(answer)) == (403, "Authorization_RequestDenied"), answer.text


def test_a_stranger_releases_no_name(ask):
    answer = ask("graph", "POST", "/v1.0/entrance/heldNames/somebody@contoso.example/release", {"reason": "I want it"})
    assert answer.status_code == 403, answer.text


@pytest.mark.parametrize("query", ["$top=0", "$top=99999999999", "after=-1", "after=x", "since=yesterday", "after=1&since=2026-01-01T00:00:00Z"])
def test_the_log_names_a_bad_question(office, query):
    for path in ("/entrance/audit", "/entrance/audit/newest"):
        url = f"{office.url}/v1.0{path}?{query}"
        answer = office.http.get(url, headers={"Authorization": f"Bearer {office.tokens['graph']}"}, timeout=30)
        assert answer.status_code < 500, answer.text
        wires.silent(answer)


def test_nobody_learns_more_than_a_word_of_the_servers_health(office):
    """Behind a proxy everybody seems to be on this machine: what it forwards for others is told no more than others are."""
    for more in ({"X-Forwarded-For": "192.0.2.7"}, {"Forwarded": "for=192.0.2.7"}):
        answer = office.http.get(f"{office.url}/readyz?verbose", headers=more, timeout=30)
        assert answer.text == "ok\n", answer.text


def test_no_secret_stands_in_the_servers_log(server, office, stranger, ask):
    """After all of the above: neither tokens, whole or in part, nor passwords."""
    person, tokens = stranger
    ask("graph", "POST", "/v1.0/entrance/revocations", {"kind": "token", "token": tokens["arm"], "reason": "mine"})
    log = server.running.out + server.running.err
    for secret in [person.password, *tokens.values(), *office.tokens.values()]:
        assert secret not in log
        if secret.count(".") == 2:
            assert secret.split(".")[2] not in log, "not even a signature"
