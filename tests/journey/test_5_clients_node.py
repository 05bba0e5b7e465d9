"""MSAL Node and Azure Identity for JavaScript: every flow and every credential, with `jose` as the judge of what they get."""

import sys
from pathlib import Path

import pytest

from support.guests import AKS_CLIENT, AKS_SERVER, ARM, AZ, GRAPH
from support.scripts import Failed, play

BROWSE = Path(__file__).resolve().parents[1] / "support" / "browse.py"


@pytest.fixture(scope="module")
def web(guests):
    """The web application for itself as a resource, by the way it proves itself."""
    it = guests.web
    certificate = {"sha256": it.certificate.sha256, "pem": it.certificate.pem}
    about = {"client": it.app, "redirect": it.redirect, "scope": f"{it.uri}/.default", "audience": it.app, "version": "2.0"}
    proofs = {"secret": {"secret": it.secret}, "certificate": {"key": it.certificate.key, "certificate": certificate}}
    return lambda proof="secret": about | proofs[proof]


@pytest.fixture(scope="module")
def workload(guests):
    return {"client": guests.workload.app, "assertion": guests.foreign_token, "scope": f"{AKS_SERVER}/.default", "audience": AKS_SERVER, "version": "1.0"}


@pytest.fixture(scope="module")
def aks():
    """The public client of every kubeconfig."""
    return {"client": AKS_CLIENT, "scope": f"{AKS_SERVER}/.default", "audience": AKS_SERVER, "version": "1.0"}


PROOFS = pytest.mark.parametrize("proof", ["secret", "certificate"])


def acr(proof):
    return {"secret": "1", "certificate": "2"}[proof]


# --- MSAL Node ---


@PROOFS
@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_s_210_msal_node_signs_somebody_in_to_a_web_application(server, guests, web, proof, mode):
    told = play(server, "msal-node", "code", guests.person, **web(proof), mode=mode)
    assert told["access"]["oid"] == guests.person.oid and told["access"]["azpacr"] == acr(proof)
    assert told["id"]["nonce"] == "a-nonce" and told["account"] == f"{guests.person.oid}.{server.env['TENANT']}"


@pytest.mark.parametrize("authority", ["common", "organizations"])
def test_s_012_msal_node_finds_the_tenant_behind_a_general_address(server, guests, aks, authority):
    told = play(server, "msal-node", "interactive", guests.person, **aks, authority=authority)
    assert told["access"]["tid"] == server.env["TENANT"]


def test_s_101_msal_node_signs_somebody_in_through_a_port_of_its_own(server, guests, aks):
    told = play(server, "msal-node", "interactive", guests.person, **aks)
    assert told["access"]["oid"] == guests.person.oid and told["access"]["scp"] == "user.read"


def test_s_230_msal_node_signs_somebody_in_by_device_code(server, guests, aks):
    told = play(server, "msal-node", "device", guests.person, **aks)
    assert told["access"]["oid"] == guests.person.oid and told["access"]["appidacr"] == "0"


@PROOFS
def test_s_240_msal_node_signs_a_program_in_and_finds_the_token_again(server, guests, web, proof):
    told = play(server, "msal-node", "clientCredentials", **web(proof))
    assert told["access"]["azpacr"] == acr(proof) and told["second"] is True


def test_s_242_msal_node_signs_a_workload_in_with_somebody_elses_token(server, workload):
    told = play(server, "msal-node", "clientCredentials", **workload)
    assert told["access"]["appidacr"] == "2" and told["access"]["idtyp"] == "app"


def test_s_250_msal_node_signs_somebody_in_by_name_and_password(server, guests, aks):
    told = play(server, "msal-node", "password", guests.person, **aks)
    assert told["access"]["oid"] == guests.person.oid


def test_s_303_msal_node_finds_its_tokens_again_and_changes_the_resource(server, guests, aks):
    other = {"other": f"{GRAPH}/.default", "otherAudience": GRAPH, "otherVersion": "1.0"}
    told = play(server, "msal-node", "silent", guests.person, **aks | {"client": AZ}, **other)
    assert (told["cached"], told["anew"]) == (True, False)
    assert told["other"]["oid"] == guests.person.oid


@PROOFS
def test_s_220_msal_node_refreshes_for_a_web_application(server, guests, web, proof):
    told = play(server, "msal-node", "refreshToken", guests.person, **web(proof))
    assert told["access"]["oid"] == guests.person.oid


@PROOFS
def test_s_260_msal_node_goes_on_in_somebodys_name(server, guests, web, proof):
    user = guests.user_token()
    about = web(proof) | {"scope": f"{GRAPH}/User.Read", "audience": GRAPH, "version": "1.0", "user": user}
    told = play(server, "msal-node", "onBehalfOf", **about)
    assert (told["access"]["oid"], told["access"]["appid"]) == (guests.person.oid, guests.web.app)
    assert told["access"]["appidacr"] == acr(proof)


def test_s_502_msal_node_hears_why_a_password_is_not_enough(server, guests, aks):
    with pytest.raises(Failed) as refused:
        play(server, "msal-node", "password", **aks, upn=guests.person.upn, password="not the password")
    assert "50126" in refused.value.what["message"]


def test_s_403_msal_node_says_that_it_can_answer_a_challenge(server, guests):
    about = {"client": AZ, "scope": f"{GRAPH}/.default", "audience": GRAPH, "version": "1.0", "capabilities": True}
    told = play(server, "msal-node", "password", guests.person, **about)
    assert told["access"]["xms_cc"] == ["cp1"]


# --- Azure Identity ---


def test_s_240_azure_identity_signs_a_program_in_with_its_secret(server, guests, web):
    assert play(server, "azure-identity", "secret", **web())["access"]["azpacr"] == "1"


def test_s_241_azure_identity_signs_a_program_in_with_its_certificate(server, guests, web):
    assert play(server, "azure-identity", "certificate", **web("certificate"))["access"]["azpacr"] == "2"


@pytest.mark.parametrize("credential", ["assertion", "workload"])
def test_s_242_azure_identity_signs_a_workload_in(server, workload, credential):
    assert play(server, "azure-identity", credential, **workload)["access"]["appidacr"] == "2"


def test_s_260_azure_identity_goes_on_in_somebodys_name(server, guests, web):
    about = web() | {"scope": f"{GRAPH}/User.Read", "audience": GRAPH, "version": "1.0", "user": guests.user_token()}
    assert play(server, "azure-identity", "onBehalfOf", **about)["access"]["oid"] == guests.person.oid


def test_s_250_azure_identity_signs_somebody_in_by_name_and_password(server, guests, aks):
    assert play(server, "azure-identity", "password", guests.person, **aks)["access"]["oid"] == guests.person.oid


def test_s_230_azure_identity_signs_somebody_in_by_device_code(server, guests, aks):
    assert play(server, "azure-identity", "device", guests.person, **aks)["access"]["oid"] == guests.person.oid


def test_s_103_azure_identity_signs_somebody_in_by_browser(server, guests, aks):
    browser = {
        "BROWSER": f"{sys.executable} {BROWSE} %s",
        "JOURNEY_UPN": guests.person.upn, "JOURNEY_PASSWORD": guests.person.password, "JOURNEY_CA": server.env["ENTRANCE_CA"],
    }
    assert play(server, "azure-identity", "browser", guests.person, env=browser, **aks)["access"]["oid"] == guests.person.oid


@pytest.mark.parametrize("resource", [GRAPH, ARM])
def test_s_403_azure_identity_asks_for_tokens_that_live_with_revocation(server, guests, workload, resource):
    told = play(server, "azure-identity", "assertion", **workload | {"scope": f"{resource}/.default", "audience": resource}, cae=True)
    assert told["access"]["xms_cc"] == ["cp1"]
