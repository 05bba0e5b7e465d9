"""A server whose data lies on a small disk of its own, or on one that takes no writes: both in a mount namespace, nothing else notices."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

from .paths import ENTRANCE
from .running import Running, run, until
from .server import Server, plain_env

SPARE = 24


def may_mount() -> bool:
    """Whether this machine lets us make a mount namespace."""
    return subprocess.run([*_alone(), "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False, capture_output=True).returncode == 0


def _alone() -> list[str]:
    return ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]


class SmallDisk:
    """Serves a copy of a server's data from a disk with a few megabytes to spare."""

    def __init__(self, server: Server):
        self.server = server
        # The store gives back the room that it made for itself, so that the next thing it keeps needs some.
        with contextlib.closing(sqlite3.connect(server.data / "entrance.db", isolation_level=None)) as store:
            store.execute("VACUUM")
            store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        used = sum(file.stat().st_size for file in server.data.rglob("*") if file.is_file()) >> 20
        script = 'mkdir "$1.copy" && mount -t tmpfs -o size=$2m,mode=700 tmpfs "$1.copy" && cp -a "$1/." "$1.copy/" && mount --move "$1.copy" "$1" && shift 2 && exec "$@"'
        self.running = server.running = Running(
            *_alone(), "bash", "-c", script, "small", server.data, used + SPARE, ENTRANCE, "serve", *server.places(),
            env=plain_env(server.home), log=server.home / "logs" / "small-disk",
        )
        until("it serves", lambda: server._ready("serve", True), seconds=60, every=0.2)
        # Held open, the disk outlives the namespace, and can be looked at when the server has ended.
        self.disk = os.open(f"/proc/{self.running.process.pid}/root{server.data}", os.O_RDONLY | os.O_DIRECTORY)

    def fill(self):
        """Leaves no byte."""
        with open("filler", "wb", buffering=0, opener=self._at) as filler:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        filler.write(b"x" * size)
                except OSError:
                    continue

    def _at(self, path, flags):
        return os.open(path, flags, 0o600, dir_fd=self.disk)

    def empty(self):
        os.unlink("filler", dir_fd=self.disk)

    def end(self) -> Path:
        """Ends the server and gives a copy of what it left on the disk."""
        self.running.process.terminate()
        self.running.end(60, check=False)
        left = self.server.home / "as-it-was-left"
        shutil.copytree(f"/proc/self/fd/{self.disk}", left, ignore=shutil.ignore_patterns("*.sock"))
        os.close(self.disk)
        return left


def read_only(server: Server):
    """Starts the server on data that it may only read; gives how it ended."""
    script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'
    return run(
        *_alone(), "bash", "-c", script, "read-only", server.data, ENTRANCE, "serve", *server.places(),
        env=plain_env(server.home), check=False, timeout=60,
    )
