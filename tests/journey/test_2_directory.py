"""People, groups and applications, as `az ad` manages them."""

import pytest


def test_membership_is_transitive(admin, platform):
    check = admin.az_json("ad", "group", "member", "check", "-g", platform.outer, "--member-id", platform.member_oid)
    assert check["value"] is True
    check = admin.az_json("ad", "group", "member", "check", "-g", platform.outer, "--member-id", platform.outsider_oid)
    assert check["value"] is False


def test_direct_members_only_are_listed(admin, platform):
    members = admin.az_json("ad", "group", "member", "list", "-g", "journey-platform")
    assert [member["id"] for member in members] == [platform.inner]
    assert members[0]["@odata.type"] == "#microsoft.graph.group"


def test_a_group_knows_the_groups_around_it(admin, platform):
    assert admin.az_json("ad", "group", "get-member-groups", "-g", "journey-on-call") == [platform.outer]


def test_a_member_is_added_only_once(admin, platform):
    again = admin.az("ad", "group", "member", "add", "-g", platform.inner, "--member-id", platform.member_oid, check=False)
    assert again.code == 1
    assert "added object references already exist" in again.err


def test_groups_come_and_go(admin):
    made = admin.az_json("ad", "group", "create", "--display-name", "short-lived", "--mail-nickname", "short")
    assert admin.az_json("ad", "group", "show", "-g", "short-lived")["id"] == made["id"]
    assert made["id"] in [group["id"] for group in admin.az_json("ad", "group", "list")]
    admin.az("ad", "group", "delete", "-g", made["id"])
    assert admin.az("ad", "group", "show", "-g", made["id"], check=False).code == 3


def test_people_come_and_go(server, admin):
    upn = f"temp@{server.env['TENANT_DOMAIN']}"
    made = admin.az_json("ad", "user", "create", "--display-name", "Temp", "--user-principal-name", upn, "--password", "Aa1!journey-Temp")
    assert admin.az_json("ad", "user", "show", "--id", upn)["id"] == made["id"]
    admin.az("ad", "user", "delete", "--id", made["id"])
    assert admin.az("ad", "user", "show", "--id", upn, check=False).code == 3
    assert made["id"] not in [user["id"] for user in admin.az_json("ad", "user", "list")]


def test_the_signed_in_person_is_who_signed_in(server, admin):
    assert admin.az_json("ad", "signed-in-user", "show")["userPrincipalName"] == server.env["ADMIN_UPN"]


def test_a_person_without_rights_makes_no_group(platform):
    if not (platform.outsider.azure / "azureProfile.json").exists():
        platform.outsider.login_by_device_code()
    refused = platform.outsider.az("ad", "group", "create", "--display-name", "x", "--mail-nickname", "x", check=False)
    assert refused.code == 1
    assert "Insufficient privileges" in refused.err


@pytest.mark.parametrize("name", ["Azure Kubernetes Service AAD Server", "Azure Kubernetes Service AAD Client"])
def test_the_cluster_applications_exist_without_anyone_making_them(admin, name):
    assert [one["displayName"] for one in admin.az_json("ad", "sp", "list", "--filter", f"displayName eq '{name}'")] == [name]
