"""A token service on loopback that knows no one and gives everybody a token; it remembers what it was asked."""

import datetime
import http.server
import json
import ssl
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class SmallAuthority:
    """Listens as long as the process lives; its own certificate is the file `ca`."""

    def __init__(self, folder: Path):
        self.ca, key = self._certificate(folder)
        self.asked: list[str] = []
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        self.host = f"https://localhost:{server.server_address[1]}/"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def _handler(self):
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                tenant = f"{service.host}{self.path.split('/')[1]}"
                endpoint = f"{tenant}/oauth2/v2.0"
                self.answer({"authorization_endpoint": f"{endpoint}/authorize", "token_endpoint": f"{endpoint}/token", "issuer": f"{tenant}/v2.0"})

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.answer({"token_type": "Bearer", "access_token": "t" * 1500, "expires_in": 86_000})

            def answer(self, body: dict):
                service.asked.append(self.path)
                data = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        return Handler

    @staticmethod
    def _certificate(folder: Path) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.datetime.now(datetime.timezone.utc)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(key, hashes.SHA256())
        )
        ca, secret = folder / "authority.pem", folder / "authority.key"
        ca.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return ca, secret
