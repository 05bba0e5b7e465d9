"""What a call of kubelogin costs: ours, the original and a process that does nothing, in turns and in one run.

First the call that kubectl makes all day, a token from the cache: a token service on loopback gives each program one token and then must not be asked
again. Then `convert-kubeconfig` of large files. Printed, not asserted. Time is wall clock (the middle of many), cost is processor time of the process,
memory is its peak, instructions are counted by valgrind, because many machines do not let programs read the processor's own counters.
"""

import base64
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.paths import STOCK_KUBELOGIN, TARGET  # noqa: E402
from support.small_authority import SmallAuthority  # noqa: E402

OURS = Path(os.environ.get("KUBELOGIN", TARGET / "plugin" / "kubelogin"))
EMPTY = Path("/bin/true")
ROUNDS = int(os.environ.get("ROUNDS", "200"))
SIZES = [int(size) for size in os.environ.get("SIZES", "200 1000 10000").split()]
TENANT = "c0ffee00-1111-4222-8333-0123456789ab"


def main() -> None:
    work = Path(tempfile.mkdtemp(prefix="kubelogin-bench-"))
    try:
        hits(work)
        conversions(work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def hits(work: Path) -> None:
    """A token from the cache."""
    authority = SmallAuthority(work)
    programs = {"ours": OURS, "original": STOCK_KUBELOGIN}
    callers = {name: Caller([program, *words(authority)], home(work, name, authority), lambda: first_call(work)) for name, program in programs.items()}
    for name, caller in callers.items():
        caller.once()
        authority.asked.clear()
        caller.once()
        assert not authority.asked, f"{name} does not answer from its cache on this machine"
    callers["empty process"] = Caller([EMPTY], {})
    found: dict[str, list[Call]] = {name: [] for name in callers}
    for _ in range(ROUNDS):
        for name, caller in callers.items():
            found[name].append(caller.once())
    rows = {name: Row.of(calls, callers[name].peak(), callers[name].instructions()) for name, calls in found.items()}
    print(f"a token from the cache, {ROUNDS} calls each")
    show(rows, base="ours")
    over = (rows["ours"].wall - rows["empty process"].wall) * 1e3
    print(f"ours over an empty process: {over:.2f} ms; size of the program: {OURS.stat().st_size / 1e6:.1f} MB, of the original {STOCK_KUBELOGIN.stat().st_size / 1e6:.1f} MB\n")


def conversions(work: Path) -> None:
    """`convert-kubeconfig` of files with many contexts."""
    rows: dict[str, Row] = {}
    for size in SIZES:
        text = kubeconfig(size)
        for name, program in {"ours": OURS, "original": STOCK_KUBELOGIN}.items():
            if name == "original" and size > 200:
                continue
            file = work / "config"
            caller = Caller([program, "convert-kubeconfig", "-l", "azurecli", "--kubeconfig", file], {"HOME": str(work)}, lambda file=file, text=text: file.write_text(text))
            calls = [caller.once() for _ in range(2 if name == "original" else 15 if size <= 1000 else 5)]
            rows[f"{name}, {size}"] = Row.of(calls, caller.peak(), None)
    print("convert-kubeconfig -l azurecli, contexts in one file")
    show(rows, base=f"ours, {SIZES[0]}")


class Call:
    def __init__(self, wall: float, cost: float):
        self.wall, self.cost = wall, cost


class Caller:
    """A command line that is run again and again."""

    def __init__(self, words, env: dict[str, str], before=lambda: None):
        self.words = [str(word) for word in words]
        self.env = {"PATH": os.environ["PATH"], **env}
        self.before = before

    def once(self) -> Call:
        self.before()
        nowhere = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
        since = time.perf_counter()
        pid = os.posix_spawn(self.words[0], self.words, self.env, file_actions=nowhere)
        _, status, used = os.wait4(pid, 0)
        wall = time.perf_counter() - since
        assert status == 0, (self.words, status)
        return Call(wall, used.ru_utime + used.ru_stime)

    def peak(self) -> float | None:
        """Peak memory in MB, asked of `time`: a child of this script would be counted with the script's own memory."""
        program = shutil.which("time")
        if not program:
            return None
        self.before()
        done = subprocess.run([program, "-f", "%M", *self.words], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
        return int(done.stderr.split()[-1]) / 1024

    def instructions(self) -> int | None:
        program = shutil.which("valgrind")
        if not program:
            return None
        self.before()
        done = subprocess.run([program, "--tool=callgrind", "--callgrind-out-file=/dev/null", *self.words], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        counts = [line.split()[-1] for line in done.stderr.splitlines() if "Collected" in line]
        return int(counts[0]) if counts and done.returncode == 0 else None


class Row:
    def __init__(self, wall: float, cost: float, peak: float | None, instructions: int | None):
        self.wall, self.cost, self.peak, self.instructions = wall, cost, peak, instructions

    @classmethod
    def of(cls, calls: list[Call], peak: float | None, instructions: int | None) -> "Row":
        return cls(statistics.median(call.wall for call in calls), statistics.mean(call.cost for call in calls), peak, instructions)


def show(rows: dict[str, Row], base: str) -> None:
    of = rows[base]
    print(f"{'':<18}{'time':>12}{'ratio':>8}{'cost':>12}{'ratio':>8}{'memory':>11}{'ratio':>8}{'instructions':>16}{'ratio':>8}")
    for name, row in rows.items():
        print(
            f"{name:<18}{row.wall * 1e3:>9.2f} ms{row.wall / of.wall:>8.2f}{row.cost * 1e3:>9.2f} ms{ratio(row.cost, of.cost)}"
            f"{figure(row.peak, '.1f')} MB{ratio(row.peak, of.peak)}{figure(row.instructions, ',d', 16)}{ratio(row.instructions, of.instructions)}"
        )


def figure(value, form: str, width: int = 8) -> str:
    return f"{'–' if value is None else format(value, form):>{width}}"


def ratio(value, base) -> str:
    return f"{'–' if not value or not base else format(value / base, '.2f'):>8}"


def words(authority: SmallAuthority) -> list[str]:
    return [
        *("get-token", "--login", "spn", "--server-id", "6dae42f8-4368-4678-94ff-3960e28e3630", "--client-id", TENANT, "--client-secret", "s"),
        *("--tenant-id", TENANT, "--authority-host", authority.host, "--disable-instance-discovery"),
    ]


def home(work: Path, name: str, authority: SmallAuthority) -> dict[str, str]:
    folder = work / name
    folder.mkdir()
    info = {"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "spec": {"interactive": False}}
    return {"HOME": str(folder), "SSL_CERT_FILE": str(authority.ca), "KUBERNETES_EXEC_INFO": json.dumps(info)}


def first_call(work: Path) -> None:
    """Ours takes a second call of one process for the sign of a refusal; here each call stands for another kubectl."""
    for note in (work / "ours" / ".kube" / "cache" / "kubelogin" / "told").glob("*"):
        note.unlink()


def kubeconfig(size: int) -> str:
    """As `az aks get-credentials` leaves it after many clusters."""
    authority = base64.b64encode(bytes(1560)).decode()
    lines = ["apiVersion: v1", "kind: Config", "preferences: {}", "clusters:"]
    for at in range(size):
        lines += ["- cluster:", f"    certificate-authority-data: {authority}", f"    server: https://c{at}.test:443", f"  name: c{at}"]
    lines.append("contexts:")
    for at in range(size):
        lines += ["- context:", f"    cluster: c{at}", f"    user: clusterUser_rg_c{at}", f"  name: c{at}"]
    lines += ["current-context: c0", "users:"]
    args = ["get-token", "--environment", "AzurePublicCloud", "--server-id", "6dae42f8-4368-4678-94ff-3960e28e3630"]
    args += ["--client-id", "80faf920-1908-4b52-b5ef-a8e7bedfc67a", "--tenant-id", TENANT, "--login", "devicecode"]
    for at in range(size):
        lines += [f"- name: clusterUser_rg_c{at}", "  user:", "    exec:", "      apiVersion: client.authentication.k8s.io/v1beta1", "      args:"]
        lines += [f"      - {word}" for word in args]
        lines += ["      command: kubelogin", "      env: null", "      provideClusterInfo: false"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
