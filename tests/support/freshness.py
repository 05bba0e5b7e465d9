"""How soon a change counts at an API server: asked again and again over kept or new connections, timed from before the change was sent."""

import http.client
import random
import ssl
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

from .cluster import Door

# What the API server itself remembers of a token that was accepted; it has no switch.
API_SERVER_CACHE = 10.0
# What our change feed may take.
FEED = 1.0
# A busy machine, and the pause between two questions.
SLACK = 1.5
BOUND = API_SERVER_CACHE + FEED

# Needs a right that nobody has by default, and answers with few bytes.
ASKED = "/api/v1/namespaces/default"


class Line:
    """One credential at one API server. Kept alive, or a new connection for each question."""

    def __init__(self, door: Door, keep=True):
        at = urlsplit(door.address)
        self.door = door
        self.host, self.port, self.keep = at.hostname, at.port, keep
        self.context = _context(door.verify, door.cert)
        self.headers = {"Authorization": f"Bearer {door.token}"} if door.token else {}
        self.connection: http.client.HTTPSConnection | None = None

    def ask(self, path=ASKED, timeout=40.0) -> int:
        """The status of one GET. A kept connection that ended in between is opened again."""
        return self.read(path, timeout)[0]

    def read(self, path=ASKED, timeout=40.0) -> tuple[int, bytes]:
        for again in (self.connection is not None, False):
            if self.connection is None:
                self.connection = http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=self.context)
            try:
                self.connection.request("GET", path, headers=self.headers)
                answer = self.connection.getresponse()
                body = answer.read()
            except (http.client.HTTPException, ConnectionError):
                self.close()
                if not again:
                    raise
                continue
            if not self.keep or answer.will_close:
                self.close()
            return answer.status, body
        raise AssertionError("unreachable")

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


@lru_cache(maxsize=64)
def _context(verify: str, cert: tuple[str, str] | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=verify)
    if cert:
        context.load_cert_chain(*cert)
    return context


@dataclass
class Sample:
    """One person at one door: what is asked, what changes, and what must be answered from then on."""

    row: str
    line: Line
    change: object
    """Called once; what it returns is not looked at."""
    after: set[int]
    """The statuses that show that the change counts."""
    before: set[int] = field(default_factory=lambda: {200})
    pause: float = 0.0
    """Between the first answer (when the API server's memory begins) and the change."""
    path: str = ASKED
    every: float = 0.1
    took: float | None = None
    wrong: str = ""

    def run(self, give_up: float):
        """Asks until the answer changed; notes the seconds, or what went wrong."""
        try:
            self._run(give_up)
        except Exception as error:  # noqa: BLE001: a thread's failure becomes its test's
            self.wrong = f"{type(error).__name__}: {error}"
        finally:
            self.line.close()

    def _run(self, give_up: float):
        first = self.line.ask(self.path)
        if first not in self.before:
            self.wrong = f"was answered {first} before the change"
            return
        changing = threading.Timer(self.pause, self._change)
        self._since = None
        changing.start()
        end = time.monotonic() + self.pause + give_up
        settled = 0
        while time.monotonic() < end:
            status = self.line.ask(self.path)
            now = time.monotonic()
            if self.wrong:
                return
            if status in self.after and self._since is not None:
                self.took = self.took or now - self._since
                settled += 1
                if settled == 3:
                    return
            elif status not in self.before:
                self.wrong = f"was answered {status}"
                return
            elif self.took is not None:
                self.wrong = f"was let in again {now - self._since:.1f} s after the change"
                return
            time.sleep(self.every * random.uniform(0.8, 1.2))
        self.wrong = self.wrong or f"nothing changed within {give_up:.0f} s"

    def _change(self):
        self._since = time.monotonic()
        try:
            self.change()
        except Exception as error:  # noqa: BLE001
            self.wrong = f"the change failed: {error}"


def run_all(samples: list[Sample], give_up=BOUND + 14.0) -> dict[str, "Row"]:
    """Runs all samples beside each other and sorts them by row."""
    threads = [threading.Thread(target=sample.run, args=(give_up,), daemon=True) for sample in samples]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(give_up + 120)
    rows: dict[str, Row] = {}
    for sample in samples:
        rows.setdefault(sample.row, Row(sample.row)).samples.append(sample)
    return rows


@dataclass
class Row:
    """All samples of one kind of change."""

    name: str
    samples: list[Sample] = field(default_factory=list)

    @property
    def seconds(self) -> list[float]:
        return sorted(sample.took for sample in self.samples if sample.took is not None)

    @property
    def wrong(self) -> list[str]:
        return [sample.wrong for sample in self.samples if sample.wrong]

    def within(self, bound: float):
        """Every sample saw the change, and none of them late."""
        assert not self.wrong, f"{self.name}: {self.wrong}"
        assert self.seconds and self.seconds[-1] <= bound + SLACK, f"{self.name}: {self.shown()}, promised {bound:.0f} s"

    def shown(self) -> str:
        return f"p50 {statistics.median(self.seconds):5.1f} s   max {self.seconds[-1]:5.1f} s   of {len(self.seconds)}"


def beside(work, many) -> list:
    """Does the same for many, a few at a time."""
    with ThreadPoolExecutor(6) as pool:
        return list(pool.map(work, many))


def quantile(values: list[float], q: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(q * (len(ordered) - 1)))]


def histogram(values: list[float], width=1.0) -> list[str]:
    """One line per second, for the eye."""
    counts: dict[int, int] = {}
    for value in values:
        counts[int(value / width)] = counts.get(int(value / width), 0) + 1
    most = max(counts.values())
    return [f"{place * width:4.0f} s {'#' * round(40 * counts.get(place, 0) / most):<40} {counts.get(place, 0)}" for place in range(max(counts) + 1)]
