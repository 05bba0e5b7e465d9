"""Azure Identity for Python: every credential that can reach a token service of one's own."""

import threading

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AuthenticationRecord, AzureCliCredential, CertificateCredential, ChainedTokenCredential, ClientAssertionCredential, ClientSecretCredential,
    CredentialUnavailableError, DeviceCodeCredential, EnvironmentCredential, InteractiveBrowserCredential, OnBehalfOfCredential, WorkloadIdentityCredential,
)

from support.browsing import browser_of
from support.guests import AKS_CLIENT, AKS_SERVER, ARM, AZ, GRAPH
from support.pages import Browser, approve_device


@pytest.fixture(autouse=True)
def trust(server, monkeypatch):
    """Whom these libraries trust is a matter of the environment, which the machine's owner may have set."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", server.env["ENTRANCE_CA"])
    monkeypatch.setenv("NO_PROXY", "localhost")


@pytest.fixture(scope="module")
def here(server):
    """Where the token service is, as each credential is told."""
    return {"authority": server.env["ENTRANCE_URL"].rstrip("/"), "disable_instance_discovery": True, "connection_verify": server.env["ENTRANCE_CA"]}


@pytest.fixture(scope="module")
def tenant(server):
    return server.env["TENANT"]


@pytest.fixture(scope="module")
def pem(guests, tmp_path_factory):
    """The web application's key and certificate in one file."""
    file = tmp_path_factory.mktemp("pem") / "web.pem"
    file.write_text(guests.web.certificate.key + guests.web.certificate.pem)
    return file


AKS = f"{AKS_SERVER}/.default"


def test_s_240_a_program_has_a_secret(guests, here, tenant):
    token = ClientSecretCredential(tenant, guests.web.app, guests.web.secret, **here).get_token(f"{guests.web.uri}/.default")
    assert guests.verified(token.token, guests.web.app, "2.0")["azpacr"] == "1"


def test_s_241_a_program_has_a_certificate(guests, here, tenant, pem):
    token = CertificateCredential(tenant, guests.web.app, str(pem), **here).get_token(f"{guests.web.uri}/.default")
    assert guests.verified(token.token, guests.web.app, "2.0")["azpacr"] == "2"


def test_s_240_a_program_is_told_by_its_environment_who_it_is(server, guests, here, tenant, monkeypatch):
    for name, value in {"AZURE_TENANT_ID": tenant, "AZURE_CLIENT_ID": guests.web.app, "AZURE_CLIENT_SECRET": guests.web.secret}.items():
        monkeypatch.setenv(name, value)
    assert guests.verified(EnvironmentCredential(**here).get_token(f"{guests.web.uri}/.default").token, guests.web.app, "2.0")


def test_s_242_a_workload_has_somebody_elses_token(guests, here, tenant):
    token = ClientAssertionCredential(tenant, guests.workload.app, lambda: guests.foreign_token, **here).get_token(AKS)
    assert guests.verified(token.token, AKS_SERVER)["idtyp"] == "app"


def test_s_242_a_workload_has_it_in_a_file(guests, here, tenant, tmp_path):
    file = tmp_path / "token"
    file.write_text(guests.foreign_token + "\n")
    token = WorkloadIdentityCredential(tenant_id=tenant, client_id=guests.workload.app, token_file_path=str(file), **here).get_token(AKS)
    assert guests.verified(token.token, AKS_SERVER)["appidacr"] == "2"


@pytest.mark.parametrize("proof", ["secret", "certificate"])
def test_s_260_a_program_goes_on_in_somebodys_name(guests, here, tenant, pem, proof):
    how = {"secret": {"client_secret": guests.web.secret}, "certificate": {"client_certificate": pem.read_bytes()}}[proof]
    credential = OnBehalfOfCredential(tenant, guests.web.app, user_assertion=guests.user_token(), **how, **here)
    claims = guests.verified(credential.get_token(f"{GRAPH}/User.Read").token, GRAPH)
    assert (claims["oid"], claims["appid"]) == (guests.person.oid, guests.web.app)


def test_s_230_somebody_signs_in_by_device_code(server, guests, here, tenant):
    approving = []

    def prompt(address, code, _until):
        who = (guests.person.upn, guests.person.password)
        approving.append(threading.Thread(target=approve_device, args=(Browser(server.env["ENTRANCE_CA"]), address, code, *who)))
        approving[0].start()

    token = DeviceCodeCredential(AKS_CLIENT, tenant_id=tenant, prompt_callback=prompt, **here).get_token(AKS)
    approving[0].join()
    assert guests.verified(token.token, AKS_SERVER)["oid"] == guests.person.oid


def test_s_103_somebody_signs_in_by_browser_and_is_known_afterwards(server, guests, here, tenant):
    credential = InteractiveBrowserCredential(client_id=AZ, tenant_id=tenant, **here)
    with browser_of(server, guests.person):
        record = credential.authenticate(scopes=[f"{ARM}/.default"])
    assert AuthenticationRecord.deserialize(record.serialize()).username.lower() == guests.person.upn.lower()
    assert guests.verified(credential.get_token(f"{GRAPH}/.default").token, GRAPH)["oid"] == guests.person.oid


@pytest.mark.parametrize("resource", [GRAPH, ARM])
def test_s_403_with_cae_a_token_says_so(guests, here, tenant, resource):
    credential = ClientAssertionCredential(tenant, guests.workload.app, lambda: guests.foreign_token, **here)
    with_cae = credential.get_token(f"{resource}/.default", enable_cae=True).token
    assert guests.verified(with_cae, resource)["xms_cc"] == ["cp1"]
    assert "xms_cc" not in guests.verified(credential.get_token(f"{resource}/.default").token, resource)


def test_s_010_the_cli_credential_asks_az(guests, admin, tenant, monkeypatch):
    for name, value in admin.env.items():
        monkeypatch.setenv(name, value)
    token = AzureCliCredential(tenant_id=tenant).get_token(AKS)
    assert guests.verified(token.token, AKS_SERVER)["upn"].lower() == admin.upn.lower()


def test_s_240_a_chain_goes_on_to_the_credential_that_there_is(guests, here, tenant):
    class Absent:
        def get_token(self, *_, **__):
            raise CredentialUnavailableError("not on this machine")

    chain = ChainedTokenCredential(Absent(), ClientSecretCredential(tenant, guests.web.app, guests.web.secret, **here))
    assert guests.verified(chain.get_token(f"{guests.web.uri}/.default").token, guests.web.app, "2.0")


def test_s_500_a_refusal_is_told_in_the_originals_words(guests, here, tenant):
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        ClientSecretCredential(tenant, guests.web.app, "not-the-secret", **here).get_token(f"{guests.web.uri}/.default")
