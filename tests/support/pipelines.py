"""What a runner of a pipeline has beside it: an address that hands out the job's own token, under a certificate of its own."""

import datetime
import http.server
import ipaddress
import json
import ssl
import threading
from contextlib import contextmanager

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@contextmanager
def pipeline(answer: dict, person):
    """Runs beside `person`, who trusts it; gives its address and what it was asked: path and `Authorization`."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Authorization")))
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    key, now, name = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "runner")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False).sign(key, hashes.SHA256())
    )
    own, trust = person.home / "runner.pem", person.home / "runner-trust.pem"
    pem = made.public_bytes(serialization.Encoding.PEM)
    own.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()) + pem)
    trust.write_bytes(pem + open(person.server.env["ENTRANCE_CA"], "rb").read())
    person.env["SSL_CERT_FILE"] = str(trust)
    runner = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own)
    runner.socket = context.wrap_socket(runner.socket, server_side=True)
    threading.Thread(target=runner.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{runner.server_port}/token", asked
    runner.shutdown()
