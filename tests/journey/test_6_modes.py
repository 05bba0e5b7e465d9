"""Our kubelogin, every way to sign in that it has: kubectl calls it, and a real API server says who came.

What `az` converts by itself is in the story of the cluster, bound tokens are in their own, and the original is in the story of other people's
clients. `azd` is played by a script: nobody publishes it where this machine could get it from.
"""

import base64
import datetime
import json
import sys
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from support.guests import AKS_CLIENT, AKS_SERVER
from support.office import Office
from support.people import Person
from support.pipelines import pipeline
from support.registered import register
from support.running import free_port, until
from support.server import Server

BROWSE = Path(__file__).resolve().parents[1] / "support" / "browse.py"
PASSWORD = "open sesame"


def enters(person: Person, cluster: Path, mode: str, *words, tenant=True, check=True) -> dict | None:
    """`kubectl auth whoami` with a kubeconfig whose plugin signs in this way."""
    server, config = person.server, yaml.safe_load(cluster.read_text())
    more = ["--tenant-id", server.env["TENANT"], "--authority-host", f"{server.url}/", "--disable-instance-discovery"] if tenant else []
    config["users"][0]["user"] = {"exec": {
        "apiVersion": "client.authentication.k8s.io/v1beta1", "command": "kubelogin", "interactiveMode": "IfAvailable",
        "args": ["get-token", "--login", mode, "--server-id", AKS_SERVER, *more, *map(str, words)],
    }}
    person.kubeconfig.write_text(yaml.safe_dump(config))
    asking = person.start("kubectl", "auth", "whoami", "-o", "json")
    if mode == "devicecode":
        person.approve(asking)
    result = asking.end(check=check)
    return json.loads(result.out)["status"]["userInfo"] if result.code == 0 else None


@pytest.fixture(scope="module")
def cluster(platform, admin) -> Path:
    file = admin.home / "modes-kubeconfig"
    admin.use("none").get_credentials(platform.group, platform.cluster, "-f", str(file), "--overwrite-existing")
    return file


@pytest.fixture
def guest(server, tmp_path, guests) -> Person:
    """Somebody in a fresh home, with a browser that signs them in."""
    person = Person(server, tmp_path / "home", "guest", guests.person.upn, guests.person.password)
    browser = tmp_path / "home" / "bin-ours" / "xdg-open"
    browser.write_text(f'#!/bin/sh\nexec {sys.executable} {BROWSE} "$1" >&2\n')
    browser.chmod(0o755)
    person.env |= {"JOURNEY_UPN": person.upn, "JOURNEY_PASSWORD": person.password, "JOURNEY_CA": server.env["ENTRANCE_CA"]}
    return person


def is_person(guests, who: dict):
    assert (who["username"].lower(), who["extra"]["oid"]) == (guests.person.upn.lower(), [guests.person.oid]), who


def is_program(who: dict, it):
    assert who["username"] == it.principal, who


# --- people ---


@pytest.mark.parametrize("legacy", [[], ["--legacy"]], ids=["v2", "legacy"])
def test_s_230_devicecode(guests, guest, cluster, legacy):
    is_person(guests, enters(guest, cluster, "devicecode", "--client-id", AKS_CLIENT, *legacy))


def test_s_103_interactive(guests, guest, cluster):
    is_person(guests, enters(guest, cluster, "interactive", "--client-id", AKS_CLIENT))


def test_s_250_ropc(guests, guest, cluster):
    who = ["--username", guests.person.upn, "--password", guests.person.password]
    is_person(guests, enters(guest, cluster, "ropc", "--client-id", AKS_CLIENT, *who))


def test_s_220_azurecli(guests, guest, cluster):
    guest.login_by_device_code("--allow-no-subscriptions")
    is_person(guests, enters(guest, cluster, "azurecli"))


def test_azd(guests, guest, cluster):
    """The words are those that the real one understands; the token is `az`'s."""
    guest.login_by_device_code("--allow-no-subscriptions")
    azd = guest.home / "bin-ours" / "azd"
    azd.write_text(f"""#!/bin/sh
[ "$1 $2 $3 $4 $5 $6" = "auth token -o json --no-prompt --scope" ] && [ "$7" = "{AKS_SERVER}/.default" ] || exit 2
exec az account get-access-token --scope "$7" --query '{{token: accessToken, expiresOn: to_string(expires_on)}}' -o json | \
  {sys.executable} -c 'import datetime, json, sys; it = json.load(sys.stdin)
it["expiresOn"] = datetime.datetime.fromtimestamp(int(it["expiresOn"]), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"); print(json.dumps(it))'
""")
    azd.chmod(0o755)
    is_person(guests, enters(guest, cluster, "azd"))


# --- programs ---


@pytest.mark.parametrize("legacy", [[], ["--legacy"]], ids=["v2", "legacy"])
def test_s_240_spn_with_a_secret(guests, guest, cluster, legacy):
    it = guests.web
    is_program(enters(guest, cluster, "spn", "--client-id", it.app, "--client-secret", it.secret, *legacy), it)


def files_of(key, certificate, folder: Path) -> dict[str, Path]:
    """The key and its certificate as people keep them."""
    plain, sealed = serialization.NoEncryption(), serialization.BestAvailableEncryption(PASSWORD.encode())
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    formats = serialization.PrivateFormat
    old = (
        formats.PKCS12.encryption_builder().kdf_rounds(2000).key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .hmac_hash(hashes.SHA1()).build(PASSWORD.encode())
    )

    def text(kind, how=plain):
        return key.private_bytes(serialization.Encoding.PEM, kind, how) + pem

    made = {
        "pkcs8.pem": text(formats.PKCS8), "traditional.pem": text(formats.TraditionalOpenSSL), "encrypted.pem": text(formats.PKCS8, sealed),
        "modern.pfx": pkcs12.serialize_key_and_certificates(b"it", key, certificate, None, sealed),
        "old.pfx": pkcs12.serialize_key_and_certificates(b"it", key, certificate, None, old),
    }
    for name, content in made.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in made}


@pytest.fixture(scope="module")
def on_a_curve(guests):
    """An application whose registered certificate has a key on P-384."""
    it, now = register(guests.office, "modes-curve"), datetime.datetime.now(datetime.UTC)
    key, name = ec.generate_private_key(ec.SECP384R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "modes-curve")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    )
    guests.office.graph("PATCH", f"/applications/{it.id}", {"keyCredentials": [{
        "type": "AsymmetricX509Cert", "usage": "Verify", "displayName": "curve",
        "key": base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode(),
    }]})
    it.more = {"key": key, "certificate": made}
    return it


FILES = ["pkcs8.pem", "traditional.pem", "encrypted.pem", "modern.pfx", "old.pfx"]


def protected(name: str) -> list[str]:
    return [] if name in ("pkcs8.pem", "traditional.pem") else ["--client-certificate-password", PASSWORD]


@pytest.mark.parametrize("name", FILES)
def test_s_241_spn_with_a_certificate(guests, guest, cluster, tmp_path, name):
    it = guests.web
    key = serialization.load_pem_private_key(it.certificate.key.encode(), None)
    file = files_of(key, x509.load_pem_x509_certificate(it.certificate.pem.encode()), tmp_path)[name]
    words = ["--client-id", it.app, "--client-certificate", file, *protected(name)]
    is_program(enters(guest, cluster, "spn", *words), it)
    if name == "old.pfx":
        is_program(enters(guest, cluster, "spn", "--legacy", *words), it)


@pytest.mark.parametrize("name", FILES)
def test_s_241_spn_with_a_certificate_on_a_curve(guest, cluster, on_a_curve, tmp_path, name):
    it = on_a_curve
    file = files_of(it.more["key"], it.more["certificate"], tmp_path)[name]
    is_program(enters(guest, cluster, "spn", "--client-id", it.app, "--client-certificate", file, *protected(name)), it)


def test_s_242_workloadidentity_from_a_file(guests, guest, cluster, tmp_path):
    (tmp_path / "token").write_text(guests.foreign_token + "\n")
    it = guests.workload
    is_program(enters(guest, cluster, "workloadidentity", "--client-id", it.app, "--federated-token-file", tmp_path / "token"), it)


def test_s_242_workloadidentity_in_a_pipeline_of_github(guests, guest, cluster):
    it = guests.workload
    with pipeline({"value": guests.foreign_token}, guest) as (address, asked):
        guest.env |= {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "job", "ACTIONS_ID_TOKEN_REQUEST_URL": f"{address}?run=1"}
        is_program(enters(guest, cluster, "workloadidentity", "--client-id", it.app), it)
    assert asked[0][1] == "bearer job"


def test_s_242_azurepipelines(guests, guest, cluster):
    it = guests.workload
    with pipeline({"oidcToken": guests.foreign_token}, guest) as (address, asked):
        guest.env |= {"SYSTEM_ACCESSTOKEN": "job", "SYSTEM_OIDCREQUESTURI": address}
        words = ["--client-id", it.app, "--azure-pipelines-service-connection-id", "connection"]
        is_program(enters(guest, cluster, "azurepipelines", *words), it)
    assert asked[0][1] == "Bearer job"


# --- one kubeconfig for all of them ---


def test_row_22_chained_takes_what_is_there(guests, guest, cluster, tmp_path):
    """A person with a browser; then `az`; then what a pod has; then what a pipeline has."""
    is_person(guests, enters(guest, cluster, "chained", "--client-id", AKS_CLIENT, "-v", "2"))
    (tmp_path / "token").write_text(guests.foreign_token)
    guest.env |= {"AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token"), "AZURE_CLIENT_ID": guests.workload.app}
    is_program(enters(guest, cluster, "chained", "--client-id", AKS_CLIENT), guests.workload)
    guest.env |= {"AZURE_CLIENT_ID": guests.web.app, "AZURE_CLIENT_SECRET": guests.web.secret}
    is_program(enters(guest, cluster, "chained", "--client-id", AKS_CLIENT), guests.web)


def test_row_22_chained_uses_az_before_it_asks(guests, guest, cluster):
    guest.login_by_device_code("--allow-no-subscriptions")
    (guest.home / "bin-ours" / "xdg-open").write_text("#!/bin/sh\nexit 1\n")
    is_person(guests, enters(guest, cluster, "chained", "--client-id", AKS_CLIENT))


# --- machines ---


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A server that gives processes of its machine an identity, with a cluster."""
    server = Server(tmp_path_factory.mktemp("modes-machine")).start("demo", story=False)
    office = Office(server)
    server.app = register(office, "modes-machine")
    shown = office.graph("POST", "/entrance/managedIdentities", {"name": "agent", "servicePrincipalId": server.app.principal})
    server.cluster = office.cluster("machines")
    server.kill()
    port = free_port()
    server.identity = {"IDENTITY_ENDPOINT": f"http://127.0.0.1:{port}/msi/token", "IDENTITY_HEADER": shown["identityHeader"]}
    server.start("serve", "--identity-listen", f"127.0.0.1:{port}")
    yield server
    server.kill_everything()


def test_s_270_msi(house, tmp_path):
    machine = Person(house, tmp_path, "machine")
    machine.env |= house.identity
    answer = house.cluster.office.arm("POST", f"{house.cluster.path}/listClusterUserCredential")
    file = tmp_path / "cluster"
    file.write_bytes(base64.b64decode(answer["kubeconfigs"][0]["value"]))
    who = until("the API server is answered again", lambda: enters(machine, file, "msi", tenant=False, check=False), seconds=60)
    is_program(who, house.app)
    is_program(enters(machine, file, "chained", "--client-id", AKS_CLIENT), house.app)
