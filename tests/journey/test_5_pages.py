"""The pages of the gate in a real browser: every page in every state, light and dark, at 320 px, without script, in a language that is
longer than ours.

The walks in `tests/browser/walks` know the ways to the states, by field names and `data-testid` alone; axe-core judges.
"""

import pytest

from support.looks import STATES, Empty, look, views

EVERY = pytest.mark.parametrize("state", STATES)
SCRIPTED = pytest.mark.parametrize("state", [state for state, where in STATES.items() if where != "no-script"])
# Where the focus begins, for who types next (W-042); elsewhere it is where the browser puts it.
FOCUS = {
    "sign-in": "login", "sign-in: wrong": "passwd", "sign-in: hinted": "passwd", "sign-in: paused": "passwd", "device: code": "otc", "device: wrong code": "otc",
    "second factor": "totp", "second factor: wrong": "totp", "second factor: recovery code": "recovery", "password change": "passwd_old",
    "password change: too easy": "passwd_new", "password change: old one wrong": "passwd_old", "first administrator": "code",
    "first administrator: wrong code": "code", "first administrator: passwords differ": "passwd_new", "one-time code": "login", "one-time code: wrong": "code",
    "own page: a passkey, name refused": "name", "recovery codes: not kept": "kept", "second factor: set up, wrong": "totp",
}


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    server = Empty(tmp_path_factory.mktemp("empty")).start("serve", "--tenant-domain", "empty.example")
    yield server
    server.kill_everything()


@pytest.fixture(scope="module")
def looks(guests, empty):
    return look(guests, empty)


def test_w_001_every_walk_ends_where_it_leads(looks):
    assert not looks.failed, looks.failed


@EVERY
def test_w_001_every_state_is_reached_with_and_without_script(looks, state):
    assert {one["view"] for one in looks.of(state)} == views(state)


@EVERY
def test_w_040_no_state_has_a_barrier(looks, state):
    assert not looks.found(state, "axe")
    assert all(one["passed"] > 15 for one in looks.of(state)), "axe-core looked at something"


@EVERY
def test_w_040_no_state_scrolls_sideways(looks, state):
    assert not looks.found(state, "sideways")


@EVERY
def test_w_042_and_w_043_the_parts_of_every_state_are_named_and_large_enough(looks, state):
    assert not looks.found(state, "faults")


@SCRIPTED
def test_w_043_the_tab_key_reaches_everything_and_shows_where_it_is(looks, state):
    looks.of(state)
    assert looks.keys[state] == []


@pytest.mark.parametrize(("state", "field"), FOCUS.items())
def test_w_042_the_focus_begins_where_somebody_types_next(looks, state, field):
    assert {one["focus"]["name"] for one in looks.of(state) if one["script"]} == {field}


@EVERY
def test_w_020_no_state_breaks_its_own_policy(looks, state):
    assert not looks.found(state, "blocked")


@EVERY
def test_w_026_no_state_asks_another_origin(looks, state):
    assert not looks.found(state, "foreign")


def test_w_026_nobody_is_asked_but_the_applications_themselves(looks):
    assert looks.strangers == {"clients.example:443"}
    assert looks.flow("a page that asks elsewhere")["strangers"] == ["elsewhere.example:443"]


@EVERY
def test_w_046_every_state_speaks_the_readers_language(looks, state):
    for one in looks.of(state):
        assert one["language"] == ("en-XA" if one["view"].startswith("en-XA") else "en"), one["view"]


def test_w_041_every_state_has_a_title_that_says_where_one_is(looks):
    titles = {state: {one["title"] for one in looks.of(state) if one["view"] == "en/light"} for state in STATES}
    assert not {state: title for state, title in titles.items() if not all(len(one) > len("· Entrance") and one.endswith(" · Entrance") for one in title)}


def test_w_040_the_judges_see_a_page_with_barriers(looks):
    seen = looks.flow("a page with barriers")
    assert {"html-has-lang", "label", "color-contrast"} <= set(seen["rules"]) and seen["sideways"] > 0, seen
    for fault in ("2 of h1", "no label is seen", "20 px: <button", "nothing is called"):
        assert any(fault in one for one in seen["faults"]), (fault, seen["faults"])
    assert any("not reached: <button" in one for one in seen["tabbed"]) and any("no ring: <a" in one for one in seen["tabbed"]), seen["tabbed"]


def test_w_041_somebody_signs_in_by_keyboard_alone(looks):
    assert looks.flow("keyboard: sign-in")["arrived"]


def test_w_110_somebody_lets_a_device_in_by_keyboard_alone(looks):
    assert looks.flow("keyboard: device")["result"] == "approved"


def test_w_007_a_first_visit_is_small(looks):
    first = looks.flow("first visit")
    assert first["requests"] <= 4 and first["bytes"] <= 10 * 1024, first


@pytest.mark.parametrize("page", ["sign-in", "device"])
def test_w_047_the_page_follows_the_system_into_the_dark(looks, page):
    grounds = looks.flow(f"theme: {page}")
    assert grounds["light"] != grounds["dark"], grounds


@pytest.mark.parametrize("proof", ["made", "as second factor", "instead of a password"])
def test_s_802_a_passkey_is_made_and_opens_the_gate(looks, proof):
    assert looks.proof(f"passkey: {proof}") == {"en": True, "en-XA": True}


@pytest.mark.parametrize("proof", ["theme: fixed", "device: no is the filled button", "consent: given"])
def test_w_001_what_somebody_chose_holds_in_every_round(looks, proof):
    assert looks.proof(proof) == {"en": True, "no-script": True, "en-XA": True}


def test_the_first_administrator_is_made_in_a_browser_and_only_once(looks):
    made = looks.flow("first administrator")
    assert (made["address"], made["then"]) == ("/first/done", 404)
