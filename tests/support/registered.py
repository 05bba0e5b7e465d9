"""Applications as their owners register them, each with every way to prove itself that it may have."""

import base64
import datetime
import hashlib
import uuid
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from .office import Office


@dataclass(frozen=True)
class Certificate:
    """A private key of an application with the certificate that it registered."""

    key: str
    pem: str
    der: bytes

    @classmethod
    def make(cls, name: str) -> "Certificate":
        key, now = rsa.generate_private_key(65537, 2048), datetime.datetime.now(datetime.UTC)
        who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = (
            x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=30)).sign(key, hashes.SHA256())
        )
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return cls(private.decode(), made.public_bytes(serialization.Encoding.PEM).decode(), made.public_bytes(serialization.Encoding.DER))

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.der).hexdigest()

    @property
    def sha1(self) -> str:
        return hashlib.sha1(self.der).hexdigest().upper()

    @property
    def kid(self) -> str:
        """The thumbprint as `x5t#S256` spells it."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.der).digest()).decode().rstrip("=")


@dataclass
class Registration:
    """An application, its service principal, and what it keeps to itself."""

    id: str
    app: str
    principal: str
    secret: str = ""
    certificate: Certificate | None = None
    redirect: str = ""
    more: dict = field(default_factory=dict)

    @property
    def uri(self) -> str:
        return f"api://{self.app}"


def register(office: Office, name: str, *, secret=False, certificate=False, scope="", version=2, public=False, federated=None, **body) -> Registration:
    """Registers an application through Graph, as `az ad app create` does; `scope` makes it an API."""
    body = {"displayName": name, "isFallbackPublicClient": public, **body}
    body["api"] = {"requestedAccessTokenVersion": version}
    made = office.graph("POST", "/applications", body)
    it = Registration(made["id"], made["appId"], office.graph("POST", "/servicePrincipals", {"appId": made["appId"]})["id"])
    changes = {"identifierUris": [it.uri]}
    if scope:
        changes["api"] = {"requestedAccessTokenVersion": version, "oauth2PermissionScopes": [{
            "id": str(uuid.uuid4()), "value": scope, "type": "User", "isEnabled": True,
            "adminConsentDisplayName": f"Use {name}", "adminConsentDescription": f"Use {name} as the person",
            "userConsentDisplayName": f"Use {name}", "userConsentDescription": f"Use {name} as you",
        }]}
    if certificate:
        it.certificate = Certificate.make(name)
        changes["keyCredentials"] = [{
            "type": "AsymmetricX509Cert", "usage": "Verify", "displayName": name, "key": base64.b64encode(it.certificate.der).decode(),
        }]
    office.graph("PATCH", f"/applications/{it.id}", changes)
    if secret:
        it.secret = office.graph("POST", f"/applications/{it.id}/addPassword", {"passwordCredential": {"displayName": "it"}})["secretText"]
    if federated:
        office.graph("POST", f"/applications/{it.id}/federatedIdentityCredentials", {"name": "workload", **federated})
    return it


def consent_for_all(office: Office, client: Registration, resource: str, scope: str) -> None:
    """An administrator's consent for everybody: this client may use that resource with this scope."""
    found = office.graph("GET", f"/servicePrincipals?$filter=appId eq '{resource}'")["value"]
    office.graph("POST", "/oauth2PermissionGrants", {
        "clientId": client.principal, "consentType": "AllPrincipals", "resourceId": found[0]["id"], "scope": scope,
    })
