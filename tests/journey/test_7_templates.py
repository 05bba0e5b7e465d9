"""Templates with the real `az`: what is wrong is told first, what is right is made, and `kill -9` does not stop it."""

import json
import time

import pytest

from support.paths import ROOT
from support.running import until
from support.telling import told

EXAMPLE = ROOT / "docs/examples/cluster-for-a-group.json"
GROUP = "rg-templates"
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


@pytest.fixture(scope="module")
def group(admin):
    admin.az("group", "create", "-n", GROUP, "-l", "local", "-o", "none")
    return GROUP


def write(admin, name: str, **parts) -> str:
    file = admin.home / f"{name}.json"
    file.write_text(json.dumps({"$schema": SCHEMA, "contentVersion": "1.0.0.0", **parts}, indent=2))
    return str(file)


def readers(principal: str, count: int) -> dict:
    """Role assignments are made at once, so they stand for resources of any kind."""
    return {
        "type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01",
        "name": f"[guid(resourceGroup().id, '{principal}', string(copyIndex()))]",
        "copy": {"name": "readers", "count": count},
        "properties": {
            "roleDefinitionId": f"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{READER}')]",
            "principalId": principal, "principalType": "Group",
        },
    }


def deploy(admin, command: str, name: str, file: str, *more: str, **options):
    return admin.az("deployment", "group", command, "-g", GROUP, "-n", name, "--template-file", file, "--no-prompt", "true", *more, **options)


def test_the_examples_cluster_is_made_and_its_group_enters(admin, platform, group):
    since = time.monotonic()
    parameters = ["--parameters", "clusterName=templated", f"adminGroupObjectIDs=['{platform.outer}']", f"userGroupObjectIDs=['{platform.outer}']"]
    made = deploy(admin, "create", "first", str(EXAMPLE), *parameters, "-o", "json")
    told("`az deployment group create` of a cluster", f"{time.monotonic() - since:.1f} s")
    properties = json.loads(made.out)["properties"]
    assert properties["provisioningState"] == "Succeeded"
    assert "templated-" in properties["outputs"]["controlPlaneFQDN"]["value"]
    shown = admin.az_json("aks", "show", "-g", group, "-n", "templated")
    assert shown["aadProfile"]["adminGroupObjectIDs"] == [platform.outer]
    assert properties["outputs"]["clusterId"]["value"] == shown["id"]

    member = platform.member
    member.login_by_device_code()
    member.get_credentials(group, "templated")
    assert " Ready " in member.kubectl("--context", "templated", "get", "nodes", "--no-headers").out

    what = deploy(admin, "what-if", "second", str(EXAMPLE), *parameters, "nodeCount=2", "--no-pretty-print", "-o", "json")
    kinds = {change["resourceId"].rsplit("/", 2)[-2]: change["changeType"] for change in json.loads(what.out)["changes"]}
    assert kinds == {"managedClusters": "Modify", "roleAssignments": "NoChange"}
    pretty = deploy(admin, "what-if", "second", str(EXAMPLE), *parameters, "nodeCount=2").out
    assert "agentPoolProfiles" in pretty


def test_a_mistake_is_told_before_anything_is_made(admin, platform, group):
    bad = write(admin, "bad", resources=[
        readers(platform.outer, 1),
        {"type": "Microsoft.Storage/storageAccounts", "apiVersion": "2023-01-01", "name": "s1", "location": "local", "properties": {}},
    ])
    refused = deploy(admin, "create", "bad", bad, check=False)
    assert refused.code == 1
    assert "InvalidTemplateDeployment" in refused.err and "Microsoft.Storage/storageAccounts" in refused.err
    assert admin.az("deployment", "group", "show", "-g", group, "-n", "bad", check=False).code == 3

    wrong = write(admin, "wrong", resources=[], outputs={"o": {"type": "string", "value": "[nothing()]"}})
    refused = deploy(admin, "validate", "wrong", wrong, check=False)
    assert "There is no function `nothing`" in refused.err and "line '8'" in refused.err, refused.err


def test_a_deployment_goes_on_after_kill_9(server, admin, platform, group):
    file = write(
        admin, "many",
        parameters={"secret": {"type": "secureString"}},
        resources=[readers(platform.outer, 1)] + [
            # Each one asks for the same right under another name, in a nested deployment of its own: long enough to be interrupted.
            {
                "type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "[concat('part', copyIndex())]",
                "copy": {"name": "parts", "count": 40, "mode": "serial"}, "dependsOn": ["readers"],
                "properties": {
                    "mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"},
                    "template": {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": []},
                },
            },
        ],
        outputs={"parts": {"type": "int", "value": 40}},
    )
    deploy(admin, "create", "many", file, "--parameters", "secret=hunter2hunter2", "--no-wait")
    listed = admin.az_json("deployment", "group", "list", "-g", group)
    before = {each["name"]: each["properties"]["provisioningState"] for each in listed}
    server.kill()
    server.serve()
    until(
        "the deployment ends after all",
        lambda: admin.az_json("deployment", "group", "show", "-g", group, "-n", "many")["properties"]["provisioningState"] == "Succeeded",
        seconds=40, every=0.5,
    )
    assert before["many"] in ("Accepted", "Running"), "it ended before it could be interrupted"
    told("parts of a deployment that were there when the server was killed", f"{len(before) - 2} of 40")
    operations = admin.az_json("deployment", "operation", "group", "list", "-g", group, "-n", "many")
    assert [each["properties"]["provisioningState"] for each in operations] == ["Succeeded"] * 41
    shown = admin.az("deployment", "group", "show", "-g", group, "-n", "many").out
    assert "hunter2" not in shown and '"SecureString"' in shown
    assert "secureString" in admin.az("deployment", "group", "export", "-g", group, "-n", "many").out
    admin.az("deployment", "group", "delete", "-g", group, "-n", "many")
    assert admin.az("deployment", "group", "show", "-g", group, "-n", "many", check=False).code == 3


def test_the_group_goes_with_its_deployments(admin, group):
    admin.az("group", "delete", "-n", group, "-y")
    assert admin.az("group", "exists", "-n", group).out.strip() == "false"
