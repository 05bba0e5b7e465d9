"""What an administrator builds through `az`, and what one can see of a control plane from outside."""

import base64
import os
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import requests
import yaml

from .people import Person
from .running import processes, until
from .server import Server

USER_ROLE = "Azure Kubernetes Service Cluster User Role"
ADMIN_ROLE = "Azure Kubernetes Service Cluster Admin Role"


@dataclass
class Platform:
    """The usual organisation around one cluster."""

    server: Server
    homes: Path
    admin: Person
    group: str = "journey"
    cluster: str = "prod"
    outer: str = ""
    inner: str = ""
    id: str = ""
    made: dict = field(default_factory=dict)
    member: Person | None = None
    outsider: Person | None = None
    member_oid: str = ""
    outsider_oid: str = ""

    @classmethod
    def build(cls, server: Server, homes: Path, admin: Person) -> "Platform":
        it = cls(server, homes, admin)
        it.outer = admin.az_json("ad", "group", "create", "--display-name", "journey-platform", "--mail-nickname", "jplatform")["id"]
        it.inner = admin.az_json("ad", "group", "create", "--display-name", "journey-on-call", "--mail-nickname", "joncall")["id"]
        admin.az("ad", "group", "member", "add", "-g", it.outer, "--member-id", it.inner)
        it.member, it.member_oid = it.hire("nina")
        it.outsider, it.outsider_oid = it.hire("olaf")
        admin.az("ad", "group", "member", "add", "-g", it.inner, "--member-id", it.member_oid)
        admin.az("group", "create", "-n", it.group, "-l", "local", "-o", "none")
        it.made = admin.az_json(
            "aks", "create", "-g", it.group, "-n", it.cluster, "--no-ssh-key",
            "--enable-aad", "--aad-admin-group-object-ids", it.outer,
        )
        it.id = it.made["id"]
        it.grant(USER_ROLE, it.member_oid, "User")
        it.grant(USER_ROLE, it.outsider_oid, "User")
        return it

    def hire(self, name: str) -> tuple[Person, str]:
        """A new person with a random password, made by the administrator."""
        upn, password = f"{name}@{self.server.env['TENANT_DOMAIN']}", f"Aa1!{secrets.token_urlsafe(12)}"
        made = self.admin.az_json(
            "ad", "user", "create", "--display-name", name.title(), "--user-principal-name", upn,
            "--password", password, "--force-change-password-next-sign-in", "false",
        )
        return Person(self.server, self.homes / name, name, upn, password), made["id"]

    def grant(self, role: str, oid: str, kind: str, scope: str = "") -> None:
        self.admin.az(
            "role", "assignment", "create", "--role", role, "--assignee-object-id", oid,
            "--assignee-principal-type", kind, "--scope", scope or self.id, "-o", "none",
        )

    def revoke(self, role: str, oid: str) -> None:
        self.admin.az("role", "assignment", "delete", "--role", role, "--assignee", oid, "--scope", self.id)


@dataclass
class Door:
    """The API server behind a kubeconfig, and one credential for it."""

    address: str
    verify: str
    cert: tuple[str, str] | None = None
    token: str = ""

    @classmethod
    def of(cls, kubeconfig: Path) -> "Door":
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        ca = _file(cluster["certificate-authority-data"])
        cert = (_file(user["client-certificate-data"]), _file(user["client-key-data"])) if "client-certificate-data" in user else None
        return cls(cluster["server"], ca, cert)

    def with_token(self, token: str) -> "Door":
        return Door(self.address, self.verify, None, token)

    def knock(self, path="/api/v1/nodes") -> requests.Response:
        """One request on a new connection, as a new `kubectl` makes it."""
        with requests.Session() as http:
            http.trust_env = False
            headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            return http.get(self.address + path, verify=self.verify, cert=self.cert, headers=headers, timeout=10)


def api_servers(kubeconfig: Path, data: Path) -> dict[int, str]:
    """The API server processes that listen where this kubeconfig points."""
    address = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    port = f"--secure-port={address.rsplit(':', 1)[1].strip('/')} "
    return {pid: words for pid, words in processes(data).items() if port in words}


def home_of(kubeconfig: Path, data: Path) -> Path:
    """The folder of the control plane behind a kubeconfig: where its API server works."""
    pid = until("the API server runs", lambda: next(iter(api_servers(kubeconfig, data)), None))
    return Path(os.readlink(f"/proc/{pid}/cwd"))


def _file(data: str) -> str:
    with tempfile.NamedTemporaryFile("wb", suffix=".pem", delete=False) as file:
        file.write(base64.b64decode(data))
    return file.name
