"""The demo as a newcomer meets it: one command, no network, an end that says what to try next."""

import json
import os
import stat
import subprocess

import pytest

from support.paths import ENTRANCE
from support.running import Result, run
from support.server import Server, plain_env, shell_exports
from support.telling import told

NAMES = """ENTRANCE_URL ENTRANCE_CA TENANT TENANT_DOMAIN SUBSCRIPTION RESOURCE_GROUP CLUSTER ADMIN_UPN ADMIN_PASSWORD USER_UPN
USER_PASSWORD OTHER_UPN OTHER_PASSWORD LOCK_UPN LOCK_PASSWORD ADMIN_GROUP_ID SP_APP_ID SP_SECRET SP_CERT SP_FIC_TOKEN API_APP
API_SECRET OIDC_CLIENT_ID OIDC_CLIENT_SECRET OIDC_REDIRECT_URI POST_LOGOUT_URI""".split()


def test_the_story_is_told_without_any_network(tmp_path):
    """In a network namespace whose only interface is loopback, the whole journey still ends well."""
    server = Server(tmp_path)
    alone = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*alone, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let us make a network namespace")
    story = 'ip link set lo up; [ -z "$(ip route)" ] || { echo "there is a route" >&2; exit 9; }; exec "$@"'
    told_ = run(
        *alone, "bash", "-c", story, "story", ENTRANCE, "demo", *server.places(), "--once",
        env=plain_env(tmp_path), timeout=240, check=False,
    )
    assert told_.code == 0, str(told_)
    told("`entrance demo --once` without a network", f"{told_.seconds:.1f} s")
    _leaves_nothing(server)
    assert "\x1b[" not in told_.out + told_.err, "colour belongs on a terminal only"
    words = told_.out + told_.err
    for line in ("az ", "kubectl "):
        assert line in words, f"the story shows no `{line}` line:\n{words}"


SEED = """
displayName: Fabrikam
domain: fabrikam.example
people:
  - { upn: root, plays: administrator }
  - { upn: dev@fabrikam.example, id: 11111111-1111-4111-8111-111111111111, password: a-password-of-dev, plays: member }
  - { upn: guest, displayName: A guest, plays: outsider }
  - { upn: locked, plays: lockedOut }
groups:
  - { name: admins, id: 22222222-2222-4222-8222-222222222222, clusterAdmins: true, members: [team] }
  - { name: team, members: [dev] }
"""


def test_the_story_of_other_people_can_be_read_by_programs(tmp_path):
    """`--seed` brings people and groups with fixed ids; `--json` tells the story to programs."""
    server = Server(tmp_path)
    seed = tmp_path / "seed.yaml"
    seed.write_text(SEED)
    words = [*server.places(), "--once", "--json", "--seed", seed]
    done = run(ENTRANCE, "demo", *words, env=plain_env(tmp_path), timeout=240, check=False)
    assert done.code == 0, str(done)
    steps = [json.loads(line) for line in done.out.splitlines() if line.strip()]
    assert [step["ok"] for step in steps] == [True] * len(steps) and len(steps) >= 10, done.out
    assert any("dev@fabrikam.example" in step.get("what", "") for step in steps)
    exports = shell_exports((server.data / "demo.env").read_text())
    assert exports["ADMIN_GROUP_ID"] == "22222222-2222-4222-8222-222222222222"
    assert (exports["USER_UPN"], exports["USER_PASSWORD"]) == ("dev@fabrikam.example", "a-password-of-dev")
    _leaves_nothing(server)
    # The tenant is there now; other people would come too late.
    again = run(ENTRANCE, "demo", *words, env=plain_env(tmp_path), timeout=60, check=False)
    assert again.code == 1 and "holds a demo already" in again.err, str(again)


def test_a_seed_with_a_mistake_names_it(tmp_path):
    seed = tmp_path / "seed.yaml"
    for mistake, names in {SEED.replace("[dev]", "[nobody]"): "nobody", SEED.replace("plays: member", "play: member"): "play"}.items():
        seed.write_text(mistake)
        done = run(
            ENTRANCE, "demo", *Server(tmp_path / "d").places(), "--once", "--seed", seed, env=plain_env(tmp_path), timeout=60, check=False
        )
        assert done.code == 1 and f"`{names}`" in done.err, str(done)


def test_demo_env_names_everything_and_is_private(server):
    path = server.data / "demo.env"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    exports = shell_exports(path.read_text())
    assert [name for name in NAMES if not exports.get(name)] == []


def test_the_certificate_and_the_federated_token_are_files_that_fit(server, homes):
    """The demo's service principal can sign in three ways."""
    from support.people import Person

    env = server.env
    for name, options in {
        "by-certificate": ["--certificate", env["SP_CERT"]],
        "by-federation": ["--federated-token", _text(env["SP_FIC_TOKEN"])],
    }.items():
        program = Person(server, homes / name, name).register_cloud()
        program.az("login", "--service-principal", "-u", env["SP_APP_ID"], *options, "--tenant", env["TENANT"], "--allow-no-subscriptions")


def test_a_data_directory_that_others_can_read_is_refused(tmp_path):
    server = Server(tmp_path)
    server.data.mkdir(mode=0o755)
    os.chmod(server.data, 0o755)
    refused: Result = run(ENTRANCE, "serve", *server.places(), env=plain_env(tmp_path), timeout=30, check=False)
    assert refused.code in (1, 2)
    assert "error" in refused.err.lower() and str(server.data) in refused.err


def test_the_demo_stays_on_loopback(tmp_path):
    server = Server(tmp_path)
    places = server.places()
    places[places.index("--listen") + 1] = f"0.0.0.0:{server.port}"
    refused = run(ENTRANCE, "demo", *places, "--once", env=plain_env(tmp_path), timeout=30, check=False)
    assert refused.code in (1, 2), str(refused)
    assert "loopback" in refused.err


def _leaves_nothing(server: Server) -> None:
    from support.running import until

    until("nothing of the demo runs any more", lambda: not server.control_planes(), seconds=15)


def _text(path: str) -> str:
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    return path
