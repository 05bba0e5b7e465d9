"""What needs a server that listens in more places: a password through MSAL for Python, which drops the port of an address and asks
on 443 (S-014), and identities that processes of the server's machine have (S-270). `az login -u` and `az login --identity` are
two of the ways of `az`; the others are in the stories of the cloud and of the demo.
"""

import json
import socket

import jwt
import msal
import pytest
import requests
from azure.identity import ManagedIdentityCredential

from support.guests import AKS_CLIENT, AKS_SERVER, GRAPH
from support.office import Office
from support.people import Person
from support.registered import register
from support.running import free_port
from support.scripts import play
from support.server import Server


def can_listen(address: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Served, not a demo: an administrator switched the password grant on for two clients and gave the machine an identity."""
    server = Server(tmp_path_factory.mktemp("machine")).start("demo", story=False)
    office = Office(server)
    server.person, server.app = office.hire("machine"), register(office, "machine-program")
    server.base, server.tenant = office.url, office.tenant
    office.graph("PATCH", "/entrance/signInRules", {"passwordGrant": [AKS_CLIENT, "04b07795-8ddb-461a-bbee-02f9e1bf7b46"]})
    shown = office.graph("POST", "/entrance/managedIdentities", {"name": "build-agent", "servicePrincipalId": server.app.principal})
    server.kill_everything()
    port = free_port()
    server.identity = {"IDENTITY_ENDPOINT": f"http://127.0.0.1:{port}/msi/token", "IDENTITY_HEADER": shown["identityHeader"]}
    more = ["--realm-listen", "127.0.0.1:443"] if can_listen("127.0.0.1", 443) else []
    server.has_443 = bool(more)
    server.start("serve", "--identity-listen", f"127.0.0.1:{port}", *more)
    yield server
    server.kill_everything()


@pytest.fixture
def on_443(house):
    if not house.has_443:
        pytest.skip("this machine does not let us listen on port 443")


@pytest.fixture(autouse=True)
def trust(house, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", house.env["ENTRANCE_CA"])
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")


@pytest.fixture
def identity(house, monkeypatch):
    for name, value in house.identity.items():
        monkeypatch.setenv(name, value)
    return house.identity


def claims_of(house, token):
    keys = {key["kid"]: key for key in house.http().get(f"{house.base}/{house.tenant}/discovery/v2.0/keys", timeout=30).json()["keys"]}
    return jwt.decode(token, jwt.PyJWK(keys[jwt.get_unverified_header(token)["kid"]]), algorithms=["RS256"], audience=AKS_SERVER)


def is_the_machine(house, token):
    claims = claims_of(house, token)
    assert (claims["oid"], claims["idtyp"]) == (house.app.principal, "app")


# --- a password, on 443 ---


def test_s_014_msal_signs_somebody_in_by_name_and_password(house, on_443):
    app = msal.PublicClientApplication(AKS_CLIENT, authority=f"{house.base}/{house.tenant}", instance_discovery=False, verify=house.env["ENTRANCE_CA"])
    answer = app.acquire_token_by_username_password(house.person.upn, house.person.password, [f"{AKS_SERVER}/.default"])
    assert "access_token" in answer, answer
    assert claims_of(house, answer["access_token"])["oid"] == house.person.oid


def test_s_250_az_signs_somebody_in_by_name_and_password(house, on_443, tmp_path):
    person = Person(house, tmp_path, "machine", house.person.upn, house.person.password).register_cloud()
    person.az("login", "-u", person.upn, "-p", person.password, "--tenant", house.tenant, "--allow-no-subscriptions")
    got = person.az_json("account", "get-access-token", "--resource", AKS_SERVER)
    assert claims_of(house, got["accessToken"])["oid"] == house.person.oid


def test_s_014_the_second_listener_answers_nothing_else(house, on_443):
    for path in (f"/{house.tenant}/oauth2/v2.0/token", "/v1.0/me", f"/{house.tenant}/discovery/v2.0/keys", "/devicelogin"):
        answer = requests.post(f"https://localhost{path}", data={}, timeout=30, verify=house.env["ENTRANCE_CA"])
        assert answer.status_code >= 400, path


def test_s_250_a_client_that_is_not_on_the_list_gets_nothing_for_a_password(house):
    form = {"grant_type": "password", "client_id": house.app.app, "username": house.person.upn, "password": house.person.password, "scope": f"{AKS_SERVER}/.default"}
    answer = house.http().post(f"{house.base}/{house.tenant}/oauth2/v2.0/token", data=form, timeout=30)
    assert answer.status_code in (400, 401) and "access_token" not in answer.text


# --- identities of the machine ---


def test_s_270_msal_gets_the_machines_token(house, identity):
    client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=requests.Session())
    answer = client.acquire_token_for_client(resource=AKS_SERVER)
    assert "access_token" in answer, answer
    is_the_machine(house, answer["access_token"])


def test_s_270_azure_identity_gets_the_machines_token(house, identity):
    is_the_machine(house, ManagedIdentityCredential().get_token(f"{AKS_SERVER}/.default").token)


def test_s_270_azure_identity_for_javascript_gets_it(house):
    told = play(house, "azure-identity", "managed", env=house.identity, scope=f"{AKS_SERVER}/.default", audience=AKS_SERVER, version="1.0")
    assert told["access"]["oid"] == house.app.principal


@pytest.mark.parametrize("plugin", ["stock", "ours"])
def test_s_270_kubelogin_gets_it(house, tmp_path, plugin):
    person = Person(house, tmp_path, "machine", plugin=plugin)
    person.env |= house.identity
    said = person.kubelogin("get-token", "--login", "msi", "--server-id", AKS_SERVER)
    is_the_machine(house, json.loads(said.out)["status"]["token"])


def test_s_270_az_signs_the_machine_in(house, tmp_path):
    person = Person(house, tmp_path, "machine").register_cloud()
    person.env |= house.identity
    person.az("login", "--identity", "--allow-no-subscriptions")
    is_the_machine(house, person.az_json("account", "get-access-token", "--resource", AKS_SERVER)["accessToken"])


def test_s_270_who_does_not_know_the_header_gets_nothing(house, identity, monkeypatch):
    monkeypatch.setenv("IDENTITY_HEADER", "a-guess")
    client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=requests.Session())
    assert "access_token" not in client.acquire_token_for_client(resource=GRAPH)
