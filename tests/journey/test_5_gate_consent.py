"""Consent by the unmodified Azure CLI: what an administrator grants is granted, listed, used and taken back."""

import pytest

GRAPH = "00000003-0000-0000-c000-000000000000"
GROUP_READ_ALL = "5f8c59db-677d-491f-a6b8-5f174b11ec1d"


@pytest.fixture(scope="module")
def app(admin):
    made = admin.az_json("ad", "app", "create", "--display-name", "gate-consent", "--is-fallback-public-client", "true",
                         "--public-client-redirect-uris", "http://localhost")
    admin.az("ad", "sp", "create", "--id", made["appId"])
    yield made["appId"]
    admin.az("ad", "app", "delete", "--id", made["appId"])


def test_s_304_az_ad_app_permission_adds_grants_lists_and_deletes(admin, app):
    admin.az("ad", "app", "permission", "add", "--id", app, "--api", GRAPH, "--api-permissions", f"{GROUP_READ_ALL}=Scope")
    listed = admin.az_json("ad", "app", "permission", "list", "--id", app)
    assert [one["resourceAppId"] for one in listed] == [GRAPH]
    granted = admin.az_json("ad", "app", "permission", "grant", "--id", app, "--api", GRAPH, "--scope", "Group.Read.All")
    assert granted["consentType"] == "AllPrincipals" and granted["scope"] == "Group.Read.All"
    grants = admin.az_json("ad", "app", "permission", "list-grants", "--id", app)
    assert [one["id"] for one in grants] == [granted["id"]]
    named = admin.az_json("ad", "app", "permission", "list-grants", "--id", app, "--show-resource-name")
    assert named[0]["resourceDisplayName"] == "Microsoft Graph"


def test_s_304_az_admin_consent_refuses_this_cloud_by_itself(admin, app):
    refused = admin.az("ad", "app", "permission", "admin-consent", "--id", app, check=False)
    assert refused.code != 0
