"""From the removal of a member to the first refusal at a real API server, 200 times, as a ratio to the API server's own 10 s.

What is ours in it is what goes beyond those 10 s, so the last line is the one to look at. Printed, not asserted; `make verify-long` asserts it.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.freshness import API_SERVER_CACHE, Row, histogram, quantile  # noqa: E402
from support.office import Office  # noqa: E402
from support.rows import Scene, removals  # noqa: E402
from support.server import Server  # noqa: E402

SAMPLES = int(os.environ.get("SAMPLES", "200"))


def main() -> None:
    work = Path(tempfile.mkdtemp(prefix="entrance-bench-"))
    server = Server(work).start("demo")
    try:
        row = Row("removal", removals(Scene.build(Office(server), "bench"), SAMPLES))
        if row.wrong:
            sys.exit(f"not every removal was seen: {row.wrong[:3]}")
        print("\n".join(histogram(row.seconds)))
        for name, q in {"p50": 0.5, "p99": 0.99, "max": 1.0}.items():
            seconds = quantile(row.seconds, q)
            print(f"removal to refusal, {name}: {seconds:5.2f} s, {seconds / API_SERVER_CACHE:.2f} of the API server's memory")
        print(f"beyond the API server's memory at most: {max(0.0, row.seconds[-1] - API_SERVER_CACHE):.2f} s (aim: 1)")
    finally:
        server.kill_everything()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
