"""Every route, asked wrongly: the answer has its wire's shape, a stranger gets nothing, and the server goes on."""

import uuid

import pytest
import requests

from support import wires
from support.routes import ARM, DISCOVERY, GRAPH, GRAPH_OF_ONESELF, PAGES, TOKEN

HUGE = "x" * (5 << 20)
DEEP = "[" * 100_000


@pytest.fixture(scope="module")
def tokens(server, admin):
    """What the administrator may present to each wire."""
    url = server.env["ENTRANCE_URL"].rstrip("/")
    metadata = server.http().get(f"{url}/metadata/endpoints?api-version=2022-09-01").json()

    def token(resource):
        return admin.az_json("account", "get-access-token", "--resource", resource)["accessToken"]

    return {"arm": token(metadata["authentication"]["audiences"][0]), "graph": token(metadata["microsoftGraphResourceId"])}


@pytest.fixture(scope="module")
def ask(server, tokens):
    """Sends one request and checks what holds for every answer."""
    http, url = server.http(), server.env["ENTRANCE_URL"].rstrip("/")
    names = {
        "tenant": server.env["TENANT"], "subscription": server.env["SUBSCRIPTION"], "group": server.env["RESOURCE_GROUP"],
        "cluster": server.env["CLUSTER"], "id": str(uuid.uuid4()), "foreign": str(uuid.uuid4()),
    }

    def send(method, path, wire=None, *, bearer=None, version="2024-11-01", **more):
        headers = more.pop("headers", {})
        token = tokens.get(wire) if bearer is None else bearer
        if token:
            headers["Authorization"] = f"Bearer {token}"
        path = path.format_map(names)
        # ARM picks the version by resource type; any well-formed one will do.
        query = f"?api-version={version}" if path.startswith(("/subscriptions", "/tenants")) and version else ""
        answer = http.request(method, url + path + query, headers=headers, allow_redirects=False, timeout=30, **more)
        wires.silent(answer)
        assert answer.status_code < 500, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer

    send.names = names
    return send


def shown(routes):
    return pytest.mark.parametrize(("method", "path"), routes, ids=[f"{method} {path}" for method, path in routes])


def takes_a_body(routes):
    """Those that do nothing with one may answer before it was sent."""
    return [route for route in routes if route[0] in ("POST", "PUT", "PATCH") and not route[1].endswith(BODYLESS)]


BODYLESS = ("Credential", "/credential", "/register", "/approve", "/export", "/renew", "/revokeSignInSessions", "/invalidateAllRefreshTokens")


# --- a stranger ---


@shown(ARM)
def test_the_resource_manager_gives_a_stranger_nothing(ask, method, path):
    answer = ask(method, path, bearer="")
    assert (answer.status_code, wires.arm(answer)) == (401, "AuthenticationFailed")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


@shown(GRAPH + GRAPH_OF_ONESELF)
def test_graph_gives_a_stranger_nothing(ask, method, path):
    answer = ask(method, path, bearer="")
    assert (answer.status_code, wires.graph(answer)) == (401, "InvalidAuthenticationToken")


@pytest.mark.parametrize("bearer", ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "ey" * 20_000], ids=["word", "dots", "alg none", "long"])
@pytest.mark.parametrize(("path", "shape"), [("/subscriptions", wires.arm), ("/v1.0/me", wires.graph)], ids=["arm", "graph"])
def test_a_token_that_is_none_opens_nothing(ask, path, shape, bearer):
    answer = ask("GET", path, bearer=bearer)
    if answer.status_code == 431:  # the header was too long to be read at all
        return
    assert answer.status_code == 401
    shape(answer)


def test_a_token_for_the_cluster_is_no_token_for_the_management(ask, admin):
    token = admin.az_json("account", "get-access-token", "--resource", "6dae42f8-4368-4678-94ff-3960e28e3630")["accessToken"]
    assert (ask("GET", "/subscriptions", bearer=token)).status_code == 401
    assert (ask("GET", "/v1.0/me", bearer=token)).status_code == 401


# --- malformed, huge, deep ---


@pytest.mark.parametrize("body", ["{", "[]", '"text"', "\x00", DEEP], ids=["cut off", "list", "text", "zero byte", "deep"])
@shown(takes_a_body(ARM))
def test_the_resource_manager_names_a_bad_body(ask, method, path, body):
    answer = ask(method, path, "arm", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 404, 413), answer.text[:300]
    wires.arm(answer)


@pytest.mark.parametrize("body", ["{", "[]", '"text"', "\x00", DEEP], ids=["cut off", "list", "text", "zero byte", "deep"])
@shown(takes_a_body(GRAPH))
def test_graph_names_a_bad_body(ask, method, path, body):
    answer = ask(method, path, "graph", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 404, 413), answer.text[:300]
    wires.graph(answer)


@pytest.mark.parametrize("body", ["", "{}", "grant_type", "grant_type=%ff", "grant_type=password&grant_type=device_code", "a=" + "b" * 50_000])
@shown(TOKEN)
def test_the_token_service_names_a_bad_form(ask, method, path, body):
    answer = ask(method, path, data=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code in (400, 401, 413), answer.text[:300]
    wires.oauth(answer)


@pytest.mark.parametrize(
    ("method", "path", "wire", "shape"),
    [
        ("PUT", "/subscriptions/{subscription}/resourcegroups/huge", "arm", wires.arm),
        ("POST", "/v1.0/groups", "graph", wires.graph),
        ("POST", "/{tenant}/oauth2/v2.0/token", None, wires.oauth),
    ],
    ids=["arm", "graph", "token"],
)
def test_a_huge_body_is_cut_short(ask, method, path, wire, shape):
    try:
        answer = ask(method, path, wire, data=HUGE, headers={"Content-Type": "application/json"})
    except requests.exceptions.ConnectionError:
        return  # refused before it was read to the end, which is as good
    assert answer.status_code in (400, 413)
    shape(answer)


# --- wrong methods, unknown paths ---


@shown([("PATCH", path) for path in sorted({path for _, path in ARM if "{cluster}" not in path and not path.endswith("{group}")})])
def test_the_resource_manager_names_a_wrong_method(ask, method, path):
    answer = ask(method, path, "arm", json={})
    assert answer.status_code in (400, 404, 405)
    wires.arm(answer)


@shown([("PUT", path) for path in sorted({path for _, path in GRAPH})])
def test_graph_names_a_wrong_method(ask, method, path):
    answer = ask(method, path, "graph", json={})
    assert answer.status_code in (400, 404, 405)
    wires.graph(answer)


@shown([("GET", path) for _, path in TOKEN] + [("DELETE", path) for _, path in TOKEN])
def test_the_token_service_names_a_wrong_method(ask, method, path):
    answer = ask(method, path)
    assert (answer.status_code, wires.oauth(answer)) == (400, "900561")


@pytest.mark.parametrize(
    ("path", "wire", "shape"),
    [
        ("/subscriptions/{subscription}/providers/Microsoft.Nothing/things", "arm", wires.arm),
        ("/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/{cluster}/nothing", "arm", wires.arm),
        ("/subscriptions/not-a-guid", "arm", wires.arm),
        ("/v1.0/nothing", "graph", wires.graph),
        ("/v1.0/groups/{id}/nothing", "graph", wires.graph),
        ("/v1.0/users/not%20a%20name", "graph", wires.graph),
        ("/{tenant}/oauth2/v2.0/nothing", None, wires.page),
        ("/nothing/at/all", None, wires.page),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("/") else "",
)
def test_an_unknown_path_is_refused_in_its_wires_shape(ask, path, wire, shape):
    answer = ask("GET", path, wire, headers={"Accept": "text/html" if wire is None else "application/json"})
    assert answer.status_code in (400, 404)
    shape(answer)


# --- other tenants ---


@shown([(method, path.replace("{tenant}", "{foreign}")) for method, path in TOKEN if "{tenant}" in path])
def test_an_unknown_tenant_has_no_token_service(ask, method, path):
    answer = ask(method, path, data={"client_id": str(uuid.uuid4()), "scope": "openid", "grant_type": "client_credentials"})
    assert (answer.status_code, wires.oauth(answer)) == (400, "90002")


@shown([(method, path.replace("{tenant}", "{foreign}")) for method, path in DISCOVERY if "{tenant}" in path])
def test_an_unknown_tenant_has_no_discovery(ask, method, path):
    answer = ask(method, path)
    assert (answer.status_code, wires.oauth(answer)) == (400, "90002")


@shown([(method, path.replace("{subscription}", "{foreign}")) for method, path in ARM if "{subscription}" in path and method in ("GET", "DELETE")])
def test_a_foreign_subscription_shows_nothing(ask, method, path):
    answer = ask(method, path, "arm")
    assert answer.status_code in (401, 403, 404)
    wires.arm(answer)


@shown([route for route in GRAPH if "{id}" in route[1] and route[0] == "GET"])
def test_an_object_of_nobody_is_not_there(ask, method, path):
    answer = ask(method, path, "graph")
    assert (answer.status_code, wires.graph(answer)) == (404, "Request_ResourceNotFound")


# --- versions, pages ---


@pytest.mark.parametrize("version", ["", "yesterday", "2024-11-01'--"], ids=["none", "a word", "a quote"])
def test_a_bad_version_is_named(ask, version):
    answer = ask("GET", "/subscriptions", "arm", version=version)
    assert answer.status_code == 400
    assert wires.arm(answer) in ("MissingApiVersionParameter", "InvalidApiVersionParameter")


@shown(PAGES)
def test_a_page_asked_wrongly_is_still_a_page(ask, method, path):
    answer = ask(method, path, headers={"Accept": "text/html"}, data={"flow": "<script>alert(1)</script>"} if method == "POST" else None)
    assert 300 <= answer.status_code < 500
    if answer.status_code >= 400:
        wires.page(answer)
    assert "<script>alert" not in answer.text


def test_a_form_from_elsewhere_changes_nothing(ask):
    answer = ask("POST", "/devicelogin", data={"otc": "ABCDEFGHJ"}, headers={"Sec-Fetch-Site": "cross-site", "Accept": "text/html"})
    assert answer.status_code == 403
    wires.page(answer)


def test_the_server_still_answers(ask):
    assert ask("GET", "/subscriptions", "arm").status_code == 200
