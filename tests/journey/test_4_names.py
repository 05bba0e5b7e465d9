"""A name that entered a cluster, as the administrator meets it: `az` and `entrance` say the same about who may have it."""

import pytest

from support.office import Office
from support.paths import ENTRANCE
from support.rows import Scene
from support.running import run, until


@pytest.fixture(scope="module")
def scene(server) -> Scene:
    return Scene.build(Office(server), "names")


def entrance(admin, *words, check=True):
    where = ["--server", admin.server.url, "--ca", admin.server.env["ENTRANCE_CA"]]
    return run(ENTRANCE, "user", "release-name", *words, *where, env=admin.env, check=check)


def test_a_recycled_name_is_refused_until_the_administrator_saw_what_it_would_inherit(scene, admin):
    office = scene.office
    nora = office.hire("nora")
    scene.kube.bind_user("view", nora.upn)
    line = scene.door.with_token(office.token(nora))
    until("she enters by name", lambda: line.knock("/api/v1/namespaces/default").status_code == 200, seconds=20)
    assert entrance(admin, nora.upn, "--show").out.count("gives ClusterRole/view") == 1

    office.graph("DELETE", f"/users/{nora.oid}")
    create = ["ad", "user", "create", "--display-name", "Nora", "--user-principal-name", nora.upn, "--password", nora.password]
    refused = admin.az(*create, check=False)
    assert refused.code != 0 and f"entrance user release-name {nora.upn}" in refused.err, str(refused)

    assert "--reason" in entrance(admin, nora.upn, check=False).err, "a reason is asked for"
    asked = entrance(admin, nora.upn, "--reason", "she is back", check=False)
    assert asked.code == 1 and "--yes" in asked.err, str(asked)
    shown = entrance(admin, nora.upn, "--reason", "she is back", "--yes").out
    assert f"held for  {nora.oid}" in shown and "clusterrolebindings" in shown and shown.rstrip().endswith("released"), shown
    again = admin.az_json(*create)
    assert again["id"] != nora.oid
    gone = entrance(admin, nora.upn, "--show", check=False)
    assert gone.code == 1, "nobody entered under it since"
