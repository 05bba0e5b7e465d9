"""The routes that strangers can reach, wire by wire: method, path, and what a caller may send.

Names in braces are filled in by the test: `{tenant}`, `{subscription}`, `{group}`, `{cluster}`, `{id}`, `{foreign}`.
"""

CLUSTER = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/{cluster}"

# What the original does not have, below a cluster and below Graph.
ARM_OF_OURS = [
    ("GET", CLUSTER + "/breakGlassDoors"),
    ("POST", CLUSTER + "/breakGlassDoors"),
    ("GET", CLUSTER + "/breakGlassDoors/{id}"),
    ("POST", CLUSTER + "/breakGlassDoors/{id}/approve"),
    ("POST", CLUSTER + "/breakGlassDoors/{id}/close"),
    ("POST", CLUSTER + "/breakGlassDoors/{id}/credential"),
    ("GET", CLUSTER + "/sealedDoor"),
    ("POST", CLUSTER + "/sealedDoor/export"),
    ("POST", CLUSTER + "/sealedDoor/renew"),
    ("POST", CLUSTER + "/sealedDoor/drill"),
    ("POST", CLUSTER + "/explain"),
]

GRAPH_OF_OURS = [
    ("GET", "/v1.0/entrance/revocations"),
    ("POST", "/v1.0/entrance/revocations"),
    ("GET", "/v1.0/entrance/sessions"),
    ("GET", "/v1.0/entrance/audit"),
    ("GET", "/v1.0/entrance/audit/head"),
    ("GET", "/v1.0/entrance/audit/newest"),
    ("GET", "/v1.0/entrance/audit/credentials"),
    ("GET", "/v1.0/entrance/heldNames"),
    ("GET", "/v1.0/entrance/heldNames/{id}"),
    ("POST", "/v1.0/entrance/heldNames/{id}/release"),
    ("POST", "/v1.0/users/{id}/revokeSignInSessions"),
    ("POST", "/v1.0/users/{id}/invalidateAllRefreshTokens"),
]

# Done to oneself, so the stories that go on afterwards only try them without a token.
GRAPH_OF_ONESELF = [
    ("POST", "/v1.0/me/revokeSignInSessions"),
    ("POST", "/v1.0/me/invalidateAllRefreshTokens"),
]

ARM = [
    *ARM_OF_OURS,
    ("GET", "/tenants"),
    ("GET", "/subscriptions"),
    ("GET", "/subscriptions/{subscription}"),
    ("GET", "/subscriptions/{subscription}/locations"),
    ("GET", "/subscriptions/{subscription}/providers/Microsoft.ContainerService"),
    ("POST", "/subscriptions/{subscription}/providers/Microsoft.ContainerService/register"),
    ("GET", "/subscriptions/{subscription}/resourcegroups"),
    ("GET", "/subscriptions/{subscription}/resourcegroups/{group}"),
    ("PUT", "/subscriptions/{subscription}/resourcegroups/new-group"),
    ("DELETE", "/subscriptions/{subscription}/resourcegroups/no-group"),
    ("GET", "/subscriptions/{subscription}/providers/Microsoft.ContainerService/managedClusters"),
    ("GET", "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters"),
    ("GET", "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/{cluster}"),
    ("PUT", "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/bad"),
    ("DELETE", "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/no"),
    ("POST", "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/{cluster}/listClusterUserCredential"),
    ("POST", "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/{cluster}/listClusterAdminCredential"),
    ("GET", "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions"),
    ("GET", "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments"),
    ("PUT", "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments/{id}"),
    ("DELETE", "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments/{id}"),
]

GRAPH = [
    *GRAPH_OF_OURS,
    ("GET", "/v1.0/me"),
    ("GET", "/v1.0/users"),
    ("POST", "/v1.0/users"),
    ("GET", "/v1.0/users/{id}"),
    ("PATCH", "/v1.0/users/{id}"),
    ("DELETE", "/v1.0/users/{id}"),
    ("POST", "/v1.0/users/{id}/getMemberGroups"),
    ("GET", "/v1.0/groups"),
    ("POST", "/v1.0/groups"),
    ("GET", "/v1.0/groups/{id}"),
    ("PATCH", "/v1.0/groups/{id}"),
    ("DELETE", "/v1.0/groups/{id}"),
    ("GET", "/v1.0/groups/{id}/members"),
    ("POST", "/v1.0/groups/{id}/members/$ref"),
    ("DELETE", "/v1.0/groups/{id}/members/{id}/$ref"),
    ("POST", "/v1.0/groups/{id}/getMemberGroups"),
    ("POST", "/v1.0/directoryObjects/{id}/checkMemberGroups"),
    ("POST", "/v1.0/directoryObjects/getByIds"),
    ("GET", "/v1.0/applications"),
    ("POST", "/v1.0/applications"),
    ("GET", "/v1.0/applications/{id}"),
    ("POST", "/v1.0/applications/{id}/addPassword"),
    ("GET", "/v1.0/servicePrincipals"),
    ("POST", "/v1.0/servicePrincipals"),
    ("GET", "/v1.0/servicePrincipals/{id}"),
]

TOKEN = [
    ("POST", "/{tenant}/oauth2/v2.0/token"),
    ("POST", "/{tenant}/oauth2/v2.0/devicecode"),
    ("POST", "/{tenant}/oauth2/v2.0/revoke"),
    ("POST", "/organizations/oauth2/v2.0/token"),
    ("POST", "/common/oauth2/v2.0/devicecode"),
]

DISCOVERY = [
    ("GET", "/{tenant}/v2.0/.well-known/openid-configuration"),
    ("GET", "/{tenant}/discovery/v2.0/keys"),
    ("GET", "/common/discovery/instance"),
]

PAGES = [
    ("GET", "/{tenant}/oauth2/v2.0/authorize"),
    ("GET", "/signin"),
    ("POST", "/signin"),
    ("POST", "/devicelogin"),
    ("GET", "/devicelogin/confirm"),
    ("POST", "/devicelogin/confirm"),
    ("GET", "/no-such-page"),
]
