"""How requests of the resource manager grow with what there is: the list of clusters with 10, 1 000 and 10 000 of them, and a check of rights with 10, 1 000 and
100 000 role assignments.

Times are the server's own, from the head of a request to its answer, as its log tells them; the quickest of many; a list is all of its pages. The records are copies of rows that the server
wrote (`tests/support/records.py`), put into its store between two starts. Printed, not asserted.
"""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.office import Office  # noqa: E402
from support.records import Records  # noqa: E402
from support.server import Server  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "15"))
CLUSTERS = [10, 1_000, 10_000]
ASSIGNMENTS = [10, 1_000, 100_000]
ANSWERED = re.compile(r"method=GET path=(\S+) status=200 micros=(\d+)")


def main() -> None:
    work = Path(tempfile.mkdtemp(prefix="entrance-bench-"))
    server = Server(work / "server")
    server.more_env["RUST_LOG"] = "entrance_server::http=info"
    server.start("demo")
    try:
        office = Office(server)
        office.cluster("pattern", office.group())
        clusters = f"{office.home}/providers/Microsoft.ContainerService/managedClusters"
        grow(server, office, "assignments", "a check of rights (`GET` of one cluster)", f"{clusters}/pattern", ASSIGNMENTS, Records.assign)
        server.stop()
        with Records(server) as records:
            records.forget_assigned()
        everywhere = f"/subscriptions/{server.env['SUBSCRIPTION']}/providers/Microsoft.ContainerService/managedClusters"
        grow(server, office, "clusters", "the list of a subscription's clusters", everywhere, CLUSTERS, lambda store, more: store.copy_cluster("pattern", more))
    finally:
        server.kill_everything()
        shutil.rmtree(work, ignore_errors=True)


def grow(server: Server, office: Office, of: str, what: str, path: str, sizes: list[int], add) -> None:
    """Adds records up to each size, and asks."""
    there, base = 0, None
    print(f"{what}, with so many {of}")
    for size in sizes:
        if server.running.process.poll() is None:
            server.stop()
        with Records(server) as records:
            add(records, size - there)
        server.serve()
        there, took = size, asked(server, office, path, listed=of == "clusters")
        base = base or took
        print(f"{size:>8}{took * 1e3:>10.2f} ms{took / base:>9.1f}", flush=True)


def asked(server: Server, office: Office, path: str, listed: bool) -> float:
    """The quickest; all pages of a list."""
    def once() -> float:
        before = len(server.running.err)
        office.arm_list(path) if listed else office.arm("GET", path)
        took = [int(micros) for at, micros in ANSWERED.findall(server.running.err[before:]) if at.lower() == path.lower()]
        assert took, f"the log does not tell of a request for {path}"
        return sum(took) / 1e6

    once()
    return min(once() for _ in range(ROUNDS))


if __name__ == "__main__":
    main()
