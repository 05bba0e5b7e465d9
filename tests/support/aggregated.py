"""A real aggregated API server beside a cluster: `controlplane metrics`, built on today's Kubernetes libraries."""

import ssl
from pathlib import Path

import yaml

from .cluster import Door
from .freshness import Line
from .office import Kube
from .paths import CONTROLPLANE
from .running import Running, free_port, until
from .server import plain_env

NODES = "/apis/metrics.k8s.io/v1beta1/nodes"
API_SERVICE = "/apis/apiregistration.k8s.io/v1/apiservices"


class Aggregated:
    """Registered at the API server through a service that points here; it asks the API server who somebody is and what they may do."""

    def __init__(self, kube: Kube, home: Path):
        self.kube, self.home, self.port = kube, home, free_port()

    def __enter__(self) -> "Aggregated":
        door = self.kube.door
        file = self.home / "kubeconfig"
        file.write_text(yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": door.address, "certificate-authority": door.verify}}],
            "users": [{"name": "it", "user": {"client-certificate": door.cert[0], "client-key": door.cert[1]}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        }))
        self.running = Running(
            CONTROLPLANE, "metrics", "--kubeconfig", file, "--bind-address", "127.0.0.1", "--secure-port", str(self.port),
            env=plain_env(self.home), cwd=self.home, log=self.home / "log",
        )
        service = {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": self.port}]}
        self.kube.ask("POST", "/api/v1/namespaces/kube-system/services", {"metadata": {"name": "story-metrics"}, "spec": service})
        self.kube.ask("POST", API_SERVICE, {"metadata": {"name": "v1beta1.metrics.k8s.io"}, "spec": {
            "group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100, "insecureSkipTLSVerify": True,
            "service": {"namespace": "kube-system", "name": "story-metrics", "port": self.port}}})
        until("the aggregated API answers", lambda: self._answers(Line(door)), seconds=40, every=0.2)
        return self

    def __exit__(self, *_):
        self.running.kill()
        self.kube.ask("DELETE", f"{API_SERVICE}/v1beta1.metrics.k8s.io", check=False)
        self.kube.ask("DELETE", "/api/v1/namespaces/kube-system/services/story-metrics", check=False)

    def _answers(self, line: Line) -> bool:
        assert self.running.process.poll() is None, str(self.running.result())
        return line.ask(NODES) == 200

    def directly(self, token: str) -> Line:
        """Past the API server: the aggregated server is asked with the person's own token, and asks the API server who that is."""
        line = Line(Door(f"https://127.0.0.1:{self.port}", self.kube.door.verify, None, token))
        # Its certificate is one that it made for itself.
        line.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        line.context.check_hostname, line.context.verify_mode = False, ssl.CERT_NONE
        return line
