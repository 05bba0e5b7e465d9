"""The kill switch at a real API server: what is revoked is refused within the bound, and nothing else is."""

import pytest

from support.cluster import Door
from support.tokens import Held, enters, out_within_the_bound, revoke


@pytest.fixture(scope="module")
def door(platform, admin):
    """The API server of the cluster, knocked at with tokens."""
    file = admin.home / "revoke-kubeconfig"
    admin.get_credentials(platform.group, platform.cluster, "-f", str(file), "--overwrite-existing")
    return Door.of(file)


@pytest.fixture(scope="module")
def rosa(platform):
    person, oid = platform.hire("rosa")
    person.oid = oid
    return person


@pytest.mark.parametrize("kind", ["token", "session", "device"])
def test_one_is_out_and_the_persons_other_session_goes_on(admin, door, rosa, kind):
    lost, kept = (Held.of_person(rosa.server, rosa.upn, rosa.password) for _ in range(2))
    unused = Held.of_person(rosa.server, rosa.upn, rosa.password)
    assert enters(door, lost) and enters(door, kept)
    listed = {one["id"]: one for one in revoke(admin, "sessions", "--user", rosa.upn)}
    mine = listed[lost.claims["sid"]]
    assert mine["clientDisplayName"] == "Azure Kubernetes Service AAD Client"
    assert mine["ipAddress"] == "127.0.0.1"
    ids = {"token": lost.claims["uti"], "session": lost.claims["sid"], "device": mine["deviceId"]}
    done = revoke(admin, kind, ids[kind], "--reason", f"journey: {kind}")
    assert done["isInForce"] is True
    assert done["apiServersRefuseByDateTime"] > done["inForceDateTime"]
    out_within_the_bound(door, lost, f"a revoked {kind}")
    assert lost.refreshes() is (kind == "token"), "the session ends with its refresh tokens; one token ends by itself"
    assert enters(door, kept) and kept.refreshes() and enters(door, unused)


def test_a_token_that_was_not_seen_before_is_refused_at_once(admin, door, rosa):
    lost = Held.of_person(rosa.server, rosa.upn, rosa.password)
    revoke(admin, "session", lost.claims["sid"], "--reason", "journey")
    assert not enters(door, lost), "the command ends when reviews refuse"


def test_a_token_that_was_found_is_ended_by_showing_it(admin, door, rosa):
    lost = Held.of_person(rosa.server, rosa.upn, rosa.password)
    revoke(admin, "token", "-", "--reason", "journey: found in a log", stdin=lost.access)
    assert not enters(door, lost)
    refused = revoke(admin, "token", lost.access, "--reason", "journey", check=False)
    assert refused.code == 1 and "command line" in refused.err


def test_a_person_loses_everything_and_enters_again_right_after(admin, door, rosa):
    held = [Held.of_person(rosa.server, rosa.upn, rosa.password) for _ in range(3)]
    assert all(enters(door, one) for one in held[:2])
    revoke(admin, "person", rosa.upn, "--reason", "journey")
    assert enters(door, Held.of_person(rosa.server, rosa.upn, rosa.password)), "what is made right after is good"
    assert not enters(door, held[2])
    for one in held[:2]:
        out_within_the_bound(door, one, "a revoked person")
        assert not one.refreshes()


def test_graphs_revoke_sign_in_sessions_reaches_the_api_server(admin, door, rosa):
    held = Held.of_person(rosa.server, rosa.upn, rosa.password)
    assert enters(door, held)
    admin.az("rest", "--method", "post", "--url", f"{rosa.server.url}/v1.0/users/{rosa.oid}/revokeSignInSessions")
    out_within_the_bound(door, held, "`revokeSignInSessions`")


def test_an_application_loses_its_tokens_and_gets_new_ones_with_its_secret(admin, door, platform):
    made = admin.az_json("ad", "sp", "create-for-rbac", "-n", "revoked-pipeline")
    before = Held.of_application(admin.server, made["appId"], made["password"])
    assert enters(door, before)
    revoke(admin, "application", made["appId"], "--reason", "journey: leaked")
    assert enters(door, Held.of_application(admin.server, made["appId"], made["password"]))
    out_within_the_bound(door, before, "a revoked application")


def test_people_find_and_end_their_own_sessions_and_nobody_elses(admin, door, rosa):
    rosa.login_by_device_code("--allow-no-subscriptions")
    lost = Held.of_person(rosa.server, rosa.upn, rosa.password)
    assert enters(door, lost)
    listed = revoke(rosa, "sessions")
    assert {one["userPrincipalName"].lower() for one in listed} == {rosa.upn.lower()}
    assert [one["place"] for one in listed if one["isCurrent"]] == ["deviceCode"]
    stranger = next(one["id"] for one in revoke(admin, "sessions", "--user", "all") if one["userId"] != rosa.oid)
    refused = revoke(rosa, "session", stranger, "--reason", "mischief", check=False)
    assert refused.code == 1 and "Insufficient privileges" in refused.err
    revoke(rosa, "session", lost.claims["sid"], "--reason", "not me")
    out_within_the_bound(door, lost, "a session that its person revoked")
    # The signed-in `az` ends with the browser that approved it.
    browser = next(one for one in revoke(rosa, "sessions") if one["place"] == "browser")
    revoke(admin, "device", browser["deviceId"], "--reason", "journey: stolen")
    refused = rosa.az("account", "get-access-token", "--resource", "https://graph.microsoft.com", check=False)
    listing = revoke(rosa, "sessions", check=False)
    assert refused.code != 0 or listing.code != 0
