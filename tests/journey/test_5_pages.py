"""The pages of the gate in a real browser: every page in every state, light and dark, at 320 px, without script, in each language.

`tests/browser/states.mjs` knows the ways to the states, by field names and `data-testid` alone; axe-core judges.
"""

import re

import pytest

from support.looks import BROWSER, ROUNDS, look

# Many minutes on two cores: `make verify-long` looks at all of it.
pytestmark = pytest.mark.long

STATES = re.findall(r"^  async '([^']+)'\(it\)", (BROWSER / "states.mjs").read_text(), re.M)
EVERY = pytest.mark.parametrize("state", STATES)


@pytest.fixture(scope="module")
def looks(guests):
    return look(guests)


@EVERY
def test_w_040_no_state_has_a_barrier(looks, state):
    found = {one["view"]: one["axe"] for one in looks.of(state) if one["axe"]}
    assert not found, found


@EVERY
def test_w_040_no_state_scrolls_sideways(looks, state):
    wide = {one["view"]: one["sideways"] for one in looks.of(state) if one["sideways"]}
    assert not wide, wide


@EVERY
def test_w_020_no_state_breaks_its_own_policy(looks, state):
    blocked = {one["view"]: one["blocked"] for one in looks.of(state) if one["blocked"]}
    assert not blocked, blocked


@EVERY
def test_w_026_no_state_asks_another_origin(looks, state):
    assert not [one["foreign"] for one in looks.of(state) if one["foreign"]]


@EVERY
def test_w_046_every_state_speaks_the_readers_language(looks, state):
    for one in looks.of(state):
        wanted = {"en": "en", "no-script": "en"}.get(one["view"].split("/")[0], one["view"].split("/")[0])
        assert one["language"].lower().startswith(wanted.lower()), one["view"]
        assert one["title"].endswith("· Entrance"), one["title"]


@EVERY
def test_w_001_every_state_is_reached_in_every_round(looks, state):
    views = {one["view"].split("/")[0] for one in looks.of(state)} | {view for name, view in looks.absent if name == state}
    assert views == set(ROUNDS)


def test_w_040_the_judges_see_a_page_with_barriers(looks):
    seen = looks.flow("a page with barriers")
    assert {"html-has-lang", "label"} <= set(seen["rules"]) and seen["sideways"] > 0, seen


def test_w_041_somebody_signs_in_by_keyboard_alone(looks):
    assert looks.flow("keyboard: sign-in")["arrived"]


def test_w_110_somebody_lets_a_device_in_by_keyboard_alone(looks):
    assert looks.flow("keyboard: device")["result"] == "approved"


def test_w_007_a_first_visit_is_small(looks):
    first = looks.flow("first visit")
    assert first["requests"] <= 6 and first["bytes"] <= 40 * 1024, first


@pytest.mark.parametrize("page", ["sign-in", "device"])
def test_w_047_the_page_follows_the_system_into_the_dark(looks, page):
    grounds = looks.flow(f"theme: {page}")
    assert grounds["light"] != grounds["dark"], grounds


def test_s_802_a_passkey_is_made_and_opens_the_gate(looks):
    assert looks.flow("passkey")["arrived"]
