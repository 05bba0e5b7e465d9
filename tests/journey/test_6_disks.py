"""kubelogin in a home where nothing can be written: what can be answered is answered, and nothing that was there is lost."""

import json

import pytest

from support.disks import Disk, must_mount, read_only_place
from support.paths import KUBELOGIN
from support.running import run
from support.server import plain_env
from support.small_authority import SmallAuthority

CLIENT = "c0ffee00-1111-4222-8333-0123456789ab"
KUBECONFIG = """\
apiVersion: v1
kind: Config
users:
- name: somebody # of ours
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: kubelogin
      args: [get-token, --login, devicecode, --server-id, 6dae42f8-4368-4678-94ff-3960e28e3630, --client-id, {client}, --tenant-id, {client}]
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return SmallAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def home(tmp_path, authority):
    """A home with a kubeconfig; gives how a program in it is started."""
    must_mount()
    home = tmp_path / "home"
    (home / ".kube").mkdir(parents=True)
    (home / ".kube" / "config").write_text(KUBECONFIG.format(client=CLIENT))
    return home


@pytest.fixture
def env(home, authority):
    return plain_env(home) | {"SSL_CERT_FILE": str(authority.ca)}


@pytest.fixture
def full(home, env, tmp_path):
    disk = Disk(home, 2, env, tmp_path / "logs" / "disk")
    yield disk
    disk.end()


def get_token(authority, resource="https://graph.microsoft.com"):
    return [
        KUBELOGIN, "get-token", "--login", "spn", "--server-id", resource, "--client-id", CLIENT, "--client-secret", "s",
        "--tenant-id", CLIENT, "--authority-host", authority.host, "--disable-instance-discovery",
    ]


CONVERT = [KUBELOGIN, "convert-kubeconfig", "-l", "azurecli"]


def token(result) -> str:
    assert result.code == 0, str(result)
    return json.loads(result.out)["status"]["token"]


def kept(folder):
    """Every file of a home with its bytes, but for what fills the disk and the locks of the cache, which stay."""
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != "filler" and file.suffix != ".lock")
    return {file.relative_to(folder): file.read_bytes() for file in files}


def test_a_token_is_given_on_a_full_disk_and_that_it_was_not_kept_is_said(full, env, authority):
    full.fill()
    before = kept(full.at)
    got = run(*full.enter, *get_token(authority), env=env, check=False)
    assert token(got)
    assert "No space left on device" in got.err and len(got.err.strip().splitlines()) <= 3, got.err
    assert kept(full.at) == before, "half an entry is worse than none"
    full.empty()
    quiet = run(*full.enter, *get_token(authority), env=env)
    assert token(quiet) and quiet.err == ""
    authority.asked.clear()
    assert token(run(*full.enter, *get_token(authority), env=env)) and not authority.asked, "it is kept now"


def test_a_token_that_was_kept_is_answered_on_a_full_disk(full, env, authority):
    first = token(run(*full.enter, *get_token(authority), env=env))
    full.fill()
    authority.asked.clear()
    again = run(*full.enter, *get_token(authority), env=env, check=False)
    assert token(again) == first and not authority.asked, str(again)


def test_a_conversion_on_a_full_disk_leaves_the_kubeconfig_as_it_was(full, env):
    full.fill()
    before = kept(full.at)
    refused = run(*full.enter, *CONVERT, env=env, check=False)
    assert refused.code == 1 and "No space left on device" in refused.err and ".kube/config" in refused.err, str(refused)
    assert kept(full.at) == before
    full.empty()
    run(*full.enter, *CONVERT, env=env)
    after = kept(full.at)
    assert b"azurecli" in after[next(iter(before))] and after.keys() == before.keys()


def test_a_kubeconfig_that_is_mounted_from_a_full_disk_keeps_its_text(full, home, env, tmp_path):
    """It cannot be replaced by another file, as in containers, so it is written over: the room beside it is no help."""
    inside, mounted = home / ".kube" / "config", tmp_path / "config"
    # Every longer text needs another page.
    text = KUBECONFIG.format(client=CLIENT)
    old = text + "#" * (4096 - len(text) - 1) + "\n"
    (full.at / ".kube" / "config").write_text(old)
    mounted.touch()
    run(*full.enter, "mount", "--bind", inside, mounted, env=env)
    longer = [KUBELOGIN, "convert-kubeconfig", "-l", "spn", "--client-secret", "s" * 400, "--kubeconfig", mounted]
    full.fill()
    refused = run(*full.enter, *longer, env=env, check=False)
    assert refused.code == 1 and "No space left on device" in refused.err and str(mounted) in refused.err, str(refused)
    assert (full.at / ".kube" / "config").read_text() == old
    full.empty()
    run(*full.enter, *longer, env=env)
    assert "s" * 400 in (full.at / ".kube" / "config").read_text()


def test_a_home_that_takes_no_writes_gives_tokens_and_refuses_changes(home, env, authority):
    before = kept(home)
    got = read_only_place(home, *get_token(authority), env=env)
    assert token(got)
    assert "Read-only file system" in got.err and len(got.err.strip().splitlines()) <= 3, got.err
    refused = read_only_place(home, *CONVERT, env=env)
    assert refused.code == 1 and "Read-only file system" in refused.err and ".kube/config" in refused.err, str(refused)
    assert kept(home) == before


def test_whoever_cannot_be_forgotten_is_told_so(home, env, authority):
    token(run(*get_token(authority), env=env))
    before = kept(home)
    for words in (["logout", "--all"], ["remove-cache-dir"]):
        said = read_only_place(home, KUBELOGIN, *words, env=env)
        assert said.code == 1 and "Read-only file system" in said.err, str(said)
    assert kept(home) == before
