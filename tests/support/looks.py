"""What chromium saw of the pages of the gate: one run of `tests/browser/gate.mjs`, read by many stories."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from .guests import AKS_CLIENT, AKS_SERVER, SIGNED_IN, SIGNED_OUT, Guests
from .office import Hired
from .paths import BROWSER
from .registered import register
from .running import until
from .server import Server, plain_env
from .telling import told

# How somebody may meet the pages, and from how many sides a page is looked at then (`rounds.mjs`).
VIEWS = {"en": ["light", "dark", "320px"], "no-script": ["320px"], "en-XA": ["320px"]}
# The states of the pages: with and without script, or one of the two (`states.json`).
STATES: dict[str, str] = json.loads((BROWSER / "states.json").read_text())


def views(state: str) -> set[str]:
    """From where a state has to be looked at."""
    rounds = {"all": VIEWS, "script": ["en", "en-XA"], "no-script": ["no-script"]}[STATES[state]]
    return {f"{name}/{view}" for name in rounds for view in VIEWS[name]}


class Looks:
    """Looks by state, what came of the walks, and which of them ended early."""

    def __init__(self, lines: list[dict]):
        self.by_state, self.keys, self.proofs, self.failed, self.flows = defaultdict(list), {}, defaultdict(dict), [], {}
        self.strangers: set[str] = set()
        for line in lines:
            match line:
                case {"state": state}:
                    self.by_state[state].append(line)
                case {"keys": state}:
                    self.keys[state] = line["faults"]
                case {"proof": proof}:
                    self.proofs[proof][line["round"]] = line["held"]
                case {"failed": _}:
                    self.failed.append(line)
                case {"flow": flow}:
                    self.flows[flow] = line
                case {"strangers": strangers}:
                    self.strangers = set(strangers)
                case {"fact": fact}:
                    told(fact, line["value"])

    def of(self, state: str) -> list[dict]:
        assert self.by_state[state], f"nobody looked at `{state}`; {self._ended_early()}"
        return self.by_state[state]

    def found(self, state: str, what: str) -> dict:
        """What the looks at a state found, by view."""
        return {one["view"]: one[what] for one in self.of(state) if one[what]}

    def flow(self, name: str) -> dict:
        assert name in self.flows, f"the browser ended before `{name}`"
        assert "why" not in self.flows[name], json.dumps(self.flows[name], indent=1, ensure_ascii=False)[:3000]
        return self.flows[name]

    def proof(self, name: str) -> dict:
        assert self.proofs[name], f"nothing came of `{name}`; {self._ended_early()}"
        return self.proofs[name]

    def _ended_early(self) -> str:
        return "ended early: " + json.dumps(self.failed, indent=1, ensure_ascii=False)[:3000]


class Empty(Server):
    """A server that nobody administers yet."""

    @property
    def env(self) -> dict[str, str]:
        return {"ENTRANCE_CA": str(self.data / "ca.pem")}

    @property
    def code(self) -> str:
        file = self.data / "bootstrap-code"
        until("the code for the first administrator is written", file.exists)
        return file.read_text().strip()


def look(guests: Guests, empty: Empty) -> Looks:
    """Opens the browser once and looks at everything."""
    server, home = guests.server, guests.server.home / "browser"
    environment = plain_env(home)
    environment["PATH"] = f"{environment['PATH']}:{shutil.which('node').rsplit('/', 1)[0]}"
    environment |= {name: os.environ[name] for name in ("SHOTS", "WALKS", "ONLY", "CHROMIUM") if name in os.environ}
    done = subprocess.run(
        ["node", str(BROWSER / "gate.mjs")], input=json.dumps(given(guests, empty)) + "\n", env=environment, cwd=BROWSER, text=True,
        capture_output=True, timeout=900, check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines and lines[-1] == {"done": True}, f"the browser ended early:\n{done.stderr[-3000:]}"
    assert server.running is None or server.running.process.poll() is None
    return Looks(lines)


def _authority(ca: str) -> str:
    """A server's certificate authority, as chromium is told whom to believe."""
    key = x509.load_pem_x509_certificate(Path(ca).read_bytes()).public_key()
    return base64.b64encode(hashlib.sha256(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).digest()).decode()


def given(guests: Guests, empty: Empty) -> dict:
    """What the browser is told: where the servers are, who its people are, which applications there are."""
    office = guests.office
    person = lambda who: {"upn": who.upn, "password": who.password}  # noqa: E731
    in_rounds = lambda name: {one: person(office.hire(f"pages-{name}")) for one in VIEWS}  # noqa: E731
    app = lambda it: {"client": it.app, "redirect": it.redirect}  # noqa: E731
    return {
        "base": office.url, "tenant": office.tenant, "domain": office.domain,
        "authorities": [_authority(one.env["ENTRANCE_CA"]) for one in (guests.server, empty)],
        "first": {"base": empty.url, "code": empty.code},
        "web": app(guests.pages), "told": app(_told(guests)) | {"logout": SIGNED_OUT},
        "consent": app(guests.asking) | {"scope": f"openid {guests.web.uri}/access"},
        "aks": {"client": AKS_CLIENT, "scope": f"{AKS_SERVER}/.default"},
        "colleague": {"client": _of_a_colleague(guests), "scope": "openid"},
        "people": {
            "admin": {"any": {"upn": guests.server.env["ADMIN_UPN"], "password": guests.server.env["ADMIN_PASSWORD"]}},
            "member": {"any": person(office.hire("pages-member"))}, "other": {"any": person(office.hire("pages-other"))},
            "paused": in_rounds("paused"), "home": in_rounds("home"), "passkey": in_rounds("passkey"), "asked": in_rounds("asked"),
            "demanded": {name: person(one) for name, one in zip(VIEWS, _demanded(guests), strict=True)},
            "changing": {name: person(_changing(guests)) for name in VIEWS},
            "invited": {name: _invited(guests) for name in VIEWS},
        },
    }


def _told(guests: Guests):
    """A web application that wants to know when a browser is signed out."""
    made = register(guests.office, "pages-told", web={"redirectUris": [SIGNED_IN], "logoutUrl": SIGNED_OUT})
    made.redirect = SIGNED_IN
    return made


def _of_a_colleague(guests: Guests) -> str:
    """A program that somebody registered who administers nothing."""
    office = guests.office
    made, owner = register(office, "pages-colleague", public=True), office.hire("pages-colleague")
    office.graph("POST", f"/applications/{made.id}/owners/$ref", {"@odata.id": f"{office.url}/v1.0/directoryObjects/{owner.oid}"})
    return made.app


def _changing(guests: Guests) -> Hired:
    """Somebody whose password an administrator chose."""
    who = guests.office.hire("pages-new")
    guests.office.graph("PATCH", f"/users/{who.oid}", {"passwordProfile": {"password": who.password, "forceChangePasswordNextSignIn": True}})
    return who


def _invited(guests: Guests) -> dict:
    """Somebody who was given a one-time code."""
    who = guests.office.hire("pages-invited")
    made = guests.office.graph("POST", f"/users/{who.oid}/authentication/temporaryAccessPassMethods", {})
    return {"upn": who.upn, "code": made["temporaryAccessPass"]}


def _demanded(guests: Guests) -> list[Hired]:
    """People whom a policy asks for a second factor, one for each round."""
    people = [guests.office.hire("pages-demanded") for _ in VIEWS]
    guests.office.graph("POST", "/identity/conditionalAccess/policies", {
        "displayName": "pages: a second factor", "state": "enabled", "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
        "conditions": {"clientAppTypes": ["all"], "users": {"includeUsers": [one.oid for one in people]}, "applications": {"includeApplications": ["All"]}},
    })
    return people
