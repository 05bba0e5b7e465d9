"""What hangs on groups and clusters, with the real `az`: tags, locks, lists, the activity log."""

import pytest

GROUP = "rg-things"
KIND = "Microsoft.ContainerService/managedClusters"


@pytest.fixture(scope="module")
def things(admin):
    """A group with a cluster record in it that nobody waits for."""
    admin.az("group", "create", "-n", GROUP, "-l", "local", "--tags", "stage=test", "-o", "none")
    admin.az("aks", "create", "-g", GROUP, "-n", "tagged", "--enable-aad", "--no-ssh-key", "--node-count", "1", "-o", "none")
    return admin.az_json("aks", "show", "-g", GROUP, "-n", "tagged")["id"]


def names(shown: list[dict]) -> list[str]:
    return [one["name"] for one in shown]


def test_tags_are_merged_and_resources_are_found_by_them(admin, things):
    merged = admin.az_json("tag", "update", "--resource-id", things, "--operation", "Merge", "--tags", "team=web", "cost=7")
    assert merged["properties"]["tags"] == {"team": "web", "cost": "7"}
    admin.az("tag", "update", "--resource-id", things, "--operation", "Delete", "--tags", "cost=7", "-o", "none")
    assert admin.az_json("tag", "list", "--resource-id", things)["properties"]["tags"] == {"team": "web"}
    assert "team" in [tag["tagName"] for tag in admin.az_json("tag", "list")]
    assert names(admin.az_json("resource", "list", "--tag", "team=web")) == ["tagged"]
    assert names(admin.az_json("group", "list", "--tag", "stage=test")) == [GROUP]
    found = admin.az_json("resource", "list", "-g", GROUP, "--resource-type", KIND)
    assert names(found) == ["tagged"] and found[0]["provisioningState"] == "Succeeded"
    assert admin.az_json("resource", "show", "--ids", things)["tags"] == {"team": "web"}
    admin.az("tag", "create", "--resource-id", things, "--tags", "only=this", "-o", "none")
    assert admin.az_json("aks", "show", "-g", GROUP, "-n", "tagged")["tags"] == {"only": "this"}
    admin.az("resource", "tag", "--ids", things, "--tags", "by=resource", "-o", "none")
    assert admin.az_json("tag", "list", "--resource-id", things)["properties"]["tags"] == {"by": "resource"}
    admin.az("tag", "delete", "--resource-id", things, "-y", "-o", "none")
    assert admin.az_json("tag", "list", "--resource-id", things)["properties"]["tags"] == {}


def test_a_lock_keeps_a_cluster_and_its_group_until_it_is_removed(admin, things):
    made = admin.az_json("lock", "create", "-n", "keep", "-g", GROUP, "--lock-type", "CanNotDelete", "--notes", "production")
    assert (made["level"], made["notes"]) == ("CanNotDelete", "production")
    for words in (["aks", "delete", "-g", GROUP, "-n", "tagged", "-y"], ["group", "delete", "-n", GROUP, "-y"]):
        refused = admin.az(*words, check=False)
        assert refused.code == 1 and "ScopeLocked" in refused.err and "az lock delete --ids" in refused.err, str(refused)
    assert names(admin.az_json("lock", "list", "-g", GROUP)) == ["keep"]
    assert admin.az_json("lock", "show", "-n", "keep", "-g", GROUP)["id"] == made["id"]
    stone = admin.az_json("lock", "update", "-n", "keep", "-g", GROUP, "--lock-type", "ReadOnly")
    assert stone["level"] == "ReadOnly"
    refused = admin.az("aks", "get-credentials", "-g", GROUP, "-n", "tagged", "-f", "-", check=False)
    assert refused.code == 1 and "ScopeLocked" in refused.err, str(refused)
    admin.az("lock", "delete", "--ids", made["id"])
    assert admin.az_json("lock", "list", "-g", GROUP) == []
    admin.az("aks", "get-credentials", "-g", GROUP, "-n", "tagged", "-f", "-", "-o", "none")


def test_the_activity_log_tells_what_was_done_to_the_group(admin, things):
    events = admin.az_json("monitor", "activity-log", "list", "-g", GROUP, "--offset", "2h")
    done = [(event["operationName"]["value"], event["status"]["value"]) for event in events]
    assert (f"{KIND}/write", "Started") in done and (f"{KIND}/write", "Succeeded") in done
    assert {event["caller"] for event in events} == {admin.upn}
    one = next(event for event in events if event["operationName"]["value"] == f"{KIND}/write")
    pair = admin.az_json("monitor", "activity-log", "list", "--correlation-id", one["correlationId"], "--offset", "2h")
    assert {event["status"]["value"] for event in pair} == {"Started", "Succeeded"}
    assert admin.az_json("monitor", "activity-log", "list", "--resource-id", things, "--caller", "nobody@contoso.example") == []
    locks = admin.az_json("monitor", "activity-log", "list", "-g", GROUP, "--status", "Succeeded", "--max-events", "100")
    assert any(event["operationName"]["value"] == "Microsoft.Authorization/locks/write" for event in locks)


def test_the_actions_that_roles_can_name_are_listed(admin):
    shown = admin.az_json("provider", "operation", "show", "--namespace", "Microsoft.ContainerService")
    operations = {one["name"]: one["isDataAction"] for kind in shown["resourceTypes"] for one in kind["operations"]}
    assert operations[f"{KIND}/listClusterAdminCredential/action"] is False
    assert operations[f"{KIND}/apps/deployments/write"] is True


def test_the_group_goes_with_everything_in_it(admin, things):
    admin.az("group", "delete", "-n", GROUP, "-y")
    assert admin.az("group", "exists", "-n", GROUP).out.strip() == "false"
    assert admin.az_json("resource", "list", "--resource-type", KIND, "--name", "tagged") == []
