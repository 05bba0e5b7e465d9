"""A network namespace of its own, in which this machine has addresses of several networks: nothing leaves it, and nothing else notices."""

import os
import subprocess
from pathlib import Path

from .running import Running
from .server import plain_env


class Networks:
    """Lives until it is closed. A program that is started `inside` has these addresses and no others."""

    def __init__(self, home: Path, name: str, *addresses: str):
        """`name` is loopback for programs that look it up."""
        is_root = os.geteuid() == 0
        alone = ["unshare", "--net", "--mount"] if is_root else ["unshare", "--map-root-user", "--net", "--mount"]
        hosts = home / "hosts"
        hosts.write_text(f"127.0.0.1 localhost {name}\n")
        script = (
            'mount --bind "$1" /etc/hosts && shift && ip link set lo up && for one in "$@"; do ip addr add "$one/24" dev lo; done'
            " && echo ready >&2 && exec sleep 3600"
        )
        tried = subprocess.run([*alone, "ip", "link", "set", "lo", "up"], check=False, capture_output=True, text=True)
        assert tried.returncode == 0, f"no network namespace can be made here; run as root, or allow user namespaces: {tried.stderr}"
        self.keeper = Running(*alone, "bash", "-c", script, "networks", hosts, *addresses, env=plain_env(home), log=home / "logs" / "networks")
        self.keeper.says("ready")
        self.inside = ["nsenter", "-t", str(self.keeper.process.pid), "--net", "--mount"]
        if not is_root:
            self.inside += ["--user", "--preserve-credentials"]

    def close(self):
        self.keeper.kill()
