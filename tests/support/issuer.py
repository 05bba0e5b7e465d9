"""An issuer of pipeline tokens, as GitHub is one: discovery and keys over TLS, with a certificate of its own."""

import base64
import datetime
import ipaddress
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


def _number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()


class Issuer:
    """Serves on loopback until it is closed."""

    def __init__(self, folder: Path):
        self.key = rsa.generate_private_key(65537, 2048)
        self.ca = folder / "issuer-ca.pem"
        pem = folder / "issuer.pem"
        self._certificate(pem)
        self.asked = 0
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = outer.answer(self.path)
                text = json.dumps(body or {}).encode()
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()

    def answer(self, path: str):
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/.well-known/jwks"}
        if path == "/.well-known/jwks":
            self.asked += 1
            public = self.key.public_key().public_numbers()
            return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k1", "n": _number(public.n), "e": _number(public.e)}]}
        return None

    def token(self, repository: str, branch: str = "main", **more) -> str:
        """What a job of this repository gets from its runner."""
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": "api://AzureADTokenExchange", "sub": f"repo:{repository}:ref:refs/heads/{branch}",
            "repository": repository, "ref": f"refs/heads/{branch}", "iat": now, "nbf": now - 5, "exp": now + 300,
            "job_workflow_ref": f"{repository}/.github/workflows/deploy.yml@refs/heads/{branch}", "jti": str(now),
        }
        return jwt.encode(claims | more, self.key, algorithm="RS256", headers={"kid": "k1"})

    def _certificate(self, pem: Path):
        key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pipelines")])
        now = datetime.datetime.now(datetime.UTC)
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        certificate = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1)).add_extension(names, critical=False).sign(key, hashes.SHA256())
        )
        text = certificate.public_bytes(serialization.Encoding.PEM)
        self.ca.write_bytes(text)
        pem.touch(mode=0o600)
        pem.write_bytes(text + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ))
