"""Some fifty requests a second at an API server, from everybody who has business there, while somebody changes its settings.

Each door says what must be answered; while a change is under way its old answer and its new one both count, until the new one has come for good.
"""

import threading
import time
from contextlib import contextmanager

import requests

from .cluster import Door
from .running import until

A_SECOND = 50


class Traffic:
    """Doors that are knocked at without a pause, each on new connections, as new `kubectl`s do it."""

    def __init__(self, **doors: tuple[Door, int]):
        self.doors = {name: door for name, (door, _) in doors.items()}
        self.expected = {name: {status} for name, (_, status) in doors.items()}
        # Every answer of a door since it was last asked about: what came, and when.
        self.last = {name: [] for name in doors}
        self.asked, self.wrong = 0, []
        self._lock, self._stop, self._since = threading.Lock(), threading.Event(), time.monotonic()
        self._threads = [threading.Thread(target=self._knock, args=(name,), daemon=True) for name in doors for _ in range(2)]

    def __enter__(self) -> "Traffic":
        self._since = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(15)
        self._ended = time.monotonic()

    @property
    def rate(self) -> float:
        return self.asked / (self._ended - self._since)

    def _knock(self, name: str):
        pause, due = len(self._threads) / A_SECOND, time.monotonic()
        while not self._stop.is_set():
            before = set(self.expected[name])
            try:
                answer = self.doors[name].knock()
                status, text = answer.status_code, answer.text[:200]
            except requests.RequestException as error:
                status, text = 0, str(error)
            with self._lock:
                self.asked += 1
                self.last[name].append(status)
                # What counted when it was asked, or when it was answered.
                if status not in before | self.expected[name]:
                    self.wrong.append(f"{name}: {status} instead of {sorted(before)}: {text}")
            due += pause
            self._stop.wait(max(0.0, due - time.monotonic()))

    def settled(self, times=3):
        """Waits until every door was answered a few times more."""
        seen = {name: len(answers) for name, answers in self.last.items()}
        until("every door was tried", lambda: all(len(self.last[name]) >= count + times for name, count in seen.items()), seconds=30)

    @contextmanager
    def change(self, seconds=15, **becomes: int | tuple[int, ...]):
        """While the block runs, and until the new answers have come for good, these doors may answer either way; of several answers the last
        one is for good. Gives a dict in which the seconds from the block's end to the last old answer are found afterwards."""
        becomes = {name: statuses if isinstance(statuses, tuple) else (statuses,) for name, statuses in becomes.items()}
        with self._lock:
            for name, statuses in becomes.items():
                self.expected[name] = self.expected[name] | set(statuses)
        took = {}
        yield took
        since = time.monotonic()
        for name, (*_, status) in becomes.items():
            until(f"`{name}` is answered {status}", lambda name=name, status=status: self.last[name][-4:] == [status] * 4, seconds=seconds, every=0.05)
            took[name] = time.monotonic() - since
        with self._lock:
            for name, (*_, status) in becomes.items():
                self.expected[name] = {status}
