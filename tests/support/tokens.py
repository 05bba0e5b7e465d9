"""Tokens that somebody holds, outside of any tool's cache: what a thief would have."""

import json
import time
from dataclasses import dataclass

import jwt

from .pages import Browser, approve_device
from .paths import ENTRANCE
from .running import run, until
from .server import Server
from .telling import told

AKS_SERVER = "6dae42f8-4368-4678-94ff-3960e28e3630"
AKS_CLIENT = "80faf920-1908-4b52-b5ef-a8e7bedfc67a"
# An API server remembers a good token for ten seconds; the rest is ours and this machine's.
BOUND = 12


@dataclass
class Held:
    """One sign-in by name and password: a session and a device of its own."""

    server: Server
    access: str
    refresh: str = ""

    @property
    def claims(self) -> dict:
        return jwt.decode(self.access, options={"verify_signature": False})

    @classmethod
    def of_person(cls, server: Server, upn: str, password: str, resource: str = AKS_SERVER) -> "Held":
        return cls._ask(server, grant_type="password", username=upn, password=password, client_id=AKS_CLIENT,
                        scope=f"{resource}/.default offline_access")

    @classmethod
    def of_application(cls, server: Server, app: str, secret: str, resource: str = AKS_SERVER) -> "Held":
        return cls._ask(server, grant_type="client_credentials", client_id=app, client_secret=secret, scope=f"{resource}/.default")

    @classmethod
    def of_device(cls, server: Server, upn: str, password: str, resource: str = AKS_SERVER) -> "Held":
        asked = {"client_id": AKS_CLIENT, "scope": f"{resource}/.default offline_access"}
        begun = server.http().post(f"{server.url}/{server.env['TENANT']}/oauth2/v2.0/devicecode", data=asked, timeout=30).json()
        page = approve_device(
            Browser(server.env["ENTRANCE_CA"]), begun["verification_uri"], begun["user_code"], upn, password, "approve"
        )
        assert page.marks.get("device-done", {}).get("data-result") == "approved", page.html[:2000]
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        return cls._ask(server, grant_type=grant, client_id=AKS_CLIENT, device_code=begun["device_code"])

    @classmethod
    def _ask(cls, server: Server, **form) -> "Held":
        answer = server.http().post(f"{server.url}/{server.env['TENANT']}/oauth2/v2.0/token", data=form, timeout=30)
        assert answer.status_code == 200, answer.text
        tokens = answer.json()
        return cls(server, tokens["access_token"], tokens.get("refresh_token", ""))

    def refreshes(self) -> bool:
        """Whether the refresh token still gives something."""
        form = {"grant_type": "refresh_token", "client_id": AKS_CLIENT, "refresh_token": self.refresh, "scope": f"{AKS_SERVER}/.default"}
        answer = self.server.http().post(f"{self.server.url}/{self.server.env['TENANT']}/oauth2/v2.0/token", data=form, timeout=30)
        return answer.status_code == 200


def enters(door, held) -> bool:
    """Whether the API server knows who it is; what they may do there does not matter."""
    status = door.with_token(held.access).knock().status_code
    assert status in (200, 401, 403), status
    return status != 401


def revoke(who, *words, check=True, stdin=None):
    said = run(
        ENTRANCE, "revoke", *words, "--data", who.server.data, "--login", "azurecli", "--tenant", who.server.env["TENANT"],
        "--output", "json", env=who.env, check=check, stdin=stdin,
    )
    return json.loads(said.out) if said.code == 0 else said


def out_within_the_bound(door, held, what):
    since = time.monotonic()
    until(f"the API server refuses: {what}", lambda: not enters(door, held), seconds=BOUND, every=0.1)
    told(f"{what}: a token in use is refused after", f"{time.monotonic() - since:.1f} s")
