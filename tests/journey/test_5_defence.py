"""Policies, pauses and the sign-in log as people meet them: a stock `az`, and an administrator with `entrance`."""

import json

import pytest

from support.office import Office
from support.paths import ENTRANCE
from support.people import Person
from support.running import run

GRAPH = "https://graph.microsoft.com"


@pytest.fixture(scope="module")
def office(server) -> Office:
    return Office(server)


@pytest.fixture(scope="module")
def dora(office, homes) -> Person:
    """Somebody who is signed in to `az` before any policy is about her."""
    return Person.newly_hired(office, homes, "defence-dora")


def entrance(admin, *words, check=True, stdin=None):
    where = ["--server", admin.server.url, "--ca", admin.server.env["ENTRANCE_CA"]]
    return run(ENTRANCE, *words, *where, env=admin.env, check=check, stdin=stdin)


def about(oid: str, **more) -> dict:
    return {
        "displayName": "defence: dora", "state": "enabled",
        "conditions": {"clientAppTypes": ["all"], "applications": {"includeApplications": ["All"]}, "users": {"includeUsers": [oid]}},
        "grantControls": {"operator": "OR", "builtInControls": ["block"]},
    } | more


def token(person: Person, check=True):
    # Another resource each time, so that `az` cannot answer from its cache.
    return person.az("account", "get-access-token", "--scope", f"{GRAPH}/.default", check=check)


def test_s_803_a_policy_reaches_an_az_that_is_signed_in_already(admin, dora):
    policy = json.dumps(about(dora.oid))
    made = entrance(admin, "policy", "apply", "-f", "-", "--report-only", stdin=policy)
    assert made.out.startswith("made "), str(made)
    assert token(dora).code == 0, "it only reports"
    dora.az("account", "clear")
    dora.login_by_device_code("--allow-no-subscriptions")
    changed = entrance(admin, "policy", "apply", "-f", "-", stdin=policy)
    assert changed.out.startswith("changed "), "the same name is the same policy"
    listed = entrance(admin, "policy", "list").out
    assert "defence: dora: block for" in listed and "enabled" in listed, listed
    refused = token(dora, check=False)
    assert refused.code != 0 and "AADSTS53003" in refused.err, str(refused)
    shown = json.loads(entrance(admin, "policy", "show", "defence: dora").out)
    assert shown["conditions"]["users"]["includeUsers"] == [dora.oid]
    entrance(admin, "policy", "delete", "defence: dora")
    assert token(dora).code == 0, "what was refused was not spent"


def test_s_804_the_administrator_reads_why(admin, dora):
    lines = entrance(admin, "sign-ins", "--user", dora.upn, "--failed").out
    assert "AADSTS53003" in lines and "blocked by policy `defence: dora`" in lines, lines
    rows = json.loads(entrance(admin, "sign-ins", "--user", dora.oid, "--since", "1h", "-o", "json").out)
    assert {row["userPrincipalName"] for row in rows} == {dora.upn}
    applied = [policy["result"] for row in rows for policy in row["appliedConditionalAccessPolicies"]]
    assert "failure" in applied and "reportOnlyFailure" in applied, applied
    raw = admin.az_json("rest", "--url", f"{GRAPH}/v1.0/auditLogs/signIns?$filter=status/errorCode eq 53003&$top=1".replace(GRAPH, admin.server.url), "--resource", GRAPH)
    assert raw["value"][0]["status"]["errorCode"] == 53003


def test_s_800_too_many_wrong_passwords_pause_and_the_administrator_lifts_it(admin, office):
    hired = office.hire("defence-paused")
    ask = {"grant_type": "password", "client_id": "80faf920-1908-4b52-b5ef-a8e7bedfc67a", "username": hired.upn, "scope": "openid"}
    url = f"{office.url}/{office.tenant}/oauth2/v2.0/token"

    def number(password):
        answer = office.http.post(url, data=ask | {"password": password}, timeout=30).json()
        return answer.get("error_codes", [0])[0]

    assert [number(f"wrong {n}") for n in range(10)] == [50126] * 10
    assert number(hired.password) == 50053
    assert "is paused until" in entrance(admin, "user", "unlock", hired.upn, "--show").out
    assert "may try again" in entrance(admin, "user", "unlock", hired.upn).out
    assert number(hired.password) == 0
    told = entrance(admin, "audit", "list", "--kind", "user.unlocked").out
    assert hired.upn in told, told


def test_w_111_device_codes_can_be_switched_off(admin, dora):
    entrance(admin, "policy", "rules", "--device-code", "off")
    try:
        refused = dora.az("login", "--use-device-code", "--tenant", dora.server.env["TENANT"], check=False)
        assert refused.code != 0 and "AADSTS530032" in refused.err, str(refused)
    finally:
        rules = entrance(admin, "policy", "rules", "--device-code", "on").out
    assert "device-code            on" in rules, rules


def test_s_803_a_mistake_that_would_lock_every_administrator_out_is_refused(admin):
    everybody = about("All", displayName="defence: everybody")
    refused = entrance(admin, "policy", "apply", "-f", "-", stdin=json.dumps(everybody), check=False)
    assert refused.code == 1 and "block every administrator" in refused.err, str(refused)
