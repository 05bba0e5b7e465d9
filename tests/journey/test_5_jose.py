"""Tokens as an attacker makes them, at every place that takes one: client assertions, federated tokens, on-behalf-of, hints of
a sign-out, bearer tokens at Graph, at the resource manager and at user info, and the API server's webhook. All are refused,
with the number or the code that the place has for it, and nothing that a token names is ever fetched (R-23)."""

import base64
import functools
import hashlib
import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization

from support import wires
from support.forge import FORGED, SIGNED, THIEF, Key, Original, b64, fresh, read
from support.guests import AKS_SERVER, ARM, AZ, GRAPH, SIGNED_OUT
from support.office import Managed
from support.visitor import Visitor

EVERY = pytest.mark.parametrize("attack", FORGED)
KEYED = pytest.mark.parametrize("attack", SIGNED)
# The body itself: too long, or with a character that no form has.
MALFORMED = "90023"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture(scope="module")
def elsewhere():
    """Where an attacker publishes keys. Nobody may ever ask there."""
    asked = []

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = json.dumps({"keys": [THIEF.jwk("thief")]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    keys = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=keys.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{keys.server_port}/keys"
    keys.shutdown()
    assert asked == [], "the server asked an address that a token named"


@pytest.fixture(scope="module")
def published(guests):
    """The tenant's public keys in PEM, by name: what an attacker knows."""
    keys = guests.office.http.get(f"{guests.office.url}/{guests.office.tenant}/discovery/v2.0/keys", timeout=30).json()["keys"]
    shape = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return {key["kid"]: jwt.PyJWK(key | {"alg": "RS256"}).key.public_bytes(*shape) for key in keys}


@pytest.fixture(scope="module")
def stolen(guests, published, elsewhere):
    """A good token of the guest for a resource, as a thief would hold it."""
    kept = {}

    def stolen(resource, client=AZ):
        if resource not in kept:
            token = guests.office.token(guests.person, resource, client)
            header, claims = read(token)
            kept[resource] = Original(header, claims, token, published[header["kid"]], elsewhere)
        return kept[resource]

    return stolen


@pytest.fixture(scope="module")
def ask(guests):
    def ask(**form):
        return guests.office.http.post(f"{guests.office.url}/{guests.office.tenant}/oauth2/v2.0/token", data=form, timeout=30)

    return ask


def refused(answer, *numbers: str):
    """400 or 401 in the token endpoint's words, with one of these numbers."""
    wires.silent(answer)
    assert answer.status_code in (400, 401), f"{answer.status_code} {answer.text[:500]}"
    assert wires.oauth(answer) in numbers, answer.text[:500]


# --- client assertions, signed with a registered certificate ---


class Own:
    """The web application's assertion: it holds the key, the attacker does not."""

    def __init__(self, guests, elsewhere):
        it = guests.web
        self.key, self.app, self.uri = Key.of_pem(it.certificate.key), it.app, it.uri
        self.header = {"alg": "RS256", "typ": "JWT", "x5t#S256": it.certificate.kid}
        self.audience = f"{guests.office.url}/{guests.office.tenant}/oauth2/v2.0/token"
        self.elsewhere = elsewhere

    def claims(self, **more) -> dict:
        return fresh({"iss": self.app, "sub": self.app, "aud": self.audience}) | more

    def original(self) -> Original:
        claims = self.claims()
        return Original(self.header, claims, self.key.sign(self.header, claims), self.key.pem(), self.elsewhere)

    def form(self, assertion: str) -> dict:
        scope = f"{self.uri}/.default"
        return {"grant_type": "client_credentials", "client_id": self.app, "client_assertion_type": JWT_BEARER, "client_assertion": assertion, "scope": scope}


@pytest.fixture(scope="module")
def own(guests, elsewhere):
    return Own(guests, elsewhere)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_s_241_a_good_assertion_is_taken(ask, own, algorithm):
    assertion = own.key.sign(own.header | {"alg": algorithm}, own.claims(), pss=algorithm == "PS256")
    assert ask(**own.form(assertion)).status_code == 200


@EVERY
def test_r_23_a_forged_assertion_proves_no_client(ask, own, attack):
    refused(ask(**own.form(FORGED[attack](own.original()))), "50027", "700027", "700021", MALFORMED)


@KEYED
def test_r_23_a_signed_assertion_of_another_form_proves_no_client(ask, own, attack):
    refused(ask(**own.form(SIGNED[attack](own.key, own.header, own.claims()))), "50027", "700027", MALFORMED)


def test_r_23_an_assertion_that_is_longer_than_any_is_not_read(ask, own):
    assert 400 <= ask(**own.form(own.key.sign(own.header, own.claims(padding="x" * 200_000)))).status_code < 500
    assert ask(**own.form(own.key.sign(own.header, own.claims()))).status_code == 200


WRONG = {
    "ended": ({"exp": -400}, "700024"), "begins later": ({"nbf": 900}, "700024"), "made later": ({"iat": 900}, "700024"),
    "ends too late": ({"exp": 2 * 86400}, "700024"), "never ends": ({"exp": None}, "50027"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_s_241_an_assertion_out_of_time_proves_no_client(ask, own, wrong):
    change, number = WRONG[wrong]
    now = int(time.time())
    claims = {k: v for k, v in (own.claims() | {name: at and now + at for name, at in change.items()}).items() if v is not None}
    refused(ask(**own.form(own.key.sign(own.header, claims))), number)


@pytest.mark.parametrize(
    ("claim", "value", "number"),
    [
        ("iss", "https://elsewhere.example", "700021"), ("sub", str(uuid.UUID(int=1)), "700021"), ("aud", "https://elsewhere.example/token", "700023"),
        ("aud", ["https://elsewhere.example", "{here}"], "700023"), ("aud", "{here}/../../other/oauth2/v2.0/token", "700023"), ("aud", 7, "700023"), ("exp", "soon", "50027"),
    ],
)
def test_s_241_an_assertion_for_another_proves_no_client(ask, own, claim, value, number):
    filled = [one.replace("{here}", own.audience) for one in value] if isinstance(value, list) else value
    filled = filled.replace("{here}", own.audience) if isinstance(filled, str) else filled
    refused(ask(**own.form(own.key.sign(own.header, own.claims(**{claim: filled})))), number)


def test_s_241_an_assertion_counts_once(ask, own):
    claims = own.claims()
    assert ask(**own.form(own.key.sign(own.header, claims))).status_code == 200
    # The same number on another text: somebody who took the number over, or a client that numbers wrongly.
    refused(ask(**own.form(own.key.sign(own.header, claims | {"exp": claims["exp"] + 1}))), "700027")


def test_r_23_a_token_of_ours_is_no_assertion(ask, own, stolen):
    for resource in (ARM, AKS_SERVER):
        refused(ask(**own.form(stolen(resource).token)), "50027", "700021", "700027", "700023")


# --- federated assertions ---


class Federated(Own):
    """A token of the issuer that the administrator trusts; that issuer gets a key of the story beside its own."""

    def __init__(self, guests, elsewhere):
        it, file = guests.workload, Path(guests.server.env["SP_FIC_TOKEN"]).with_name("demo-issuer-keys.json")
        self.key, self.app, self.elsewhere = Key(), it.app, elsewhere
        document = json.loads(file.read_text())
        document["keys"].append(self.key.jwk("story"))
        file.write_text(json.dumps(document))
        self.header, self.uri = {"alg": "RS256", "typ": "JWT", "kid": "story"}, AKS_SERVER
        self.known = read(guests.foreign_token)[1]

    def claims(self, **more) -> dict:
        return fresh({name: self.known[name] for name in ("iss", "sub", "aud")}) | more


@pytest.fixture(scope="module")
def federated(guests, elsewhere):
    return Federated(guests, elsewhere)


FEDERATED = ("50027", "700211", "700212", "700213", "70021", "7002381", MALFORMED)


def test_s_242_a_good_token_of_a_trusted_issuer_is_taken(ask, federated):
    assert ask(**federated.form(federated.key.sign(federated.header, federated.claims()))).status_code == 200


@EVERY
def test_r_23_a_forged_token_of_a_trusted_issuer_proves_nobody(ask, federated, attack):
    refused(ask(**federated.form(FORGED[attack](federated.original()))), *FEDERATED)


@KEYED
def test_r_23_a_token_of_a_trusted_issuer_in_another_form_proves_nobody(ask, federated, attack):
    refused(ask(**federated.form(SIGNED[attack](federated.key, federated.header, federated.claims()))), *FEDERATED)


@pytest.mark.parametrize(
    ("claim", "value", "number"),
    [
        ("iss", "https://issuer.demo.entrance.example/", "700211"), ("iss", "https://ISSUER.demo.entrance.example", "700211"), ("sub", "system:serviceaccount:ci:deployer ", "700213"),
        ("sub", "System:serviceaccount:ci:deployer", "7002138"), ("sub", "system:serviceaccount:ci:*", "700213"), ("aud", "api://azureadtokenexchange", "700212"), ("exp", -400, "700024"), ("nbf", 900, "700024"),
    ],
)
def test_s_242_a_token_that_does_not_fit_exactly_proves_nobody(ask, federated, claim, value, number):
    filled = int(time.time()) + value if isinstance(value, int) else value
    refused(ask(**federated.form(federated.key.sign(federated.header, federated.claims(**{claim: filled})))), number)


def test_r_24_an_issuer_that_nobody_trusts_is_not_asked(ask, federated, elsewhere):
    for issuer in (elsewhere.rsplit("/", 1)[0], "http://169.254.169.254", "https://localhost"):
        refused(ask(**federated.form(THIEF.sign(federated.header, federated.claims(iss=issuer)))), "700211", "70021")


# --- on behalf of ---


@pytest.fixture(scope="module")
def middle(guests, ask):
    def middle(assertion):
        return ask(
            grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", requested_token_use="on_behalf_of", client_id=guests.web.app,
            client_secret=guests.web.secret, assertion=assertion, scope=f"{GRAPH}/User.Read",
        )

    return middle


@pytest.fixture(scope="module")
def called(guests, published, elsewhere):
    """The token with which the guest called the web application."""
    token = guests.user_token()
    header, claims = read(token)
    return Original(header, claims, token, published[header["kid"]], elsewhere)


def test_s_260_a_good_token_is_exchanged(middle, called):
    assert middle(called.token).status_code == 200


@EVERY
def test_r_23_a_forged_token_is_not_exchanged(middle, called, attack):
    refused(middle(FORGED[attack](called)), "50013", "500133", "240002", MALFORMED)


def test_r_21_a_token_for_another_is_not_exchanged(guests, middle, stolen):
    for resource in (ARM, AKS_SERVER, GRAPH):
        refused(middle(stolen(resource).token), "500131")


def test_r_21_an_applications_own_token_is_not_exchanged(guests, middle, ask):
    it = guests.web
    own = ask(grant_type="client_credentials", client_id=it.app, client_secret=it.secret, scope=f"{it.uri}/.default").json()
    refused(middle(own["access_token"]), "7000114")


def test_r_21_an_id_token_is_not_exchanged(guests, middle, id_token):
    refused(middle(id_token.token), "240002")


# --- bearer tokens at our own surfaces ---


@pytest.fixture(scope="module")
def id_token(server, guests, published, elsewhere):
    """An id token of the guest for the web application."""
    verifier = "v" * 64
    challenge = b64(hashlib.sha256(verifier.encode()).digest())
    query = f"client_id={guests.web.app}&response_type=code&redirect_uri={guests.web.redirect}&scope=openid%20profile&nonce=n&code_challenge={challenge}&code_challenge_method=S256"
    code = Visitor(server, guests.person).visit(guests.authorize(query)).fields["code"]
    answer = guests.office.http.post(f"{guests.office.url}/{guests.office.tenant}/oauth2/v2.0/token", timeout=30, data={
        "grant_type": "authorization_code", "client_id": guests.web.app, "client_secret": guests.web.secret, "code": code,
        "redirect_uri": guests.web.redirect, "code_verifier": verifier})
    token = answer.json()["id_token"]
    header, claims = read(token)
    return Original(header, claims, token, published[header["kid"]], elsewhere)


# Where bearer tokens go, the resource they are for, how to read a refusal, and what a good one gets.
SURFACES = {
    "graph": ("/v1.0/me", GRAPH, wires.graph), "arm": ("/subscriptions?api-version=2022-12-01", ARM, wires.arm), "userinfo": ("/oidc/userinfo", GRAPH, wires.graph),
}
PLACES = pytest.mark.parametrize("surface", SURFACES)


@pytest.fixture(scope="module")
def call(guests):
    def call(surface, token):
        path = SURFACES[surface][0]
        headers = {"Authorization": f"Bearer {token}".encode()}
        return guests.office.http.get(guests.office.url + path, headers=headers, timeout=30)

    return call


@pytest.fixture(scope="module")
def bearer(guests, stolen, published, elsewhere):
    """The token that a surface takes: user info wants one with the scope `openid`."""

    def bearer(surface):
        if surface != "userinfo":
            return stolen(SURFACES[surface][1])
        form = {"grant_type": "password", "client_id": AZ, "username": guests.person.upn, "password": guests.person.password, "scope": "openid profile"}
        token = guests.office.http.post(f"{guests.office.url}/{guests.office.tenant}/oauth2/v2.0/token", data=form, timeout=30).json()["access_token"]
        header, claims = read(token)
        return Original(header, claims, token, published[header["kid"]], elsewhere)

    return functools.cache(bearer)


CODES = {"InvalidAuthenticationToken", "AuthenticationFailed", "InvalidAuthenticationTokenAudience", "ExpiredAuthenticationToken"}


def unknown(surface, answer):
    wires.silent(answer)
    assert answer.status_code == 401, f"{answer.status_code} {answer.text[:300]}"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert SURFACES[surface][2](answer) in CODES, answer.text[:300]


@PLACES
def test_s_121_a_good_bearer_token_is_taken(call, bearer, surface):
    assert call(surface, bearer(surface).token).status_code == 200


# A header cannot carry a line end or a null; the client's own library refuses to send them.
SENDABLE = [name for name in FORGED if "inside" not in name or name.startswith(("a key", "a cert"))]


@PLACES
@pytest.mark.parametrize("attack", SENDABLE)
def test_r_23_a_forged_bearer_token_is_nobodys(call, bearer, surface, attack):
    unknown(surface, call(surface, FORGED[attack](bearer(surface))))


@PLACES
def test_s_406_a_token_of_another_kind_is_nobodys(guests, call, stolen, id_token, own, surface):
    unknown(surface, call(surface, id_token.token))
    unknown(surface, call(surface, guests.foreign_token))
    unknown(surface, call(surface, own.original().token))
    unknown(surface, call(surface, stolen(AKS_SERVER).token))
    if surface == "arm":
        unknown(surface, call(surface, stolen(GRAPH).token))


def test_r_23_a_bearer_token_comes_in_the_header_alone(guests, stolen):
    for path in ("/v1.0/me", "/oidc/userinfo"):
        answer = guests.office.http.get(f"{guests.office.url}{path}?access_token={stolen(GRAPH).token}", timeout=30)
        assert answer.status_code == 401, path


# --- the hint of a sign-out ---


@EVERY
def test_r_23_a_forged_hint_leads_nowhere(server, guests, id_token, attack):
    came = Visitor(server).visit(_logout(guests, FORGED[attack](id_token)))
    assert urlsplit(came.url).netloc == urlsplit(guests.office.url).netloc, came.url


def test_s_120_a_good_hint_leads_back(server, guests, id_token):
    assert Visitor(server).visit(_logout(guests, id_token.token)).url.startswith(SIGNED_OUT)


def _logout(guests, hint: str) -> str:
    query = urlencode({"post_logout_redirect_uri": SIGNED_OUT, "id_token_hint": hint})
    return f"{guests.office.url}/{guests.office.tenant}/oauth2/v2.0/logout?{query}"


# --- the API server and its webhook ---


@pytest.fixture(scope="module")
def door(guests):
    env = guests.server.env
    name = env["CLUSTER"]
    return Managed(guests.office, f"{guests.office.home}/providers/Microsoft.ContainerService/managedClusters/{name}", name).door()


def test_s_907_a_good_token_is_known_to_the_api_server(door, stolen):
    assert door.with_token(stolen(AKS_SERVER).token).knock().status_code == 403, "known, and without rights"


@pytest.mark.parametrize("attack", SENDABLE)
def test_r_23_the_api_server_knows_nobody_by_a_forged_token(door, stolen, attack):
    assert door.with_token(FORGED[attack](stolen(AKS_SERVER))).knock().status_code == 401


def test_s_406_the_api_server_knows_nobody_by_a_token_of_another_kind(door, stolen, id_token, guests):
    for token in (stolen(GRAPH).token, stolen(ARM).token, id_token.token, guests.foreign_token):
        assert door.with_token(token).knock().status_code == 401


def test_s_431_a_token_that_is_bound_to_a_key_opens_nothing_alone(guests, ask, door, call):
    thumbprint = base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("=")
    for surface, resource in (("graph", GRAPH), (None, AKS_SERVER)):
        bound = ask(grant_type="password", client_id=AZ, username=guests.person.upn, password=guests.person.password, scope=f"{resource}/.default",
                    token_type="pop", req_cnf=b64({"kid": thumbprint})).json()["access_token"]
        if surface:
            unknown(surface, call(surface, bound))
        else:
            assert door.with_token(bound).knock().status_code == 401
