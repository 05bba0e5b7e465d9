"""People and programs: each has a home, an `az`, a kubeconfig and a token cache of their own."""

import json
import re
import shutil
import sys
from pathlib import Path

import yaml

from .pages import Browser, approve_device
from .paths import AZ, HELM, KUBECTL, KUBELOGIN, STOCK_KUBELOGIN
from .running import Result, Running, run
from .server import Server, plain_env

PLUGINS = {"ours": KUBELOGIN, "stock": STOCK_KUBELOGIN, "none": None}


class Person:
    """Somebody at a terminal."""

    def __init__(self, server: Server, home: Path, name: str, upn: str = "", password: str = "", plugin: str = "ours"):
        self.server, self.home, self.name, self.upn, self.password = server, home, name, upn, password
        self.count = 0
        self.kubeconfig = home / "kubeconfig"
        self.azure = home / "azure"
        self.env = plain_env(home) | server.shell() | {
            "AZURE_CONFIG_DIR": str(self.azure),
            "KUBECONFIG": str(self.kubeconfig),
            "KUBECACHEDIR": str(home / "kubelogin-cache"),
            # Ours does not ask where nobody looks; here a program looks.
            "KUBELOGIN_FORCE_PROMPT": "1",
            "XDG_CACHE_HOME": str(home / "cache"),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
            "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",
            "AZURE_CORE_NO_COLOR": "true",
        }
        self.use(plugin)

    @classmethod
    def newly_hired(cls, office, homes: Path, name: str) -> "Person":
        """Somebody new in the directory, signed in to `az` by device code."""
        hired = office.hire(name)
        person = cls(office.server, homes / name, name, hired.upn, hired.password)
        person.oid = hired.oid
        person.login_by_device_code("--allow-no-subscriptions")
        return person

    def use(self, plugin: str) -> "Person":
        """Chooses the kubelogin on this person's PATH."""
        bin_ = self.home / f"bin-{plugin}"
        bin_.mkdir(parents=True, exist_ok=True)
        for name, program in {"az": AZ, "kubectl": KUBECTL, "helm": HELM, "kubelogin": PLUGINS[plugin]}.items():
            if program and not (bin_ / name).exists():
                (bin_ / name).symlink_to(program)
        self.env["PATH"] = f"{bin_}:/usr/bin:/bin"
        return self

    def az(self, *words, check=True, **more) -> Result:
        return run(self._bin("az"), *words, env=self.env, check=check, **more)

    def az_json(self, *words, **more):
        out = self.az(*words, "-o", "json", **more).out
        return json.loads(out) if out.strip() else None

    def kubectl(self, *words, check=True, kubeconfig=None, **more) -> Result:
        where = ["--kubeconfig", kubeconfig] if kubeconfig else []
        return run(self._bin("kubectl"), *where, *words, env=self.env, check=check, **more)

    def kubelogin(self, *words, check=True, **more) -> Result:
        return run(self._bin("kubelogin"), *words, env=self.env, check=check, **more)

    def start(self, *words, env=None) -> Running:
        """Starts a program of this person in the background."""
        self.count += 1
        log = self.home / "logs" / f"{self.count}-{words[0]}"
        return Running(self._bin(words[0]), *words[1:], env=self.env | (env or {}), log=log, cwd=self.home)

    def _bin(self, name: str) -> str:
        path = Path(self.env["PATH"].split(":")[0]) / name
        assert path.exists(), f"{self.name} has no `{name}`"
        return str(path)

    # --- signing in ---

    def register_cloud(self) -> "Person":
        """Once per home: what a person types from the documentation. Later homes copy the result."""
        ready = self.server.home / "azure-registered"
        if not ready.exists():
            self.az("cloud", "register", "-n", "entrance", "--endpoint-resource-manager", f"{self.server.url}/")
            self.az("cloud", "set", "-n", "entrance")
            shutil.copytree(self.azure, ready)
        elif not self.azure.exists():
            shutil.copytree(ready, self.azure)
        return self

    def approve(self, running: Running, decision="approve") -> Running:
        """Reads the device code off a running program and answers the pages as this person."""
        found = running.says(DEVICE_CODE)
        page = approve_device(Browser(self.server.env["ENTRANCE_CA"]), found[1], found[2], self.upn, self.password, decision)
        wanted = {"approve": "approved", "deny": "denied"}[decision]
        got = page.marks.get("device-done", {}).get("data-result")
        assert got == wanted, f"the last page ({page.status}, {page.url}) says {got}:\n{page.html[:2000]}"
        return running

    def login_by_device_code(self, *options: str) -> Result:
        self.register_cloud()
        login = self.start("az", "login", "--use-device-code", "--tenant", self.server.env["TENANT"], "-o", "json", *options)
        return self.approve(login).end()

    def login_by_browser(self, *options: str) -> Result:
        self.register_cloud()
        script = Path(__file__).with_name("browse.py")
        browser = {
            "BROWSER": f"{sys.executable} {script} %s &",
            "JOURNEY_UPN": self.upn, "JOURNEY_PASSWORD": self.password, "JOURNEY_CA": self.server.env["ENTRANCE_CA"],
        }
        return self.start("az", "login", "--tenant", self.server.env["TENANT"], "-o", "json", *options, env=browser).end()

    def login_as_service_principal(self, app: str, secret: str, *options: str) -> Result:
        self.register_cloud()
        return self.az(
            "login", "--service-principal", "-u", app, "-p", secret, "--tenant", self.server.env["TENANT"], "-o", "json", *options
        )

    # --- clusters ---

    def get_credentials(self, group: str, cluster: str, *options: str, check=True) -> Result:
        return self.az("aks", "get-credentials", "-g", group, "-n", cluster, *options, check=check)

    def config(self, path: Path | None = None) -> dict:
        """A kubeconfig of this person as data."""
        return yaml.safe_load((path or self.kubeconfig).read_text())


DEVICE_CODE = r"open the page (https://\S+) and enter the code (\S+) to authenticate"


def forbidden(result: Result, who: str) -> bool:
    """Whether the API server refused this person by name."""
    return result.code != 0 and re.search(rf'\(Forbidden\).*User "{re.escape(who)}"', result.err, re.I) is not None
