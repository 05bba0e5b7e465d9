"""What the server's part is in the time of an `az` command: the times of its requests, as the log tells them, against the command from its start to its end.

Every command is run by the stock `az` as a person runs it, in turns and in one run, so that a busy machine slows both. Printed, not asserted; the aim is a share
of 5 %. The server is the build for development unless `CARGO_TARGET_DIR` says otherwise. A request's time goes from its head to its answer; TLS is not in it.
"""

import os
import re
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.people import Person  # noqa: E402
from support.server import Server  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "5"))
ANSWERED = re.compile(r"method=(\S+) path=(\S+) status=\d+ micros=(\d+)")
USER_ROLE = "Azure Kubernetes Service Cluster User Role"


def main() -> None:
    work = Path(tempfile.mkdtemp(prefix="entrance-bench-"))
    server = Server(work / "server")
    server.more_env["RUST_LOG"] = "entrance_server=info"
    server.start("demo")
    try:
        admin = Person(server, work / "admin", "admin", server.env["ADMIN_UPN"], server.env["ADMIN_PASSWORD"])
        admin.login_by_device_code()
        measure(server, admin)
    finally:
        server.kill_everything()
        shutil.rmtree(work, ignore_errors=True)


def measure(server: Server, admin: Person) -> None:
    group = admin.az_json("ad", "group", "create", "--display-name", "bench-admins", "--mail-nickname", "bench-admins")["id"]
    me = admin.az_json("ad", "signed-in-user", "show")["id"]
    admin.az("group", "create", "-n", "bench", "-l", "local", "-o", "none")
    at = ["-g", "bench", "-n", "it"]
    scope = f"/subscriptions/{server.env['SUBSCRIPTION']}/resourceGroups/bench/providers/Microsoft.ContainerService/managedClusters/it"
    role = ["--role", USER_ROLE, "--assignee", me, "--scope", scope]
    commands = [
        ["aks", "create", *at, "--no-ssh-key", "--node-count", "1", "--enable-aad", "--aad-admin-group-object-ids", group, "-o", "none"],
        ["aks", "show", *at], ["aks", "list"], ["aks", "update", *at, "--aad-admin-group-object-ids", group, "-o", "none"],
        ["aks", "get-credentials", *at, "-f", "-"], ["aks", "nodepool", "list", "-g", "bench", "--cluster-name", "it"], ["aks", "get-versions", "-l", "local"],
        ["role", "definition", "list"], ["role", "assignment", "create", *role, "-o", "none"], ["role", "assignment", "list", "--scope", scope],
        ["role", "assignment", "list", "--all"], ["role", "assignment", "delete", *role],
        ["aks", "delete", *at, "-y"],
    ]
    rows: dict[str, list[Row]] = {}
    for _ in range(ROUNDS):
        for words in commands:
            rows.setdefault(name_of(words), []).append(Row.of(server, admin, words))
    print(f"{'':<32}{'requests':>9}{'server':>12}{'whole':>10}{'share':>8}")
    for name, found in rows.items():
        requests, ours, whole = (statistics.median(getattr(row, part) for row in found) for part in ("requests", "ours", "whole"))
        print(f"{name:<32}{requests:>9.0f}{ours * 1e3:>9.1f} ms{whole:>8.2f} s{ours / whole:>8.2%}")
    shares = [row.ours / row.whole for found in rows.values() for row in found]
    print(f"the largest share of all {len(shares)} runs: {max(shares):.2%} (aim: 5 %)")


class Row:
    """One run of a command."""

    def __init__(self, requests: int, ours: float, whole: float):
        self.requests, self.ours, self.whole = requests, ours, whole

    @classmethod
    def of(cls, server: Server, person: Person, words: list[str]) -> "Row":
        before = len(server.running.err)
        done = person.az(*words)
        # The cluster's own questions, which come at any time, are asked at another listener and are not in this log line.
        asked = ANSWERED.findall(server.running.err[before:])
        assert asked, f"the log tells of no request of `az {' '.join(words)}`"
        return cls(len(asked), sum(int(micros) for *_, micros in asked) / 1e6, done.seconds)


def name_of(words: list[str]) -> str:
    verb = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
    return " ".join(["az", *words[:verb], *[word for word in words[verb:] if word == "--all"]])


if __name__ == "__main__":
    main()
