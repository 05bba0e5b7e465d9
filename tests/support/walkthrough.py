"""A page of the documentation as a program: its shell blocks, whose terminal each is typed at, and what is said to come back.

In a block tagged `sh` the first line is a comment that names somebody. `#> words` below a command is what it prints, `#! words` what it says when it is
refused; `…` stands for anything, white space is as good as other white space, and `$NAME` is the shell's variable.
"""

import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from .people import DEVICE_CODE, Person
from .pages import Browser, approve_device
from .running import Result


@dataclass
class Command:
    line: int
    text: str
    prints: list[str] = field(default_factory=list)
    refused: bool = False

    @property
    def only_asks(self) -> bool:
        """Whether it may be run once more without changing anything."""
        return re.match(r"(kubectl (-n \S+ )?(get|auth)|helm list) ", self.text) is not None


@dataclass
class Block:
    section: str
    line: int
    who: str
    commands: list[Command]


def blocks(page: Path) -> list[Block]:
    """All shell blocks of a page in their order."""
    found, section, lines = [], "", iter(enumerate(page.read_text().splitlines(), 1))
    for number, line in lines:
        if line.startswith("## "):
            section = line[3:]
        elif line.startswith("```") and line != "```sh":
            raise AssertionError(f"{page.name}:{number}: only `sh` blocks can be run, this is `{line}`")
        elif line == "```sh":
            _, first = next(lines)
            assert first.startswith("# "), f"{page.name}:{number}: nobody is named who types this block"
            found.append(Block(section, number, first[2:], _commands(page, lines)))
    return found


def _commands(page: Path, lines) -> list[Command]:
    commands, open_until = [], None
    for number, line in lines:
        if open_until:
            commands[-1].text += f"\n{line}"
            open_until = None if line == open_until else open_until
        elif line == "```":
            return commands
        elif line[:3] in ("#> ", "#! "):
            commands[-1].prints.append(line[3:])
            commands[-1].refused |= line.startswith("#!")
        else:
            commands.append(Command(number, line))
            here = re.search(r"<<'?(\w+)'?$", line)
            open_until = here and here[1]
    raise AssertionError(f"{page.name}: a block does not end")


class Terminal:
    """One shell, at which people take turns: variables stay, what is exported is each person's own."""

    def __init__(self, home: Path, **variables: str):
        home.mkdir(parents=True, exist_ok=True)
        self.home, self.count = home, 0
        self.process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"], cwd=home, env={"PATH": "/usr/bin:/bin"}, text=True, stdin=subprocess.PIPE, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self._say("set -u -o pipefail")
        for name, value in variables.items():
            self._say(f"{name}={_quoted(value)}")

    def close(self):
        self.process.kill()
        self.process.wait(10)

    def sit_down(self, person: Person):
        """From now on this person types."""
        self._say("export -n $(compgen -e)")
        for name, value in person.env.items():
            self._say(f"export {name}={_quoted(value)}")
        self._say(f"cd {_quoted(str(person.home))}")
        self.person = person

    def type(self, command: str, seconds=90) -> Result:
        """Runs a command to its end. If it asks for a device code to be typed somewhere, the person does so."""
        self.count, approved, since = self.count + 1, False, time.monotonic()
        self.out, self.err, done = (self.home / f"{self.count}.{what}" for what in ("out", "err", "code"))
        self.out.touch(), self.err.touch()
        self._say(f"{{ {command}\n}} </dev/null >{_quoted(str(self.out))} 2>{_quoted(str(self.err))}")
        self._say(f"echo $? >{_quoted(str(done))}")
        while not (done.exists() and done.read_text()):
            assert self.process.poll() is None, f"the shell ended with `{command}`:\n{self._said()}"
            assert time.monotonic() - since < seconds, f"not done within {seconds} s: `{command}`\n{self._said()}"
            asked = not approved and re.search(DEVICE_CODE, self.err.read_text())
            if asked:
                person = self.person
                page = approve_device(Browser(person.server.env["ENTRANCE_CA"]), asked[1], asked[2], person.upn, person.password)
                assert page.marks.get("device-done", {}).get("data-result") == "approved", page.html[:2000]
                approved = True
            time.sleep(0.02)
        return Result(command, int(done.read_text()), self.out.read_text(), self.err.read_text(), time.monotonic() - since)

    def filled_in(self, words: str) -> str:
        """The words with the shell's variables in place of their names."""
        return self.type(f"printf %s \"{words.replace(chr(34), chr(92) + chr(34))}\"").out if "$" in words else words

    def _said(self) -> str:
        return self.out.read_text() + self.err.read_text()

    def _say(self, line: str):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()


def judge(where: str, command: Command, wanted: list[str], result: Result):
    """Whether a command did what the page says."""
    assert (result.code != 0) == command.refused, f"{where}: {'nobody refused it' if command.refused else 'it failed'}\n{result}"
    said = " ".join(f"{result.out} {result.err}".split())
    for words in wanted:
        pattern = ".*?".join(re.escape(" ".join(part.split())) for part in words.split("…"))
        assert re.search(pattern, said), f"{where}: the page says that it prints `{words}`\n{result}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
