"""The sealed door: opened by people while Entrance is gone for good, by our program and by nobody's."""

import base64
import json
import os
import stat
import subprocess

import pyrage
import pytest
import yaml
from support.paths import ENTRANCE
from support.people import Person
from support.running import until
from support.server import Server, plain_env
from support.telling import told

GROUP, CLUSTER = "safe", "prod"


class Keeper:
    """Somebody with a shell, the `entrance` program and a folder; a server only where one is named."""

    def __init__(self, home, server, admin):
        self.home, self.server, self.admin = home, server, admin
        home.mkdir(exist_ok=True)

    def run(self, *words, check=True):
        said = subprocess.run(
            [ENTRANCE, "break-glass", *map(str, words)], cwd=self.home, env=plain_env(self.home), capture_output=True, text=True, check=False
        )
        assert not check or said.returncode == 0, f"{words}: {said.returncode}\n{said.stdout}\n{said.stderr}"
        return said

    def ask(self, *words, check=True, command="break-glass"):
        """The same with a server: signed in as whoever `az` is here."""
        env = self.admin.env | {"ENTRANCE_URL": self.server.url, "ENTRANCE_CA": self.server.env["ENTRANCE_CA"]}
        said = subprocess.run(
            [ENTRANCE, command, *map(str, words), "-g", GROUP, "-n", CLUSTER],
            cwd=self.home, env=env, capture_output=True, text=True, check=False,
        )
        assert not check or said.returncode == 0, f"{words}: {said.returncode}\n{said.stdout}\n{said.stderr}"
        return said


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """An installation of its own: it will be killed."""
    server = Server(tmp_path_factory.mktemp("entrance-sealed")).start("demo")
    yield server
    server.kill_everything()


@pytest.fixture(scope="module")
def keeper(tmp_path_factory, server) -> Keeper:
    """Three keys, of which two open the door of a cluster."""
    homes = tmp_path_factory.mktemp("homes-sealed")
    admin = Person(server, homes / "admin", "admin", server.env["ADMIN_UPN"], server.env["ADMIN_PASSWORD"])
    admin.login_by_device_code()
    keeper = Keeper(homes / "safe", server, admin)
    admin.az("group", "create", "-n", GROUP, "-l", "local", "-o", "none")
    admin.az("aks", "create", "-g", GROUP, "-n", CLUSTER, "--no-ssh-key", "--enable-aad", "-o", "none")
    recipients = [keeper.run("keygen", "--out", f"{who}.key").stdout.strip() for who in ("alice", "bob", "carol")]
    assert all(recipient.startswith("age1") for recipient in recipients)
    assert stat.S_IMODE(os.stat(keeper.home / "alice.key").st_mode) == 0o600
    named = [word for recipient in recipients for word in ("--recipient", recipient)]
    keeper.ask("sealed", "keys", *named, "--threshold", "2")
    keeper.ask("sealed", "export", "--out", "door.json")
    return keeper


def kubectl(keeper, file, *words, check=True):
    return keeper.admin.kubectl(*words, kubeconfig=file, check=check)


def test_a_drill_opens_the_file_and_leaves_nothing_behind(keeper):
    assert "never drilled" in keeper.ask("sealed", "show").stderr
    said = keeper.ask("drill", "--key", "alice.key", "--key", "carol.key")
    assert "✔ rehearsed" in said.stdout and "✘" not in said.stdout, said.stdout
    assert "never drilled" not in keeper.ask("sealed", "show").stderr
    assert keeper.ask("drill", "--key", "alice.key", check=False).returncode == 1
    assert "✘" not in keeper.ask("verify", "--drill", command="cluster").stdout


def test_it_opens_with_every_entrance_process_killed_and_is_found_afterwards(keeper, server):
    server.kill()
    why = "INC-4711: everything else is gone"
    door = ["open", "--offline", "--sealed", "door.json", "--reason", why, "--who", "bob", "--file", "prod.kubeconfig"]
    few = keeper.run(*door, "--key", "bob.key", check=False)
    assert few.returncode == 1 and "2 different recovery keys are needed, and 1 were given" in few.stderr and "hint:" in few.stderr
    assert not (keeper.home / "prod.kubeconfig").exists()
    spoilt = json.loads((keeper.home / "door.json").read_text())
    spoilt["about"]["server"] = "https://192.0.2.1"
    (keeper.home / "spoilt.json").write_text(json.dumps(spoilt))
    wrong = keeper.run(*[word.replace("door.json", "spoilt.json") for word in door], "--key", "bob.key", "--key", "alice.key", check=False)
    assert wrong.returncode == 1 and "changed or damaged" in wrong.stderr

    opened = keeper.run(*door, "--key", "bob.key", "--key", "carol.key")
    assert opened.stdout.startswith("export KUBECONFIG=") and why in opened.stderr
    file = keeper.home / "prod.kubeconfig"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert kubectl(keeper, file, "auth", "can-i", "*", "*").out.strip() == "yes"
    kubectl(keeper, file, "create", "namespace", "rescued")
    assert server.running.process.poll() is not None, "no Entrance runs"

    server.serve()
    listed = until("the opening is found", lambda: _door(keeper, "Open"), seconds=60, every=0.5)
    assert listed["kind"] == "Offline" and why in listed["reason"] and "bob" in listed["reason"]
    assert kubectl(keeper, file, "auth", "can-i", "*", "*").out.strip() == "yes", "nobody is thrown out"

    closed = keeper.ask("close", listed["name"])
    told("an offline door, closed", next((line for line in closed.stdout.splitlines() if line.startswith("refused")), ""))
    refused = kubectl(keeper, file, "get", "nodes", check=False)
    assert refused.code != 0 and ("Unauthorized" in refused.err or "logged in" in refused.err), refused.err
    again = keeper.run(*[word.replace("prod.k", "again.k") for word in door], "--key", "bob.key", "--key", "carol.key", check=False)
    assert again.returncode == 1 and "does not accept this door's certificate" in again.stderr, again.stderr
    until("another door is sealed", lambda: keeper.ask("sealed", "export", "--out", "next.json", check=False).returncode == 0, seconds=30)
    assert keeper.ask("drill", "--key", "bob.key", "--key", "carol.key").returncode == 0


def test_the_file_opens_with_age_and_a_page_of_python(keeper):
    sealed = json.loads((keeper.home / "next.json").read_text())
    shares = {}
    for who in ("alice", "bob"):
        lines = (keeper.home / f"{who}.key").read_text().splitlines()
        identity = pyrage.x25519.Identity.from_str(next(line for line in lines if line.startswith("AGE-SECRET-KEY-")))
        at = sealed["about"]["recipients"].index(str(identity.to_public()))
        share = json.loads(pyrage.decrypt(sealed["shares"][at].encode(), [identity]))
        shares[share["x"]] = base64.b64decode(share["y"])
    secret = bytes(_at_zero({x: y[at] for x, y in shares.items()}) for at in range(32))
    identity = pyrage.x25519.Identity.from_str(_bech32("age-secret-key-", secret).upper())
    kubeconfig = yaml.safe_load(pyrage.decrypt(sealed["payload"].encode(), [identity]))
    assert kubeconfig["kind"] == "Config" and kubeconfig["clusters"][0]["cluster"]["server"] == sealed["about"]["server"]
    assert b"PRIVATE KEY" in base64.b64decode(kubeconfig["users"][0]["user"]["client-key-data"])


def _door(keeper, state):
    listed = json.loads(keeper.ask("list", "-o", "json").stdout)
    doors = listed["value"] if isinstance(listed, dict) else listed
    return next(({"name": door["name"], **door["properties"]} for door in doors if door["properties"]["state"] == state), None)


def _times(a, b):
    product = 0
    for _ in range(8):
        product ^= a if b & 1 else 0
        a, b = (a << 1) ^ (0x11B if a & 0x80 else 0), b >> 1
    return product


def _at_zero(points):
    """Lagrange's interpolation at 0 over the field of AES."""
    total = 0
    for x, y in points.items():
        for other in points:
            if other != x:
                inverse = next(n for n in range(256) if _times(n, other ^ x) == 1)
                y = _times(y, _times(other, inverse))
        total ^= y
    return total


def _bech32(beginning, data):
    alphabet, bits = "qpzry9x8gf2tvdw0s3jn54khce6mua7l", "".join(f"{byte:08b}" for byte in data)
    digits = [int(bits[at:at + 5].ljust(5, "0"), 2) for at in range(0, len(bits), 5)]
    sum_ = 1
    for digit in [ord(c) >> 5 for c in beginning] + [0] + [ord(c) & 31 for c in beginning] + digits + [0] * 6:
        top, sum_ = sum_ >> 25, (sum_ & 0x1FFFFFF) << 5 ^ digit
        for at, part in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            sum_ ^= part if top >> at & 1 else 0
    sum_ ^= 1
    return beginning + "1" + "".join(alphabet[d] for d in digits + [sum_ >> 5 * (5 - at) & 31 for at in range(6)])
