"""Two people at one terminal: who is who at a real API server, signing out, and kubectl's own policy about programs."""

import base64
import ctypes
import json
import shutil
import struct
import subprocess

import pytest
import yaml

from support.office import Office
from support.people import Person
from support.running import run, until
from support.telling import told

CONTEXTS = {"ann": "as-ann", "bob": "as-bob"}


@pytest.fixture(scope="module")
def desk(server, homes):
    """One home with one kubeconfig in which two users of one cluster name two people."""
    office = Office(server)
    hired = {name: office.hire(name) for name in CONTEXTS}
    demo = f"{office.home}/providers/Microsoft.ContainerService/managedClusters/{server.env['CLUSTER']}"
    given = office.arm("POST", f"{demo}/listClusterUserCredential")["kubeconfigs"][0]["value"]
    config = yaml.safe_load(base64.b64decode(given))
    cluster, user = config["clusters"][0]["name"], config["users"][0]["user"]
    config["users"], config["contexts"] = [], []
    for name, context in CONTEXTS.items():
        args = [*user["exec"]["args"], "--account", hired[name].upn]
        config["users"].append({"name": name, "user": {"exec": user["exec"] | {"args": args}}})
        config["contexts"].append({"name": context, "context": {"cluster": cluster, "user": name}})
    config["current-context"] = CONTEXTS["ann"]
    people = {name: Person(server, homes / "desk", name, hired[name].upn, hired[name].password) for name in CONTEXTS}
    people["ann"].kubeconfig.write_text(yaml.safe_dump(config))
    return people


def seen_by_the_cluster(person, check=True):
    """Who the API server says this person is; `None` if it lets nobody in."""
    done = person.kubectl("--context", CONTEXTS[person.name], "auth", "whoami", "-o", "json", check=check)
    return json.loads(done.out)["status"]["userInfo"]["username"] if done.code == 0 else None


def cache(person):
    return person.home / "kubelogin-cache" / "kubelogin"


def test_each_of_two_people_is_asked_once_and_the_cluster_knows_them_apart(desk):
    for person in desk.values():
        asking = person.start("kubectl", "--context", CONTEXTS[person.name], "auth", "whoami", "-o", "json")
        out = person.approve(asking).end().out
        assert json.loads(out)["status"]["userInfo"]["username"] == person.upn
    for _ in range(2):
        for person in desk.values():
            person.env.pop("KUBELOGIN_FORCE_PROMPT", None)
            assert seen_by_the_cluster(person) == person.upn, "without a prompt"
    ann = desk["ann"]
    names = json.loads(ann.kubelogin("accounts", "-o", "json").out)["accounts"]
    assert sorted(account["userName"] for account in names) == sorted(person.upn for person in desk.values())
    for context, person in zip(CONTEXTS.values(), desk.values()):
        assert json.loads(ann.kubelogin("whoami", "--context", context, "-o", "json").out)["userName"] == person.upn


def test_status_and_doctor_tell_the_truth(desk):
    ann = desk["ann"]
    status = json.loads(ann.kubelogin("status", "-o", "json").out)["caches"][0]
    assert status["unreadableEntries"] == 0 and len(status["accounts"]) == 2
    assert all(account["renewsByItself"] and account["tokens"][0]["valid"] for account in status["accounts"])
    looked = ann.kubelogin("doctor")
    assert "FAIL" not in looked.out, looked.out
    assert looked.out.count("is signed in; a new token came") == 2, looked.out
    told("`kubelogin doctor`", f"{len(looked.out.splitlines())} lines, none failed")
    for person in desk.values():
        assert seen_by_the_cluster(person) == person.upn, "after the doctor renewed everything"


def test_kubectls_policy_about_programs_is_put_right(desk):
    ann = desk["ann"]
    kuberc = ann.home / "kuberc"
    env = ann.env | {"KUBERC": str(kuberc)}
    head = "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n"
    kubectl = [ann._bin("kubectl"), "--context", CONTEXTS["ann"], "auth", "whoami"]

    kuberc.write_text(head + "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n- command: aws # theirs\n")
    assert run(*kubectl, env=env, check=False).code != 0, "kubectl obeys its policy"
    found = run(ann._bin("kubelogin"), "doctor", env=env, check=False)
    assert found.code == 1 and "does not have kubelogin" in found.out and "`kubelogin doctor --fix` adds it" in found.out
    assert run(ann._bin("kubelogin"), "doctor", "--fix", env=env).code == 0
    assert "# theirs" in kuberc.read_text()
    assert ann.upn in run(*kubectl, env=env).out

    kuberc.write_text(head + "credentialPluginPolicy: DenyAll\n")
    assert run(*kubectl, env=env, check=False).code != 0
    denied = run(ann._bin("kubelogin"), "doctor", "--fix", env=env, check=False)
    assert denied.code == 1 and "DenyAll" in denied.out
    assert kuberc.read_text().endswith("DenyAll\n"), "what somebody forbade on purpose stays forbidden"


def test_whoever_signs_out_is_refused_everywhere_and_the_other_stays(desk):
    ann, bob = desk["ann"], desk["bob"]
    stolen = ann.home / "stolen"
    shutil.copytree(cache(ann), stolen)
    args = next(user["user"]["exec"]["args"] for user in yaml.safe_load(ann.kubeconfig.read_text())["users"] if user["name"] == "ann")
    token = json.loads(ann.kubelogin(*args, "--cache-dir", str(stolen)).out)["status"]["token"]

    out = ann.kubelogin("logout", "--account", ann.upn)
    assert f"{ann.upn} is signed out." in out.err, str(out)
    left = json.loads(ann.kubelogin("status", "-o", "json").out)["caches"][0]
    assert [account["userName"] for account in left["accounts"]] == [bob.upn]

    # A copy that somebody made before: its refresh token is refused, and soon its access token too.
    other = list(args)
    other[other.index("--server-id") + 1] = "https://graph.microsoft.com"
    alone = ann.env | {"KUBERNETES_EXEC_INFO": '{"apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"interactive":false}}'}
    alone.pop("KUBELOGIN_FORCE_PROMPT", None)
    refused = run(ann._bin("kubelogin"), *other, "--cache-dir", str(stolen), env=alone, check=False)
    assert refused.code == 1 and "The earlier sign-in is not accepted any more: AADSTS50173" in refused.err, str(refused)

    config = yaml.safe_load(ann.kubeconfig.read_text())
    config["users"] = [{"name": name, "user": {"token": token}} for name in CONTEXTS]
    copied = ann.home / "copied"
    copied.write_text(yaml.safe_dump(config))

    def turned_away():
        return ann.kubectl("auth", "whoami", kubeconfig=copied, check=False).code != 0

    until("the refusal of a copied access token", turned_away, seconds=30, every=0.5)
    assert seen_by_the_cluster(bob) == bob.upn


def without_keyrings():
    """A filter for system calls as container runtimes have it: `keyctl`, `add_key` and `request_key` are not permitted."""
    load, jump_if, answer = 0x20, 0x15, 0x06
    calls = (248, 249, 250)
    program = [(load, 0, 0, 0)]
    program += [(jump_if, len(calls) - at, 0, call) for at, call in enumerate(calls)]
    program += [(answer, 0, 0, 0x7FFF0000), (answer, 0, 0, 0x00050000 | 1)]
    code = b"".join(struct.pack("HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code)
    libc = ctypes.CDLL(None, use_errno=True)

    class Filter(ctypes.Structure):
        _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    def forbid():
        assert libc.prctl(38, 1, 0, 0, 0) == 0
        assert libc.prctl(22, 2, ctypes.byref(Filter(len(program), ctypes.addressof(buffer)))) == 0

    return forbid


def test_where_the_keyring_is_forbidden_a_file_does_it_and_that_is_said_once(desk, server):
    bob = desk["bob"]
    folder = bob.home / "no-keyring"
    words = [
        bob._bin("kubelogin"), "get-token", "-l", "spn", "--client-id", server.env["SP_APP_ID"], "-t", server.env["TENANT"],
        "--server-id", "https://graph.microsoft.com", "--authority-host", f"{server.url}/",
        "--cache-dir", str(folder), "--cache-storage", "keyring",
    ]
    env = bob.env | {"AZURE_CLIENT_SECRET": server.env["SP_SECRET"]}
    first, second = (
        subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, preexec_fn=without_keyrings()) for _ in range(2)
    )
    assert first.returncode == 0 and second.returncode == 0, first.stderr + second.stderr
    assert first.stderr.startswith("Warning: the kernel's keyring cannot be used here (it is not allowed"), first.stderr
    assert first.stderr.count("\n") == 1 and second.stderr == ""
    assert first.stdout == second.stdout, "the second call was answered from the cache"
    assert (folder / "key").stat().st_mode & 0o777 == 0o600
