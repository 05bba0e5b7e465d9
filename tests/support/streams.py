"""What stays open: watches, and exec streams to a node that is played here.

The simulated nodes of a control plane run nothing. A node of our own points at a small TLS server that answers `exec` as a kubelet does, with an
echo. The API server in front of it is the real one: it authenticates, authorizes, and copies the stream. (`cryptography` comes with azure-cli.)
"""

import base64
import datetime
import hashlib
import ipaddress
import http.client
import json
import os
import socket
import ssl
import struct
import tempfile
import threading
import time
import uuid
from contextlib import suppress
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .cluster import Door
from .freshness import Line
from .office import Kube

PROTOCOL = "v4.channel.k8s.io"
STDIN, STDOUT = 0, 1


class Watch:
    """A watch of one collection, read in the background."""

    def __init__(self, door: Door, path: str, seconds: int | None = None):
        self.path = f"{path}?watch=true" + (f"&timeoutSeconds={seconds}" if seconds else "")
        self.line, self.names, self.ended = Line(door), [], threading.Event()
        self.since, self.lasted = time.monotonic(), None

    def __enter__(self) -> "Watch":
        line = self.line
        line.connection = http.client.HTTPSConnection(line.host, line.port, timeout=4000, context=line.context)
        line.connection.request("GET", self.path, headers=line.headers)
        self.answer = line.connection.getresponse()
        assert self.answer.status == 200, f"{self.answer.status} {self.answer.read(300)}"
        self.since = time.monotonic()
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *_):
        # The socket, so that the reader wakes up.
        if self.line.connection and self.line.connection.sock:
            with suppress(OSError):
                self.line.connection.sock.shutdown(socket.SHUT_RDWR)

    def _read(self):
        try:
            while line := self.answer.readline():
                event = json.loads(line)
                self.names.append(event.get("object", {}).get("metadata", {}).get("name"))
        except (OSError, ValueError):
            pass
        self.lasted = time.monotonic() - self.since
        self.ended.set()

    def sees(self, name: str, seconds=5.0) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end and name not in self.names:
            time.sleep(0.05)
        return name in self.names

    @staticmethod
    def begins(door: Door, path: str) -> int:
        """How the API server answers the beginning of a watch."""
        line = Line(door, keep=False)
        separator = "&" if "?" in path else "?"
        try:
            return line.ask(f"{path}{separator}timeoutSeconds=1" if "timeoutSeconds" not in path else path, timeout=70)
        finally:
            line.close()


class Standin:
    """A node whose kubelet is this class, with one pod."""

    def __init__(self, kube: Kube):
        self.kube, self.name = kube, f"stand-in-{uuid.uuid4().hex[:6]}"
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(_certificate())
            file.flush()
            self.context.load_cert_chain(file.name)

    def __enter__(self) -> str:
        """Gives the pod's path."""
        threading.Thread(target=self._serve, daemon=True).start()
        port = self.listener.getsockname()[1]
        self.kube.ask("POST", "/api/v1/nodes", {"metadata": {"name": self.name}, "status": {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}], "daemonEndpoints": {"kubeletEndpoint": {"Port": port}}}})
        pods = "/api/v1/namespaces/default/pods"
        self.kube.ask("POST", pods, {"metadata": {"name": self.name}, "spec": {
            "nodeName": self.name, "automountServiceAccountToken": False, "containers": [{"name": "it", "image": "none"}]}})
        return f"{pods}/{self.name}"

    def __exit__(self, *_):
        self.listener.close()
        for path in (f"/api/v1/namespaces/default/pods/{self.name}?gracePeriodSeconds=0", f"/api/v1/nodes/{self.name}"):
            with suppress(OSError):  # the API server may be away; the cluster ends with the story
                self.kube.ask("DELETE", path, check=False)

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    def _echo(self, plain: socket.socket):
        try:
            stream = self.context.wrap_socket(plain, server_side=True)
            asked = _head(stream)
            key = next(line.split(":", 1)[1].strip() for line in asked.split("\r\n") if line.lower().startswith("sec-websocket-key:"))
            accept = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
            stream.sendall((
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n"
            ).encode())
            while (message := _read_frame(stream)) is not None:
                if message[:1] == bytes([STDIN]):
                    stream.sendall(_frame(bytes([STDOUT]) + message[1:], masked=False))
        except (OSError, StopIteration):
            pass
        finally:
            plain.close()


class exec_stream:  # noqa: N801: reads as a verb where it is used
    """`kubectl exec -i` over a WebSocket: opened at once, refused with the status the API server gave."""

    def __init__(self, door: Door, pod: str):
        at = urlsplit(door.address)
        line = Line(door)
        self.stream = line.context.wrap_socket(socket.create_connection((at.hostname, at.port), 20), server_hostname=at.hostname)
        headers = {
            "Host": at.netloc, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(), "Sec-WebSocket-Protocol": PROTOCOL, **line.headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.stream.sendall(f"GET {pod}/exec?stdin=true&stdout=true&command=cat HTTP/1.1\r\n{lines}\r\n".encode())
        status = _head(self.stream).split(" ", 2)[1]
        if status != "101":
            self.stream.close()
            raise ConnectionRefusedError(f"the API server answered {status}")

    def __enter__(self) -> "exec_stream":
        return self

    def __exit__(self, *_):
        self.stream.close()

    def echo(self, words: bytes) -> bytes:
        """Sends a few words to `cat` and reads what comes back."""
        self.stream.settimeout(10)
        self.stream.sendall(_frame(bytes([STDIN]) + words, masked=True))
        while (message := _read_frame(self.stream)) is not None:
            if message[:1] == bytes([STDOUT]) and len(message) > 1:
                return message[1:]
        raise ConnectionResetError("the stream ended")


# --- the little of WebSocket that is needed: whole short frames ---


def _frame(message: bytes, masked: bool) -> bytes:
    assert len(message) < 126
    mask = os.urandom(4) if masked else b""
    body = bytes(byte ^ mask[index % 4] for index, byte in enumerate(message)) if masked else message
    return struct.pack("!BB", 0x82, len(message) | (0x80 if masked else 0)) + mask + body


def _read_frame(stream: socket.socket) -> bytes | None:
    first, second = _exactly(stream, 2)
    if first & 0x0F == 0x8:
        return None
    mask = _exactly(stream, 4) if second & 0x80 else b""
    body = _exactly(stream, second & 0x7F)
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(body)) if mask else body


def _exactly(stream: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        more = stream.recv(size - len(got))
        if not more:
            raise ConnectionResetError("the stream ended")
        got += more
    return got


def _head(stream: socket.socket) -> str:
    got = b""
    while not got.endswith(b"\r\n\r\n"):
        got += _exactly(stream, 1)
    return got.decode()


def _certificate() -> bytes:
    """A certificate that nobody has to trust: without `--kubelet-certificate-authority` the API server does not look."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(hours=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + made.public_bytes(serialization.Encoding.PEM)
