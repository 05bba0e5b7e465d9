"""Runs programs and waits for conditions."""

import os
import re
import shlex
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Result:
    """What a program left: exit code, words on both streams, seconds."""

    command: str
    code: int
    out: str
    err: str
    seconds: float

    def __str__(self):
        return f"$ {self.command}\nexit {self.code} after {self.seconds:.1f} s\n{self.out}\n{self.err}"


def run(*words, env, cwd=None, check=True, timeout=180, stdin=None) -> Result:
    """Runs a program to its end; a bad exit code is a failed assertion unless `check` is off."""
    words = [str(word) for word in words]
    since = time.monotonic()
    done = subprocess.run(
        words, env=env, cwd=cwd, timeout=timeout, capture_output=True, text=True, errors="replace",
        input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL, start_new_session=True,
    )
    result = Result(shlex.join(words), done.returncode, done.stdout, done.stderr, time.monotonic() - since)
    assert not check or result.code == 0, str(result)
    return result


class Running:
    """A program that talks while it runs, such as one that waits for a device code."""

    def __init__(self, *words, env, log: Path, cwd=None):
        self.words = [str(word) for word in words]
        self.log = log
        self.since = time.monotonic()
        log.parent.mkdir(parents=True, exist_ok=True)
        self.out_path, self.err_path = log.with_suffix(".out"), log.with_suffix(".err")
        with self.out_path.open("wb") as out, self.err_path.open("wb") as err:
            self.process = subprocess.Popen(
                self.words, env=env, cwd=cwd, stdout=out, stderr=err, stdin=subprocess.DEVNULL, start_new_session=True
            )

    @property
    def out(self) -> str:
        return self.out_path.read_text(errors="replace")

    @property
    def err(self) -> str:
        return self.err_path.read_text(errors="replace")

    def says(self, pattern: str, seconds=60) -> re.Match:
        """Waits for words on stderr."""

        def look():
            found = re.search(pattern, self.err)
            assert found or self.process.poll() is None, f"ended before it said `{pattern}`:\n{self.result()}"
            return found

        return until(f"`{self.words[0]}` says `{pattern}`", look, seconds=seconds)

    def result(self) -> Result:
        return Result(shlex.join(self.words), self.process.returncode, self.out, self.err, time.monotonic() - self.since)

    def end(self, seconds=120, check=True) -> Result:
        """Waits for its end."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not end within {seconds} s:\n{self.result()}") from None
        result = self.result()
        assert not check or result.code == 0, str(result)
        return result

    def kill(self, how=signal.SIGKILL):
        """Ends the program and what it started in its own group."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, how)
            self.process.wait(30)


def until(what: str, check, seconds=30.0, every=0.1):
    """Waits until `check()` is true and returns it; says what it waited for when it gives up."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < end, f"waited {seconds} s for: {what}"
        time.sleep(every)


def free_port() -> int:
    """A port of loopback that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def processes(folder: Path) -> dict[int, str]:
    """Living processes that work inside a folder, with their command lines. A control plane works in its cluster's folder."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            at = os.readlink(process / "cwd").removesuffix(" (deleted)")
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words and Path(at).is_relative_to(folder):
            found[int(process.name)] = words
    return found
