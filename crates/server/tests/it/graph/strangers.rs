//! Every route is tried by nobody and by people without rights: they change nothing and learn nothing.

use entrance_model::well_known;
use entrance_testkit::Entrance;
use serde_json::{Value, json};

use super::Caller;

/// Every route with its methods; `{user}`, `{group}`, `{app}` and `{sp}` stand for objects that exist.
const ROUTES: &[(&str, &str)] = &[
    ("/me", "GET PATCH"),
    ("/me/ownedObjects", "GET"),
    ("/me/revokeSignInSessions", "POST"),
    ("/me/getMemberGroups", "POST"),
    ("/me/memberOf", "GET"),
    ("/users", "GET POST"),
    ("/users/$count", "GET"),
    ("/users/{user}", "GET PATCH DELETE"),
    ("/users/{user}/revokeSignInSessions", "POST"),
    ("/users/{user}/authentication/methods", "GET"),
    ("/users/{user}/authentication/fido2Methods", "GET"),
    ("/users/{user}/getMemberGroups", "POST"),
    ("/users/{user}/checkMemberGroups", "POST"),
    ("/users/{user}/memberOf", "GET"),
    ("/users/{user}/ownedObjects", "GET"),
    ("/groups", "GET POST"),
    ("/groups/$count", "GET"),
    ("/groups/{group}", "GET PATCH DELETE"),
    ("/groups/{group}/members", "GET"),
    ("/groups/{group}/members/$ref", "GET POST"),
    ("/groups/{group}/members/{user}", "DELETE"),
    ("/groups/{group}/members/{user}/$ref", "DELETE"),
    ("/groups/{group}/transitiveMembers", "GET"),
    ("/groups/{group}/owners", "GET"),
    ("/groups/{group}/owners/$ref", "GET POST"),
    ("/groups/{group}/owners/{user}/$ref", "DELETE"),
    ("/groups/{group}/getMemberGroups", "POST"),
    ("/applications", "GET POST"),
    ("/applications/{app}", "GET PATCH DELETE"),
    ("/applications/{app}/addPassword", "POST"),
    ("/applications/{app}/removePassword", "POST"),
    ("/applications/{app}/federatedIdentityCredentials", "GET POST"),
    ("/applications/{app}/federatedIdentityCredentials/x", "GET PATCH DELETE"),
    ("/applications/{app}/owners/$ref", "GET POST"),
    ("/servicePrincipals", "GET POST"),
    ("/servicePrincipals/{sp}", "GET PATCH DELETE"),
    ("/servicePrincipals/{sp}/addPassword", "POST"),
    ("/servicePrincipals/{sp}/removePassword", "POST"),
    ("/servicePrincipals/{sp}/owners/$ref", "GET POST"),
    ("/organization", "GET"),
    ("/domains", "GET"),
    ("/directoryObjects/getByIds", "POST"),
    ("/directoryObjects/{user}", "GET DELETE"),
    ("/directoryObjects/{user}/checkMemberGroups", "POST"),
    ("/nonsense", "GET POST"),
];

async fn paths(world: &Entrance) -> Vec<(&'static str, String)> {
    let admin = Caller::admin(world).await;
    let (user, group) = (world.user("target").await, world.group("target").await);
    let app = admin.post(world, "/v1.0/applications", json!({"displayName": "target"})).await;
    let sp = admin.post(world, "/v1.0/servicePrincipals", json!({"appId": app.text("appId")})).await.text("id");
    let fill = |path: &str| {
        path.replace("{user}", &user.id.to_string())
            .replace("{group}", &group.id.to_string())
            .replace("{app}", &app.text("id"))
            .replace("{sp}", &sp)
    };
    let all = ROUTES.iter().flat_map(|(path, methods)| methods.split(' ').map(move |method| (method, *path)));
    all.map(|(method, path)| (method, format!("/v1.0{}", fill(path)))).collect()
}

#[tokio::test]
async fn g_003_nobody_gets_in_anywhere() {
    let world = Entrance::start().await;
    for (method, path) in paths(&world).await {
        let request = world.client.request(method.parse().expect("a method"), world.url(&path)).body("{");
        let answer = Entrance::answer(request.send().await.expect("answers")).await;
        assert_eq!(answer.outcome(), "401 InvalidAuthenticationToken: Access token is empty.", "{method} {path}");
    }
}

#[tokio::test]
async fn g_004_a_member_changes_nothing() {
    let world = Entrance::start().await;
    let all = paths(&world).await;
    let member = Caller::member(&world, "member").await;
    for (method, path) in all {
        let is_read = method == "GET" || path.ends_with("Groups") || path.ends_with("getByIds");
        let is_own = path.starts_with("/v1.0/me");
        let refused_anyway =
            path.ends_with("/nonsense") || (method == "DELETE" && path.contains("/members/") && !path.ends_with("$ref"));
        if is_read || is_own || refused_anyway {
            continue;
        }
        let answer = world.graph(&member.token, method, &path, plausible(&path)).await;
        assert_eq!(answer.status, 403, "{method} {path}: {}", answer.outcome());
    }
}

/// A body that would be fine, so that only the right is missing.
fn plausible(path: &str) -> Value {
    match path {
        _ if path.ends_with("/users") => json!({
            "accountEnabled": true, "displayName": "x", "mailNickname": "x", "userPrincipalName": "x@contoso.example",
            "passwordProfile": {"password": "tree lamp 42"}
        }),
        _ if path.ends_with("/groups") => super::new_group("x"),
        _ if path.ends_with("/applications") => json!({"displayName": "x"}),
        _ if path.ends_with("/servicePrincipals") => json!({"appId": well_known::AKS_SERVER}),
        _ if path.ends_with("/federatedIdentityCredentials") => {
            json!({"name": "github", "issuer": "https://ci.example", "subject": "x", "audiences": ["x"]})
        }
        _ => json!({}),
    }
}

#[tokio::test]
async fn g_004_a_guest_sees_only_themselves() {
    let world = Entrance::start().await;
    let all = paths(&world).await;
    let mut guest = Caller::member(&world, "guest").await;
    guest.user.other.insert("userType".into(), "Guest".into());
    let mut tx = world.app().store.write().await.expect("writes");
    tx.directory().update_user(world.tenant, &guest.user).await.expect("writes");
    tx.commit().await.expect("commits");
    assert_eq!(guest.get(&world, "/v1.0/me").await.status, 200);
    for (method, path) in all.into_iter().filter(|(_, path)| !path.starts_with("/v1.0/me") && !path.ends_with("/nonsense")) {
        let body = if path.ends_with("Groups") {
            json!({"groupIds": [], "securityEnabledOnly": true})
        } else if path.ends_with("getByIds") {
            json!({"ids": []})
        } else {
            plausible(&path)
        };
        if method == "DELETE" && path.contains("/members/") && !path.ends_with("$ref") {
            continue;
        }
        let body = if method == "GET" { Value::Null } else { body };
        let answer = world.graph(&guest.token, method, &path, body).await;
        assert_eq!(answer.status, 403, "{method} {path}: {}", answer.outcome());
    }
}
