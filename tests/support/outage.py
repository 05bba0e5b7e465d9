"""Entrance taken away in several ways, and what those who do not need it notice: nothing, as a ratio."""

import os
import signal
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .freshness import Line
from .running import until
from .server import Server


@dataclass
class Bystanders:
    """Who never needed Entrance: a client certificate and a service account, each over a kept connection."""

    lines: dict[str, Line]

    def measure(self, rounds=150) -> dict[str, list[float]]:
        """Seconds of each answer, all asked in turns."""
        took: dict[str, list[float]] = {name: [] for name in self.lines}
        for _ in range(rounds):
            for name, line in self.lines.items():
                since = time.perf_counter()
                status = line.ask()
                took[name].append(time.perf_counter() - since)
                assert status == 200, f"{name} was answered {status}"
        return took

    def in_turns(self, gone, turns: int, rounds: int) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
        """Measured while Entrance is there and while it is `gone()`, over and over."""
        there, away = ({name: [] for name in self.lines} for _ in range(2))
        for _ in range(turns):
            _add(there, self.measure(rounds))
            with gone():
                _add(away, self.measure(rounds))
        return there, away


def _add(to: dict[str, list[float]], more: dict[str, list[float]]):
    for name, took in more.items():
        to[name] += took


@dataclass
class Asked:
    """One question that may hang."""

    status: int = 0
    seconds: float = 0.0


@contextmanager
def asked_meanwhile(line: Line, path: str):
    """Asks in the background; the answer is there when the block has ended."""
    answer = Asked()

    def ask():
        since = time.perf_counter()
        answer.status = line.ask(path, timeout=70)
        answer.seconds = time.perf_counter() - since

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    yield answer
    thread.join(75)


# --- ways to be away ---


@contextmanager
def frozen(server: Server):
    """The process is there and its port takes connections, and nothing is ever answered."""
    os.kill(server.running.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.running.process.pid, signal.SIGCONT)


def broken(server: Server):
    """The switch for drills: every review is answered with 500."""
    return _switched(server, "500")


def silent(server: Server):
    """The switch for drills: the webhooks take connections and say nothing, while people can go on signing in."""
    return _switched(server, "blackhole")


@contextmanager
def _switched(server: Server, fault: str):
    """Needs a server that was started with `ENTRANCE_FAULTS=1`; the log says when the switch was turned."""
    file = server.data / "faults"
    _turn(server, file, f"webhook={fault}")
    try:
        yield
    finally:
        _turn(server, file, "webhook=ok")


def _turn(server: Server, file: Path, words: str):
    turned = server.running.err.count(TURNED)
    file.write_text(words)
    until(f"the switch is at `{words}`", lambda: server.running.err.count(TURNED) > turned, seconds=10, every=0.02)


TURNED = "THE FAULT SWITCH WAS TURNED"


@contextmanager
def stopped(server: Server):
    """Asked to end, as a service manager does."""
    server.stop()
    yield
    server.start("serve")


@contextmanager
def killed(server: Server):
    """Gone without a word."""
    server.kill()
    yield
    server.start("serve")


@contextmanager
def cut_off(server: Server):
    """Packets vanish on the way: no connection is refused, and none is made."""
    server.kill()
    with black_hole(server.webhook_port):
        yield
    server.start("serve")


@contextmanager
def black_hole(port: int):
    """Nobody answers a connection attempt at this port, as if the packets were lost: its queue is full and stays so."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(0)
    waiting = []
    for _ in range(4):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", port))
        waiting.append(one)
    try:
        yield
    finally:
        for one in [*waiting, listener]:
            one.close()
