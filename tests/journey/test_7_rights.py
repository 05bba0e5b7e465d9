"""Rights on the management plane, with the stock `az`: custom roles, conditions, inheritance, and what each lets somebody do."""

import json

import pytest

from support.people import Person
from support.telling import told

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
DELEGATION = (
    "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR "
    "(@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {" + READER + "}))"
)


class Rights:
    """A resource group of its own, somebody new, and a group they are in."""

    def __init__(self, server, admin: Person, platform):
        self.server, self.admin, self.platform = server, admin, platform
        self.subscription = "/subscriptions/" + server.env["SUBSCRIPTION"]
        self.group = f"{self.subscription}/resourceGroups/rights"
        admin.az("group", "create", "-n", "rights", "-l", "local", "-o", "none")
        self.rita, self.oid = platform.hire("rita")
        self.team = admin.az_json("ad", "group", "create", "--display-name", "rights-team", "--mail-nickname", "rightsteam")["id"]
        admin.az("ad", "group", "member", "add", "-g", self.team, "--member-id", self.oid)
        # A role for a cluster that is not there lets her see the subscription, and nothing in it.
        elsewhere = f"{self.group}/providers/Microsoft.ContainerService/managedClusters/elsewhere"
        self.give("Azure Kubernetes Service Cluster Monitoring User", self.oid, "User", elsewhere)
        self.rita.login_by_device_code()

    def give(self, role: str, oid: str, kind: str, scope: str, *more: str) -> dict:
        return self.admin.az_json(
            "role", "assignment", "create", "--role", role, "--assignee-object-id", oid, "--assignee-principal-type", kind,
            "--scope", scope, *more,
        )

    def assignments(self, *words: str) -> list[dict]:
        return self.admin.az_json("role", "assignment", "list", *words)


@pytest.fixture(scope="module")
def rights(server, admin, platform) -> Rights:
    return Rights(server, admin, platform)


def test_a_custom_role_from_a_file_opens_the_cluster_and_no_more(rights, tmp_path):
    """`az role definition create|list|update|delete`, and the person who holds nothing else."""
    admin, rita, platform = rights.admin, rights.rita, rights.platform
    stranger = rita.get_credentials(platform.group, platform.cluster, check=False)
    assert stranger.code != 0 and "AuthorizationFailed" in stranger.err, str(stranger)
    file = tmp_path / "opener.json"
    role = {
        "Name": "Journey Cluster Opener", "IsCustom": True, "Description": "Fetches the file people sign in with",
        "Actions": [
            "Microsoft.ContainerService/managedClusters/read",
            "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action",
        ],
        "NotActions": [], "DataActions": [], "NotDataActions": [], "AssignableScopes": [rights.subscription],
    }
    file.write_text(json.dumps(role))
    made = admin.az_json("role", "definition", "create", "--role-definition", str(file))
    assert made["roleName"] == role["Name"] and made["roleType"] == "CustomRole"
    again = admin.az("role", "definition", "create", "--role-definition", str(file), check=False)
    assert "RoleDefinitionWithSameNameExists" in again.err, str(again)
    listed = admin.az_json("role", "definition", "list", "--custom-role-only", "--name", role["Name"])
    assert [one["id"] for one in listed] == [made["id"]]

    given = rights.give(role["Name"], rights.oid, "User", platform.id)
    assert given["roleDefinitionId"] == made["id"]
    rita.get_credentials(platform.group, platform.cluster)
    admins = rita.get_credentials(platform.group, platform.cluster, "--admin", check=False)
    assert admins.code != 0 and "listClusterAdminCredential/action" in admins.err, str(admins)

    role |= {"Description": "Fetches two files", "Id": made["id"], "RoleName": role["Name"]}
    role["Actions"] = role["Actions"] + ["Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action"]
    file.write_text(json.dumps(role))
    changed = admin.az_json("role", "definition", "update", "--role-definition", str(file))
    assert changed["name"] == made["name"] and changed["description"] == "Fetches two files"
    rita.get_credentials(platform.group, platform.cluster, "--admin", "--overwrite-existing")

    held = admin.az("role", "definition", "delete", "--name", role["Name"], check=False)
    assert "RoleDefinitionHasAssignments" in held.err, str(held)
    admin.az("role", "assignment", "delete", "--ids", given["id"])
    admin.az("role", "definition", "delete", "--name", role["Name"])
    assert admin.az_json("role", "definition", "list", "--custom-role-only", "--name", role["Name"]) == []


def test_a_role_for_a_group_at_a_resource_group_reaches_what_is_in_it(rights):
    """Made twice and there once; listed where it is, where it is inherited, and through the group."""
    first = rights.give("Reader", rights.team, "Group", rights.group)
    assert rights.give("Reader", rights.team, "Group", rights.group)["id"] == first["id"]
    below = f"{rights.group}/providers/Microsoft.ContainerService/managedClusters/none"
    assert first["id"] not in [one["id"] for one in rights.assignments("--scope", below)]
    assert first["id"] in [one["id"] for one in rights.assignments("--scope", below, "--include-inherited")]
    hers = ("--scope", below, "--include-inherited", "--assignee", rights.oid)
    assert rights.assignments(*hers) == []
    assert [one["id"] for one in rights.assignments(*hers, "--include-groups")] == [first["id"]]
    assert rights.rita.az_json("group", "show", "-n", "rights")["name"] == "rights"
    write = rights.rita.az("group", "update", "-n", "rights", "--tags", "a=b", check=False)
    assert "AuthorizationFailed" in write.err, str(write)
    rights.admin.az("role", "assignment", "delete", "--assignee", rights.team, "--role", "Reader", "--scope", rights.group)
    assert "AuthorizationFailed" in rights.rita.az("group", "show", "-n", "rights", check=False).err


def test_a_delegate_gives_only_the_role_that_the_condition_names(rights):
    role = "Role Based Access Control Administrator"
    given = rights.give(
        role, rights.oid, "User", rights.group, "--condition", DELEGATION, "--condition-version", "2.0",
        "--description", "lets people read",
    )
    assert given["condition"] == DELEGATION and given["description"] == "lets people read"
    give = ("role", "assignment", "create", "--assignee-object-id", rights.team, "--assignee-principal-type", "Group", "--scope", rights.group)
    owner = rights.rita.az(*give, "--role", "Owner", check=False)
    assert owner.code != 0 and "the condition on role" in owner.err, str(owner)
    assert rights.rita.az_json(*give, "--role", "Reader")["principalId"] == rights.team

    given["description"] = "changed"
    changed = rights.admin.az_json("role", "assignment", "update", "--role-assignment", json.dumps(given))
    assert (changed["description"], changed["condition"]) == ("changed", DELEGATION)
    broken = rights.admin.az(
        "role", "assignment", "create", "--assignee-object-id", rights.team, "--assignee-principal-type", "Group", "--role", "Contributor",
        "--scope", rights.group, "--condition", "Exists @Request[a] AND Exists @Request[b] OR Exists @Request[c]", "--condition-version", "2.0",
        check=False,
    )
    assert "InvalidConditionFormat" in broken.err and "brackets" in broken.err, str(broken)
    told("a delegate of role assignments", "gives the one role in the condition and no other")
