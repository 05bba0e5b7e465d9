"""Clients written for node: each flow is one run of a script, which asks the story for a person where it needs one."""

import json
import shutil
import subprocess
import threading

from .pages import Browser, approve_device
from .paths import CLIENTS
from .server import Server, plain_env
from .visitor import Visitor


class Failed(AssertionError):
    """The library refused, or was refused: what it says about it."""

    def __init__(self, what: dict):
        super().__init__(json.dumps(what, indent=1)[:3000])
        self.what = what


def play(server: Server, library: str, flow: str, who=None, /, visitor: Visitor | None = None, consent="accept", env=None, **given) -> dict:
    """Runs `tests/clients/LIBRARY.mjs FLOW` for somebody to its end and gives what it told."""
    home = server.home / "node"
    environment = plain_env(home) | {"NODE_EXTRA_CA_CERTS": server.env["ENTRANCE_CA"], "NODE_NO_WARNINGS": "1"} | (env or {})
    environment["PATH"] = f"{environment['PATH']}:{shutil.which('node').rsplit('/', 1)[0]}"
    given = {"base": server.env["ENTRANCE_URL"].rstrip("/"), "tenant": server.env["TENANT"], **given}
    if who:
        given |= {"upn": who.upn, "password": who.password}
    script = subprocess.Popen(
        ["node", str(CLIENTS / f"{library}.mjs"), flow], env=environment, cwd=CLIENTS, text=True, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    stop = threading.Timer(PATIENCE, script.kill)
    stop.start()
    try:
        return _talk(server, script, visitor or Visitor(server, who), who, consent, given)
    finally:
        stop.cancel()
        script.kill()
        script.communicate()


def _talk(server, script, visitor, who, consent, given) -> dict:
    def say(message):
        script.stdin.write(json.dumps(message) + "\n")
        script.stdin.flush()

    say(given)
    for line in script.stdout:
        asked = json.loads(line)
        if "visit" in asked:
            came = visitor.visit(asked["visit"], consent)
            say({"url": came.url, "form": came.form})
        elif "device" in asked:
            page = approve_device(Browser(server.env["ENTRANCE_CA"]), asked["device"]["address"], asked["device"]["code"], who.upn, who.password)
            assert page.marks.get("device-done", {}).get("data-result") == "approved", page.html[:2000]
            say({})
        elif "failed" in asked:
            raise Failed(asked["failed"])
        else:
            return asked["done"]
    raise AssertionError(f"the script ended without a word:\n{script.stderr.read()[-3000:]}")


PATIENCE = 60
