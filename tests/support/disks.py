"""A server whose data lies on a disk that takes no writes, in a mount namespace: nothing else notices."""

import os
import subprocess

from .paths import ENTRANCE
from .running import run
from .server import Server, plain_env


def may_mount() -> bool:
    """Whether this machine lets us make a mount namespace."""
    return subprocess.run([*_alone(), "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False, capture_output=True).returncode == 0


def _alone() -> list[str]:
    return ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]


def read_only(server: Server):
    """Starts the server on data that it may only read; gives how it ended."""
    script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'
    return run(
        *_alone(), "bash", "-c", script, "read-only", server.data, ENTRANCE, "serve", *server.places(),
        env=plain_env(server.home), check=False, timeout=60,
    )
