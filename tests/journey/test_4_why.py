"""Why was I refused: what somebody sees at the terminal, and what those see who look after them."""

import json
import re

import pytest

from support.paths import ENTRANCE
from support.people import Person
from support.running import Result, run, until
from support.telling import told


@pytest.fixture(scope="module")
def winnie(platform):
    """A member of the admin group through the nested group, who signs in with our kubelogin and no az in between."""
    person, oid = platform.hire("winnie")
    platform.admin.az("ad", "group", "member", "add", "-g", platform.inner, "--member-id", oid)
    platform.admin.use("none").get_credentials(platform.group, platform.cluster, "-f", str(person.kubeconfig))
    platform.admin.use("ours")
    asking = person.use("ours").start("kubectl", "get", "nodes", "--no-headers")
    assert " Ready " in person.approve(asking).end().out
    person.oid = oid
    return person


def entrance(platform, person: Person, *words, check=True) -> Result:
    where = ["-g", platform.group, "-n", platform.cluster, "--server", platform.server.url, "--ca", platform.server.env["ENTRANCE_CA"]]
    return run(ENTRANCE, *words, *where, env=person.env, check=check)


def test_explain_names_the_admin_group_that_is_missing(platform, admin, winnie):
    said = entrance(platform, admin, "explain", "--user", platform.outsider.upn).out
    assert re.search(r"admin groups: in none of them; missing: `journey-platform`", said), said
    member = json.loads(entrance(platform, admin, "explain", "--user", winnie.upn, "--can", "get", "nodes", "--output", "json").out)
    assert member["can"]["allowed"] is True
    assert "aks-cluster-admin-binding-aad" in [binding["name"] for binding in member["bindings"]]
    assert member["groups"]["adminGroups"]["missing"] == []
    refused = entrance(platform, admin, "explain", "--user", platform.outsider.upn, "--can", "delete", "pods/web", check=False)
    assert refused.code == 1
    assert "may delete pods: no" in refused.out


def test_a_member_explains_their_own_sign_in_and_nobody_elses(platform, admin):
    member = platform.member
    if not (member.azure / "azureProfile.json").exists():
        member.login_by_device_code()
    assert f"enters as `{member.upn}`" in entrance(platform, member, "explain").out
    refused = entrance(platform, member, "explain", "--user", platform.outsider.upn, check=False)
    assert refused.code == 1
    assert "AuthorizationFailed" in refused.err


def test_a_disabled_person_reads_why_beside_kubectls_unauthorized(platform, admin, winnie):
    admin.az("ad", "user", "update", "--id", winnie.oid, "--account-enabled", "false")

    def refused():
        done = winnie.kubectl("get", "nodes", check=False)
        return done if done.code != 0 else None

    done = until("the refusal of a disabled person", refused, seconds=20, every=0.5)
    assert "The cluster refused this sign-in: the account is disabled." in done.err, str(done)
    assert "hint: ask an administrator of the directory about the account" in done.err
    assert done.err.count("The cluster refused this sign-in") == 1, "once for one kubectl"
    said = entrance(platform, admin, "explain", "--user", winnie.upn, check=False)
    assert "the account is disabled" in said.out
    admin.az("ad", "user", "update", "--id", winnie.oid, "--account-enabled", "true")
    # The account is good again; what it held before is not.
    assert "allowed:" in entrance(platform, admin, "explain", "--user", winnie.upn).out


def test_doctor_finds_nothing_wrong_with_a_good_cluster(platform, admin):
    done = entrance(platform, admin, "doctor")
    assert "failed" not in done.out, done.out
    assert re.search(r"ok\s+webhook, from the API server's side: a probe came here", done.out), done.out
    assert re.search(r"ok\s+clock: the API server and Entrance agree", done.out), done.out
    told("`entrance doctor`", f"{len(done.out.splitlines())} lines, none failed")


def test_doctor_finds_an_authority_that_somebody_added(platform, admin):
    home = uid_folder(platform)
    bundle = home / "pki" / "client-ca.crt"
    before = bundle.read_bytes()
    bundle.write_bytes(before + (home / "pki" / "front-proxy-ca.crt").read_bytes())
    try:
        done = entrance(platform, admin, "doctor", check=False)
        assert done.code == 1
        assert re.search(r"failed client authorities: `pki/client-ca.crt` was changed by somebody else", done.out), done.out
    finally:
        bundle.write_bytes(before)
    assert entrance(platform, admin, "doctor").code == 0


def test_freshness_is_measured_kept_and_leaves_nothing_behind(platform, admin):
    done = entrance(platform, admin, "cluster", "verify", "--freshness", "--samples", "3", "--output", "json")
    measured = json.loads(done.out)
    assert measured["withinBound"] is True, measured
    assert {right["right"] for right in measured["rights"]} == {"account disabled", "group membership removed", "access revoked"}
    for right in measured["rights"]:
        told(f"from removal to refusal: {right['right']}", f"p50 {right['p50Seconds']} s, longest {right['maxSeconds']} s")
    assert "freshness: " in entrance(platform, admin, "doctor").out
    assert admin.az_json("ad", "sp", "list", "--display-name", "entrance-freshness-probe") == []


def uid_folder(platform):
    uid = platform.admin.az_json("rest", "--url", f"{platform.id}?api-version=2026-06-01")["properties"]["resourceUID"]
    return platform.server.data / "clusters" / uid
