"""The original kubelogin, every way to sign in that it has, `--legacy` and bound tokens included. PyJWT verifies each token."""

import base64
import hashlib
import json
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from support.guests import AKS_CLIENT, AKS_SERVER
from support.people import Person
from support.pipelines import pipeline

BROWSE = Path(__file__).resolve().parents[1] / "support" / "browse.py"


@pytest.fixture
def stock(server, tmp_path, guests):
    """The plugin in a fresh home: it answers from its cache without looking at secrets."""
    person = Person(server, tmp_path, "guest", guests.person.upn, guests.person.password, plugin="stock")
    # It opens the browser that the desktop has.
    (tmp_path / "bin-stock" / "xdg-open").write_text(f'#!/bin/sh\nexec {sys.executable} {BROWSE} "$1" >&2\n')
    (tmp_path / "bin-stock" / "xdg-open").chmod(0o755)
    person.env |= {"JOURNEY_UPN": person.upn, "JOURNEY_PASSWORD": person.password, "JOURNEY_CA": server.env["ENTRANCE_CA"]}
    return person


@pytest.fixture
def words(server):
    """What each call has in common, in the words of our own kubeconfigs."""
    return lambda mode, *more: [
        "get-token", "--login", mode, "--server-id", AKS_SERVER, "--tenant-id", server.env["TENANT"],
        "--authority-host", f"{server.env['ENTRANCE_URL'].rstrip('/')}/", "--disable-instance-discovery", *more,
    ]


@pytest.fixture
def pem(guests, tmp_path):
    file = tmp_path / "web.pem"
    file.write_text(guests.web.certificate.key + guests.web.certificate.pem)
    return str(file)


def token_of(result) -> str:
    return json.loads(result.out)["status"]["token"]


def is_person(guests, token):
    claims = guests.verified(token, AKS_SERVER)
    assert (claims["oid"], claims["appid"], claims["idtyp"]) == (guests.person.oid, AKS_CLIENT, "user")


def is_program(guests, token, it, acr):
    claims = guests.verified(token, AKS_SERVER)
    assert (claims["oid"], claims["appid"], claims["appidacr"], claims["idtyp"]) == (it.principal, it.app, acr, "app")


LEGACY = pytest.mark.parametrize("legacy", [[], ["--legacy"]], ids=["v2", "legacy"])


@LEGACY
def test_s_230_s_901_s_902_devicecode(guests, stock, words, legacy):
    result = stock.approve(stock.start("kubelogin", *words("devicecode", "--client-id", AKS_CLIENT, *legacy))).end()
    is_person(guests, token_of(result))


def test_s_103_interactive(guests, stock, words):
    is_person(guests, token_of(stock.kubelogin(*words("interactive", "--client-id", AKS_CLIENT))))


@LEGACY
def test_s_240_spn_with_a_secret(guests, stock, words, legacy):
    it = guests.web
    is_program(guests, token_of(stock.kubelogin(*words("spn", "--client-id", it.app, "--client-secret", it.secret, *legacy))), it, "1")


@LEGACY
def test_s_241_spn_with_a_certificate(guests, stock, words, pem, legacy):
    it = guests.web
    is_program(guests, token_of(stock.kubelogin(*words("spn", "--client-id", it.app, "--client-certificate", pem, *legacy))), it, "2")


def test_s_250_ropc(guests, stock, words):
    who = ["--username", guests.person.upn, "--password", guests.person.password]
    is_person(guests, token_of(stock.kubelogin(*words("ropc", "--client-id", AKS_CLIENT, *who))))


def test_s_242_workloadidentity_from_a_file(guests, stock, words, tmp_path):
    (tmp_path / "token").write_text(guests.foreign_token + "\n")
    it = guests.workload
    said = stock.kubelogin(*words("workloadidentity", "--client-id", it.app, "--federated-token-file", tmp_path / "token"))
    is_program(guests, token_of(said), it, "2")


def test_s_242_workloadidentity_in_a_pipeline_of_github(guests, stock, words):
    it = guests.workload
    with pipeline({"value": guests.foreign_token}, stock) as (address, asked):
        stock.env |= {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "job", "ACTIONS_ID_TOKEN_REQUEST_URL": f"{address}?run=1"}
        said = stock.kubelogin(*words("workloadidentity", "--client-id", it.app))
    is_program(guests, token_of(said), it, "2")
    assert parse_qs(urlsplit(asked[0][0]).query)["audience"] == ["api://AzureADTokenExchange"]


def test_s_242_azurepipelines(guests, stock, words):
    it = guests.workload
    with pipeline({"oidcToken": guests.foreign_token}, stock) as (address, _asked):
        stock.env |= {"SYSTEM_ACCESSTOKEN": "job", "SYSTEM_OIDCREQUESTURI": address}
        said = stock.kubelogin(*words("azurepipelines", "--client-id", it.app, "--azure-pipelines-service-connection-id", "connection"))
    is_program(guests, token_of(said), it, "2")


def test_s_220_azurecli(guests, stock, words):
    stock.login_by_device_code("--allow-no-subscriptions")
    claims = guests.verified(token_of(stock.kubelogin(*words("azurecli"))), AKS_SERVER)
    assert claims["oid"] == guests.person.oid


def proof_of(token: str, cluster: str) -> str:
    """Checks what the plugin wrapped around the token (S-431) and gives the inner one."""
    body = jwt.decode(token, options={"verify_signature": False})
    key = body["cnf"]["jwk"]
    jwt.decode(token, jwt.PyJWK(key | {"alg": "RS256"}), algorithms=["RS256"])
    shape = json.dumps({"e": key["e"], "kty": key["kty"], "n": key["n"]}, separators=(",", ":"), sort_keys=True).encode()
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(shape).digest()).decode().rstrip("=")
    inner = jwt.decode(body["at"], options={"verify_signature": False})
    assert (inner["cnf"]["kid"], body["u"]) == (thumbprint, cluster)
    return body["at"]


@pytest.mark.parametrize("way", ["secret", "certificate"])
def test_s_430_spn_bound_to_a_key(guests, stock, words, pem, way):
    it, cluster = guests.web, "/subscriptions/clients/prod"
    how = {"secret": ["--client-secret", it.secret], "certificate": ["--client-certificate", pem]}[way]
    said = stock.kubelogin(*words("spn", "--client-id", it.app, *how, "--pop-enabled", "--pop-claims", f"u={cluster}"))
    is_program(guests, proof_of(token_of(said), cluster), it, {"secret": "1", "certificate": "2"}[way])


@pytest.mark.parametrize("mode", ["interactive", "ropc"])
def test_s_430_a_person_bound_to_a_key(guests, stock, words, mode):
    cluster = "/subscriptions/clients/prod"
    who = ["--username", guests.person.upn, "--password", guests.person.password] if mode == "ropc" else []
    said = stock.kubelogin(*words(mode, "--client-id", AKS_CLIENT, *who, "--pop-enabled", "--pop-claims", f"u={cluster}"))
    is_person(guests, proof_of(token_of(said), cluster))
