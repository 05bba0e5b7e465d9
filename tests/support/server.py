"""`entrance demo` and `entrance serve` as child processes on free ports with a data directory of their own."""

import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

import requests

from .paths import CONTROLPLANE, ENTRANCE
from .running import Running, free_port, processes, until


class Server:
    """One installation: a data directory, two ports, and the process that serves them."""

    def __init__(self, home: Path):
        self.home, self.data = home, home / "data"
        self.port, self.webhook_port = free_port(), free_port()
        self.url = f"https://localhost:{self.port}"
        self.running: Running | None = None
        self.starts = 0
        # What the server gets beside a plain environment.
        self.more_env: dict[str, str] = {}
        # Words that every start of this installation gets.
        self.more_options: list[str] = []

    def start(self, command="demo", *options: str, ready=240, story=True, every=0.2) -> "Server":
        """Starts the server and waits until it can be used: for `demo` that is the end of its story, if anybody wants to hear it."""
        self.launch(command, *options)
        until(f"`entrance {command}` is ready", lambda: self._ready(command, story), seconds=ready, every=every)
        return self

    def serve(self, **more) -> "Server":
        """Goes on as the real thing on the demo's data; what `demo` trusts by itself is named."""
        return self.start(*self.served(), **more)

    def served(self) -> list[str]:
        return ["serve", "--trust-issuer", f"https://issuer.demo.entrance.example={self.data}/demo-issuer-keys.json"]

    def launch(self, command: str, *options: str):
        """Starts the server and waits for nothing."""
        self.starts += 1
        self.running = Running(
            ENTRANCE, command, *self.places(), *self.more_options, *options,
            env=plain_env(self.home) | self.more_env, log=self.home / "logs" / f"{self.starts}-{command}",
        )

    def places(self) -> list[str]:
        """The options that say where this installation lives."""
        return [
            "--data", str(self.data), "--listen", f"127.0.0.1:{self.port}",
            "--webhook-listen", f"127.0.0.1:{self.webhook_port}", "--controlplane", str(CONTROLPLANE),
        ]

    def _ready(self, command: str, story: bool) -> bool:
        running = self.running
        assert running.process.poll() is None, f"the server ended:\n{running.result()}"
        if command == "demo" and not (self.data / "demo.env").exists():
            return False
        try:
            answer = requests.get(f"{self.url}/metadata/endpoints?api-version=2022-09-01", verify=self._ca(), timeout=5)
        except (OSError, requests.RequestException):
            return False
        return answer.status_code == 200 and (command != "demo" or not story or STORY_ENDS in running.out + running.err)

    def _ca(self) -> str:
        return self.env["ENTRANCE_CA"]

    @property
    def env(self) -> dict[str, str]:
        """What `demo.env` names."""
        return shell_exports((self.data / "demo.env").read_text())

    def shell(self) -> dict[str, str]:
        """What `entrance env` gives a shell."""
        said = subprocess.run(
            [ENTRANCE, "env", "--data", str(self.data)], env=plain_env(self.home), capture_output=True, text=True, check=False
        )
        assert said.returncode == 0, f"`entrance env` failed: {said.stderr}"
        return shell_exports(said.stdout)

    def http(self) -> requests.Session:
        """A client that trusts this server and nothing of the environment."""
        http = requests.Session()
        http.trust_env = False
        http.verify = self._ca()
        return http

    def stop(self):
        """Asks the server to end, as Ctrl-C or a service manager would."""
        running = self.running
        running.process.send_signal(signal.SIGTERM)
        return running.end(60, check=False)

    def kill(self):
        """Takes the server away without a word, and nothing else: control planes live on."""
        self.running.process.kill()
        self.running.process.wait(30)

    def control_planes(self) -> dict[int, str]:
        """Processes of the clusters in the data directory."""
        return processes(self.data)

    def kill_everything(self):
        """What a power cut leaves running: nothing."""
        if self.running and self.running.process.poll() is None:
            self.kill()
        for pid in self.control_planes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        until("no process works in the data directory", lambda: not self.control_planes(), seconds=30)


STORY_ENDS = "Now try it yourself"


def plain_env(home: Path) -> dict[str, str]:
    """An environment with a home and nothing that this machine's owner set."""
    home.mkdir(parents=True, exist_ok=True)
    return {"HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "TERM": "dumb"}


def shell_exports(text: str) -> dict[str, str]:
    """`export NAME='value'` lines as a shell understands them."""
    exports = {}
    for line in text.splitlines():
        if found := re.match(r"export ([A-Z_][A-Z0-9_]*)=(.*)$", line):
            exports[found[1]] = "".join(shlex.split(found[2]))
    return exports
