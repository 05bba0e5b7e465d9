"""What a real API server can do with tokens of ours, against client certificates, as ratios in one run.

Three kinds of caller take turns, a second each, over kept connections and with the same number of workers: one with a client certificate, one with a
token that is used again and again (reviewed every 10 s, when the API server forgets it), one with a token that was never seen before for each request
(every request is a review). The rate is what came through; beside it stands the processor time that the API server and Entrance spent for each request,
which says the same on a busy machine. The client is Python and shares the processors, so rates are lower than the server could do; ratios are fair.
"""

import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.freshness import Line, beside  # noqa: E402
from support.office import Kube, Office  # noqa: E402
from support.rows import Scene  # noqa: E402
from support.running import processes, until  # noqa: E402
from support.server import Server  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "20"))
WORKERS = int(os.environ.get("WORKERS", "8"))
NEW_TOKENS = int(os.environ.get("NEW_TOKENS", "400"))
SLICE = 1.0


def main() -> None:
    work = Path(tempfile.mkdtemp(prefix="entrance-bench-"))
    server = Server(work).start("demo")
    try:
        scene = Scene.build(Office(server), "bench")
        admin = scene.cluster.admin()
        program = scene.office.program()
        scene.team(program.oid)
        tokens = iter(beside(lambda _: scene.office.token(program), range(NEW_TOKENS * ROUNDS // 4)))
        account = Kube(admin).service_account("bench", "cluster-admin")
        watched = Watched(server, admin.address)

        kept = {
            "client certificate": [Line(admin) for _ in range(WORKERS)],
            "service account": [Line(scene.door.with_token(account)) for _ in range(WORKERS)],
            "token, used again": [Line(scene.door.with_token(scene.office.token(program))) for _ in range(WORKERS)],
            "token, new each time": [Line(scene.door) for _ in range(WORKERS)],
        }
        until("the service account may", lambda: kept["service account"][0].ask() == 200, seconds=10)
        found: dict[str, list[Slice]] = {name: [] for name in kept}
        for round_ in range(ROUNDS):
            for name, lines in kept.items():
                if name == "token, new each time" and round_ % 4:
                    continue
                found[name].append(watched.slice(lines, tokens if name == "token, new each time" else None))
        show(found)
    finally:
        server.kill_everything()
        shutil.rmtree(work, ignore_errors=True)


class Slice:
    def __init__(self, answered: int, seconds: float, api_server: float, entrance: float):
        self.rate = answered / seconds
        self.api_server, self.entrance = 1e3 * api_server / answered, 1e3 * entrance / answered


class Watched:
    """The two processes whose time counts."""

    def __init__(self, server: Server, address: str):
        port = f"--secure-port={address.rsplit(':', 1)[1]} "
        self.api_server = next(pid for pid, words in processes(server.data).items() if port in words)
        self.entrance = server.running.process.pid

    def slice(self, lines: list[Line], tokens=None) -> Slice:
        """One slice of time with every line busy; with `tokens`, each request takes the next one, and ends when they do."""
        before, since = (used(self.api_server), used(self.entrance)), time.perf_counter()
        fresh = [next(tokens) for _ in range(NEW_TOKENS)] if tokens else None
        counts = [0] * len(lines)

        def work(place: int):
            line = lines[place]
            while time.perf_counter() - since < (SLICE if fresh is None else 60):
                if fresh is not None:
                    try:
                        line.headers["Authorization"] = f"Bearer {fresh.pop()}"
                    except IndexError:
                        return
                status = line.ask()
                assert status == 200, status
                counts[place] += 1

        threads = [threading.Thread(target=work, args=(place,)) for place in range(len(lines))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - since
        return Slice(sum(counts), took, used(self.api_server) - before[0], used(self.entrance) - before[1])


def used(pid: int) -> float:
    """Processor seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def show(found: dict[str, list[Slice]]):
    base = found["client certificate"]
    middle = lambda slices, of: statistics.median(getattr(one, of) for one in slices)  # noqa: E731
    print(f"{'':<24}{'requests/s':>12}{'ratio':>8}{'API server':>14}{'ratio':>8}{'Entrance':>12}")
    for name, slices in found.items():
        rate, cost, ours = middle(slices, "rate"), statistics.mean(one.api_server for one in slices), statistics.mean(one.entrance for one in slices)
        base_cost = statistics.mean(one.api_server for one in base)
        print(f"{name:<24}{rate:>12.0f}{rate / middle(base, 'rate'):>8.2f}{cost:>11.2f} ms{cost / base_cost:>8.2f}{ours:>9.2f} ms")


if __name__ == "__main__":
    main()
