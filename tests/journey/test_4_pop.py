"""Tokens that are bound to a key: both kubelogins make the proof, and nothing else opens the cluster with such a token."""

import json

import jwt
import pytest

from support.cluster import Door
from support.people import Person
from support.running import until


@pytest.fixture(scope="module")
def pipeline(platform, admin):
    made = admin.az_json("ad", "sp", "create-for-rbac", "-n", "bound-pipeline")
    made["oid"] = admin.az_json("ad", "sp", "show", "--id", made["appId"])["id"]
    return made


@pytest.fixture(scope="module")
def file(platform, admin):
    file = admin.home / "pop-kubeconfig"
    admin.use("none").get_credentials(platform.group, platform.cluster, "-f", str(file), "--overwrite-existing")
    return file


def bound(platform, homes, file, way, plugin, **env) -> Person:
    """A program whose kubeconfig asks for bound tokens. The stock kubelogin forgets the token service's address when it converts."""
    program = Person(platform.server, homes / f"pop-{way}-{plugin}", "program", plugin=plugin)
    program.kubeconfig.write_bytes(file.read_bytes())
    program.env |= env
    program.use("ours").kubelogin("convert-kubeconfig", "-l", way, "--pop-enabled", "--pop-claims", f"u={platform.id}")
    return program.use(plugin)


def credential(program) -> str:
    """The token of the kubeconfig's plugin, as kubectl gets it."""
    exec_ = program.config()["users"][0]["user"]["exec"]
    program.env |= {one["name"]: one["value"] for one in exec_.get("env") or []}
    return json.loads(program.kubelogin(*exec_["args"]).out)["status"]["token"]


@pytest.mark.parametrize("plugin", ["ours", "stock"])
def test_an_application_enters_with_a_proof_again_and_again(platform, pipeline, homes, file, plugin):
    secret = {"AAD_SERVICE_PRINCIPAL_CLIENT_ID": pipeline["appId"], "AAD_SERVICE_PRINCIPAL_CLIENT_SECRET": pipeline["password"]}
    program = bound(platform, homes, file, "spn", plugin, **secret)
    for _ in range(3):
        said = until("it enters", lambda: program.kubectl("auth", "whoami", check=False).out or None, seconds=20)
        assert pipeline["oid"] in said


@pytest.mark.parametrize("plugin", ["ours", "stock"])
def test_a_person_enters_with_a_proof(platform, homes, file, plugin):
    person = platform.outsider
    name = {"AAD_USER_PRINCIPAL_NAME": person.upn, "AAD_USER_PRINCIPAL_PASSWORD": person.password}
    program = bound(platform, homes, file, "ropc", plugin, **name)
    assert person.upn.lower() in program.kubectl("auth", "whoami").out.lower()


@pytest.mark.parametrize("plugin", ["ours", "stock"])
def test_what_somebody_catches_opens_nothing(platform, pipeline, homes, file, plugin):
    secret = {"AAD_SERVICE_PRINCIPAL_CLIENT_ID": pipeline["appId"], "AAD_SERVICE_PRINCIPAL_CLIENT_SECRET": pipeline["password"]}
    program = bound(platform, homes, file, "spn", plugin, **secret)
    proof = credential(program)
    header = jwt.get_unverified_header(proof)
    claims = jwt.decode(proof, options={"verify_signature": False})
    inner = jwt.decode(claims["at"], options={"verify_signature": False})
    assert (header["typ"], header["alg"], claims["u"]) == ("pop", "RS256", platform.id)
    assert inner["cnf"]["kid"] == header["kid"] == claims["cnf"]["jwk"]["kid"]
    jwt.decode(proof, jwt.PyJWK(claims["cnf"]["jwk"]), algorithms=["RS256"], options={"verify_exp": False})
    door = Door.of(file)
    assert door.with_token(claims["at"]).knock().status_code == 401, "the bare token"
    assert door.with_token(proof).knock().status_code in (200, 403), "the proof, once"
    other = program.kubelogin(
        "get-token", "--login", "spn", "--server-id", "6dae42f8-4368-4678-94ff-3960e28e3630", "--tenant-id", platform.server.env["TENANT"],
        "--client-id", pipeline["appId"], "--client-secret", pipeline["password"], "--authority-host", f"{platform.server.url}/",
        "--disable-instance-discovery", "--pop-enabled", "--pop-claims", f"u={platform.id}-other",
    ).out
    elsewhere = json.loads(other)["status"]["token"]
    assert door.with_token(elsewhere).knock().status_code == 401, "a proof for another cluster"
