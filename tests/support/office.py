"""The administrator's desk without `az`: people, groups and clusters by plain HTTP, so that a story about seconds has no program start in it."""

import base64
import itertools
import secrets
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .cluster import Door
from .running import until
from .server import Server

AZ_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
AKS_CLIENT = "80faf920-1908-4b52-b5ef-a8e7bedfc67a"
AKS_SERVER = "6dae42f8-4368-4678-94ff-3960e28e3630"
VERSION = "2026-06-01"


@dataclass(frozen=True)
class Hired:
    """A person, and what they know."""

    oid: str
    upn: str
    password: str


@dataclass(frozen=True)
class Program:
    """A service principal of an application of its own, and its secret."""

    oid: str
    app: str
    application: str
    secret: str


class Office:
    """The demo's administrator, with a token for each surface. The password grant that makes it quick exists in `demo` alone."""

    def __init__(self, server: Server):
        self.server, env = server, server.env
        self.url, self.domain = env["ENTRANCE_URL"].rstrip("/"), env["TENANT_DOMAIN"]
        self.tenant = env["TENANT"]
        self.home = f"/subscriptions/{env['SUBSCRIPTION']}/resourceGroups/{env['RESOURCE_GROUP']}"
        self.http, self._count = server.http(), itertools.count(1)
        me = Hired("", env["ADMIN_UPN"], env["ADMIN_PASSWORD"])
        metadata = self.http.get(f"{self.url}/metadata/endpoints?api-version=2022-09-01", timeout=30).json()
        self.resources = {"arm": metadata["authentication"]["audiences"][0], "graph": metadata["microsoftGraphResourceId"]}
        self.tokens = {wire: self.token(me, resource, AZ_CLI) for wire, resource in self.resources.items()}

    # --- tokens ---

    def token(self, who: Hired | Program, resource: str = AKS_SERVER, client: str = AKS_CLIENT) -> str:
        """An access token for a resource; for a cluster with a `tokenAudience` of its own that is its server application."""
        scope = f"{resource.rstrip('/')}/.default"
        if isinstance(who, Program):
            form = {"grant_type": "client_credentials", "client_id": who.app, "client_secret": who.secret, "scope": scope}
        else:
            form = {"grant_type": "password", "client_id": client, "username": who.upn, "password": who.password, "scope": scope}
        answer = self.http.post(f"{self.url}/{self.tenant}/oauth2/v2.0/token", data=form, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    # --- the two management surfaces ---

    def graph(self, method: str, path: str, body=None):
        return self._ask("graph", method, f"{self.url}/v1.0{path}", body)

    def arm(self, method: str, path: str, body=None):
        """`path` may carry a query; the version is added."""
        return self._ask("arm", method, f"{self.url}{path}{'&' if '?' in path else '?'}api-version={VERSION}", body)

    def arm_list(self, path: str) -> list[dict]:
        """All of a list, page by page."""
        page = self.arm("GET", path)
        found = page["value"]
        while "nextLink" in page:
            page = self._ask("arm", "GET", page["nextLink"], None)
            found += page["value"]
        return found

    def _ask(self, wire: str, method: str, url: str, body):
        answer = self.http.request(method, url, json=body, headers={"Authorization": f"Bearer {self.tokens[wire]}"}, timeout=60)
        assert answer.ok, f"{method} {url}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    # --- people, programs, groups ---

    def hire(self, name: str = "person") -> Hired:
        nick, password = f"{name}-{next(self._count)}-{secrets.token_hex(2)}", f"Aa1!{secrets.token_urlsafe(12)}"
        made = self.graph("POST", "/users", {
            "accountEnabled": True, "displayName": nick, "mailNickname": nick, "userPrincipalName": f"{nick}@{self.domain}",
            "passwordProfile": {"password": password, "forceChangePasswordNextSignIn": False},
        })
        return Hired(made["id"], made["userPrincipalName"], password)

    def program(self, name: str = "program") -> Program:
        application = self.graph("POST", "/applications", {"displayName": f"{name}-{next(self._count)}"})
        principal = self.graph("POST", "/servicePrincipals", {"appId": application["appId"]})
        secret = self.graph("POST", f"/applications/{application['id']}/addPassword", {"passwordCredential": {"displayName": "it"}})
        return Program(principal["id"], application["appId"], application["id"], secret["secretText"])

    def group(self, *members: str, name: str = "group") -> str:
        nick = f"{name}-{next(self._count)}-{secrets.token_hex(2)}"
        body = {"displayName": nick, "mailNickname": nick, "mailEnabled": False, "securityEnabled": True}
        if members:
            body["members@odata.bind"] = [f"{self.url}/v1.0/directoryObjects/{member}" for member in members]
        return self.graph("POST", "/groups", body)["id"]

    def join(self, group: str, member: str):
        self.graph("POST", f"/groups/{group}/members/$ref", {"@odata.id": f"{self.url}/v1.0/directoryObjects/{member}"})

    def leave(self, group: str, member: str):
        self.graph("DELETE", f"/groups/{group}/members/{member}/$ref")

    # --- clusters ---

    def cluster(self, name: str, *admins: str, nodes: int = 1) -> "Managed":
        managed = Managed(self, f"{self.home}/providers/Microsoft.ContainerService/managedClusters/{name}", name)
        managed.put({"location": "local", "identity": {"type": "SystemAssigned"}, "properties": {
            "dnsPrefix": name, "enableRBAC": True, "agentPoolProfiles": [{"name": "nodepool1", "count": nodes, "mode": "System"}],
            "aadProfile": {"managed": True, "adminGroupObjectIDs": list(admins)}}})
        managed.settled()
        return managed


@dataclass
class Managed:
    """A cluster as the resource manager knows it."""

    office: Office
    path: str
    name: str

    def get(self) -> dict:
        return self.office.arm("GET", self.path)

    def put(self, body: dict):
        return self.office.arm("PUT", self.path, body)

    def change(self, settle):
        """Reads the document, lets `settle` change its properties, and sends it back."""
        document = self.get()
        settle(document["properties"])
        return self.put(document)

    def settled(self, seconds=120):
        def succeeded():
            state = self.get()["properties"]["provisioningState"]
            assert state not in ("Failed", "Canceled"), self.get()
            return state == "Succeeded"

        until(f"the cluster `{self.name}` is settled", succeeded, seconds=seconds, every=0.1)

    def door(self) -> Door:
        """Where its API server is; carries no credential."""
        return self._door("listClusterUserCredential")

    def admin(self) -> Door:
        """With a break-glass certificate, once the door's binding is known to the API server."""
        door = self._door("listClusterAdminCredential")
        until("the admin certificate counts", lambda: door.knock("/api/v1/namespaces/default").status_code == 200, seconds=20)
        return door

    def open_door(self, reason="a story") -> tuple[str, Door]:
        """A break-glass door of the administrator: its path, and the API server with its certificate."""
        made = self.office.arm("POST", f"{self.path}/breakGlassDoors", {"properties": {"reason": reason, "duration": "PT1H"}})
        path = f"{self.path}/breakGlassDoors/{made['name']}"
        door = self._door(f"breakGlassDoors/{made['name']}/credential")
        until("the open door counts", lambda: door.knock("/api/v1/namespaces/default").status_code == 200, seconds=20)
        return path, door

    def _door(self, action: str) -> Door:
        answer = self.office.arm("POST", f"{self.path}/{action}")
        with tempfile.NamedTemporaryFile("wb", suffix=".kubeconfig", delete=False) as file:
            file.write(base64.b64decode(answer["kubeconfigs"][0]["value"]))
        try:
            return Door.of(Path(file.name))
        finally:
            Path(file.name).unlink()


class Kube:
    """The Kubernetes API with one credential, for what a story needs to have inside a cluster."""

    def __init__(self, door: Door):
        self.door, self.http = door, requests.Session()
        self.http.trust_env, self.http.verify, self.http.cert = False, door.verify, door.cert
        if door.token:
            self.http.headers["Authorization"] = f"Bearer {door.token}"

    def ask(self, method: str, path: str, body=None, patch=False, check=True):
        headers = {"Content-Type": "application/merge-patch+json"} if patch else {}
        answer = self.http.request(method, self.door.address + path, json=body, headers=headers, timeout=30)
        assert not check or answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    def bind(self, role: str, group: str) -> str:
        """Binds a group to a cluster role; gives the binding's path."""
        return self._bind(role, {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group})

    def bind_user(self, role: str, user: str) -> str:
        return self._bind(role, {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user})

    def _bind(self, role: str, subject: dict) -> str:
        name = f"story-{uuid.uuid4().hex[:8]}"
        self.ask("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
            "metadata": {"name": name}, "subjects": [subject],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}})
        return f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{name}"

    def signed(self, user: str) -> Door:
        """A certificate of the cluster's own signer for this user, by way of its API for signing requests."""
        key = ec.generate_private_key(ec.SECP256R1())
        request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user)]))
        pem = request.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        path = f"/apis/certificates.k8s.io/v1/certificatesigningrequests/{user}"
        made = self.ask("POST", path.rsplit("/", 1)[0], {"metadata": {"name": user}, "spec": {
            "request": base64.b64encode(pem).decode(), "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"]}})
        made["status"]["conditions"] = [{"type": "Approved", "status": "True", "reason": "Story", "message": "a story needs it"}]
        self.ask("PUT", f"{path}/approval", made)
        signed = until("the certificate is signed", lambda: self.ask("GET", path)["status"].get("certificate"), seconds=20)
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        files = []
        for data in (base64.b64decode(signed), private):
            with tempfile.NamedTemporaryFile("wb", suffix=".pem", delete=False) as file:
                file.write(data)
            files.append(file.name)
        return Door(self.door.address, self.door.verify, (files[0], files[1]))

    def service_account(self, name: str, role: str = "view") -> str:
        """A service account of `default` with a cluster role; gives a token for it."""
        accounts = "/api/v1/namespaces/default/serviceaccounts"
        self.ask("POST", accounts, {"metadata": {"name": name}})
        self._bind(role, {"kind": "ServiceAccount", "name": name, "namespace": "default"})
        made = self.ask("POST", f"{accounts}/{name}/token", {"spec": {"expirationSeconds": 7200}})
        return made["status"]["token"]
