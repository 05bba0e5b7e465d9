"""One server for the whole session, people with homes of their own, and a summary with the numbers."""

import os
import time
from pathlib import Path

import pytest

from support.cluster import Platform
from support.guests import Guests
from support.paths import PROGRAMS
from support.people import Person
from support.server import Server
from support.telling import FACTS, told

SINCE = time.monotonic()


def pytest_sessionstart(session):
    missing = [f"{path} (made by {script})" for path, script in PROGRAMS.items() if not path.exists()]
    if missing and not session.config.option.collectonly:
        pytest.exit("not built yet: " + ", ".join(missing), returncode=4)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """`entrance demo`, its story told to the end, left running."""
    since = time.monotonic()
    server = Server(tmp_path_factory.mktemp("entrance"))
    # For the stories of clusters that are upgraded.
    server.more_options = ["--enable-legacy-create"]
    server.start("demo")
    told("`entrance demo` from its start to the end of its story", f"{time.monotonic() - since:.1f} s")
    yield server
    server.kill_everything()


@pytest.fixture(scope="session")
def homes(tmp_path_factory):
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(scope="session")
def admin(server, homes) -> Person:
    """The demo's administrator, signed in to `az` by device code."""
    person = Person(server, homes / "admin", "admin", server.env["ADMIN_UPN"], server.env["ADMIN_PASSWORD"])
    person.login_by_device_code()
    return person


@pytest.fixture(scope="session")
def ci(server, homes) -> Person:
    """The demo's service principal, signed in with its secret."""
    person = Person(server, homes / "ci", "ci")
    person.login_as_service_principal(server.env["SP_APP_ID"], server.env["SP_SECRET"], "--allow-no-subscriptions")
    return person


@pytest.fixture(scope="session")
def platform(server, homes, admin) -> Platform:
    """A nested group, a member, an outsider, and a cluster that the outer group administers; all made through `az`."""
    return Platform.build(server, homes, admin)


@pytest.fixture(scope="session")
def guests(server) -> Guests:
    """People and applications for the stories about other people's clients."""
    return Guests(server)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter):
    if FACTS:
        terminalreporter.section("measured")
        width = max(len(what) for what, _ in FACTS)
        for what, value in FACTS:
            terminalreporter.write_line(f"{what:<{width}}  {value}")
    stages = os.environ.get("ENTRANCE_STAGES")
    if stages and Path(stages).exists():
        terminalreporter.section("where the time went")
        rows = [line.split("\t") for line in Path(stages).read_text().splitlines()]
        rows.append(["the journey", str(round(time.monotonic() - SINCE))])
        rows.append(["all", str(sum(int(seconds) for _, seconds in rows))])
        for name, seconds in rows:
            terminalreporter.write_line(f"{name:<28}{int(seconds) // 60:>4} min {int(seconds) % 60:>2} s")
