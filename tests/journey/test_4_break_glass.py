"""Break-glass as two people on call live it: a reason, an end, a second person, and proof that the door is shut."""

import json
import re

import pytest

from support.cluster import ADMIN_ROLE
from support.paths import ENTRANCE
from support.running import Result, Running, run, until
from support.telling import told

CLUSTER = "doors"


class OnCall:
    """Somebody with `entrance`, `az` and `kubectl` on their PATH."""

    def __init__(self, person, oid, group):
        self.person, self.oid, self.group = person, oid, group

    def where(self):
        return ["-g", self.group, "-n", CLUSTER, "--server", self.person.server.url, "--ca", self.person.server.env["ENTRANCE_CA"]]

    def door(self, command, *words, check=True) -> Result:
        return run(ENTRANCE, "break-glass", command, *words, *self.where(), env=self.person.env, check=check)

    def door_json(self, command, *words):
        return json.loads(self.door(command, *words, "--output", "json").out)

    def start(self, command, *words) -> Running:
        log = self.person.home / "logs" / f"break-glass-{command}"
        return Running(ENTRANCE, "break-glass", command, *words, *self.where(), env=self.person.env, log=log)


@pytest.fixture(scope="module")
def on_call(platform, admin):
    """A cluster of its own, and two people who may take its admin file."""
    made = admin.az_json(
        "aks", "create", "-g", platform.group, "-n", CLUSTER, "--no-ssh-key", "--node-count", "1",
        "--enable-aad", "--aad-admin-group-object-ids", platform.outer,
    )
    people = []
    for name in ("wanda", "xaver"):
        person, oid = platform.hire(name)
        platform.grant(ADMIN_ROLE, oid, "User", made["id"])
        person.login_by_device_code()
        people.append(OnCall(person, oid, platform.group))
    yield people
    admin.az("aks", "delete", "-g", platform.group, "-n", CLUSTER, "-y", "--no-wait")


def refused(result: Result) -> bool:
    """The API server does not know the certificate."""
    return result.code != 0 and ("Unauthorized" in result.err or "must be logged in" in result.err)


def test_a_door_without_a_reason_is_not_even_asked_for(on_call):
    wanda, _ = on_call
    assert wanda.door("open", check=False).code == 2
    assert "--reason" in wanda.door("open", check=False).err
    empty = wanda.door("open", "--reason", " ", check=False)
    assert empty.code == 1 and "opens with a reason" in empty.err, str(empty)
    assert "24" in wanda.door("open", "--reason", "x", "--duration", "48h", check=False).err


def test_a_door_opens_with_a_reason_and_ends_in_a_kubeconfig(on_call):
    wanda, xaver = on_call
    opened = wanda.door("open", "--reason", "INC-4711: nobody can sign in", "--duration", "30m")
    assert "until" in opened.out and f"context is `{CLUSTER}-admin`" in opened.err, str(opened)
    who = wanda.person.kubectl("auth", "whoami").out
    assert f"breakglass:{wanda.oid}" in who and "entrance:break-glass:" in who and "system:masters" not in who
    assert " Ready " in wanda.person.kubectl("get", "nodes", "--no-headers").out
    listed = xaver.door("list").out
    assert re.search(rf"Open +{wanda.person.upn} .*INC-4711: nobody can sign in", listed), listed
    again = wanda.person.home / "az-admin"
    wanda.person.get_credentials(wanda.group, CLUSTER, "--admin", "-f", str(again))
    theirs = lambda path: next(u["user"] for u in wanda.person.config(path)["users"] if u["name"].startswith("clusterAdmin"))  # noqa: E731
    assert theirs(again)["client-certificate-data"] == theirs(None)["client-certificate-data"], "az takes the same open door"


def test_closing_proves_it_and_tells_what_was_left(on_call):
    wanda, xaver = on_call
    wanda.person.kubectl("create", "clusterrolebinding", "back-door", "--clusterrole=cluster-admin", "--user=wanda")
    door = wanda.door_json("list")[0]["name"]
    closed = xaver.door("close", door)
    assert re.search(r"refused +by https://\S+: \d+ ms after its binding was deleted, \d+ ms after its root was dropped", closed.out), str(closed)
    assert "create clusterrolebindings back-door (still there)" in closed.out, str(closed)
    told("a door is closed and proved to be shut in", f"{closed.seconds:.1f} s")
    assert refused(wanda.person.kubectl("get", "nodes", check=False))
    shown = wanda.door_json("show", door)["properties"]
    assert (shown["state"], shown["closedWhy"], shown["closedByName"]) == ("Closed", "byHand", xaver.person.upn)
    assert [one["name"] for one in shown["leftBehind"]["items"] if one["way"] == "binding"] == ["back-door"]
    again = xaver.door("close", door, check=False)
    assert again.code == 1 and "closed" in again.err


def test_a_second_person_is_asked_and_cannot_be_the_first(on_call, admin):
    wanda, xaver = on_call
    admin.az(
        "resource", "update", "-g", wanda.group, "-n", CLUSTER, "--resource-type", "Microsoft.ContainerService/managedClusters",
        "--set", "properties.entranceProfile.breakGlass={\"secondPerson\":true,\"validity\":\"PT1H\"}", "-o", "none",
    )
    alone = wanda.person.get_credentials(wanda.group, CLUSTER, "--admin", "-f", "-", check=False)
    assert alone.code == 1 and "SecondPersonRequired" in alone.err and "entrance break-glass open" in alone.err, str(alone)
    file = wanda.person.home / "approved"
    waiting = wanda.start("open", "--reason", "INC-4712", "--file", file, "--wait")
    door = waiting.says(r"entrance break-glass approve (\S+) -g")[1]
    assert "approves their own request" in wanda.door("approve", door, "--yes", check=False).err
    assert "confirm" in xaver.door("approve", door, check=False).err, "nobody agrees without having read it"
    assert "Approve" not in xaver.door("approve", door, "--yes").err
    waited = waiting.end()
    assert f"Approved by {xaver.person.upn}" in waited.err, str(waited)
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    assert " Ready " in wanda.person.kubectl("get", "nodes", "--no-headers", kubeconfig=file).out

    # A watch that is open survives the close, as the documentation says, and ends when it is severed.
    watch = wanda.person.start("kubectl", "--kubeconfig", str(file), "get", "nodes", "--watch")
    until("the watch shows something", lambda: " Ready " in watch.out)
    assert "shut         yes" in xaver.door("close", door).out
    assert refused(wanda.person.kubectl("get", "nodes", kubeconfig=file, check=False))
    assert watch.process.poll() is None, "streams that are open survive a close"
    severed = xaver.door("close", door, "--sever")
    assert "streams ended" in severed.out, str(severed)
    until("the watch has ended", lambda: watch.process.poll() is not None, seconds=20)
    told("closing with --sever, API server ready again", f"{severed.seconds:.1f} s")


def test_disabling_local_accounts_refuses_old_files_at_once(on_call, admin):
    wanda, xaver = on_call
    file = wanda.person.home / "disabled"
    waiting = wanda.start("open", "--reason", "INC-4713", "--file", file, "--wait")
    xaver.door("approve", waiting.says(r"entrance break-glass approve (\S+) -g")[1], "--yes")
    waiting.end()
    assert wanda.person.kubectl("get", "nodes", kubeconfig=file).code == 0
    admin.az("aks", "update", "-g", wanda.group, "-n", CLUSTER, "--disable-local-accounts", "-o", "none")
    assert refused(wanda.person.kubectl("get", "nodes", kubeconfig=file, check=False)), "the first try after the command"
    assert "Closed (localAccountsDisabled)" in xaver.door("list").out
    assert "local accounts" in wanda.door("open", "--reason", "INC-4714", check=False).err
    admin.az("aks", "update", "-g", wanda.group, "-n", CLUSTER, "--enable-local-accounts", "-o", "none")
    assert refused(wanda.person.kubectl("get", "nodes", kubeconfig=file, check=False)), "it does not come back"
