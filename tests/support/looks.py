"""What chromium saw of the pages of the gate: one run of `tests/browser/gate.mjs`, read by many stories."""

import base64
import hashlib
import json
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from .guests import AKS_CLIENT, AKS_SERVER, Guests
from .paths import ROOT
from .server import plain_env
from .telling import told

BROWSER = ROOT / "tests" / "browser"
ROUNDS = ["en", "no-script", "en-XA"]


class Looks:
    """Looks by state; states that were not reached, with the reason."""

    def __init__(self, lines: list[dict]):
        self.by_state, self.failed, self.absent, self.flows = defaultdict(list), defaultdict(list), set(), {}
        for line in lines:
            if "state" in line:
                self.by_state[line["state"]].append(line)
            elif "failed" in line:
                self.failed[line["failed"]].append(line)
            elif "absent" in line:
                self.absent.add((line["absent"], line["view"]))
            elif "flow" in line:
                self.flows[line["flow"]] = line
            elif "fact" in line:
                told(line["fact"], line["value"])

    def of(self, state: str) -> list[dict]:
        assert not self.failed[state], json.dumps(self.failed[state], indent=1, ensure_ascii=False)[:3000]
        assert self.by_state[state], f"nobody looked at `{state}`"
        return self.by_state[state]

    def flow(self, name: str) -> dict:
        assert name in self.flows, f"the browser ended before `{name}`"
        assert "why" not in self.flows[name], json.dumps(self.flows[name], indent=1, ensure_ascii=False)[:3000]
        return self.flows[name]


def look(guests: Guests) -> Looks:
    """Opens the browser once and looks at everything."""
    server, home = guests.server, guests.server.home / "browser"
    environment = plain_env(home)
    environment["PATH"] = f"{environment['PATH']}:{shutil.which('node').rsplit('/', 1)[0]}"
    done = subprocess.run(
        ["node", str(BROWSER / "gate.mjs")], input=json.dumps(_given(guests)) + "\n", env=environment, cwd=BROWSER, text=True,
        capture_output=True, timeout=900, check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines and lines[-1] == {"done": True}, f"the browser ended early:\n{done.stderr[-3000:]}"
    assert server.running is None or server.running.process.poll() is None
    return Looks(lines)


def _authority(guests: Guests) -> str:
    """The server's certificate authority, as chromium is told whom to believe."""
    ca = x509.load_pem_x509_certificate(Path(guests.server.env["ENTRANCE_CA"]).read_bytes())
    key = ca.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


def _given(guests: Guests) -> dict:
    office = guests.office
    person = lambda who: {"upn": who.upn, "password": who.password}  # noqa: E731
    member = office.hire("pages-member")
    web = {"client": guests.pages.app, "redirect": guests.pages.redirect}
    return {
        "base": office.url, "tenant": office.tenant, "authority": _authority(guests), "web": web,
        "consent": {"client": guests.asking.app, "redirect": guests.asking.redirect, "scope": f"openid {guests.web.uri}/access"},
        "aks": {"client": AKS_CLIENT, "scope": f"{AKS_SERVER}/.default"},
        "people": {
            "admin": {"any": {"upn": guests.server.env["ADMIN_UPN"], "password": guests.server.env["ADMIN_PASSWORD"]}},
            "member": {"any": person(member)},
            "paused": {name: person(office.hire("pages-paused")) for name in ROUNDS},
            "enrolling": {name: person(office.hire("pages-enrolling")) for name in ROUNDS},
            "demanded": {name: person(one) for name, one in zip(ROUNDS, _demanded(guests), strict=True)},
            "changing": {name: person(_changing(guests)) for name in ROUNDS},
            "asked": {name: person(office.hire("pages-asked")) for name in ROUNDS},
            "passkey": {"any": person(office.hire("pages-passkey"))},
        },
    }


def _changing(guests: Guests):
    """Somebody whose password an administrator chose."""
    who = guests.office.hire("pages-new")
    guests.office.graph("PATCH", f"/users/{who.oid}", {"passwordProfile": {"password": who.password, "forceChangePasswordNextSignIn": True}})
    return who


def _demanded(guests: Guests) -> list:
    """People whom a policy asks for a second factor, one for each round."""
    people = [guests.office.hire("pages-demanded") for _ in ROUNDS]
    guests.office.graph("POST", "/identity/conditionalAccess/policies", {
        "displayName": "pages: a second factor", "state": "enabled", "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
        "conditions": {"clientAppTypes": ["all"], "users": {"includeUsers": [one.oid for one in people]}, "applications": {"includeApplications": ["All"]}},
    })
    return people
