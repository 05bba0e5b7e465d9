"""Registering the cloud and signing in, with the real `az`."""

import json

import jwt
import pytest

from support.people import Person
from support.running import until


def test_the_cloud_is_registered_from_one_address(server, admin):
    cloud = admin.az_json("cloud", "show", "-n", "entrance")
    assert cloud["isActive"]
    assert cloud["endpoints"]["resourceManager"].rstrip("/") == server.env["ENTRANCE_URL"].rstrip("/")
    assert cloud["endpoints"]["activeDirectory"].startswith(server.env["ENTRANCE_URL"].rstrip("/"))


def test_az_signs_in_by_device_code(server, admin):
    account = admin.az_json("account", "show")
    assert account["user"] == {"name": server.env["ADMIN_UPN"], "type": "user"}
    assert (account["tenantId"], account["id"]) == (server.env["TENANT"], server.env["SUBSCRIPTION"])


def test_a_denied_device_code_signs_nobody_in(server, homes):
    someone = Person(server, homes / "denier", "denier", server.env["USER_UPN"], server.env["USER_PASSWORD"]).register_cloud()
    login = someone.start("az", "login", "--use-device-code", "--tenant", server.env["TENANT"])
    result = someone.approve(login, decision="deny").end(check=False)
    assert result.code != 0
    assert someone.az("account", "show", check=False).code != 0


def test_az_signs_in_by_browser(server, homes):
    person = Person(server, homes / "browser", "browser", server.env["ADMIN_UPN"], server.env["ADMIN_PASSWORD"])
    person.login_by_browser()
    assert person.az_json("account", "show")["user"]["name"] == server.env["ADMIN_UPN"]


def test_az_signs_in_as_a_service_principal(server, ci):
    account = ci.az_json("account", "show")
    assert account["user"] == {"name": server.env["SP_APP_ID"], "type": "servicePrincipal"}


def test_a_wrong_secret_is_refused_in_the_originals_words(server, homes):
    program = Person(server, homes / "wrong-secret", "wrong-secret").register_cloud()
    result = program.az(
        "login", "--service-principal", "-u", server.env["SP_APP_ID"], "-p", "not-the-secret",
        "--tenant", server.env["TENANT"], check=False,
    )
    assert result.code == 1
    assert "AADSTS7000215" in result.err


def test_a_token_for_the_cluster_application_needs_no_registration(server, admin):
    got = admin.az_json("account", "get-access-token", "--resource", AKS_SERVER)
    claims = jwt.decode(got["accessToken"], options={"verify_signature": False})
    assert claims["aud"] == AKS_SERVER
    assert claims["tid"] == server.env["TENANT"]
    assert got["tenant"] == server.env["TENANT"]


def test_a_token_verifies_with_the_published_keys(server, admin):
    document = server.http().get(f"{server.env['ENTRANCE_URL']}/{server.env['TENANT']}/v2.0/.well-known/openid-configuration").json()
    keys = {key["kid"]: key for key in server.http().get(document["jwks_uri"]).json()["keys"]}
    token = admin.az_json("account", "get-access-token", "--resource", AKS_SERVER)["accessToken"]
    key = jwt.PyJWK(keys[jwt.get_unverified_header(token)["kid"]])
    assert jwt.decode(token, key, algorithms=["RS256"], audience=AKS_SERVER)["oid"]


def test_too_many_wrong_passwords_lock_the_name_for_a_while(server):
    """Ten different wrong passwords lock; then the right one is refused too, in the same words as for an invented name."""
    from support.pages import Browser

    def tries(upn, password):
        url = f"{server.env['ENTRANCE_URL']}/{server.env['TENANT']}/oauth2/v2.0/authorize"
        query = {
            "client_id": AZ_CLIENT, "response_type": "code", "redirect_uri": "http://localhost:1", "scope": "openid profile",
            "state": "s", "nonce": "n", "response_mode": "form_post", "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "code_challenge_method": "S256",
        }
        browser = Browser(server.env["ENTRANCE_CA"])
        page = browser.get(browser.http.prepare_request(_request(url, query)).url)
        return browser.submit(page.form("login", "passwd"), login=upn, passwd=password)

    for number in range(10):
        assert "signin-error" in tries(server.env["LOCK_UPN"], f"wrong {number}").marks
    locked = tries(server.env["LOCK_UPN"], server.env["LOCK_PASSWORD"])
    assert "signin-error" in locked.marks, f"the right password still opens: {locked.url}"
    assert "Too many tries" in locked.html


@pytest.mark.parametrize("words", [["account", "list-locations"], ["group", "list"], ["ad", "signed-in-user", "show"]])
def test_everyday_commands_answer(admin, words):
    assert admin.az_json(*words) is not None


def test_signing_out_needs_no_server_state(server, homes):
    person = Person(server, homes / "leaver", "leaver", server.env["USER_UPN"], server.env["USER_PASSWORD"])
    said = person.login_by_device_code("--allow-no-subscriptions")
    assert json.loads(said.out or "[]") is not None
    person.az("logout")
    until("az has forgotten the person", lambda: person.az("account", "show", check=False).code != 0, seconds=10)


def _request(url, query):
    import requests

    return requests.Request("GET", url, params=query)


AKS_SERVER = "6dae42f8-4368-4678-94ff-3960e28e3630"
AZ_CLIENT = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
