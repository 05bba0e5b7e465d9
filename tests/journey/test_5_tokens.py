"""The signing keys, with the command that administrators have for them; the server goes on as before."""

import json

import pytest

from support.cluster import Door
from support.tokens import ENTRANCE, Held, enters, run


@pytest.fixture(scope="module")
def door(platform, admin):
    """The API server of the cluster, knocked at with tokens."""
    file = admin.home / "tokens-kubeconfig"
    admin.get_credentials(platform.group, platform.cluster, "-f", str(file), "--overwrite-existing")
    return Door.of(file)


@pytest.fixture(scope="module")
def thea(platform):
    person, _ = platform.hire("thea-tokens")
    return person


def key(who, *words, check=True):
    said = run(
        ENTRANCE, "key", *words, "--data", who.server.data, "--login", "azurecli", "--tenant", who.server.env["TENANT"],
        "--output", "json", env=who.env, check=check,
    )
    return json.loads(said.out) if said.code == 0 else said


def test_s_810_a_rotation_is_announced_a_day_ahead_and_refuses_nothing(admin, door, thea):
    held = Held.of_person(thea.server, thea.upn, thea.password)
    before = key(admin, "list")
    assert [one["state"] for one in before] == ["signs", "next"]
    after = key(admin, "rotate", "--reason", "journey: an exercise")
    assert [one["kid"] for one in after] == [one["kid"] for one in before]
    assert after[1]["signsFromDateTime"] < before[1]["signsFromDateTime"]
    assert enters(door, held) and held.refreshes()


def test_s_810_a_key_that_is_not_there_cannot_be_taken_away(admin):
    refused = key(admin, "retire", "nothing-of-ours", "--reason", "journey", check=False)
    assert refused.code == 1
    assert len(key(admin, "list")) == 2
