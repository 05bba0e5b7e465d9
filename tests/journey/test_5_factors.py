"""A second factor as somebody meets it who works with `az`: set up on the own page, asked for from then on, reset when it is lost."""

import base64
import hashlib
import hmac
import struct
import time

import pytest

from support.office import Office
from support.pages import Browser, sign_in
from support.people import Person

GRAPH = "https://graph.microsoft.com"


class App:
    """An authenticator app (RFC 6238)."""

    def __init__(self, secret: str):
        self.key, self.used = base64.b32decode(secret.replace(" ", "")), 0

    def code(self) -> str:
        """The next code that was not used; waits for it where the last one still stands."""
        while (step := int(time.time()) // 30) <= self.used:
            time.sleep(0.5)
        self.used = step
        tag = hmac.new(self.key, struct.pack(">Q", step), hashlib.sha1).digest()
        at = tag[-1] & 15
        return f"{(struct.unpack('>I', tag[at:at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


@pytest.fixture(scope="module")
def office(server) -> Office:
    return Office(server)


@pytest.fixture(scope="module")
def fay(office, homes) -> Person:
    """Somebody who is signed in to `az` by device code before she has a second factor."""
    return Person.newly_hired(office, homes, "factors-fay")


def text(page, mark: str) -> str:
    inner = page.html.split(f'data-testid="{mark}"', 1)[1].split(">", 1)[1].split("</", 1)[0]
    return inner.replace("<bdi>", "").strip()


def at_home(fay) -> tuple[Browser, object]:
    browser = Browser(fay.server.env["ENTRANCE_CA"])
    page = browser.get(fay.server.env["ENTRANCE_URL"].rstrip("/") + "/me")
    return browser, sign_in(browser, page, fay.upn, fay.password)


def test_s_802_an_app_is_set_up_on_the_own_page_and_az_has_to_sign_in_with_it(fay, office):
    browser, page = at_home(fay)
    assert "me-sessions" in page.marks, page.html[:2000]
    page = browser.get(page.url.split("/me")[0] + "/me/add")
    app = App(text(page, "enroll-secret"))
    page = browser.submit(page.form("secret"), press=("step", "totp"), totp=app.code())
    assert "recovery-codes" in page.marks, page.html[:2000]
    page = browser.submit(page.form("codes"), press=("step", "codes"), kept="1")
    assert "me-done" in page.marks, page.html[:2000]

    refused = fay.az("account", "get-access-token", "--scope", f"{GRAPH}/.default", check=False)
    assert refused.code != 0 and "AADSTS50076" in refused.err, str(refused)

    # A new sign-in in another browser: the password, then the code.
    browser, page = at_home(fay)
    assert "mfa-code" in page.marks and "me-sessions" not in page.marks, page.html[:2000]
    wrong = browser.submit(page.form("totp"), totp="000000")
    assert "mfa-error" in wrong.marks
    page = browser.submit(wrong.form("totp"), totp=app.code())
    assert "me-sessions" in page.marks, page.html[:2000]


def test_s_802_who_lost_everything_is_let_in_again_by_an_administrator(fay, office):
    path = f"/users/{fay.oid}/authentication"
    methods = office.graph("GET", f"{path}/methods")["value"]
    app = next(method for method in methods if "softwareOath" in method["@odata.type"])
    office.graph("DELETE", f"{path}/softwareOathMethods/{app['id']}")
    _, page = at_home(fay)
    assert "me-sessions" in page.marks, page.html[:2000]


def test_aadsts_50055_a_password_that_an_administrator_set_is_changed_at_the_door(fay, office):
    given, chosen = "given by the administrator 7", "chosen by herself, 9 lives"
    profile = {"passwordProfile": {"password": given, "forceChangePasswordNextSignIn": True}}
    office.graph("PATCH", f"/users/{fay.oid}", profile)
    fay.password = given
    browser, page = at_home(fay)
    form = page.form("passwd_old", "passwd_new", "passwd_again")
    assert form, page.html[:2000]
    page = browser.submit(form, passwd_old=given, passwd_new="short", passwd_again="short")
    assert "password-error" in page.marks
    form = page.form("passwd_old", "passwd_new", "passwd_again")
    page = browser.submit(form, passwd_old=given, passwd_new=chosen, passwd_again=chosen)
    assert "me-sessions" in page.marks, page.html[:2000]
    fay.password = chosen
    fay.az("account", "clear")
    fay.login_by_device_code("--allow-no-subscriptions")
