"""A device code that is asked for in another network than the browser's, in a real browser, on a server as people start it.

All of loopback is one network, so the server, the device and the browser live in a network namespace where this machine has
addresses in two: the documentation's 198.51.100.0/24 and 203.0.113.0/24.
"""

import json
import shutil
import sqlite3
import subprocess
from types import SimpleNamespace

import pytest

from support.guests import GRAPH
from support.networks import Networks
from support.office import AZ_CLI
from support.paths import ENTRANCE, ROOT
from support.running import Running, free_port, run, until
from support.server import plain_env

BROWSER = ROOT / "tests" / "browser"
SERVER, NEAR, FAR = "198.51.100.1", "198.51.100.7", "203.0.113.9"
HOST, DOMAIN = "login.entrance.example", "networks.example"


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """`entrance serve` with nothing changed, and its first administrator."""
    home = tmp_path_factory.mktemp("networks")
    networks, port, data = Networks(home, HOST, SERVER, NEAR, FAR), free_port(), home / "data"
    base = f"https://{HOST}:{port}"
    server = Running(
        *networks.inside, ENTRANCE, "serve", "--data", data, "--listen", f"0.0.0.0:{port}", "--webhook-listen", "127.0.0.1:0",
        "--public-url", base, "--tenant-domain", DOMAIN, env=plain_env(home), log=home / "logs" / "serve",
    )
    server.says("serving https://")
    until("the code of the first administrator is written", (data / "bootstrap-code").exists)
    made = run(*networks.inside, ENTRANCE, "user", "add", "--first", "admin", "--data", data, "-o", "json", env=plain_env(home))
    yield SimpleNamespace(home=home, networks=networks, port=port, data=data, base=base, admin=json.loads(made.out))
    server.kill()
    networks.close()


@pytest.fixture(scope="module")
def seen(office):
    """One run of the browser, read by all stories here."""
    environment = plain_env(office.home / "browser")
    environment["PATH"] = f"{environment['PATH']}:{shutil.which('node').rsplit('/', 1)[0]}"
    given = {
        "base": office.base, "host": HOST, "port": office.port, "address": SERVER, "near": NEAR, "far": FAR, "tenant": DOMAIN, "client": AZ_CLI,
        "scope": f"{GRAPH}/.default", "who": {"upn": office.admin["userPrincipalName"], "password": office.admin["password"]},
    }
    done = subprocess.run(
        [*office.networks.inside, "node", str(BROWSER / "networks.mjs")], input=json.dumps(given) + "\n", env=environment, cwd=BROWSER, text=True,
        capture_output=True, timeout=300, check=False,
    )
    assert done.returncode == 0 and done.stdout, f"the browser ended early:\n{done.stderr[-3000:]}"
    seen = json.loads(done.stdout)
    assert "why" not in seen, f"{seen.pop('why')}\n{seen}"
    return seen


def test_w_111_a_code_from_another_network_stops_at_the_page(seen):
    elsewhere = seen["elsewhere"]
    assert elsewhere["code"] == "AADSTS530032" and elsewhere["form"] == 0, elsewhere
    assert elsewhere["poll"] == "authorization_pending", "the device got nothing"


def test_w_111_a_code_from_the_same_network_goes_through(seen):
    assert seen["here"] == {"network": "same", "address": NEAR, "risk": seen["here"]["risk"], "result": "approved", "poll": "ok"}


def test_w_111_the_sign_in_log_names_the_reason(seen, office):
    rows = [row for row in seen["log"] if row["status"]["errorCode"] == 530032]
    assert rows and "network" in rows[0]["status"]["additionalDetails"], seen["log"]
    assert rows[0]["ipAddress"] == SERVER and rows[0]["userPrincipalName"] == office.admin["userPrincipalName"], rows[0]


def test_w_111_the_audit_log_tells_both_addresses(seen, office):
    with sqlite3.connect(office.data / "entrance.db") as store:
        rows = [json.loads(row[0]) for row in store.execute("SELECT detail FROM audit WHERE kind = 'deviceCode.blocked'")]
    assert [(row["from"], row["browser"], row["network"]) for row in rows] == [(FAR, SERVER, "different")]


def test_w_110_where_a_tenant_only_warns_the_page_says_that_the_network_is_another(seen):
    assert seen["warned"] == {"network": "different", "address": FAR, "risk": "high", "result": "approved", "poll": "ok"}
