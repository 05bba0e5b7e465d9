"""Small disks and folders that take no writes: both in a mount namespace, nothing else notices."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

from .paths import ENTRANCE
from .running import Result, Running, run, until
from .server import Server, plain_env


def must_mount():
    """Says at once that this machine lets nobody make a mount namespace, which the stories about disks need."""
    tried = subprocess.run([*_alone(), "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False, capture_output=True, text=True)
    assert tried.returncode == 0, f"no mount namespace can be made here; run as root, or allow user namespaces: {tried.stderr}"


def _alone() -> list[str]:
    return ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]


class Disk:
    """A disk of so many megabytes at the place of a folder, with a copy of what lies there. Only programs started through it see it."""

    def __init__(self, folder: Path, size: int, env: dict[str, str], log: Path):
        script = (
            'mkdir "$1.copy" && mount -t tmpfs -o "size=$2m,mode=700" tmpfs "$1.copy" && cp -a "$1/." "$1.copy/" && mount --move "$1.copy" "$1"'
            ' && echo mounted >&2 && exec sleep 3600'
        )
        self.keeper = Running(*_alone(), "bash", "-c", script, "small", folder, size, env=env, log=log)
        self.keeper.says("mounted")
        self.at = Path(f"/proc/{self.keeper.process.pid}/root{folder}")
        self.enter = ["nsenter", "-t", str(self.keeper.process.pid), "--mount"]
        if os.geteuid() != 0:
            self.enter += ["--user", "--preserve-credentials"]

    @property
    def free(self) -> int:
        """Bytes that are left."""
        disk = os.statvfs(self.at)
        return disk.f_bfree * disk.f_frsize

    def fill(self):
        """Leaves no byte, as long as nobody gives some back."""
        with open(self.at / "filler", "ab", buffering=0) as filler:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        filler.write(b"x" * size)
                except OSError:
                    continue

    def empty(self):
        (self.at / "filler").unlink()

    def end(self):
        """Takes the disk away."""
        self.keeper.kill()


class SmallDisk(Disk):
    """A disk of a few megabytes with a copy of a server's data, at the place of that data. It outlives the server that uses it."""

    SPARE = 24

    def __init__(self, server: Server):
        self.server, self.starts = server, 0
        # The store gives back the room that it made for itself, so that the next thing it keeps needs some.
        with contextlib.closing(sqlite3.connect(server.data / "entrance.db", isolation_level=None)) as store:
            store.execute("VACUUM")
            store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        used = sum(file.stat().st_size for file in server.data.rglob("*") if file.is_file()) >> 20
        super().__init__(server.data, used + self.SPARE, plain_env(server.home), server.home / "logs" / "small-disk")

    def serve(self) -> Running:
        """Starts the server on this disk; it may be ready, or have ended."""
        self.starts += 1
        self.server.running = Running(
            *self.enter, ENTRANCE, "serve", *self.server.places(), env=plain_env(self.server.home), log=self.server.home / "logs" / f"small-disk-{self.starts}",
        )
        return self.server.running

    def ready(self):
        until("it serves from the small disk", lambda: self.server._ready("serve", True), seconds=90, every=0.2)

    def left(self) -> Path:
        """A copy of what lies on the disk, for a look from outside."""
        left = self.server.home / "as-it-was-left"
        shutil.copytree(self.at, left, ignore=shutil.ignore_patterns("*.sock", "filler"))
        return left


def read_only_place(folder: Path, *words, env) -> Result:
    """Runs a program that may only read a folder."""
    script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'
    return run(*_alone(), "bash", "-c", script, "read-only", folder, *words, env=env, check=False, timeout=60)


def read_only(server: Server) -> Result:
    """Starts the server on data that it may only read; gives how it ended."""
    return read_only_place(server.data, ENTRANCE, "serve", *server.places(), env=plain_env(server.home))


def verified(data: Path, home: Path):
    """The audit log's chain holds, and the store's own look at itself finds nothing."""
    said = run(ENTRANCE, "audit", "verify", "--store", data, env=plain_env(home), check=False)
    assert said.code == 0, str(said)
    with contextlib.closing(sqlite3.connect(next(data.glob("*.db")))) as store:
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
