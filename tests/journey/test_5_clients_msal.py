"""MSAL for Python, every flow of its public, confidential and managed clients. PyJWT verifies what it gets."""

import threading

import msal
import pytest

from support.browsing import browser_of
from support.guests import AKS_CLIENT, AKS_SERVER, ARM, AZ, GRAPH
from support.pages import Browser, approve_device
from support.visitor import Visitor


@pytest.fixture(autouse=True)
def trust(server, monkeypatch):
    """Whom these libraries trust is a matter of the environment, which the machine's owner may have set."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", server.env["ENTRANCE_CA"])
    monkeypatch.setenv("NO_PROXY", "localhost")


@pytest.fixture(scope="module")
def make(server):
    """A client object with a cache of its own."""

    def make(kind, client, tenant=None, **more):
        authority = f"{server.env['ENTRANCE_URL'].rstrip('/')}/{tenant or server.env['TENANT']}"
        return kind(client, authority=authority, instance_discovery=False, verify=server.env["ENTRANCE_CA"], **more)

    return make


@pytest.fixture(scope="module")
def public(make):
    return lambda client=AKS_CLIENT, **more: make(msal.PublicClientApplication, client, **more)


@pytest.fixture(scope="module")
def confidential(make, guests):
    it = guests.web
    proofs = {
        "secret": it.secret,
        "certificate": {"thumbprint": it.certificate.sha1, "private_key": it.certificate.key},
        "sha256": {"private_key": it.certificate.key, "public_certificate": it.certificate.pem},
        "assertion": {"client_assertion": lambda: guests.foreign_token},
    }

    def confidential(proof="secret", client=None, **more):
        return make(msal.ConfidentialClientApplication, client or it.app, client_credential=proofs[proof], **more)

    return confidential


def got(answer: dict) -> dict:
    assert "access_token" in answer, answer
    return answer


AKS = [f"{AKS_SERVER}/.default"]
PROOFS = pytest.mark.parametrize("proof", ["secret", "certificate"])


def test_s_101_msal_signs_somebody_in_through_a_port_of_its_own(server, guests, public):
    with browser_of(server, guests.person):
        answer = got(public().acquire_token_interactive(AKS, prompt="select_account", timeout=30))
    assert guests.verified(answer["access_token"], AKS_SERVER)["oid"] == guests.person.oid


def test_s_012_msal_finds_the_tenant_behind_a_general_address(server, guests, public):
    with browser_of(server, guests.person):
        answer = got(public(tenant="organizations").acquire_token_interactive(AKS, timeout=30))
    assert guests.verified(answer["access_token"], AKS_SERVER)["tid"] == server.env["TENANT"]


def test_s_022_msal_takes_the_address_as_an_openid_issuer(server, guests):
    issuer = f"{server.env['ENTRANCE_URL'].rstrip('/')}/{server.env['TENANT']}/v2.0"
    app = msal.ConfidentialClientApplication(
        guests.web.app, oidc_authority=issuer, client_credential=guests.web.secret, verify=server.env["ENTRANCE_CA"]
    )
    assert guests.verified(got(app.acquire_token_for_client([f"{guests.web.uri}/.default"]))["access_token"], guests.web.app, "2.0")


def test_s_230_msal_signs_somebody_in_by_device_code(server, guests, public):
    app = public()
    flow = app.initiate_device_flow(AKS)
    approving = threading.Thread(target=approve_device, args=(
        Browser(server.env["ENTRANCE_CA"]), flow["verification_uri"], flow["user_code"], guests.person.upn, guests.person.password))
    approving.start()
    answer = got(app.acquire_token_by_device_flow(flow))
    approving.join()
    assert guests.verified(answer["access_token"], AKS_SERVER)["oid"] == guests.person.oid


@PROOFS
@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_s_210_msal_signs_somebody_in_to_a_web_application(server, guests, confidential, proof, mode):
    app, scopes = confidential(proof), [f"{guests.web.uri}/.default"]
    flow = app.initiate_auth_code_flow(scopes, redirect_uri=guests.web.redirect, response_mode=mode)
    came = Visitor(server, guests.person).visit(flow["auth_uri"])
    assert (came.form is not None) == (mode == "form_post")
    answer = got(app.acquire_token_by_auth_code_flow(flow, came.fields))
    claims = guests.verified(answer["access_token"], guests.web.app, "2.0")
    assert (claims["oid"], claims["azpacr"]) == (guests.person.oid, {"secret": "1", "certificate": "2"}[proof])
    assert answer["id_token_claims"]["preferred_username"].lower() == guests.person.upn.lower()


@pytest.mark.parametrize("proof", ["secret", "certificate", "sha256"])
def test_s_241_msal_signs_a_program_in(guests, confidential, proof):
    app, scopes = confidential(proof), [f"{guests.web.uri}/.default"]
    answer = got(app.acquire_token_for_client(scopes))
    assert guests.verified(answer["access_token"], guests.web.app, "2.0")["idtyp"] == "app"
    assert app.acquire_token_for_client(scopes)["token_source"] == "cache"
    app.remove_tokens_for_client()
    assert app.acquire_token_for_client(scopes)["token_source"] == "identity_provider"


def test_s_242_msal_signs_a_workload_in_with_somebody_elses_token(guests, confidential):
    answer = got(confidential("assertion", guests.workload.app).acquire_token_for_client(AKS))
    assert guests.verified(answer["access_token"], AKS_SERVER)["appidacr"] == "2"


@PROOFS
def test_s_260_msal_goes_on_in_somebodys_name(guests, confidential, proof):
    answer = got(confidential(proof).acquire_token_on_behalf_of(guests.user_token(), [f"{GRAPH}/User.Read"]))
    claims = guests.verified(answer["access_token"], GRAPH)
    assert (claims["oid"], claims["appid"]) == (guests.person.oid, guests.web.app)


def test_s_220_msal_goes_silently_from_one_resource_to_the_next(server, guests, public):
    app = public(AZ)
    with browser_of(server, guests.person):
        got(app.acquire_token_interactive([f"{ARM}/.default"], timeout=30))
    account = app.get_accounts()[0]
    for resource in (GRAPH, AKS_SERVER):
        assert guests.verified(got(app.acquire_token_silent([f"{resource}/.default"], account))["access_token"], resource)
    kept = app.acquire_token_silent(AKS, account)
    assert kept["token_source"] == "cache"
    assert got(app.acquire_token_silent(AKS, account, force_refresh=True))["token_source"] == "identity_provider"


def test_s_220_one_family_shares_its_refresh_token(server, guests, public):
    """Azure PowerShell goes on with what the Azure CLI has; a program outside of the family does not."""
    cache = msal.SerializableTokenCache()
    app = public(AZ, token_cache=cache)
    with browser_of(server, guests.person):
        got(app.acquire_token_interactive([f"{ARM}/.default"], timeout=30))
    sister = public("1950a258-227b-4e31-a9cf-717495945fc2", token_cache=cache)
    assert got(sister.acquire_token_silent([f"{GRAPH}/.default"], sister.get_accounts()[0]))
    refresh = next(iter(cache.search(msal.TokenCache.CredentialType.REFRESH_TOKEN)))["secret"]
    stranger = public().acquire_token_by_refresh_token(refresh, AKS)
    assert (stranger["error"], stranger.get("suberror")) == ("invalid_grant", "client_mismatch")


def test_s_220_msal_takes_over_a_refresh_token(server, guests, public):
    app = public()
    with browser_of(server, guests.person):
        refresh = got(app.acquire_token_interactive(AKS, timeout=30)).get("refresh_token")
    refresh = refresh or next(iter(app.token_cache.search(msal.TokenCache.CredentialType.REFRESH_TOKEN)))["secret"]
    assert got(public().acquire_token_by_refresh_token(refresh, AKS))


def test_s_109_msal_carries_a_challenge_to_the_server(server, guests, make):
    app = make(msal.PublicClientApplication, AZ, client_capabilities=["CP1"])
    with browser_of(server, guests.person):
        answer = got(app.acquire_token_interactive([f"{GRAPH}/.default"], timeout=30, claims_challenge='{"access_token":{"nbf":{"essential":true,"value":"1"}}}'))
    assert guests.verified(answer["access_token"], GRAPH)["xms_cc"] == ["cp1"]


def test_s_500_msal_tells_what_was_wrong_with_a_secret(make, guests):
    app = make(msal.ConfidentialClientApplication, guests.web.app, client_credential="not-the-secret")
    answer = app.acquire_token_for_client([f"{guests.web.uri}/.default"])
    assert (answer["error"], answer["error_codes"][0]) == ("invalid_client", 7000215)
    assert answer["error_description"].startswith("AADSTS7000215: ")
